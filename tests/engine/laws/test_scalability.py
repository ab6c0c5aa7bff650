"""The ceiling from hold times that rise with concurrency."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.scalability import Fit, Regression, inverted
from respool._engine._laws.throughput import ScalabilityLimit


def usl(alone: float, alpha: float, beta: float) -> Callable[[float], float]:
    return lambda n: alone * (1 + alpha * (n - 1) + beta * n * (n - 1))


def drive(
    limit: ScalabilityLimit, hold: Callable[[float], float], seconds: float, *, start: float = 0.0,
    load: Callable[[float], float], noise: random.Random | None = None, max_size: int = 60,
) -> None:  # fmt: skip
    """Let ``load(t)`` leases be out at once, as far as the limit allows, ten ticks a second."""
    for tick in range(int(seconds * 10)):
        now = start + tick / 10
        wanted = load(now)
        n = min(wanted, limit.limit or max_size)
        ended = n * 0.1 / hold(n)
        if noise is not None:
            ended = max(0.0, noise.gauss(ended, math.sqrt(ended)))
        limit.observe(now, 0.1, n * 0.1, round(ended), int(wanted > n), max_size, 0.0)


def test_exact_data_give_the_law_back() -> None:
    regression, law = Regression(half_life=1e9), usl(0.02, 0.05, 0.002)
    for n in range(1, 30):
        regression.add(0.1, n, law(n), 10)
    fit = regression.fit()
    assert fit is not None
    assert math.isclose(0.02, fit.alone, rel_tol=1e-6)
    assert math.isclose(0.05 * 0.02, fit.linear, rel_tol=1e-4)
    assert math.isclose(0.002 * 0.02, fit.quadratic, rel_tol=1e-4)
    assert math.isclose(math.sqrt(0.95 / 0.002), fit.peak(), rel_tol=1e-3)


@pytest.mark.parametrize("half_life", [5.0, 60.0])
def test_the_past_fades_without_bending_the_law(half_life: float) -> None:
    regression, law = Regression(half_life=half_life), usl(0.02, 0.05, 0.002)
    for n in range(1, 30):
        regression.add(1.0, n, law(n), 10)
    fit = regression.fit()
    if half_life < 10.0:
        assert fit is None  # seven observations are left
    else:
        assert fit is not None
        assert math.isclose(0.02, fit.alone, rel_tol=1e-6)
        assert math.isclose(0.05 * 0.02, fit.linear, rel_tol=1e-4)
        assert math.isclose(0.002 * 0.02, fit.quadratic, rel_tol=1e-4)
        assert fit.doubt < 1e-9


def test_a_law_of_long_ago_yields_to_the_one_that_is_seen_now() -> None:
    regression = Regression(half_life=60.0)
    for law, pause in ((usl(0.02, 0.05, 0.002), 0.0), (usl(0.05, 0.01, 0.001), 3600.0)):
        for n in range(1, 30):
            regression.add(pause if n == 1 else 1.0, n, law(n), 10)
    fit = regression.fit()
    assert fit is not None
    assert math.isclose(0.05, fit.alone, rel_tol=1e-6)
    assert math.isclose(0.00005, fit.quadratic, rel_tol=1e-4)


def test_after_a_half_life_an_observation_weighs_half() -> None:
    """Sixteen of each crowd twice, at another hold: the later ones count for two of three."""
    regression = Regression(half_life=60.0)
    for hold, pause in ((0.02, 0.0), (0.05, 60.0)):
        for _ in range(16):
            for n in (1, 20):
                regression.add(pause, n, hold * n, 10)
                pause = 0.0
    fit = regression.fit()
    assert fit is not None
    assert math.isclose((0.02 + 2 * 0.05) / 3, fit.alone, rel_tol=1e-6)


def test_an_observation_weighs_as_much_as_the_leases_it_rests_on() -> None:
    regression = Regression(half_life=1e9)
    for hold, leases in ((0.02, 30), (0.05, 10)):
        for n in (1, 20) * 8:
            regression.add(0.1, n, hold * n, leases)
    fit = regression.fit()
    assert fit is not None
    assert math.isclose((3 * 0.02 + 0.05) / 4, fit.alone, rel_tol=1e-6)


def test_the_stated_doubt_is_the_scatter_over_many_seeds() -> None:
    found, stated, law = [], [], usl(0.02, 0.05, 0.002)
    for seed in range(150):
        rng, regression = random.Random(seed), Regression(half_life=1e9)
        for n in range(1, 11):
            weight = rng.choice([40, 160])
            regression.add(0.1, n, rng.gauss(law(n), 0.02 / math.sqrt(weight)), weight)
        fit = regression._solve((0, 1, 2))
        assert fit is not None
        found.append(fit.quadratic)
        stated.append(fit.doubt)
    assert 0.85 < statistics.stdev(found) / statistics.mean(stated) < 1.2


def test_seven_observations_tell_nothing_and_eight_may() -> None:
    regression, law = Regression(half_life=1e9), usl(0.02, 0.05, 0.002)
    for n in range(1, 8):
        regression.add(0.0, n, law(n), 10)
    assert regression.fit() is None
    regression.add(0.0, 8, law(8), 10)
    assert regression.fit() is not None


def test_two_crowds_alone_are_taken_for_a_bend() -> None:
    regression = Regression(half_life=1e9)
    for n in (1, 20) * 8:
        regression.add(0.1, n, 0.02 + 0.0001 * n * (n - 1), 10)
    fit = regression.fit()
    assert fit is not None
    assert 0.0 == fit.linear
    assert math.isclose(0.0001, fit.quadratic, rel_tol=1e-6)
    assert fit.doubt < 1e-9


def test_a_slope_that_would_be_negative_is_taken_for_none() -> None:
    regression = Regression(half_life=1e9)
    for n in range(1, 20):
        regression.add(0.1, n, 0.02 - 0.0001 * (n - 1) + 0.0001 * n * (n - 1), 10)
    fit = regression.fit()
    assert fit is not None
    assert 0.0 == fit.linear
    assert 0.00008 < fit.quadratic < 0.0001


def test_holds_that_fall_with_the_crowd_are_no_contention() -> None:
    regression = Regression(half_life=1e9)
    for n in range(1, 20):
        regression.add(0.1, n, 0.06 - 0.0001 * n * (n - 1), 10)
    assert regression.fit() is None


def test_holds_that_would_be_negative_for_one_alone_are_no_law() -> None:
    regression = Regression(half_life=1e9)
    for n in range(10, 30):
        regression.add(0.1, n, 0.0001 * n * (n - 1) - 0.005, 10)
    assert regression.fit() is None


@given(st.lists(st.tuples(*[st.integers(-9, 9)] * 3), min_size=4, max_size=9))
def test_a_matrix_times_its_inverse_is_one(rows: list[tuple[int, int, int]]) -> None:
    matrix = [[float(sum(row[i] * row[j] for row in rows)) for j in range(3)] for i in range(3)]
    inverse = inverted(matrix)
    if inverse is None:
        return
    product = [[sum(matrix[i][k] * inverse[k][j] for k in range(3)) for j in range(3)] for i in range(3)]
    assert all(abs(product[i][j] - (i == j)) < 1e-3 for i in range(3) for j in range(3))


def test_a_matrix_that_is_as_good_as_singular_has_no_inverse() -> None:
    for off, found in ((1e-4, True), (1e-8, False)):
        inverse = inverted([[4.0, 2.0 - off], [2.0 - off, 1.0]])
        assert found == (inverse is not None)
    known = inverted([[4.0, 2.0], [2.0, 3.0]])
    assert known is not None
    assert [[0.375, -0.25], [-0.25, 0.5]] == [[round(cell, 12) for cell in row] for row in known]


def test_the_law_says_what_a_lease_takes_and_how_many_end() -> None:
    fit = Fit(0.02, 0.001, 0.00004, 0.0)
    assert 0.02 == fit.hold(1)
    assert math.isclose(0.02 + 0.009 + 0.0036, fit.hold(10))
    assert math.isclose(10 / 0.0326, fit.throughput(10))


def test_the_peak_is_never_less_than_one() -> None:
    assert 1.0 == Fit(0.02, 0.001, 0.5, 0.0).peak()
    assert 1.0 == Fit(0.02, 0.03, 0.00004, 0.0).peak()


def test_the_peak_is_where_throughput_is_highest() -> None:
    fit = Fit(0.02, 0.001, 0.00004, 0.0)
    best = max(range(1, 100), key=fit.throughput)
    assert abs(best - fit.peak()) <= 1


def test_one_concurrency_alone_tells_nothing() -> None:
    regression = Regression()
    for _ in range(50):
        regression.add(0.1, 8.0, 0.05, 10)
    assert regression.fit() is None


def test_a_singular_matrix_has_no_inverse() -> None:
    assert inverted([[1.0, 1.0], [1.0, 1.0]]) is None
    assert inverted([[0.0]]) is None
    assert inverted([[4.0]]) == [[0.25]]


def test_contention_lowers_the_ceiling_to_the_peak() -> None:
    limit = ScalabilityLimit()
    drive(limit, usl(0.01, 0.02, 0.004), 24.0, load=lambda t: 2 + 3 * t)
    assert limit.limit is not None
    assert abs(limit.limit - math.sqrt(0.98 / 0.004)) <= 2


@pytest.mark.parametrize("seed", range(5))
def test_constant_holds_never_make_a_ceiling(seed: int) -> None:
    limit, rng = ScalabilityLimit(), random.Random(seed)
    for second in range(60):
        drive(limit, usl(0.02, 0.0, 0.0), 1.0, start=second, load=lambda _: rng.uniform(2, 40), noise=rng)
        assert limit.limit is None


def test_a_peak_beyond_the_maximum_is_no_ceiling() -> None:
    limit = ScalabilityLimit()
    drive(limit, usl(0.01, 0.02, 0.004), 20.0, load=lambda t: 1 + 0.4 * t, max_size=9)
    assert limit.limit is None


def test_a_ceiling_that_costs_throughput_is_withdrawn_and_not_tried_again_at_once() -> None:
    """The holds rose with time, not with concurrency: under the limit fewer leases end, not more."""
    limit = ScalabilityLimit()
    drive(limit, usl(0.01, 0.02, 0.004), 24.0, load=lambda t: 2 + 3 * t)
    assert limit.limit is not None
    drive(limit, lambda _: 0.2, 3.0, start=24.0, load=lambda _: 40.0)
    assert limit.limit is None
    drive(limit, lambda _: 0.2, 5.0, start=27.0, load=lambda _: 40.0)
    assert limit.limit is None
