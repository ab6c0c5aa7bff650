"""Advice from runs: curves, what-ifs and recommendations say what the runs say."""

from __future__ import annotations

import random
import re
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
import pytest

from respool import Elastic, make_pool
from respool.simulation import (
    Call,
    ClosedLoop,
    Constant,
    Contention,
    Exponential,
    Outage,
    Poisson,
    Result,
    SimulatedBackend,
    Trace,
    Workload,
    curve,
    read_recording,
    recommend,
    simulate,
    what_if,
)

BUSY = Workload(
    arrivals=Poisson(200), hold=Exponential(0.02), duration=12.0, timeout=5.0, name="a busy service"
)
"""Four in use on average."""
TRACE = Workload(
    arrivals=Trace([n / 10 for n in range(300)], [0.05 + n % 3 / 20 for n in range(300)]), duration=30.0
)
"""One at a time asks, ten a second; one in use on average."""
LOOP = Workload(arrivals=ClosedLoop(4, Exponential(0.01)), hold=Exponential(0.05), duration=20.0)
RNG = random.Random(1)


def test_a_curve_has_a_point_for_each_size_and_each_target() -> None:
    points = curve(BUSY, sizes=[4, 8], target_waits=[0.01, 0.1], seeds=(1,))
    assert ["max_size=4", "max_size=8", "target_wait=0.01", "target_wait=0.1"] == [p.setting for p in points]
    assert [4, 8, 0.01, 0.1] == [point.value for point in points]


def test_a_larger_fixed_size_waits_less_and_costs_more() -> None:
    small, enough, large = curve(BUSY, sizes=[4, 8, 16], seeds=(1, 2))
    assert small.p99_wait > enough.p99_wait > large.p99_wait
    assert small.resource_seconds < enough.resource_seconds < large.resource_seconds
    assert (4, 4) == (small.peak_size, small.creates)
    assert large.resource_seconds == pytest.approx(16 * BUSY.duration, rel=0.02)


def test_a_longer_target_wait_costs_less_within_its_cap() -> None:
    strict, patient = curve(BUSY, target_waits=[0.002, 0.2], max_size=9, seeds=(1, 2))
    assert strict.resource_seconds > patient.resource_seconds
    assert strict.p99_wait < patient.p99_wait
    assert max(strict.peak_size, patient.peak_size) <= 9


def test_a_point_is_the_median_over_the_seeds() -> None:
    (point,) = curve(BUSY, sizes=[5], seeds=(1, 2, 3))
    waits = sorted(result.p99_wait for result in point.results)
    assert 3 == len(set(waits))
    assert waits[1] == point.p99_wait


def test_progress_is_told_of_each_run() -> None:
    told: list[int] = []
    curve(TRACE, sizes=[1, 2], target_waits=[0.1], seeds=(1, 2), progress=lambda: told.append(1))
    assert 6 == len(told)
    what_if(TRACE, seeds=(1,), progress=lambda: told.append(1))
    assert 11 == len(told)


def test_who_is_not_served_counts_as_failed() -> None:
    drowning = attrs.evolve(BUSY, timeout=0.05)
    served, lost = curve(drowning, sizes=[16, 2], seeds=(1,))
    assert 0.0 == served.failed
    assert 0.4 < lost.failed < 0.6  # half of the load fits


@pytest.mark.parametrize("load", [BUSY, TRACE], ids=["arrivals", "trace"])
def test_the_what_ifs_change_what_they_say(load: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[Call], SimulatedBackend]] = []

    def note(workload: Workload, *, backend: SimulatedBackend, seed: int, **options: Any) -> Result:
        calls = islice(workload.calls(random.Random(seed)), 100)
        asked.append((list(calls), backend))
        return simulate(workload, backend=backend, seed=seed, **options)

    monkeypatch.setattr("respool.simulation.advice.simulate", note)
    cases = what_if(load, seeds=(1,), max_size=32)
    names = ["as it is", "arrivals x 1.5", "arrivals x 2", "backend twice as slow", "30 s outage"]
    assert names == [case.name for case in cases]

    (usual, world), (busier, _), (twice, _), (alike, slow), (same, down) = asked
    for one, more, most in zip(usual, busier, twice, strict=True):
        assert (one.at, one.at) == (pytest.approx(more.at * 1.5), pytest.approx(most.at * 2))
        assert (one.hold, one.hold) == (more.hold, most.hold)
    assert usual == alike == same
    assert ((), ()) == (world.outages, world.brownouts)
    assert (0.05, 0.1) == (world.connect(9.0, 0, RNG).seconds, slow.connect(9.0, 0, RNG).seconds)
    assert (1.0, 2.0) == (world.work(9.0, 1.0, 1), slow.work(9.0, 1.0, 1))
    assert (Outage(load.duration / 2, load.duration / 2 + 30),) == down.outages
    assert [0.0] * 4 == [case.point.failed for case in cases[:4]]
    assert cases[4].point.failed > 0.0


