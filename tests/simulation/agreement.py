"""How far the simulator may be from the exact formulas: 99.9 % intervals over sixteen replications."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import attrs

from respool import Fixed
from respool.simulation import Constant, ErlangC, Exponential, Poisson, SimulatedBackend, Workload, simulate

REPLICATIONS = 16
T_15 = 4.0728
"""Student's t for 15 degrees of freedom, two-sided, 99.9 %."""
HOLD = 0.001
WARM_UP = 0.05


@attrs.frozen
class Interval:
    """A mean over the replications and the half-width of its interval."""

    mean: float
    half: float

    def holds(self, exact: float) -> bool:
        """Whether the exact value lies within, and the interval is narrow."""
        return abs(self.mean - exact) <= self.half and self.half <= 0.05 * max(exact, 1e-12)


def interval(values: Sequence[float]) -> Interval:
    """Give the interval of independent replications."""
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))
    return Interval(mean, T_15 * spread / math.sqrt(len(values)))


@attrs.frozen
class Measured:
    """Probability of waiting, mean wait and p99 wait, each as an interval."""

    waiting: Interval
    mean: Interval
    p99: Interval


def measure(servers: int, load: Fraction, leases: int, *, seed: int) -> Measured:
    """Simulate M/M/c: strict order, prefilled, nobody gives up; ``load`` per server."""
    rate = servers * float(load) / HOLD
    workload = Workload(
        arrivals=Poisson(rate), hold=Exponential(HOLD), duration=leases / rate, timeout=None, name="M/M/c"
    )
    waits = [_waits(workload, servers, seed + number) for number in range(REPLICATIONS)]
    return Measured(
        interval([sum(wait > 1e-12 for wait in run) / len(run) for run in waits]),
        interval([math.fsum(run) / len(run) for run in waits]),
        interval([sorted(run)[math.ceil(0.99 * len(run)) - 1] for run in waits]),
    )


def _waits(workload: Workload, servers: int, seed: int) -> Sequence[float]:
    result = simulate(
        workload,
        backend=SimulatedBackend(create=Constant(0.0)),
        seed=seed,
        max_size=servers,
        max_lifetime=None,
        sizing=Fixed(servers),
        fairness="strict",
        admission=None,
    )
    assert servers == result.peak_size
    return result.waits[int(WARM_UP * len(result.waits)) :]


def exact(servers: int, load: Fraction) -> tuple[float, float, float]:
    """Give probability of waiting, mean wait and p99 wait by Erlang's formulas."""
    line = ErlangC(servers, load * servers, Fraction(HOLD))
    return float(line.probability_of_waiting), float(line.mean_wait), line.percentile(0.99)
