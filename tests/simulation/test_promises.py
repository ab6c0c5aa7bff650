"""What the elastic pool promises, in virtual time and with fixed seeds: the very engine of production."""

from __future__ import annotations

from typing import Any

import pytest

from respool import Elastic, Fixed
from respool.simulation import (
    Constant,
    Exponential,
    Poisson,
    Result,
    SimulatedBackend,
    Trace,
    Workload,
    simulate,
)
from tests.elastic.runs import run_respool
from tests.elastic.troubles import (
    OVERLOAD,
    PEAK,
    SURGE_ENDS,
    first_lease,
    most_in_a_second,
    outage,
    still_failing,
)


def test_a_spike_of_fifty_short_calls_on_five_idle_creates_at_most_two() -> None:
    """Behaviour 53."""
    warm = [0.5 * number for number in range(40)]
    times = [*warm, *([30.0] * 50)]
    workload = Workload(arrivals=Trace(times, [0.002] * len(times)), duration=40)
    result = simulate(
        workload, backend=SimulatedBackend(create=Constant(0.150)), seed=1, min_size=5, max_size=50
    )
    assert result.creates_after_start <= 2
    assert result.lost == 0


@pytest.mark.parametrize("phase", range(0, 100, 10))
def test_a_reading_in_the_middle_of_a_spike_is_no_reason_to_create_for_that_spike(phase: int) -> None:
    """Behaviour 53, in a pool that is read ten times a second, at every phase of that."""
    warm = [0.01 * number for number in range(1000)]
    times = [*warm, *(10.0 + phase / 1000 for _ in range(50))]
    workload = Workload(arrivals=Trace(times, [0.002] * len(times)), duration=12)
    result = simulate(
        workload, backend=SimulatedBackend(create=Constant(0.150)), seed=1, min_size=5, max_size=50
    )
    assert 0 == result.creates_after_start
    assert 0 == result.lost


