"""Threads that carry out a pool's commands: there while there is work, gone a moment later."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue
from sys import is_finalizing
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OwnThread", "Workers", "join_until", "reaches_nobody"]

J = TypeVar("J")

LINGER = 1.0
"""An idle worker waits this long, s, for more work: a thread costs 0.1 ms to start."""


class OwnThread(threading.Thread):
    """A daemon thread that a pool has started for itself."""

    def __init__(self, target: Callable[[], None], name: str) -> None:
        super().__init__(target=target, name=name, daemon=True)


def reaches_nobody(exc: BaseException) -> bool:
    """Tell whether what users' code has raised ends here.

    Elsewhere a KeyboardInterrupt or SystemExit is meant for whoever runs the thread; here it would end
    the thread, and nothing else.
    """
    return isinstance(exc, Exception) or isinstance(threading.current_thread(), OwnThread)


def join_until(thread: threading.Thread, deadline: float) -> None:
    """Wait for a thread to end, but no longer than the platform's clock type can express."""
    thread.join(min(max(0.0, deadline - monotonic()), threading.TIMEOUT_MAX))


class Workers(Generic[J]):
    """A group of daemon threads with one queue of jobs.

    A worker whose job is stuck (its call was given up) does not count against ``most``: a hung call
    never keeps the others from their work.
    """

    def __init__(self, name: str, most: int, is_stuck: Callable[[J], bool]) -> None:
        self._name = name
        self._most = most
        self._is_stuck = is_stuck
        self._jobs: SimpleQueue[tuple[Callable[[J], None], J] | None] = SimpleQueue()
        """Each with what carries it out: nobody drops what an idle worker refers to; see `_leash`."""
        self._dismissed = False
        """Whether workers need not wait for more jobs: a worker that was started later may have taken the
        dismissal of another."""
        self.short = False
        """Whether jobs were waiting when no thread could be started; whoever waits for them tries again."""
        self.barred = False
        """Whether no thread will ever be started again: Python 3.12 refuses it to functions of `atexit`."""
        self._lock = threading.RLock()
        self._threads: set[threading.Thread] = set()
        self._doing: dict[int, J] = {}

    def submit(self, carry_out: Callable[[J], None], job: J) -> None:
        """Queue a job; `staff` must follow, outside the pool's mutex."""
        self._dismissed = False
        self._jobs.put((carry_out, job))

    def staff(self) -> None:
        """Start as many threads as the queue needs and the limit allows.

        A finalizer may come by here while its own thread is in one of the locked sections. It turns back: all
        of them look at the queue afterwards. While the interpreter ends nothing is begun: Python 3.11 would
        wait for ever for the thread to run, and one that was stopped may have the lock.
        """
        if is_finalizing():
            self.short = not self._jobs.empty()
            return
        while self._wants_more() and not self._lock._is_owned():  # type: ignore[attr-defined]  # as a `Condition`
            with self._lock:
                if not self._wants_more() or self._busy() + self._free() >= self._most:
                    break
                thread = OwnThread(self._work, self._name)
                self._threads.add(thread)
                try:
                    # Under the lock, so that nobody takes it for one that an interrupt kept from starting.
                    thread.start()
                except RuntimeError as refusal:
                    self._threads.discard(thread)
                    self.short = True
                    self.barred = "shutdown" in str(refusal)
                    return
        self.short = False

    def do_here(self) -> bool:
        """Carry out a job on the caller's thread; False: there is none."""
        try:
            found = self._jobs.get_nowait()
        except Empty:
            return False
        if found is not None:
            carry_out, job = found
            carry_out(job)
        return True

    def dismiss(self) -> None:
        """Send the idle workers home, and those at work when they are done."""
        self._dismissed = True
        for _ in self._there():
            self._jobs.put(None)

    def join(self, timeout: float) -> bool:
        """Wait for the workers to end; False when some have not. While the interpreter ends none runs."""
        if is_finalizing():
            return True
        deadline = monotonic() + timeout
        # One that leaves may have another one started, for a job that came at that moment.
        while others := [t for t in self._there() if t is not threading.current_thread() and t.ident]:
            for thread in others:
                join_until(thread, deadline)
            if any(thread.is_alive() for thread in others):
                return False
        return True

    def _there(self) -> set[threading.Thread]:
        """Give those there are. Without the GIL, walking through the set itself raises when one leaves."""
        return self._threads.copy()

    def _wants_more(self) -> bool:
        """Whether there are more jobs than free workers to take them."""
        return not self._jobs.empty() and self._jobs.qsize() > self._free()

    def _free(self) -> int:
        """Count the workers that wait for a job. A thread that an interrupt kept from starting is none."""
        return sum(thread.ident is not None for thread in self._there()) - len(self._doing)

    def _busy(self) -> int:
        """Count the workers at work; caller holds the lock."""
        return sum(not self._is_stuck(job) for job in self._doing.copy().values())

    def _work(self) -> None:
        """Carry out jobs until there are no more; what a worker's thread runs."""
        try:
            while self._do_one():
                pass
        finally:
            with self._lock:
                self._threads.discard(threading.current_thread())
            # Whoever put a job while this worker was leaving may have counted on it.
            self.staff()

    def _do_one(self) -> bool:
        """Wait for a job and carry it out; False: it is time to go."""
        try:
            found = self._jobs.get(timeout=0 if self._dismissed else LINGER)
        except Empty:
            return False
        if found is None:
            return False
        carry_out, job = found
        me = threading.get_ident()
        with self._lock:
            self._doing[me] = job
        try:
            # Whoever put another job a moment ago may have counted on this worker.
            self.staff()
            carry_out(job)
        finally:
            with self._lock:
                del self._doing[me]
        return True
