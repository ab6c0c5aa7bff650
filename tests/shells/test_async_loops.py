"""Whose loop it is: binding, other loops, other threads, forks, and loops that end around an open pool."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from time import sleep
from typing import Any

import pytest

from respool import AsyncPool, PoolMisuse
from respool._acquiring import _Home
from respool.testing import AsyncScriptedAdapter, never
from tests.shells.loops import collect, opened, run, turns, until, waiters


def python(text: str) -> tuple[int, str]:
    """Run a script in a process of its own; give its exit code and all it printed."""
    done = subprocess.run(
        [sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def in_thread(call: Callable[[], Any]) -> BaseException | None:
    """Make a call in another thread; give what it raised."""
    raised: list[BaseException] = []

    def make() -> None:
        try:
            call()
        except BaseException as exc:
            raised.append(exc)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it hangs"
    return raised[0] if raised else None


def test_a_pool_made_before_the_loop_belongs_to_the_first_that_uses_it() -> None:
    adapter = AsyncScriptedAdapter()
    pool = AsyncPool(adapter, min_size=2)
    pool.resize(max_size=5)
    assert (0, 0) == (adapter.count("create"), pool.stats().in_use)

    async def main() -> None:
        async with pool, pool.acquire() as resource:
            assert resource.number
            await pool.wait_ready(5)
            assert 2 == pool.stats().size

    run(main)
    assert (2, 2) == (adapter.created, adapter.destroyed)


def test_a_pool_made_in_a_loop_opens_what_it_needs_at_once() -> None:
    """Behaviour 61."""

    async def main() -> None:
        async with opened(min_size=2) as pool:
            await until(lambda: pool.stats().idle == 2)

    run(main)


def test_a_second_loop_is_told_whose_the_pool_is() -> None:
    pool = AsyncPool(AsyncScriptedAdapter(), name="orders")
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def use() -> None:
        async with pool.acquire():
            pass

    async def lease() -> None:
        await pool.acquire()

    async def ask() -> None:
        pool.try_acquire()

    async def close() -> bool:
        return await pool.close()

    first.run_until_complete(use())
    for attempt in (use, lease, ask, close):
        with pytest.raises(PoolMisuse, match="'orders' belongs to another event loop"):
            second.run_until_complete(attempt())
    first.run_until_complete(use())
    assert first.run_until_complete(close())
    for loop in (first, second):
        loop.close()


def test_a_pool_whose_loop_is_closed_says_so() -> None:
    pool = AsyncPool(AsyncScriptedAdapter(abilities={"abort"}), name="orders")

    async def use() -> Any:
        async with pool.acquire():
            pass
        return await pool.acquire()

    lease = asyncio.run(use())
    with pytest.raises(PoolMisuse, match="loop that is closed"):
        asyncio.run(use())
    with pytest.raises(PoolMisuse, match="loop that is closed"):
        lease.release()
    with pytest.raises(PoolMisuse, match="loop that is closed"):
        pool.resize(max_size=3)
    assert 1 == pool.stats().in_use
    pool._core.aborted = True  # what is open was never real


def test_a_loop_that_ends_in_a_destroy_is_no_trouble_to_warn_of(caplog: pytest.LogCaptureFixture) -> None:
    adapter = AsyncScriptedAdapter(destroy=never())

    async def main() -> None:
        async with AsyncPool(adapter) as pool, pool.acquire():
            pass

    async def cut_short() -> None:
        task = asyncio.create_task(main())
        await until(lambda: adapter.count("destroy"))
        task.cancel()

    with caplog.at_level(logging.DEBUG, "respool"):
        run(cut_short)
    levels = {r.levelno for r in caplog.records if "resource destroyed" in r.getMessage()}
    assert {logging.DEBUG} == levels


def test_a_thread_without_the_loop_is_told_what_to_do() -> None:
    async def main() -> None:
        async with opened() as pool:
            lease = await pool.acquire()
            loop = asyncio.get_running_loop()
            calls: list[Callable[[], Any]] = [
                pool.try_acquire,
                pool.stats,
                pool.pause,
                lease.release,
                lease.discard,
                lambda: pool.acquire().send(None),
                lambda: pool.resize(max_size=1),
                lambda: asyncio.run(pool.run(turns)),  # type: ignore[arg-type]  # it does not get that far
            ]
            for call in calls:
                raised = await loop.run_in_executor(None, in_thread, call)
                assert isinstance(raised, PoolMisuse), f"{call}: {raised!r}"
            raised = await loop.run_in_executor(None, in_thread, pool.try_acquire)
            assert "asyncio.run_coroutine_threadsafe" in str(raised)
            lease.release()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # coroutines that were refused
        run(main)


@pytest.mark.parametrize("tells", [True, False])
def test_a_loop_that_goes_on_in_another_thread_takes_its_pool_along(tells: bool) -> None:
    """Nothing of the pool's own has run there yet; and not every loop says in which thread it runs."""

    async def elsewhere(call: Callable[[], Any]) -> None:
        with pytest.raises(PoolMisuse, match="belongs to another event loop"):
            await call()

    async def enter() -> None:
        async with pool.acquire():
            raise AssertionError("the pool is of another loop")

    async def release() -> None:
        lease.release()

    async def at_home() -> None:
        async with pool.acquire():
            (await pool.acquire()).release()
        lease.release()

    loop = asyncio.new_event_loop()
    pool = AsyncPool(AsyncScriptedAdapter(), max_size=3)
    lease, other = (loop.run_until_complete(pool.acquire()) for _ in range(2))
    loop.run_until_complete(pool.wait_ready())
    other.release()
    if not tells:
        pool._core.home = _Home(loop)
    moved = threading.Thread(target=loop.run_forever)
    moved.start()
    while not loop.is_running():
        sleep(0.001)
    try:
        for call in (enter, lambda: pool.acquire(), release):
            asyncio.run(elsewhere(call))
        asyncio.run_coroutine_threadsafe(at_home(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        moved.join(20)
    assert loop.run_until_complete(pool.close())
    loop.close()


def test_a_thread_may_use_the_pool_through_its_loop() -> None:
    async def main() -> None:
        async with opened() as pool:
            loop = asyncio.get_running_loop()

            async def work(resource: Any) -> int:
                return int(resource.number)

            def from_a_thread() -> int:
                return asyncio.run_coroutine_threadsafe(pool.run(work), loop).result(20)

            assert 1 == await loop.run_in_executor(None, from_a_thread)

    run(main)


def test_outside_of_any_loop_there_is_nothing_to_lease() -> None:
    pool = AsyncPool(AsyncScriptedAdapter())
    with pytest.raises(PoolMisuse, match=r"no event loop runs here.*asyncio\.run"):
        pool.try_acquire()
    assert 0 == pool.stats().size


def test_a_loop_that_stands_still_may_be_spoken_to() -> None:
    adapter = AsyncScriptedAdapter()
    pool = AsyncPool(adapter)
    loop = asyncio.new_event_loop()

    async def lease() -> Any:
        return await pool.acquire()

    held = loop.run_until_complete(lease())
    held.release()
    pool.resize(max_size=3)
    assert 3 == pool.stats().max_size
    assert loop.run_until_complete(pool.close())
    loop.close()
    assert (1, 1) == (adapter.created, adapter.destroyed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_starts_fresh_on_its_own_loop() -> None:
    code, printed = python(
        """
import asyncio, os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from respool import AsyncPool, PoolMisuse
from respool._acquiring import _Home
from respool.testing import AsyncScriptedAdapter, never

adapter = AsyncScriptedAdapter()
pool = AsyncPool(adapter, max_size=5)

async def child(lease):
    assert (pool.stats().size, pool.stats().max_size) == (0, 3)
    assert pool.try_acquire() is None
    pool.resume()
    lease.release()
    try:
        lease.resource
    except PoolMisuse as exc:
        assert "inherited through fork" in str(exc), exc
    async with pool.acquire() as resource:
        assert resource.number == 3, resource
    assert await pool.close()
    pool._core.engine.check()

async def parent():
    held = await pool.acquire()
    async with pool.acquire():
        pass
    pool.resize(max_size=3)
    pool.pause()
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(child(held))
        except BaseException as exc:
            print("child", repr(exc))
            os._exit(1)
        os._exit(0)
    pool.resume()
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    assert held.resource.number == 1
    held.release()
    assert await pool.close()
    assert adapter.destroyed == adapter.created == 2

asyncio.new_event_loop().run_until_complete(parent())
print("fine")
"""
    )
    assert (0, "fine\n") == (code, printed)


OPEN_POOL = """
import asyncio, socket, warnings
warnings.simplefilter("ignore", ResourceWarning)
from respool import AsyncAdapter, AsyncPool

class Echo(AsyncAdapter):
    async def create(self):
        return await asyncio.open_connection("127.0.0.1", port)
    async def validate(self, pair, /):
        return True
    async def reset(self, pair, /):
        await asyncio.sleep({reset})
    async def destroy(self, pair, /):
        pair[1].close()
        await asyncio.sleep({destroy})
    def abort(self, pair, /):
        pair[1].transport.abort()

# Connections are made though nobody accepts them: a backlog is all the server that this needs.
server = socket.create_server(("127.0.0.1", 0), backlog=16)
port = server.getsockname()[1]

async def main():
    global pool
    pool = AsyncPool(Echo(), min_size=3, max_size=5)
    await pool.wait_ready(10)
    leases = [await pool.acquire() for _ in range(3)]
    leases.pop().release()
    {end}
asyncio.run(main())
{after}
"""


@pytest.mark.parametrize(
    ("call", "end", "after"),
    [
        pytest.param(0, "pass", "", id="kept as a global"),
        pytest.param(60, "pass", "", id="in calls that hang"),
        pytest.param(0, "del globals()['pool'], leases", "", id="dropped"),
        pytest.param(60, "del globals()['pool'], leases", "", id="dropped, in calls that hang"),
        pytest.param(0, "pass", "del pool; import gc; gc.collect()", id="dropped after the loop"),
        pytest.param(0, "asyncio.ensure_future(pool.close())", "", id="closing"),
        pytest.param(60, "asyncio.ensure_future(pool.close())", "", id="closing, in calls that hang"),
        pytest.param(60, "raise SystemExit(0)", "", id="leaving"),
    ],
)
def test_a_loop_that_ends_around_an_open_pool_neither_hangs_nor_prints(
    call: int, end: str, after: str
) -> None:
    """Behaviour 117."""
    text = OPEN_POOL
    for name, value in {"reset": call, "destroy": call, "end": end, "after": after}.items():
        text = text.replace("{" + name + "}", str(value))
    assert (0, "") == python(text)


def test_a_dropped_pool_cleans_up_on_its_loop() -> None:
    """Behaviour 116."""

    async def main() -> None:
        adapter, before = AsyncScriptedAdapter(), asyncio.all_tasks()
        pool = AsyncPool(adapter, max_size=2)
        lease = await pool.acquire()
        async with pool.acquire():
            pass
        del pool
        collect()
        await until(lambda: adapter.destroyed == 1)
        lease.release()
        await until(lambda: adapter.destroyed == 2)
        adapter.check()
        await until(lambda: before == asyncio.all_tasks(), "the end of the tasks")

    run(main)


def test_a_pool_dropped_after_its_loop_is_aborted_with_a_warning() -> None:
    adapter = AsyncScriptedAdapter(abilities={"abort"})

    async def main(pool: AsyncPool[Any]) -> None:
        async with pool.acquire(), pool.acquire():
            pass

    pool = AsyncPool(adapter, name="orders")
    asyncio.run(main(pool))
    assert 0 == adapter.count("abort")
    with pytest.warns(ResourceWarning, match="'orders' was never closed"):
        del pool
    assert 2 == adapter.count("abort")


def test_eager_tasks_lease_as_lazy_ones_do() -> None:
    if sys.version_info < (3, 12):
        pytest.skip("eager tasks came with Python 3.12")

    async def main() -> None:
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with opened(max_size=2) as pool:

            async def work() -> None:
                async with pool.acquire():
                    await asyncio.sleep(0)

            async with asyncio.TaskGroup() as group:
                for _ in range(100):
                    group.create_task(work())
            assert 100 == pool.stats().acquired
            lease = await asyncio.create_task(pool.acquire())
            lease.release()

    run(main)


def test_uvloop_carries_a_pool() -> None:
    if importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    import uvloop

    async def main() -> None:
        async with opened(max_size=2) as pool:
            lease = await pool.acquire()
            other = await pool.acquire()
            pending = asyncio.create_task(pool.acquire(timeout=10))
            await waiters(pool, 1)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(pool.acquire(), 0.01)
            lease.release()
            other.discard()
            (await pending).release()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def test_adapter_calls_see_the_context_of_the_pools_maker() -> None:
    import contextvars

    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
    seen: list[str] = []

    class Noting(AsyncScriptedAdapter):
        async def create(self) -> Any:
            seen.append(request.get())
            return await super().create()

    async def main() -> None:
        request.set("start-up")
        async with opened(Noting()) as pool:
            request.set("a request")
            async with pool.acquire():
                assert "a request" == request.get()

    run(main)
    assert ["start-up"] == seen


def test_importing_respool_does_not_import_asyncio() -> None:
    code, printed = python("import respool, sys; print('asyncio' in sys.modules); respool.AsyncPool")
    assert (0, "False\n") == (code, printed)
