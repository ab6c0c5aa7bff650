"""What a run tells of itself, counted again by hand; and backends that are full, or slow to say goodbye."""

from __future__ import annotations

import pytest

from respool import Fixed
from respool.simulation import (
    Constant,
    Exponential,
    Outage,
    Poisson,
    Result,
    Retries,
    SimulatedBackend,
    Trace,
    Workload,
    simulate,
)

THREE = Workload(arrivals=Trace([0.0, 0.1, 0.2], [1.0, 1.0, 1.0]), duration=10.0)
"""The second waits 0.9 s for the first, the third 1.8 s."""
STEADY = Workload(arrivals=Poisson(100), hold=Exponential(0.05), duration=60.0)
"""Five in use on average."""


def one_after_the_other() -> Result:
    return simulate(THREE, max_size=1, sizing=Fixed(), fairness="strict")


def test_waits_and_their_percentiles() -> None:
    result = one_after_the_other()
    assert [0.0, 0.9, 1.8] == pytest.approx([*result.waits])
    assert (0.0, 0.9, 1.8, 1.8) == pytest.approx([result.wait(share) for share in (0.3, 0.5, 0.67, 1.0)])
    assert (0.9, 1.8, 0.9) == pytest.approx((result.p50_wait, result.p99_wait, result.mean_wait))
    assert 2 / 3 == result.waited
    for share in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"share is {share}, it must be from 0 to 1"):
            result.wait(share)


def test_rates_are_per_second_from_the_first_arrival_to_the_last_completion() -> None:
    result = one_after_the_other()
    assert 3.0 == pytest.approx(result.duration)
    assert 1.0 == pytest.approx(result.throughput)
    assert 1.0 == pytest.approx(result.mean_size)
    assert 3.0 == pytest.approx(result.resource_seconds)


def test_a_run_to_which_nobody_came_has_zeros() -> None:
    result = simulate(Workload(arrivals=Trace([5.0], [1.0]), duration=1.0), max_size=1)
    assert 0 == result.calls == result.served
    assert (0.0, 0.0, 0.0) == (result.p99_wait, result.mean_wait, result.waited)
    assert (0.0, 0.0) == (result.throughput, result.mean_size)


def test_callers_who_wait_for_ever_for_nothing_are_lost_and_the_run_ends() -> None:
    patient = Workload(arrivals=Poisson(5), hold=Constant(0.01), duration=5.0, timeout=None)
    dormant = simulate(patient, max_size=0)
    assert (0, dormant.calls) == (dormant.served, dormant.lost)
    assert dormant.calls > 0


def test_the_busiest_second_is_that_with_the_most_creates() -> None:
    down = SimulatedBackend(outages=(Outage(5.0, 8.0),))
    result = simulate(STEADY, backend=down, max_size=10)
    starts = [*result.create_starts]
    most = max(sum(first <= start < first + 1.0 for start in starts) for first in starts)
    assert most == result.busiest_second
    assert most > 1


def test_the_series_is_of_the_whole_run() -> None:
    series = simulate(STEADY, max_size=20).series
    assert 401 == len(series)
    assert (0.0, 60.0) == (series[0].at, pytest.approx(series[-1].at))
    in_use = [moment.in_use for moment in series]
    assert sum(in_use) / len(in_use) == pytest.approx(5.0, rel=0.1)
    assert all(moment.in_use <= moment.size <= 20 for moment in series)


@pytest.mark.parametrize(("tries", "served", "lost"), [(1, 0, 1), (2, 1, 0)])
def test_a_lease_that_an_outage_hits_is_an_error_and_may_be_tried_again(
    tries: int, served: int, lost: int
) -> None:
    load = Workload(
        arrivals=Trace([0.0], [2.0]), duration=10.0, retries=Retries(tries, Constant(1.0)), name="hit"
    )
    result = simulate(load, backend=SimulatedBackend(outages=(Outage(1.0, 1.5),)), max_size=1, timeout=30)
    assert (1, 1, served, lost, tries - 1) == (
        result.calls,
        result.errors,
        result.served,
        result.lost,
        result.retries,
    )
    assert tries == result.creates
    assert result.duration == pytest.approx(1.0 if lost else 1.0 + 1.0 + 0.05 + 2.0 + 0.05, abs=0.1)


@pytest.mark.parametrize("later", [0.04, 0.4, 5.0])
def test_what_an_outage_has_killed_is_not_handed_out(later: float) -> None:
    load = Workload(arrivals=Trace([0.0, later], [0.01, 0.01]), duration=10.0)
    outage = SimulatedBackend(create=Constant(0.0), outages=(Outage(0.02, 0.03),))
    result = simulate(load, backend=outage, max_size=1, check_after=10.0, max_idle=3600.0)
    assert (2, 0, 2) == (result.served, result.errors, result.creates)


def test_a_full_backend_is_no_outage_and_is_not_asked_again_and_again() -> None:
    full = SimulatedBackend(create=Constant(0.01), max_connections=7)
    result = simulate(STEADY, backend=full, max_size=20)
    assert 0 == result.lost == result.errors
    assert 0 < result.create_failures < 30
    assert 7 < result.peak_size  # the refused one counts while it is tried
    assert max(moment.in_use for moment in result.series) == 7


def test_a_slow_goodbye_costs_its_time() -> None:
    burst = Workload(arrivals=Trace([0.0, 0.0, 0.0, 60.0], [0.1, 0.1, 0.1, 0.1]), duration=100.0)
    quick, slow = (
        simulate(burst, backend=SimulatedBackend(close=Constant(close)), max_size=3, max_idle=1.0, seed=1)
        for close in (0.0, 2.0)
    )
    assert quick.served == slow.served == 4
    closed = quick.creates - 1  # the last is open when the run ends
    assert slow.resource_seconds - quick.resource_seconds == pytest.approx(2.0 * closed, abs=0.1)


def test_what_closes_counts_against_the_maximum() -> None:
    load = Workload(arrivals=Trace([0.0, 0.2], [0.1, 0.1]), duration=10.0)
    slow = SimulatedBackend(create=Constant(0.0), close=Constant(3.0))
    result = simulate(load, backend=slow, max_size=1, max_uses=1)
    assert 1 == result.peak_size
    assert [0.0, 2.9] == pytest.approx([*result.waits])
