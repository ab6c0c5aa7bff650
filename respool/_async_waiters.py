"""Waiters of an `AsyncPool`: tasks that wait for a resource, or for the pool itself."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

from ._engine import Latch, Waiter

if TYPE_CHECKING:
    from ._async_core import AsyncCore

__all__ = ["AsyncLatch", "AsyncWaiter", "wait_for", "who_asks"]


def who_asks() -> object:
    """Give what is equal for two calls in one task alone; a task's id goes to the next one when it ends."""
    task = asyncio.current_task()
    return object() if task is None else weakref.ref(task)


class _Sleeper:
    """Sleeps on a future, which the wake-up sets; no timer, for deadlines are the engine's."""

    __slots__ = ()
    signal: Any

    def wake(self) -> None:
        """Wake the task, if it sleeps."""
        if self.signal is not None and not self.signal.done():
            self.signal.set_result(None)

    async def sleep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sleep until woken."""
        self.signal = loop.create_future()
        await self.signal


class AsyncWaiter(_Sleeper, Waiter):
    """A task that waits for a resource."""

    __slots__ = ()


class AsyncLatch(_Sleeper, Latch):
    """A task that waits for the pool itself."""

    __slots__ = ()


async def wait_for(core: AsyncCore, latch: AsyncLatch) -> bool:
    """Sleep until a latch is answered; True when its condition holds."""
    core.check_in()
    loop, latches = core.loop, core.engine.latches
    assert loop is not None, "the caller has checked in"
    try:
        core.do(latches.add, latch)
        while not latch.answered:
            await latch.sleep(loop)
    finally:
        if latch.queued:
            core.do(latches.drop, latch)
    return latch.refusal is None