def test_a_caller_who_waited_in_vain_leaves_a_create_behind() -> None:
    """His time is shorter than a create takes, and the one lease out is longer than any before."""
    warm = [0.31 * (number // 2) for number in range(60)]
    workload = Workload(
        arrivals=Trace([*warm, 10.0, 10.02, 12.0], [0.005] * len(warm) + [30.0, 0.005, 0.005]),
        duration=41,
        timeout=0.05,
    )
    result = simulate(
        workload, backend=SimulatedBackend(create=Constant(1.0)), seed=1, min_size=1, max_size=20
    )
    assert 1 == result.timeouts
    assert [10.07] == pytest.approx([start for start in result.create_starts if start > 0])


@pytest.mark.parametrize("fairness", ["eventual", "strict"])
def test_twenty_who_hold_long_are_all_served_by_a_pool_that_was_empty(fairness: Any) -> None:
    """Behaviour 54."""
    workload = Workload(arrivals=Trace([0.0] * 20, [30.0] * 20), duration=40, timeout=15.0)
    result = simulate(
        workload, backend=SimulatedBackend(create=Constant(1.0)), seed=1, max_size=20, fairness=fairness
    )
    assert 20 == result.served
    assert min(result.waits) < 1.01
    assert max(result.waits) <= 4.1


@pytest.mark.parametrize("length", [20.0, 70.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_an_outage_the_first_success_comes_soon_and_the_probes_were_few(
    length: float, seed: int
) -> None:
    """Behaviours 43, 45, 58."""
    case, over = outage(length), 60.0 + length
    result = run_respool(case, seed)
    assert first_lease(result, over) <= 1.5 + 0.05
    probes = [at for at in result.create_starts if 60.5 < at < over]
    assert 0 < len(probes)
    assert most_in_a_second(probes) <= 4


def test_overload_serves_nearly_as_many_as_the_best_fixed_size_and_passes_as_quickly() -> None:
    pairs = [
        (
            run_respool(OVERLOAD, seed, max_size=3 * PEAK),
            run_respool(OVERLOAD, seed, max_size=PEAK, sizing=Fixed(PEAK)),
        )
        for seed in (1, 2)
    ]
    assert sum(len(elastic.waits) for elastic, _ in pairs) >= 0.98 * sum(len(best.waits) for _, best in pairs)
    for elastic, best in pairs:
        assert 0.0 < still_failing(elastic) <= 2.0
        assert still_slow(elastic) <= still_slow(best) + 1.0


def still_slow(result: Result) -> float:
    """Say for how long after the surge somebody waited more than 100 ms."""
    late = [
        at for at, wait in zip(result.granted, result.waits, strict=True) if at > SURGE_ENDS and wait > 0.1
    ]
    return max(late, default=SURGE_ENDS) - SURGE_ENDS


@pytest.mark.parametrize("timeout", [1.0, 2.0])
def test_admission_serves_whom_it_lets_in(timeout: float) -> None:
    over = Workload(arrivals=Poisson(130), hold=Exponential(0.1), duration=120, timeout=timeout)
    overloaded = simulate(over, seed=1, max_size=10)
    assert overloaded.served >= 0.75 * overloaded.calls
    assert overloaded.timeouts < 0.1 * overloaded.rejections


@pytest.mark.parametrize("sizing", [Elastic(), Fixed(10)])
@pytest.mark.parametrize("timeout", [0.5, 1.0, 2.0])
def test_admission_refuses_nobody_at_a_load_that_fits(timeout: float, sizing: Elastic | Fixed) -> None:
    """Such a load makes lines of half a second too, and they pass in time."""
    fits = Workload(arrivals=Poisson(85), hold=Exponential(0.1), duration=120, timeout=timeout)
    result = simulate(fits, seed=4, max_size=10, sizing=sizing)
    assert 0 == result.rejections
    assert result.timeouts < 0.001 * result.calls


def test_report_only_admission_refuses_nobody() -> None:
    workload = Workload(arrivals=Poisson(130), hold=Exponential(0.1), duration=30, timeout=1.0)
    result = simulate(workload, seed=1, max_size=10, admission="report")
    assert 0 == result.rejections
    assert result.timeouts > 0


@pytest.mark.parametrize("target", [0.002, 0.010, 0.100])
def test_the_target_wait_is_kept_and_a_longer_one_is_cheaper(target: float) -> None:
    workload = Workload(arrivals=Poisson(150), hold=Exponential(0.02), duration=200)
    result = simulate(workload, seed=4, max_size=20, sizing=Elastic(target_wait=target))
    assert result.p99_wait <= 1.25 * target
    assert 0 == result.lost


def test_a_pool_that_nobody_uses_any_more_closes_what_it_has() -> None:
    times = [0.01 * number for number in range(500)] + [400.0]
    workload = Workload(arrivals=Trace(times, [0.05] * 501), duration=401)
    result = simulate(workload, seed=1, max_size=20)
    assert any(moment.size >= 5 for moment in result.series if moment.at < 20)
    assert all(moment.size == 0 for moment in result.series if 300 < moment.at < 399)


def test_max_idle_given_says_when_to_close() -> None:
    times = [0.01 * number for number in range(500)] + [400.0]
    workload = Workload(arrivals=Trace(times, [0.05] * 501), duration=401)
    kept = simulate(workload, seed=1, max_size=20, max_idle=1000.0)
    quick = simulate(workload, seed=1, max_size=20, max_idle=5.0)
    assert any(moment.size >= 5 for moment in kept.series if 300 < moment.at < 399)
    assert all(moment.size == 0 for moment in quick.series if 20 < moment.at < 399)


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    workload = Workload(arrivals=Poisson(100), hold=Exponential(0.02), duration=20)
    first, second, other = (simulate(workload, seed=seed) for seed in (7, 7, 8))
    assert list(first.waits) == list(second.waits)
    assert list(first.waits) != list(other.waits)
