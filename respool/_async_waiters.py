"""What waits in an `AsyncPool`: a task for a resource, or for the pool itself."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from ._engine import Latch, Waiter

__all__ = ["AsyncLatch", "AsyncWaiter", "who_asks"]


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
