"""The simulator against exact queueing theory, at points that are quick; ``tox -e erlang`` takes them all."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from respool import Fixed
from respool.simulation import (
    Constant,
    Distribution,
    Exponential,
    Lognormal,
    Poisson,
    SimulatedBackend,
    Workload,
    pollaczek_khinchine,
    simulate,
)
from tests.simulation.agreement import REPLICATIONS, Interval, exact, interval, measure

POINTS = [(2, 5, 5000), (2, 6, 4000), (2, 7, 4000), (2, 8, 5000), (2, 9, 6000), (4, 8, 6000)]


@pytest.mark.parametrize(("servers", "tenths", "leases"), POINTS)
def test_waiting_agrees_with_erlang_c(servers: int, tenths: int, leases: int) -> None:
    load = Fraction(tenths, 10)
    waiting, mean, p99 = exact(servers, load)
    measured = measure(servers, load, leases, seed=100 * servers + tenths)
    assert measured.waiting.holds(waiting)
    assert abs(mean - measured.mean.mean) <= measured.mean.half
    assert abs(p99 - measured.p99.mean) <= measured.p99.half


@pytest.mark.parametrize(
    ("hold", "cv_squared"),
    [(Constant(0.001), 0), (Exponential(0.001), 1), (Lognormal(0.001, 1.5), Fraction(9, 4))],
)
def test_one_server_agrees_with_pollaczek_and_khinchine(hold: Distribution, cv_squared: Fraction) -> None:
    rate, leases = 500, 3000
    waits = [_mean_wait(rate, hold, leases, seed) for seed in range(REPLICATIONS)]
    measured = interval(waits)
    wanted = float(pollaczek_khinchine(rate, Fraction(1, 1000), cv_squared))
    assert abs(wanted - measured.mean) <= measured.half
    assert measured.half <= 0.25 * wanted


def _mean_wait(rate: int, hold: Distribution, leases: int, seed: int) -> float:
    workload = Workload(arrivals=Poisson(rate), hold=hold, duration=leases / rate, timeout=None)
    result = simulate(
        workload,
        backend=SimulatedBackend(create=Constant(0.0)),
        seed=seed,
        max_size=1,
        sizing=Fixed(1),
        fairness="strict",
        admission=None,
    )
    return result.mean_wait


def test_an_interval_is_that_of_students_t() -> None:
    assert interval([1.0, 3.0] * 8) == Interval(2.0, 4.0728 * math.sqrt(16 / 15) / 4)
