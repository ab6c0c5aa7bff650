"""The two arrival-rate estimates."""

from __future__ import annotations

import math
import random
import statistics

from respool._engine._laws.rates import ArrivalRate, ArrivalRates


def poisson(rate: float, until: float, seed: int) -> list[float]:
    rng, now, times = random.Random(seed), 0.0, []
    while (now := now + rng.expovariate(rate)) < until:
        times.append(now)
    return times


def test_nothing_has_no_rate() -> None:
    assert ArrivalRates().rate(5.0) == 0.0


def test_a_steady_stream_is_measured_from_the_start_without_bias() -> None:
    for until in (3.0, 10.0, 200.0):
        rate = ArrivalRate(30.0)
        for at in range(int(until * 100)):
            rate.add(at / 100)
        assert abs(100.0 - rate.rate(until)) < 1.5


def test_the_stated_error_is_the_scatter_over_many_seeds() -> None:
    estimates = []
    for seed in range(200):
        rate = ArrivalRate(2.0)
        for at in poisson(50.0, 20.0, seed):
            rate.add(at)
        estimates.append(rate.rate(20.0))
    stated = rate.error(20.0, 50.0)
    assert 0.8 < statistics.stdev(estimates) / stated < 1.25


def test_after_a_long_time_the_error_is_the_root_of_the_rate_over_two_memories() -> None:
    rate = ArrivalRate(2.0)
    rate.add(0.0)
    assert math.isclose(math.sqrt(50.0 * math.log(2.0) / (2 * 2.0)), rate.error(1000.0, 50.0))


def test_both_estimates_hear_of_every_caller() -> None:
    rates = ArrivalRates()
    rates.add(5.0, 10)
    rates.add(5.0)
    assert (11.0, 11.0) == (rates.fast.rate(5.0), rates.slow.rate(5.0))


def test_two_arrivals_at_once_are_no_flood() -> None:
    rate = ArrivalRate(2.0)
    rate.add(0.0)
    rate.add(1e-6)
    assert rate.rate(1e-6) <= 2.0


def test_chance_does_not_raise_the_slow_estimate() -> None:
    rates, raised, looks = ArrivalRates(), 0, 0
    for at in poisson(20.0, 600.0, 7):
        rates.add(at)
        if at > 60.0:
            looks += 1
            raised += rates.rate(at) != rates.slow.rate(at)
    assert raised / looks < 0.02


def test_a_surge_is_believed_within_a_second() -> None:
    rates = ArrivalRates()
    for at in range(1200):
        rates.add(at / 20)
    for at in range(200):
        rates.add(60.0 + at / 200)
    assert rates.rate(61.0) > 50.0
    assert rates.rate(61.0) == rates.fast.rate(61.0)


def test_a_silence_fades_the_rate() -> None:
    rate = ArrivalRate(2.0)
    rate.add(0.0, 100)
    rate.add(100.0, 0)
    assert rate.rate(100.0) < 1e-9
    assert math.isfinite(rate.error(1e6, 0.0))


def test_what_callers_come_at_least_at_is_the_slow_rate_until_a_surge_leaves_no_doubt() -> None:
    rates = ArrivalRates()
    for at in range(1200):
        rates.add(at / 20)
    assert rates.at_least(60.0) == rates.slow.rate(60.0)
    for at in range(800):
        rates.add(60.0 + at / 200)
    assert 100.0 < rates.at_least(64.0) < rates.fast.rate(64.0)


def test_the_time_before_the_first_caller_was_not_watched() -> None:
    rate = ArrivalRate(2.0)
    rate.add(0.0, 0)
    rate.add(100.0, 10)
    assert 10.0 == rate.rate(100.0)


def test_one_caller_is_one_caller() -> None:
    rate = ArrivalRate(30.0)
    rate.add(5.0)
    rate.add(5.0)
    assert 2.0 == rate.rate(5.0)


def test_a_surge_in_a_pool_that_hardly_anybody_uses_is_believed_too() -> None:
    rates = ArrivalRates()
    for at in range(30):
        rates.add(10.0 * at)
    for at in range(30):
        rates.add(300.0 + at / 30)
    assert rates.fast.rate(301.0) == rates.rate(301.0) > 5.0
    assert rates.slow.rate(301.0) < rates.at_least(301.0) < rates.fast.rate(301.0)
