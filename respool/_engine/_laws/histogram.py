"""What demand looked like lately: a histogram of D = in use + waiting whose past fades.

Forward decay (Cormode and others, 2009): instead of shrinking everything that is old, what is new enters
with a weight that grows, so that an entry costs O(1). Levels are exact up to 63 and within 1/32 above, which
keeps a queue of 10,000 waiters within 300 bins.
"""

from __future__ import annotations

import attrs

__all__ = ["DemandHistogram"]

EXACT = 64
STEPS = 32
REBASE = 40.0
"""After this many half-lives the growing weight is brought back to 1, long before it could overflow."""


def bin_of(level: int) -> int:
    """Return the bin that holds a level."""
    if level < EXACT:
        return level
    shift = level.bit_length() - 6
    return EXACT + (shift - 1) * STEPS + (level >> shift) - STEPS


def top_of(number: int) -> int:
    """Return the highest level in a bin: a quantile errs on the side of more."""
    if number < EXACT:
        return number
    shift, step = divmod(number - EXACT, STEPS)
    return ((step + STEPS + 1) << (shift + 1)) - 1


@attrs.define(eq=False, repr=False)
class DemandHistogram:
    """Weighs demand levels by recency: an entry counts half after ``half_life`` seconds."""

    half_life: float = 10.0
    _bins: list[float] = attrs.field(factory=list, init=False)
    _total: float = attrs.field(default=0.0, init=False)
    _base: float = attrs.field(default=0.0, init=False)

    def add(self, now: float, level: int, count: float = 1.0) -> None:
        """Enter ``count`` arrivals that found the demand at ``level``, themselves included."""
        number = level if level < EXACT else bin_of(level)
        if number >= len(self._bins):
            self._bins.extend([0.0] * (number + 1 - len(self._bins)))
        weight = count * self._weight(now)
        self._bins[number] += weight
        self._total += weight

    def add_many(self, now: float, count: int, middle: float, peak: int) -> None:
        """Enter arrivals nobody watched singly: ``count`` of them, of which the highest saw ``peak``.

        Their levels are taken to fall off geometrically from ``middle`` to ``peak``, where one of ``count``
        is left: the highest of ``count`` draws lies near the quantile 1 - 1/count.
        """
        if count <= 0:
            return
        above = float(count)
        for level in range(max(1, int(middle)), peak):
            beyond = count ** ((peak - level - 1) / (peak - middle))
            self.add(now, level, above - beyond)
            above = beyond
        self.add(now, peak, above)

    def quantile(self, share: float) -> int:
        """Return the lowest level that at least ``share`` of the weight does not exceed; 0 when empty."""
        left = self._total * (1.0 - share) * (1.0 + 1e-9)
        for number in range(len(self._bins) - 1, -1, -1):
            left -= self._bins[number]
            if left < 0.0:
                return top_of(number)
        return 0

    def weight(self, now: float) -> float:
        """Return how many arrivals the histogram rests on, each faded by its age."""
        entry = self._weight(now)  # first: it may bring the total down to the same measure
        return self._total / entry

    def _weight(self, now: float) -> float:
        if self._total == 0.0:
            self._base = now
        ages = (now - self._base) / self.half_life
        if ages > REBASE:
            self._rebase(ages)
            self._base, ages = now, 0.0
        return float(2.0**ages)

    def _rebase(self, ages: float) -> None:
        shrink = 2.0 ** -min(ages, 1000.0)
        self._bins = [weight * shrink for weight in self._bins]
        self._total = sum(self._bins)
