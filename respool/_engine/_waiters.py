"""Waiters and their line: first come, first served, each with a deadline.

Removal is O(1): a waiter that leaves becomes a tombstone, and the line is compacted when tombstones are
the larger half. Deadlines lie in a heap, which costs O(1) for the usual case that later callers have
later deadlines.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Any, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._errors import PhaseName
    from ._slot import Slot

__all__ = ["NEVER", "Refusal", "WaitLine", "Waiter", "Why"]

NEVER = float("inf")
"""A moment that does not come: no deadline, nothing due."""

Why = Literal["closed", "timeout", "rejected", "backend", "cancelled"]


@attrs.frozen
class Refusal:
    """Why a waiter gets nothing; the shell makes the exception from it."""

    why: Why
    phase: PhaseName = "wait"
    detail: str = ""
    cause: BaseException | None = None


class Waiter:
    """One caller that waits for a resource; shells subclass it and add how to wake it."""

    __slots__ = (
        "acquirer",
        "arrived",
        "chore",
        "deadline",
        "handed_at",
        "loan",
        "nudged",
        "queued",
        "refusal",
        "signal",
        "timeout",
        "waited",
    )

    def __init__(self, now: float, timeout: float | None) -> None:
        self.arrived = now
        self.handed_at: float | None = None
        """When a resource was assigned to it while it slept."""
        self.timeout = timeout
        self.deadline = NEVER if timeout is None else now + timeout
        self.loan: Any = None
        self.refusal: Refusal | None = None
        self.nudged = False
        self.chore: Slot | None = None
        """The slot that it resets while it waits."""
        self.queued = False
        self.waited = False
        """Whether it counts as served after a wait: once, though what it is given may fail its check."""
        self.signal: Any = None
        """How the shell wakes it; opaque."""
        self.acquirer: Any = None
        """Who asks, for leak reports: opaque, its `str` is the stack; None unless ``leak_after`` is set."""

    @property
    def answered(self) -> bool:
        """Whether there is a lease or a refusal for it."""
        return self.loan is not None or self.refusal is not None


class WaitLine:
    """The line of waiters; ``count`` is how many of them still wait."""

    __slots__ = ("_dues", "_line", "_tie", "count")

    def __init__(self) -> None:
        self._line: deque[Waiter] = deque()
        self._dues: list[tuple[float, int, Waiter]] = []
        self._tie = 0
        self.count = 0

    def __iter__(self) -> Iterator[Waiter]:
        return (waiter for waiter in self._line if waiter.queued)

    def join(self, waiter: Waiter, place: int | None = None) -> None:
        """Put a waiter at the end of the line, or in the place that `ahead_of` gave."""
        # In this order: a waiter torn by an interrupt in between does not count, for it is not queued.
        if place is None:
            self._line.append(waiter)
        else:
            self._line.insert(place, waiter)
        self.count += 1
        waiter.queued = True
        if waiter.deadline != NEVER:
            self._tie += 1
            heapq.heappush(self._dues, (waiter.deadline, self._tie, waiter))

    def leave(self, waiter: Waiter) -> None:
        """Take a waiter out, wherever it stands; O(1), amortised."""
        if not waiter.queued:
            return
        waiter.queued = False
        self.count -= 1
        line = self._line
        while line and not line[0].queued:
            line.popleft()
        most = self.count * 2
        if len(line) > most and len(line) > 16:
            self._compact()
        if len(self._dues) > most and len(self._dues) > 16:
            self._dues = [due for due in self._dues if due[2].queued]
            heapq.heapify(self._dues)

    def first(self) -> Waiter | None:
        """Give the oldest waiter, who stays in the line; `leave` lets nobody stand in front who has left."""
        return self._line[0] if self._line else None

    def ahead_of(self, waiter: Waiter) -> int:
        """Give the place of a waiter that left the line and comes back: behind those that arrived before it.

        It is 0 only where none of those waits.
        """
        places = (n for n, other in enumerate(self._line) if other.arrived > waiter.arrived)
        return next(places, len(self._line))

    def overdue(self, now: float) -> Iterator[Waiter]:
        """Give, one by one, the waiters whose deadline has passed; the caller must make each one leave."""
        while self._dues:
            due, _, waiter = self._dues[0]
            if waiter.queued and due > now:
                return
            heapq.heappop(self._dues)
            if waiter.queued:
                yield waiter

    def next_due(self) -> float | None:
        """Give the earliest deadline."""
        while self._dues and not self._dues[0][2].queued:
            heapq.heappop(self._dues)
        return self._dues[0][0] if self._dues else None

    def recount(self) -> None:
        """Make ``count`` and the line agree again after an interrupted step."""
        self._compact()
        self.count = len(self._line)
        self._dues = [(w.deadline, n, w) for n, w in enumerate(self._line) if w.deadline != NEVER]
        self._tie = len(self._line)
        heapq.heapify(self._dues)

    def _compact(self) -> None:
        self._line = deque(waiter for waiter in self._line if waiter.queued)