def test_a_trace_that_comes_faster_is_the_same_callers_sooner() -> None:
    usual, sooner, soonest, *_ = what_if(TRACE, seeds=(1,), max_size=32)
    assert {300} == {case.point.results[0].served for case in (usual, sooner, soonest)}
    assert soonest.point.results[0].duration == pytest.approx(15, abs=0.5)


def test_more_arrivals_of_a_closed_loop_are_more_callers() -> None:
    cases = {case.name: case.point for case in what_if(LOOP, seeds=(1,), max_size=32)}
    assert [4, 6, 8] == [cases[name].peak_size for name in ("as it is", "arrivals x 1.5", "arrivals x 2")]


def test_the_what_ifs_are_asked_of_the_pool_as_configured() -> None:
    alone, _, more, slower, _ = what_if(TRACE, seeds=(1,), max_size=1)
    assert {1} == {case.point.peak_size for case in (alone, more, slower)}
    assert 0.0 < alone.point.p99_wait < more.point.p99_wait


@pytest.mark.parametrize("load", [BUSY, TRACE], ids=["arrivals", "trace"])
def test_the_recommended_size_serves_half_as_many_again_and_one_less_does_not(load: Workload) -> None:
    advice = recommend(load, target_wait=0.05)
    size = advice.options["max_size"]
    assert Elastic(target_wait=0.05) == advice.options["sizing"]
    assert advice.feasible
    assert 0.0 < advice.confidence <= 1.0
    assert f"max_size={size} with target_wait=0.05 gives a p99 wait of " in advice.text

    cases = {
        most: what_if(load, max_size=most, sizing=Elastic(target_wait=0.05))[1].point
        for most in (size, size - 1)
        if most
    }
    assert all(result.p99_wait <= 1.25 * 0.05 for result in cases[size].results)
    assert any(result.p99_wait > 1.25 * 0.05 for result in cases[size - 1].results)
    assert f"{cases[size].p99_wait * 1e3:.3g} ms at 1.5 times the arrivals" in advice.text


def test_confidence_is_the_share_of_runs_that_kept_the_target() -> None:
    advice = recommend(BUSY, target_wait=0.05)
    told = re.search(r"kept in (\d+)% of (\d+) runs", advice.text)
    assert told is not None
    assert (round(100 * advice.confidence), 6) == (int(told[1]), int(told[2]))


CROWDED = SimulatedBackend(contention=Contention(0.05, 0.02))
SLOW = SimulatedBackend(create=Constant(5.0))


@pytest.mark.parametrize(
    ("load", "backend", "most", "why"),
    [
        (BUSY, CROWDED, 32, "throughput peaks at 7 at once: a faster backend or fewer arrivals would help"),
        (BUSY, CROWDED, 4, "throughput peaks at 4 at once: a faster backend or fewer arrivals would help"),
        (BUSY, SimulatedBackend(contention=Contention(0.2)), 32, "throughput peaks at 32 at once"),
        (BUSY, SimulatedBackend(), 4, "times its arrivals keep 6"),
        (LOOP, SimulatedBackend(), 3, "times its arrivals keep 5 in use on average: a larger maximum would"),
        (TRACE, SLOW, 8, "its bursts come faster than resources can be made: a longer target_wait or a"),
        (TRACE, attrs.evolve(SLOW, contention=Contention(0.01, 0.001)), 8, "its bursts come faster"),
    ],
)
def test_what_no_maximum_can_serve_is_said_with_what_would_help(
    load: Workload, backend: SimulatedBackend, most: int, why: str
) -> None:
    advice = recommend(load, backend=backend, most=most, seeds=(1,))
    assert not advice.feasible
    assert {} == advice.options
    assert f"no max_size up to {most} keeps the p99 wait of " in advice.text
    assert f"{load.name or 'this workload'} within 10 ms: " in advice.text
    assert why in advice.text


def test_advice_from_a_recording(tmp_path: Path) -> None:
    with make_pool(object, name="busy") as pool, pool.record(tmp_path / "trace"):
        for _ in range(20):
            with pool.acquire():
                pass
    recording = read_recording(tmp_path / "trace")
    load, backend = recording.workload(), recording.backend()
    assert {20} == {
        case.point.results[0].served
        for case in what_if(load, backend=backend, seeds=(1,))
        if case.name != "30 s outage"
    }
    assert 20 == simulate(load, backend=backend, seed=1).served
    assert "busy" in recommend(load, backend=backend, seeds=(1,), target_wait=1e-9).text
    assert recommend(load, backend=backend, seeds=(1,), target_wait=5.0).feasible
