"""A backend that refuses one more: step back to what it granted, feel forward again later (AIMD)."""

from __future__ import annotations

import math

import attrs

__all__ = ["CapacityLimit"]

FIRST_PAUSE = 10.0
"""Seconds without a refusal before one more is tried."""
LONGEST_PAUSE = 60.0


@attrs.define(eq=False, repr=False)
class CapacityLimit:
    """The pool's own ceiling after a ``CAPACITY`` fault; None while there is no reason for one."""

    _limit: int | None = attrs.field(default=None, init=False)
    _granted: int = attrs.field(default=0, init=False)
    """How many were open at the last refusal, before any step forward."""
    _since: float = attrs.field(default=0.0, init=False)
    _pause: float = attrs.field(default=FIRST_PAUSE, init=False)

    def refused(self, now: float, open_count: int) -> None:
        """Note a refusal while ``open_count`` resources were open: no more than those, but at least one.

        Refused again at the first step forward, the pool waits twice as long before the next. What was in
        flight at a refusal and is refused as well says nothing new.
        """
        if self._limit is None or open_count > max(1, self._granted):
            self._pause = FIRST_PAUSE
        elif self._limit > self._granted:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._limit = self._granted = max(1, open_count)
        self._since = now

    def granted(self, open_count: int) -> None:
        """Note that so many are open: what was in flight at a refusal may have been granted all the same."""
        if self._limit is not None and open_count > self._limit:
            self._limit = self._granted = open_count

    def at_most(self, max_size: int) -> int:
        """Return the limit as of the last look at the time."""
        return max_size if self._limit is None else min(max_size, self._limit)

    def next_step(self) -> float:
        """Return when `limit` rises next, ``inf`` when there is none."""
        return math.inf if self._limit is None else self._since + self._pause

    def limit(self, now: float, max_size: int) -> int:
        """Return how many resources the backend is thought to allow: one more per pause without refusal."""
        if self._limit is None:
            return max_size
        # By the very sum that `next_step` gives: a quotient may round to just below 1 at that moment.
        while now >= self._since + self._pause and self._limit < max_size:
            self._limit += 1
            self._since += self._pause
        if self._limit >= max_size:
            self._limit = None
            return max_size
        return self._limit
