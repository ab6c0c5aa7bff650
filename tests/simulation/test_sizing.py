"""The sizing policies a user can give, right and wrong."""

from __future__ import annotations

import math
import time
from itertools import pairwise
from statistics import fmean
from typing import Any

import pytest

from respool import Elastic, Fixed, PolicyFailed, PoolEvent, Signals, TargetChanged, make_pool
from respool.simulation import Constant, Exponential, Poisson, SimulatedBackend, Trace, Workload, simulate

LOAD = Workload(arrivals=Poisson(100), hold=Exponential(0.02), duration=20)


class Always:
    """A policy that always says the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.seen: list[Signals] = []

    def target(self, signals: Signals, /) -> int:
        self.seen.append(signals)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]  # wrong answers are the point


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, 1e9])
def test_an_absurd_target_wait_is_refused_by_name(value: float) -> None:
    with pytest.raises(ValueError, match="target_wait"):
        Elastic(target_wait=value)


@pytest.mark.parametrize("value", [-1.0, 0.0, math.nan, math.inf, 1e9])
def test_an_absurd_create_price_is_refused_by_name(value: float) -> None:
    with pytest.raises(ValueError, match="create_price"):
        Elastic(create_price=value)


@pytest.mark.parametrize("value", ["10ms", None, True])
def test_a_target_wait_that_is_no_number_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="target_wait"):
        Elastic(target_wait=value)


@pytest.mark.parametrize("value", ["elastic", Elastic, 7])
def test_what_is_no_policy_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="sizing"):
        make_pool(object, sizing=value)


@pytest.mark.parametrize("size", [3, 10])
def test_fixed_opens_exactly_so_many_and_no_more_under_load(size: int) -> None:
    result = simulate(LOAD, max_size=10, sizing=Fixed(size))
    assert size == result.peak_size
    assert 0 == result.creates_after_start


def test_a_policy_of_ones_own_is_followed() -> None:
    policy = Always(6)
    result = simulate(LOAD, max_size=10, sizing=policy)
    assert {6} == {moment.size for moment in result.series if moment.at > 5}
    assert all(0 < signals.hold < 0.2 for signals in policy.seen[10:])
    assert any(signals.arrivals > 50 for signals in policy.seen)


@pytest.mark.parametrize(("rate", "hold"), [(100, 0.05), (1000, 0.005), (5, 0.5)])
def test_the_signals_are_those_of_the_load(rate: int, hold: float) -> None:
    policy = Always(12)
    load = Workload(arrivals=Poisson(rate), hold=Exponential(hold), duration=120.0)
    result = simulate(load, backend=SimulatedBackend(create=Constant(0.2)), max_size=20, sizing=policy)
    seen = [signals for signals in policy.seen if signals.now > 0]
    assert sum(each.arrivals * each.elapsed for each in seen) == pytest.approx(result.calls, rel=0.01)
    assert fmean(each.hold for each in seen[50:]) == pytest.approx(hold, rel=0.1)
    assert seen[-1].create_time == pytest.approx(0.2)
    assert {(0, 20, 12)} == {(each.min_size, each.max_size, each.size) for each in seen[50:]}
    for earlier, later in pairwise(seen):
        assert later.elapsed == pytest.approx(later.now - earlier.now)
        assert later.in_use + later.idle + later.creating == later.size
        assert later.in_use <= later.peak <= later.size


def test_a_policy_is_asked_ten_times_a_second_at_most() -> None:
    policy = Always(3)
    simulate(LOAD, max_size=10, sizing=policy)
    times = [signals.now for signals in policy.seen]
    assert all(later - earlier >= 0.099 for earlier, later in pairwise(times))


def test_a_policy_that_wants_nothing_still_serves() -> None:
    result = simulate(LOAD, max_size=10, sizing=Always(0))
    assert 0 == result.lost


def test_a_target_beyond_the_maximum_is_the_maximum() -> None:
    assert 10 == simulate(LOAD, max_size=10, sizing=Always(1000)).peak_size


@pytest.mark.parametrize("nonsense", [-1, 2.5, None, True, "many", RuntimeError("no idea")])
def test_a_policy_that_fails_is_reported_and_its_last_good_target_kept(nonsense: Any) -> None:
    policy, events = Always(6), list[PoolEvent]()

    def listen(event: PoolEvent) -> None:
        events.append(event)
        if event.at > 10:
            policy.answer = nonsense

    result = simulate(LOAD, max_size=10, sizing=policy, on_event=listen)
    failed = [event for event in events if isinstance(event, PolicyFailed)]
    assert failed
    assert "the target stays 6" in failed[0].error
    assert {6} == {moment.size for moment in result.series if moment.at > 5}
    assert 0 == result.lost


def test_the_reason_for_a_new_target_is_told_in_the_users_numbers() -> None:
    events = list[PoolEvent]()
    simulate(LOAD, max_size=10, on_event=events.append)
    reasons = [event.reason for event in events if isinstance(event, TargetChanged)]
    assert any(reason.startswith("grew to ") and "target wait 10 ms" in reason for reason in reasons)


@pytest.mark.parametrize(("least", "options"), [(0, {}), (2, {}), (0, {"max_idle": 600.0})])
def test_a_pool_that_comes_to_rest_tells_every_change_down_to_the_last(least: int, options: Any) -> None:
    events = list[PoolEvent]()
    calls = Trace([0.01 * number for number in range(500)] + [400.0], [0.05] * 501)
    workload = Workload(arrivals=calls, duration=401)
    simulate(workload, max_size=10, min_size=least, on_event=events.append, **options)
    told = [event for event in events if isinstance(event, TargetChanged) and event.at < 399]
    assert max(event.target for event in told) >= 5
    assert least == told[-1].target
    assert f"shrank to {least}: no more was needed for" in told[-1].reason


def test_the_time_a_pool_rested_is_not_taken_for_time_in_use() -> None:
    policy = Always(2)
    calls = Trace([0.0137 * number for number in range(500)] + [60.0], [0.005] * 500 + [1.0])
    simulate(Workload(arrivals=calls, duration=62), max_size=2, sizing=policy)
    before = next(seen.hold for seen in policy.seen if seen.now > 6.5)
    after = next(seen.hold for seen in policy.seen if seen.now > 60.05)
    assert 0.003 < before < 0.007
    # The one lease that is out, 0.1 s old, stands beside hundreds of 5 ms that have faded to a hundredth.
    assert before < after < 0.05


def test_a_real_pool_shows_its_target_and_why() -> None:
    pool = make_pool(object, name="why", max_size=5)
    deadline = time.monotonic() + 30
    while not pool.stats().reason and time.monotonic() < deadline:
        with pool.acquire(), pool.acquire():
            pass
    stats = pool.stats()
    pool.close()
    assert "grew to" in stats.reason
    assert 1 <= stats.target <= 5
    assert 5 == stats.ceiling


def test_a_pool_at_rest_needs_no_tick() -> None:
    """Ten readings a second while busy, none while idle: what is left are the keep times."""
    pool = make_pool(object, name="rest", max_size=5)
    with pool.acquire():
        pass
    core = pool._core
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with core.mutex:
            now = time.monotonic()
            if core.engine.next_wakeup(now) > now + 5.0:
                break
        time.sleep(0.05)
    else:
        pytest.fail("the pool never comes to rest")
    pool.close()
