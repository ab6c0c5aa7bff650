"""Arrival processes come at the rate they state, in order, and the same for the same seed."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise, takewhile

import pytest

from respool.simulation import (
    Arrivals,
    Batches,
    Bursts,
    ClosedLoop,
    Constant,
    Diurnal,
    Exponential,
    FlashCrowd,
    OnOff,
    Poisson,
    Trace,
    Workload,
)

PROCESSES = [
    (Poisson(50.0), 50.0),
    (Bursts(10.0, 200.0, 3.0, 1.0), 57.5),
    (Bursts(0.0, 200.0, 3.0, 1.0), 50.0),
    (OnOff(100.0, 5.0, 5.0), 50.0),
    (Diurnal(50.0, 0.8, 100.0), 50.0),
    (Batches(50.0, 10), 50.0),
]


def until(process: Arrivals, seconds: float, seed: int = 1) -> list[float]:
    return list(takewhile(lambda at: at < seconds, process.times(random.Random(seed))))


@pytest.mark.parametrize(("process", "rate"), PROCESSES, ids=lambda value: type(value).__name__)
def test_a_process_keeps_its_mean_rate_and_order(process: Arrivals, rate: float) -> None:
    times = until(process, 2000.0)
    assert abs(rate - len(times) / 2000.0) < 0.08 * rate
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert times == until(process, 2000.0)
    assert times != until(process, 2000.0, seed=2)


def test_poisson_gaps_are_exponential() -> None:
    gaps = [later - earlier for earlier, later in pairwise(until(Poisson(50.0), 1000.0))]
    assert abs(1.0 - statistics.pstdev(gaps) / statistics.fmean(gaps)) < 0.02


def test_bursts_are_burstier_than_poisson() -> None:
    counts = [0] * 2000
    for at in until(Bursts(10.0, 200.0, 3.0, 1.0), 2000.0):
        counts[int(at)] += 1
    assert statistics.pvariance(counts) > 5 * statistics.fmean(counts)


def test_nobody_comes_while_a_job_is_off() -> None:
    assert all(at % 10.0 < 5.0 for at in until(OnOff(100.0, 5.0, 5.0), 100.0))


def test_a_flash_crowd_rises_stays_and_goes() -> None:
    crowd = FlashCrowd(rate=10.0, peak=300.0, start=60.0, rise=1.0, stay=30.0, fall=10.0)
    assert [10.0, 155.0, 300.0, 300.0, 155.0, 10.0] == [
        crowd.rate_at(at) for at in (59.0, 60.5, 61.0, 91.0, 96.0, 102.0)
    ]
    times = until(crowd, 160.0)
    assert 8000 < sum(61.0 <= at < 91.0 for at in times) < 10_000
    assert sum(at < 60.0 for at in times) < 800


def test_a_batch_comes_at_once() -> None:
    times = until(Batches(100.0, 20), 50.0)
    assert {20} == {times.count(at) for at in set(times)}


def test_a_trace_is_played_as_recorded_or_faster() -> None:
    trace = Trace([0.0, 1.0, 4.0], [0.1, 0.2, 0.3])
    assert list(trace.times(random.Random())) == [0.0, 1.0, 4.0]
    assert list(Trace(trace.at, trace.holds, 2.0).times(random.Random())) == [0.0, 0.5, 2.0]
    calls = list(Workload(arrivals=trace, duration=3.0).calls(random.Random(1)))
    assert [(0.0, 0.1), (1.0, 0.2)] == [(call.at, call.hold) for call in calls]


def test_a_trace_out_of_order_or_of_unequal_length_is_refused() -> None:
    with pytest.raises(ValueError, match="at must ascend"):
        Trace([1.0, 0.5])
    with pytest.raises(ValueError, match="holds has 1 values"):
        Trace([1.0, 2.0], [0.1])


def test_a_workload_without_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="hold is None"):
        Workload(arrivals=Poisson(1.0))


def test_another_distribution_of_holds_leaves_the_arrivals_as_they_are() -> None:
    one = Workload(arrivals=Poisson(20.0), hold=Exponential(0.1), duration=20.0)
    two = Workload(arrivals=Poisson(20.0), hold=Constant(0.1), duration=20.0)
    assert [call.at for call in one.calls(random.Random(4))] == [
        call.at for call in two.calls(random.Random(4))
    ]


def test_a_closed_loop_has_no_arrivals_of_its_own() -> None:
    loop = Workload(arrivals=ClosedLoop(5, Exponential(1.0)), hold=Constant(0.1))
    assert [] == list(loop.calls(random.Random(1)))
