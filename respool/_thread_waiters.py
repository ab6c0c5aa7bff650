"""What waits in a `Pool`: a thread for a resource, or for the pool itself."""

from __future__ import annotations

import threading
from sys import is_finalizing
from time import monotonic
from typing import TYPE_CHECKING, Any

from ._engine import Latch, Waiter

if TYPE_CHECKING:
    from ._thread_core import ThreadCore

__all__ = ["LONGEST_NAP", "ThreadLatch", "ThreadWaiter", "look_again", "wait_for"]

LONGEST_NAP = 3600.0
"""``Lock.acquire`` refuses time-outs beyond what the platform's clock type holds."""


class _Sleeper:
    """Sleeps on a lock of its own, which the wake-up releases; not at all while the interpreter ends."""

    __slots__ = ()
    signal: Any

    def wake(self) -> None:
        """Wake the thread; a second call before it has looked does nothing more."""
        try:
            self.signal.release()
        except RuntimeError:
            pass

    def sleep(self, seconds: float) -> None:
        """Sleep until woken, at most so long."""
        self.signal.acquire(timeout=min(max(seconds, 0.0), LONGEST_NAP))


class ThreadWaiter(_Sleeper, Waiter):
    """A thread that waits for a resource."""

    __slots__ = ()

    def __init__(self, now: float, timeout: float | None) -> None:
        super().__init__(now, 0.0 if is_finalizing() else timeout)
        self.signal = threading.Lock()
        self.signal.acquire()


class ThreadLatch(_Sleeper, Latch):
    """A thread that waits for the pool itself."""

    __slots__ = ()

    def __init__(self, now: float, timeout: float | None, what: Any, generation: int = 0) -> None:
        super().__init__(now, 0.0 if is_finalizing() else timeout, what, generation)
        self.signal = threading.Lock()
        self.signal.acquire()


def look_again(core: ThreadCore, waiter: ThreadWaiter) -> None:
    """A waiter has slept: was he woken to come and get something, is his time up?"""
    if waiter.nudged:
        core.do(core.engine.retry, waiter)
    elif not waiter.answered and monotonic() >= waiter.deadline:
        core.do(core.engine.expire, waiter)


def wait_for(core: ThreadCore, latch: ThreadLatch) -> bool:
    """Sleep until a latch is answered; True when its condition holds."""
    latches = core.engine.latches
    try:
        core.do(latches.add, latch)
        while not latch.answered:
            latch.sleep(latch.deadline - monotonic())
            if monotonic() >= latch.deadline:
                core.do(latches.look)
    finally:
        latches.drop(latch)
    return latch.loan is not None
