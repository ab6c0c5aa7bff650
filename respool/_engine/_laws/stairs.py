"""How to come down where levels come to be needed one or two at a time: by stairs.

Ski rental judges each level by its own gaps. That is right for bursts which need many levels at once, each as
rarely as the others: a whole crowd of creates is at stake. Where the needs come one by one they come in
clusters, a few callers at once and a few more some seconds later, fewer each time as a rule. Then the level
that was needed last says more about the next minute than a minute's record of its own: the pool comes down
from it by one level at a time.
"""

from __future__ import annotations

import math

import attrs

__all__ = ["KEPT", "STEP", "Company", "Stairs"]

STEP = 0.2
"""How long the pool rests on each stair, as a multiple of the price of a create."""
KEPT = 3
"""The stairs end at this level: each of the last few is kept by its own record."""
FEW = 3.0
"""Levels that come to be needed together; fewer on average count as one by one."""
UNKNOWN = 3.5
"""What a pool is taken to see while it has seen nothing."""
NEWS = 0.2
"""The weight of the last time in the average: about the last five count."""
TOGETHER = 1.0
"""Needs that follow one another within this time, s, came together."""


@attrs.define(eq=False, repr=False)
class Company:
    """How many levels come to be needed together, after a time in which they were not."""

    _mean: float = attrs.field(default=UNKNOWN, init=False)
    _together: int = attrs.field(default=0, init=False)
    _last: float = attrs.field(default=-math.inf, init=False)

    def came(self, now: float) -> None:
        """Note that a level is needed again after a gap that matters."""
        if now > self._last + TOGETHER:
            if self._together:
                self._mean += NEWS * (self._together - self._mean)
            self._together = 0
        self._together += 1
        self._last = now

    @property
    def few(self) -> bool:
        """Whether levels come to be needed one or two at a time."""
        return self._mean < FEW


@attrs.define(eq=False, repr=False)
class Stairs:
    """A height that rises with need and falls by one for every ``step`` seconds without."""

    step: float
    _top: int = attrs.field(default=0, init=False)
    _since: float = attrs.field(default=0.0, init=False)

    def needed(self, now: float, level: int) -> None:
        """Note that levels 1 to ``level`` are needed now; those below the present height change nothing."""
        if level >= self.height(now):
            self._top, self._since = level, now

    def height(self, now: float) -> int:
        """Return the level to which the pool has come down; O(levels)."""
        return next((level for level in range(self._top, 0, -1) if now < self.left(level)), 0)

    def left(self, level: int) -> float:
        """Return when the height will be below ``level``, ``-inf`` if the stairs never were that high."""
        return self._since + (self._top - level + 1) * self.step if level <= self._top else -math.inf
