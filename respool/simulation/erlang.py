"""Exact queueing formulas in rational arithmetic: what simulated pools are measured against.

M/M/c (Erlang C) and M/G/1 (Pollaczek and Khinchine). Probabilities and means are `fractions.Fraction`; only
tails and percentiles, which hold an exponential, are floats.
"""

from __future__ import annotations

import math
from fractions import Fraction

import attrs

__all__ = ["ErlangC", "pollaczek_khinchine"]

Exact = int | Fraction


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

    servers: int = attrs.field(validator=attrs.validators.ge(1))
    load: Fraction = attrs.field(converter=Fraction)
    hold: Fraction = attrs.field(default=Fraction(1), converter=Fraction)

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
    load = Fraction(rate) * Fraction(hold)
    if not 0 <= load < 1:
        raise ValueError(f"rate x hold is {float(load):g}, it must be less than 1 for one server")
    return load * Fraction(hold) * (1 + Fraction(cv_squared)) / (2 * (1 - load))
