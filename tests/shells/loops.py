"""What the tests of asyncio's own matters share: a pool that is inspected at the end, a loop that counts."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from respool import AsyncPool
from respool.testing import AsyncScriptedAdapter, Resource

HANG = 20.0
"""Longer than anything here takes, s: a guard against hanging, never a measure of speed."""


def run(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run a test's coroutine under asyncio's debug mode, which finds what is never awaited."""

    async def guarded() -> Any:
        async with asyncio.timeout(HANG * 3):
            return await main()

    return asyncio.run(guarded(), debug=True)


@asynccontextmanager
async def opened(
    adapter: AsyncScriptedAdapter | None = None, **options: Any
) -> AsyncIterator[AsyncPool[Resource]]:
    """Give a pool; at the end close it, and see that nothing was lost and nothing is left running."""
    adapter = adapter if adapter is not None else AsyncScriptedAdapter()
    before = asyncio.all_tasks()
    pool = AsyncPool(adapter, **options)
    yield pool
    pool._core.engine.check()
    adapter.release_all()
    assert await pool.close(HANG), f"close gave up: {pool.stats()}"
    pool._core.engine.check()
    adapter.check()
    assert (0, set()) == (adapter.open, asyncio.all_tasks() - before)
    assert pool._core._alarm is None, "a timer is left"


async def until(condition: Callable[[], Any], what: str = "the condition") -> Any:
    """Give the loop turns until something holds."""
    async with asyncio.timeout(HANG):
        while not (found := condition()):
            await asyncio.sleep(0.001)
    return found


async def waiters(pool: AsyncPool[Any], count: int) -> None:
    """Wait until so many stand in line."""
    await until(lambda: pool.stats().waiting == count, f"{count} waiters")


async def turns(count: int = 5) -> None:
    """Let everything run that is ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def collect() -> None:
    """Collect cycles."""
    for _ in range(3):
        gc.collect()
