"""When to let go: ski rental per level, learned from how long each level went unneeded.

Level k is the k-th resource. It is *needed* when demand reaches it even after all who may wait have waited.
Keeping it costs its time, letting it go costs one create later. Without knowledge of the gaps, keeping it
for exactly the price of a create is at most twice as dear as hindsight (Karlin and others, 1988); with a
histogram of past gaps the keep time is the one that would have been cheapest for them.

Where creates make too many callers late, a create costs more than its price: the *premium* is the multiplier
of that constraint. It moves the keep time where the gaps say that this helps, from just beyond the short ones
to just beyond the long ones, and never to somewhere between, where a level would be kept and lost as well.

Where levels come to be needed one or two at a time, the higher ones go by `stairs` instead.
"""

from __future__ import annotations

import math

import attrs

from .stairs import KEPT, STEP, Company, Stairs

__all__ = ["Gaps", "Levels"]

BINS = 16
SHORTEST, LONGEST = 0.5, 12.0
"""Keep times lie between these multiples of the price: a pool that misreads its gaps is at most three times
as dear as hindsight at the one end, and outlasts a calm of six minutes at the other."""
REMEMBERED = 0.9
"""What a new gap leaves of the older ones: about the last ten gaps decide."""
AT_ONCE = 2
"""Levels that may close per tick."""
COARSE = 1.05
"""A premium that changes by less is not followed: every level's keep time would be reckoned anew."""


def zeros() -> list[float]:
    """Make an empty histogram."""
    return [0.0] * (BINS + 1)


@attrs.define(eq=False, repr=False)
class Gaps:
    """The gaps of one level, as far as they matter: those longer than the shortest keep time.

    Shorter ones cost the same whatever is chosen, and those beyond the longest are all alike.
    """

    price: float
    _bins: list[float] = attrs.field(factory=zeros, init=False)
    _lengths: list[float] = attrs.field(factory=zeros, init=False)
    _keep: float = attrs.field(init=False)
    _premium: float = attrs.field(default=1.0, init=False)
    """What `_keep` was reckoned for; 0: before the last gap."""

    def __attrs_post_init__(self) -> None:
        """Begin, knowing no gap, with the price itself, whatever the premium: nothing says that it helps."""
        self._keep = self.price

    def edge(self, number: int) -> float:
        """Return the lower edge of a bin, s: the shortest keep time for the first, the longest the last."""
        return self.price * SHORTEST * math.pow(LONGEST / SHORTEST, number / BINS)

    def add(self, gap: float) -> bool:
        """Note that the level went unneeded for ``gap`` seconds and was needed again; say if that matters."""
        if gap <= self.edge(0):
            return False
        self._bins = [REMEMBERED * weight for weight in self._bins]
        self._lengths = [REMEMBERED * length for length in self._lengths]
        place = min(BINS, int(BINS * math.log(gap / self.edge(0), LONGEST / SHORTEST)))
        self._bins[place] += 1.0
        self._lengths[place] += gap
        self._premium = 0.0
        return True

    def keep(self, premium: float = 1.0) -> float:
        """Return how long to keep the level unneeded, s: the cheapest choice for the gaps on record."""
        if premium != self._premium and any(self._bins):
            costs = ((self._cost(number, premium), self.edge(number)) for number in range(BINS + 1))
            self._keep = min(costs)[1]
        self._premium = premium
        return self._keep

    def _cost(self, number: int, premium: float) -> float:
        missed = sum(self._bins[number:])
        return sum(self._lengths[:number]) + missed * (self.edge(number) + premium * self.price)


@attrs.define(eq=False, repr=False)
class Levels:
    """Keeps the time each level was last needed, and says which are worth having."""

    price: float
    _premium: float = attrs.field(default=1.0, init=False)
    _last: list[float] = attrs.field(factory=list, init=False)
    _gaps: list[Gaps] = attrs.field(factory=list, init=False)
    _company: Company = attrs.field(factory=Company, init=False)
    _stairs: Stairs = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        """Build the stairs for the price."""
        self._stairs = Stairs(STEP * self.price)

    @property
    def few_together(self) -> bool:
        """Whether levels come to be needed one or two at a time, so that creates are no stampede."""
        return self._company.few

    def weigh(self, premium: float) -> None:
        """Hear by what factor a create is dearer than its price."""
        if not self._premium / COARSE < premium < self._premium * COARSE:
            self._premium = premium

    def needed(self, now: float, level: int) -> None:
        """Note that levels 1 to ``level`` are needed now."""
        self._stairs.needed(now, level)
        for k in range(min(level, len(self._last))):
            gap = now - self._last[k]
            if gap > 0.0:
                if self._gaps[k].add(gap):
                    self._company.came(now)
                self._last[k] = now
        for _ in range(len(self._last), level):
            # In this order: a level torn by an interrupt in between is simply not known yet.
            self._gaps.append(Gaps(self.price))
            self._last.append(now)

    def worth(self, now: float) -> int:
        """Return the highest level whose keep time is not over."""
        if self.few_together:
            return max(self._stairs.height(now), min(KEPT, self._rented(now)))
        return self._rented(now)

    def keep_of(self, level: int) -> float:
        """Return how long the level above this one may go unneeded, s."""
        if level >= KEPT and self.few_together:
            return self._stairs.step
        return self._gaps[level].keep(self._premium) if level < len(self._gaps) else self.price

    def surplus(self, now: float, open_count: int, least: int) -> int:
        """Return how many resources to close at this tick: at most two, never below ``least``."""
        return max(0, min(AT_ONCE, open_count - max(least, self.worth(now))))

    def next_due(self, open_count: int, least: int) -> float:
        """Return when `surplus` may become positive, ``inf`` if not while ``open_count`` is what it is."""
        if open_count <= least:
            return math.inf
        if not self.few_together:
            return self._rent_over(open_count)
        left = self._stairs.left(open_count)
        return left if open_count > KEPT else max(left, self._rent_over(open_count))

    def _rented(self, now: float) -> int:
        for k in range(len(self._last) - 1, -1, -1):
            if now < self._expiry(k):
                return k + 1
        return 0

    def _rent_over(self, level: int) -> float:
        return max((self._expiry(k) for k in range(level - 1, len(self._last))), default=-math.inf)

    def _expiry(self, k: int) -> float:
        return self._last[k] + self._gaps[k].keep(self._premium)
