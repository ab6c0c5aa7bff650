"""When to let go: ski rental per level, learned from how long each level went unneeded.

Level k is the k-th resource. It is *needed* when demand reaches it even after all who may wait have waited.
Keeping it costs its time, letting it go costs one create later. Without knowledge of the gaps, keeping it
for exactly the price of a create is at most twice as dear as hindsight (Karlin and others, 1988); with a
histogram of past gaps the keep time is the one that would have been cheapest for them.
"""

from __future__ import annotations

import math

import attrs

__all__ = ["Gaps", "Levels"]

BINS = 6
REMEMBERED = 0.8
"""What a new gap leaves of the older ones: about the last five gaps decide."""
AT_ONCE = 2
"""Levels that may close per tick."""


@attrs.define(eq=False, repr=False)
class Gaps:
    """The gaps of one level, as far as they matter: those longer than the shortest keep time.

    The keep time lies between half and twice the create's price, so shorter gaps cost the same whatever is
    chosen, and longer ones are all alike.
    """

    price: float
    _bins: list[float] = attrs.field(factory=lambda: [0.0] * (BINS + 1), init=False)
    _lengths: list[float] = attrs.field(factory=lambda: [0.0] * (BINS + 1), init=False)
    keep: float = attrs.field(init=False)
    """How long to keep the level unneeded, s: the cheapest choice for the gaps on record."""

    def __attrs_post_init__(self) -> None:
        """Begin, knowing no gap, with the price itself."""
        self.keep = self.price

    def edge(self, number: int) -> float:
        """Return the lower edge of a bin, s: price/2 for the first, 2 x price for the last, open one."""
        return self.price / 2 * math.pow(4.0, number / BINS)

    def add(self, gap: float) -> None:
        """Note that the level went unneeded for ``gap`` seconds and then was needed again."""
        if gap <= self.edge(0):
            return
        self._bins = [REMEMBERED * weight for weight in self._bins]
        self._lengths = [REMEMBERED * length for length in self._lengths]
        place = min(BINS, int(BINS * math.log(gap / self.edge(0), 4.0)))
        self._bins[place] += 1.0
        self._lengths[place] += gap
        self.keep = min((self._cost(number), self.edge(number)) for number in range(BINS + 1))[1]

    def _cost(self, number: int) -> float:
        return sum(self._lengths[:number]) + sum(self._bins[number:]) * (self.edge(number) + self.price)


@attrs.define(eq=False, repr=False)
class Levels:
    """Keeps the time each level was last needed, and says which are worth having."""

    price: float
    stretch: float = attrs.field(default=1.0, init=False)
    """What all keep times are multiplied by."""
    _last: list[float] = attrs.field(factory=list, init=False)
    _gaps: list[Gaps] = attrs.field(factory=list, init=False)

    def needed(self, now: float, level: int) -> None:
        """Note that levels 1 to ``level`` are needed now."""
        for k in range(min(level, len(self._last))):
            gap = now - self._last[k]
            if gap > 0.0:
                self._gaps[k].add(gap)
                self._last[k] = now
        for _ in range(len(self._last), level):
            # In this order: a level torn by an interrupt in between is simply not known yet.
            self._gaps.append(Gaps(self.price))
            self._last.append(now)

    def worth(self, now: float) -> int:
        """Return the highest level whose keep time is not over."""
        for k in range(len(self._last) - 1, -1, -1):
            if now < self._expiry(k):
                return k + 1
        return 0

    def keep_of(self, level: int) -> float:
        """Return how long the level above this one may go unneeded, s."""
        return self.stretch * (self._gaps[level].keep if level < len(self._gaps) else self.price)

    def surplus(self, now: float, open_count: int, least: int) -> int:
        """Return how many resources to close at this tick: at most two, never below ``least``."""
        return max(0, min(AT_ONCE, open_count - max(least, self.worth(now))))

    def next_due(self, open_count: int, least: int) -> float:
        """Return when `surplus` may become positive, ``inf`` if not while ``open_count`` is what it is."""
        if open_count <= least:
            return math.inf
        known = len(self._last)
        if open_count > known:
            return -math.inf
        return max(self._expiry(k) for k in range(open_count - 1, known))

    def _expiry(self, k: int) -> float:
        return self._last[k] + self._gaps[k].keep * self.stretch
