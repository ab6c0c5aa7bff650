"""Waiters of a `Pool`: threads that wait for a resource, or for the pool itself."""

from __future__ import annotations

import threading
import weakref
from sys import is_finalizing
from time import monotonic
from typing import TYPE_CHECKING, Any

from ._engine import Latch, Waiter

if TYPE_CHECKING:
    from ._thread_core import ThreadCore

__all__ = ["AGAIN", "LONGEST_NAP", "ThreadLatch", "ThreadWaiter", "look_again", "nap", "wait_for", "who_asks"]

LONGEST_NAP = 3600.0
"""Seconds; ``Lock.acquire`` refuses time-outs that the platform's clock type cannot hold."""
AGAIN = 0.2
"""Seconds between attempts to start a thread that the system has refused."""


def who_asks() -> object:
    """Give what is equal for two calls in one thread alone; its id goes to the next one when it ends."""
    return weakref.ref(threading.current_thread())


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
        super().__init__(now, timeout, what, generation)
        self.signal = threading.Lock()
        self.signal.acquire()


def nap(core: ThreadCore, sleeper: ThreadWaiter | ThreadLatch, *, light: bool = False) -> None:
    """Sleep until woken, or until the deadline; where threads were refused, try now and then to start them.

    ``light``: wake up now and then in any case, for threads may be refused meanwhile without our being told.
    """
    left = sleeper.deadline - monotonic()
    if light or core.short:
        if left > 0 and core.do_one_here(barred=True):
            return
        sleeper.sleep(min(left, AGAIN))
        core.staff_again()
    else:
        sleeper.sleep(left)


def look_again(core: ThreadCore, waiter: ThreadWaiter) -> None:
    """After a sleep: see whether the waiter was nudged to come and look, or its deadline has passed."""
    if waiter.nudged:
        core.do(core.engine.retry, waiter)
    elif not waiter.answered and monotonic() >= waiter.deadline:
        core.do(core.engine.expire, waiter)


def wait_for(core: ThreadCore, latch: ThreadLatch) -> bool:
    """Sleep until a latch is answered; True when its condition holds."""
    latches = core.engine.latches
    closes = latch.what == "closed"
    try:
        core.do(latches.add, latch)
        while not latch.answered:
            if closes and monotonic() < latch.deadline and core.do_one_here():
                continue
            if is_finalizing():
                latch.deadline = monotonic()
            nap(core, latch, light=closes)
            if monotonic() >= latch.deadline:
                core.do(latches.expire, latch)
    finally:
        # Under the mutex: the waiter may have seen its answer before that event has taken it out of the line.
        core.do(latches.drop, latch)
    return latch.loan is not None
