"""Exact queueing formulas in rational arithmetic: what simulated pools are measured against.

M/M/c (Erlang C) and M/G/1 (Pollaczek and Khinchine). Probabilities and means are `fractions.Fraction`; only
tails and percentiles, which hold an exponential, are floats.
"""

from __future__ import annotations

import math
from fractions import Fraction

import attrs

from .._scrub import quoted
from .distributions import at_least_one

__all__ = ["ErlangC", "pollaczek_khinchine"]

Exact = int | Fraction


def _exact(name: str, value: object) -> Fraction:
    if isinstance(value, bool) or not isinstance(value, float | int | Fraction):
        raise TypeError(f"{name} is {quoted(value)}, it must be a number")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} is {quoted(value)}, it must be a finite number")
    return Fraction(value)


def _load(value: Exact | float) -> Fraction:
    return _exact("load", value)


def _hold(value: Exact | float) -> Fraction:
    return _exact("hold", value)


@attrs.frozen
class ErlangC:
    """A line before ``servers`` servers: Poisson arrivals, exponential holds, first come first served.

    Args:
        servers: How many resources, at least 1.
        load: Arrival rate x mean hold, in erlangs; below ``servers``.
        hold: Mean hold, s.

    Raises:
        ValueError: For a load the servers cannot carry.
    """

    servers: int = attrs.field(validator=at_least_one)
    load: Fraction = attrs.field(converter=_load)
    hold: Fraction = attrs.field(default=Fraction(1), converter=_hold)

    def __attrs_post_init__(self) -> None:
        """Refuse a line without a steady state."""
        if not 0 < self.load < self.servers:
            raise ValueError(
                f"load is {self.load}, it must be more than 0 and less than {self.servers} servers"
            )
        if self.hold <= 0:
            raise ValueError(f"hold is {self.hold}, it must be more than 0")

    @property
    def probability_of_waiting(self) -> Fraction:
        """The share of arrivals that find every server taken: Erlang's C(c, a)."""
        term, below = Fraction(1), Fraction(0)
        for count in range(self.servers):
            below += term
            term = term * self.load / (count + 1)
        full = term * self.servers / (self.servers - self.load)
        return full / (below + full)

    @property
    def mean_wait(self) -> Fraction:
        """The mean wait of all arrivals, s."""
        return self.probability_of_waiting * self.hold / (self.servers - self.load)

    def tail(self, wait: float) -> float:
        """Return P(W > wait), ``wait`` in seconds."""
        return float(self.probability_of_waiting) * math.exp(-self._decay() * wait)

    def percentile(self, share: float) -> float:
        """Return the wait that ``share`` of all arrivals do not exceed, s; 0 where fewer wait at all."""
        excess = float(self.probability_of_waiting) / (1.0 - share)
        return math.log(excess) / self._decay() if excess > 1.0 else 0.0

    def _decay(self) -> float:
        return float((self.servers - self.load) / self.hold)


def pollaczek_khinchine(rate: Exact, hold: Exact, cv_squared: Exact) -> Fraction:
    """Return the mean wait before one server with Poisson arrivals and any distribution of holds, s.

    Args:
        rate: Arrivals per second.
        hold: Mean hold, s.
        cv_squared: Squared coefficient of variation of the holds (0 constant, 1 exponential).

    Raises:
        ValueError: For a load of 1 or more.
    """
    hold, spread = _exact("hold", hold), 1 + _exact("cv_squared", cv_squared)
    load = _exact("rate", rate) * hold
    if not 0 <= load < 1:
        raise ValueError(f"rate x hold is {float(load):g}, it must be less than 1 for one server")
    return load * hold * spread / (2 * (1 - load))
