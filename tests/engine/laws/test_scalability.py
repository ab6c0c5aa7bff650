"""The ceiling from hold times that rise with concurrency."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from respool._engine._laws.scalability import Fit, Regression, ScalabilityLimit, inverted


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
        limit.observe(now, 0.1, n * 0.1, round(ended), int(wanted > n), max_size)


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
