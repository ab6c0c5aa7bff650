"""Closed loops against the exact model of so many callers and so many servers (the repairman's)."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial
from typing import Any

import pytest

from respool import Elastic, Fixed
from respool.simulation import (
    ClosedLoop,
    Constant,
    Exponential,
    Outage,
    Retries,
    SimulatedBackend,
    Workload,
    simulate,
)


def exact(callers: int, servers: int, think: float, hold: float) -> tuple[float, float]:
    """Give throughput and mean wait where both times are exponential."""
    ratio = Fraction(hold) / Fraction(think)

    def weight(inside: int) -> Fraction:
        served = min(inside, servers)
        ways = Fraction(comb(callers, inside))
        queued = Fraction(factorial(inside), factorial(served) * servers ** (inside - served))
        return ways * queued * ratio**inside

    weights = [weight(inside) for inside in range(callers + 1)]
    total = sum(weights)
    busy = sum(min(inside, servers) * one for inside, one in enumerate(weights)) / total
    waiting = sum(max(0, inside - servers) * one for inside, one in enumerate(weights)) / total
    throughput = busy / Fraction(hold)
    return float(throughput), float(waiting / throughput)


@pytest.mark.parametrize(("callers", "servers"), [(4, 4), (10, 4), (10, 1), (30, 8)])
def test_throughput_and_waits_are_those_of_the_exact_model(callers: int, servers: int) -> None:
    loop = Workload(
        arrivals=ClosedLoop(callers, Exponential(0.1)), hold=Exponential(0.05), duration=1000.0, timeout=None
    )
    result = simulate(loop, seed=1, max_size=servers, sizing=Fixed(), fairness="strict")
    throughput, wait = exact(callers, servers, 0.1, 0.05)
    assert result.throughput == pytest.approx(throughput, rel=0.03)
    assert result.mean_wait == pytest.approx(wait, rel=0.08)


def test_nobody_has_two_leases_at_once_and_all_come_back() -> None:
    loop = Workload(arrivals=ClosedLoop(3, Constant(0.5)), hold=Constant(0.25), duration=9.0)
    result = simulate(loop, backend=SimulatedBackend(create=Constant(0.0)), max_size=8)
    assert 3 == result.peak_size
    assert 3 * 12 == result.served == result.calls
    assert 0 == result.lost


def test_who_has_thought_beyond_the_end_does_not_come() -> None:
    loop = Workload(arrivals=ClosedLoop(3, Constant(20.0)), hold=Constant(0.25), duration=9.0)
    assert 0 == simulate(loop).calls


def test_who_was_refused_thinks_and_comes_back() -> None:
    loop = Workload(arrivals=ClosedLoop(4, Constant(1.0)), hold=Constant(3.5), duration=100.0, timeout=0.5)
    result = simulate(loop, max_size=1, admission=None, sizing=Elastic())
    assert result.timeouts > 100
    assert result.served > 20
    assert result.calls == result.served + result.lost


def test_who_asks_again_thinks_only_after_the_last_try() -> None:
    loop = Workload(
        arrivals=ClosedLoop(1, Constant(5.0)),
        hold=Constant(0.1),
        duration=20.0,
        timeout=0.5,
        retries=Retries(3, Constant(1.0)),
    )
    down = SimulatedBackend(outages=(Outage(0.0, 30.0),))
    result = simulate(loop, backend=down, max_size=1)
    assert [5.5, 7.0, 8.5, 14.0, 15.5, 17.0] == pytest.approx([*result.refused])
    assert (2, 4, 2) == (result.calls, result.retries, result.lost)


@pytest.mark.parametrize(
    ("think", "hold", "options"),
    [
        (Constant(0.0), Constant(0.0), {}),
        (Constant(0.0), Constant(0.1), {"max_waiting": 0, "max_size": 1}),
    ],
)
def test_a_loop_that_would_stand_still_in_time_is_refused(think: Any, hold: Any, options: Any) -> None:
    with pytest.raises(ValueError, match=r"think is Constant\(mean=0.0\), its mean must be more than 0"):
        simulate(Workload(arrivals=ClosedLoop(3, think), hold=hold, duration=1.0), **options)
