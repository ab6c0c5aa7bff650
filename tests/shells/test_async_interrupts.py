"""An exception at every bytecode of an asynchronous acquire and release: nothing is lost."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from respool import AcquireFailed, AsyncAdapter, AsyncPool, PoolEvent, PoolTimeout, Released
from respool._engine import COUNTS
from respool.testing import AsyncScriptedAdapter, Resource
from tests.shells.loops import until
from tests.shells.strikes import strike

HANG = 60.0
"""Longer than anything here takes, s: a guard against hanging."""
BY_ITSELF = 61
"""Every so many strikes nobody helps, so that the pool is seen to recover by itself."""
MOST = 3000
"""More bytecodes than any of these takes."""


def drive(coro: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that has no need to wait; where it waits all the same, give it up there."""
    try:
        coro.send(None)
    except StopIteration:
        return
    coro.close()


class Bare(AsyncAdapter[Any]):
    """The fast lane alone."""

    async def create(self) -> Any:
        return AsyncScriptedAdapter  # anything


async def block(pool: AsyncPool[Any]) -> None:
    async with pool.acquire():
        pass


async def handle(pool: AsyncPool[Any]) -> None:
    (await pool.acquire()).release()


async def discarded(pool: AsyncPool[Any]) -> None:
    (await pool.acquire()).discard()


async def failing(pool: AsyncPool[Any]) -> None:
    try:
        async with pool.acquire(timeout=5):
            raise ValueError
    except ValueError:
        pass


ADAPTERS: dict[str, Callable[[], Any]] = {
    "bare": Bare,
    "local reset": lambda: AsyncScriptedAdapter(reset_is_local=True, log_limit=50),
    "probe, dirty": lambda: AsyncScriptedAdapter(abilities={"probe", "dirty"}, log_limit=50),
}


def rests(pool: AsyncPool[Any], *, helped: bool) -> bool:
    """Tell whether nothing is in use; where that helps, let the next tick come now."""
    core = pool._core
    if helped and core.engine.in_use:
        core.engine.ages.due = 0.0
        core.ring()
    return core.engine.in_use == 0


def in_this_task(_: Any, coro: Coroutine[Any, Any, Any]) -> tuple[bool, Any]:
    """Drive a local reset without leaving the task: a trace can strike where no signal is looked for."""
    try:
        return False, coro.send(None)
    except StopIteration as stop:
        return True, stop.value


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("work", [block, handle, discarded, failing])
@pytest.mark.timeout(180)
def test_a_strike_at_any_bytecode_loses_nothing(
    adapter: str, work: Callable[[AsyncPool[Any]], Coroutine[Any, Any, None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behaviours 28, 33, 103."""
    monkeypatch.setattr("respool._async_calls.Calls._first_step", in_this_task)
    # What strikes a `__del__` is swallowed there; the hook would keep its frames, and with them leases.
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    made = ADAPTERS[adapter]()

    async def main() -> None:
        pool = AsyncPool(made, max_size=1, check_after=0.05)
        async with pool, asyncio.timeout(HANG * 2):
            await block(pool)
            after, struck = 0, True
            while struck and after < MOST:
                recovered = partial(rests, pool, helped=after % BY_ITSELF > 0)
                await until(recovered, f"recovery from strike {after}")
                await block(pool)
                struck = strike(lambda: drive(work(pool)), after)
                after += 1 if adapter == "bare" else 5
            assert 50 < after < MOST
            async with pool.acquire(timeout=HANG):
                pool._core.engine.check()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # leases that are forgotten, requests that are never awaited
        asyncio.run(main())
        gc.collect()  # here and not in a later test
    if isinstance(made, AsyncScriptedAdapter):
        made.check()
        if COUNTS:  # elsewhere what is lost in the middle of a release is written off and replaced
            assert made.created == made.destroyed


class Interrupting:
    """A listener in which Ctrl-C strikes, once, at an event of one kind."""

    def __init__(self, kind: type[PoolEvent]) -> None:
        self._kind: type[PoolEvent] | None = kind

    def __call__(self, event: PoolEvent) -> None:
        if self._kind is not None and isinstance(event, self._kind):
            self._kind = None
            raise KeyboardInterrupt


def test_an_interrupt_in_a_listener_that_the_timer_calls_leaves_the_pool_its_timer() -> None:
    """Behaviours 9 and 33: whoever waits further on still sees his timeout."""

    async def main() -> None:
        heard = Interrupting(AcquireFailed)
        async with AsyncPool(AsyncScriptedAdapter(), max_size=1, on_event=[heard]) as pool, pool.acquire():
            waits = [pool.acquire(timeout=timeout) for timeout in (0.02, 0.04)]
            told = await asyncio.wait_for(asyncio.gather(*waits, return_exceptions=True), HANG)
            assert [PoolTimeout, PoolTimeout] == [type(error) for error in told]

    loop = asyncio.new_event_loop()
    task = loop.create_task(main())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(task)
    loop.run_until_complete(task)  # a program may go on, if only to clean up
    loop.close()


class Waits(AsyncScriptedAdapter):
    """Promises that its reset is local, and waits in the middle of it all the same."""

    async def reset(self, resource: Resource, /) -> None:
        call = self.ledger.begin("reset", resource)
        await asyncio.sleep(0.01)
        self.ledger.end(call)


def test_an_interrupt_as_a_local_reset_is_handed_over_gives_the_slot_back_once() -> None:
    """Behaviour 33."""
    adapter = Waits(reset_is_local=True)

    async def main() -> None:
        async with AsyncPool(adapter, max_size=1, on_event=[Interrupting(Released)]) as pool:
            with pytest.raises(KeyboardInterrupt):
                await block(pool)
            async with pool.acquire() as resource:
                assert (1, 1) == (resource.number, adapter.count("reset"))
                pool._core.engine.check()

    asyncio.run(main())
    adapter.check()
