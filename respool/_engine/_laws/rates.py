"""How fast callers arrive: a fast and a slow estimate, and when to believe the fast one."""

from __future__ import annotations

import math

import attrs

__all__ = ["ArrivalRate", "ArrivalRates"]

LEAST_EXPOSURE = 1.0
"""Seconds taken to have been watched at least: two arrivals 1 us apart are no million a second."""
SIGNIFICANT = 3.0
"""Standard errors the fast must stand above the slow: chance alone does that once in 700 looks."""


@attrs.define(eq=False, repr=False)
class ArrivalRate:
    """Counts arrivals with exponentially fading memory, and knows how far off it may be."""

    half_life: float
    _count: float = attrs.field(default=0.0, init=False)
    _start: float | None = attrs.field(default=None, init=False)
    _last: float = attrs.field(default=0.0, init=False)

    def add(self, now: float, count: float = 1.0) -> None:
        """Note ``count`` arrivals at ``now``; 0 lets time pass."""
        if self._start is None:
            if count <= 0:
                return
            self._start = self._last = now
        self._count = self._faded(now) + count
        self._last = now

    def rate(self, now: float) -> float:
        """Return the arrivals per second."""
        return self._faded(now) / self._exposure(now, self.half_life)

    def error(self, now: float, rate: float) -> float:
        """Return the standard error that Poisson arrivals at ``rate`` would give this estimate.

        Var(sum of weights) = rate x the integral of the squared weights, whose memory is half as long.
        """
        squares = self._exposure(now, self.half_life / 2)
        return math.sqrt(rate * squares) / self._exposure(now, self.half_life)

    def _faded(self, now: float) -> float:
        return self._count * math.exp2(-max(0.0, now - self._last) / self.half_life)

    def _exposure(self, now: float, half_life: float) -> float:
        watched = 0.0 if self._start is None else now - self._start
        memory = half_life / math.log(2.0)
        return max(LEAST_EXPOSURE, memory * -math.expm1(-watched / memory))


@attrs.define(eq=False, repr=False)
class ArrivalRates:
    """The pair: slow for the steady state, fast for a surge that chance does not explain."""

    fast: ArrivalRate = attrs.field(factory=lambda: ArrivalRate(2.0))
    slow: ArrivalRate = attrs.field(factory=lambda: ArrivalRate(30.0))

    def add(self, now: float, count: float = 1.0) -> None:
        """Note ``count`` arrivals at ``now``."""
        self.fast.add(now, count)
        self.slow.add(now, count)

    def rate(self, now: float) -> float:
        """Return the slow rate, or the fast one when it is significantly higher."""
        slow, fast = self.slow.rate(now), self.fast.rate(now)
        doubt = SIGNIFICANT * self.fast.error(now, slow)
        return fast if fast > slow + doubt else slow

    def at_least(self, now: float) -> float:
        """Return the slow rate, or what chance leaves of the fast one: no rush that may be none."""
        slow, fast = self.slow.rate(now), self.fast.rate(now)
        return max(slow, fast - SIGNIFICANT * self.fast.error(now, slow))
