"""The price of a lease that has to be waited for, in what repeats exactly: the Python calls it makes.

Times vary, these do not. Most of what the engine knows of load it learns here, and every sum that is done
anew for each caller shows as some calls: there were 120 of them before they were counted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import pytest

import respool
from respool import Adapter, AsyncAdapter, AsyncPool, Pool
from respool._engine import Waiter
from respool._thread_waiters import ThreadWaiter

HOME = str(Path(respool.__file__).parent)
ATTRS = "<attrs generated methods respool."
MOST_CALLS = {"ask": 16, "return": 26}
"""Functions called to put a caller in line, and to hand a resource to the first of it."""
MOST_ASYNC_CALLS = 55
"""Both, and what is around them, for one of many tasks."""
ROUNDS = 5
"""A sweep or a reading of the meter may come at any moment: the cheapest round counts."""


class Nothing(Adapter[object]):
    """An adapter with nothing to do."""

    def create(self) -> object:
        """Make anything."""
        return object()


class AsyncNothing(AsyncAdapter[object]):
    """The same for asyncio."""

    async def create(self) -> object:
        """Make anything."""
        return object()


def calls_of(work: Callable[[], Any]) -> list[str]:
    """List the pool's functions that are called."""
    calls: list[str] = []
    sys.setprofile(_noting(calls))
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def _noting(calls: list[str]) -> Callable[[FrameType, str, Any], None]:
    """Note the calls of the pool's own functions, those that attrs has written for it included."""

    def note(frame: FrameType, event: str, arg: Any) -> None:
        code = frame.f_code
        if event == "call" and (code.co_filename.startswith(HOME) or ATTRS in code.co_filename):
            calls.append(code.co_name)

    return note


class Crowd:
    """A pool of four, all out, with a line before it: the front is served, the end grows."""

    def __init__(self, waiting: int) -> None:
        self.pool = Pool(Nothing(), max_size=4, fairness="strict", timeout=3600)
        self.held = [self.pool.acquire() for _ in range(4)]
        self.line: list[Waiter] = []
        for _ in range(waiting):
            self.ask()

    def ask(self) -> None:
        """Put one more in line, by what `Pool.acquire` does before it sleeps."""
        self.line.append(ThreadWaiter(monotonic(), 3600.0))
        core = self.pool._core
        core.do(core.engine.ask, self.line[-1])

    def release(self) -> None:
        """Return a resource, which goes to the first in line."""
        self.held.pop(0).release()

    def go_on(self) -> None:
        """Let the first take what he was given."""
        first = self.line.pop(0)
        assert first.answered, "he was served"
        self.held.append(first.loan)

    def cheapest(self) -> dict[str, list[str]]:
        """Give the calls of one of each, the fewest there were."""
        asks, returns = [], []
        for _ in range(ROUNDS):
            asks.append(calls_of(self.ask))
            returns.append(calls_of(self.release))
            self.go_on()
        return {"ask": min(asks, key=len), "return": min(returns, key=len)}

    def close(self) -> None:
        """Refuse who still waits."""
        for lease in self.held:
            lease.release()
        self.pool.close()


@pytest.fixture(params=[30, 3000])
def crowd(request: pytest.FixtureRequest) -> Iterator[Crowd]:
    """Give a short line and a long one."""
    made = Crowd(request.param)
    yield made
    made.line.clear()
    made.close()


def test_a_lease_that_is_waited_for_makes_no_more_calls_than_it_did_however_long_the_line(
    crowd: Crowd,
) -> None:
    """Behaviour 26."""
    calls = crowd.cheapest()
    assert len(calls["ask"]) <= MOST_CALLS["ask"], calls["ask"]
    assert len(calls["return"]) <= MOST_CALLS["return"], calls["return"]


def test_a_task_that_waits_makes_no_more_calls_than_it_did() -> None:
    tasks = 200

    async def work(pool: AsyncPool[object]) -> None:
        async with pool.acquire():
            await asyncio.sleep(0)

    async def crowd(pool: AsyncPool[object]) -> None:
        await asyncio.gather(*(work(pool) for _ in range(tasks)))

    async def main() -> int:
        async with AsyncPool(AsyncNothing(), max_size=10) as pool:
            await crowd(pool)
            return min([len(await _calls_within(crowd(pool))) for _ in range(ROUNDS)])

    assert asyncio.run(main()) <= MOST_ASYNC_CALLS * tasks


async def _calls_within(work: Coroutine[Any, Any, Any]) -> list[str]:
    calls: list[str] = []
    sys.setprofile(_noting(calls))
    try:
        await work
    finally:
        sys.setprofile(None)
    return calls
