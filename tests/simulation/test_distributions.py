"""Distributions have the moments they state."""

from __future__ import annotations

import random
import statistics

import pytest

from respool.simulation import BoundedPareto, Constant, Distribution, Exponential, Lognormal, Recorded


@pytest.mark.parametrize(
    "distribution",
    [
        Constant(0.5),
        Exponential(0.02),
        Lognormal(0.02, 2.0),
        BoundedPareto(0.001, 1.0, 1.2),
        BoundedPareto(0.001, 0.1, 1.0),
        Recorded([0.1, 0.2, 0.6]),
    ],
    ids=repr,
)
def test_the_mean_of_many_draws_is_the_stated_mean(distribution: Distribution) -> None:
    rng = random.Random(11)
    draws = [distribution.draw(rng) for _ in range(20_000)]
    error = statistics.pstdev(draws) / len(draws) ** 0.5
    assert abs(distribution.mean - statistics.fmean(draws)) <= 4 * error + 1e-12


def test_a_lognormal_has_the_stated_coefficient_of_variation() -> None:
    rng = random.Random(5)
    draws = [Lognormal(0.02, 0.7).draw(rng) for _ in range(20_000)]
    assert abs(0.7 - statistics.pstdev(draws) / statistics.fmean(draws)) < 0.04


def test_a_bounded_pareto_keeps_its_bounds() -> None:
    rng = random.Random(5)
    draws = [BoundedPareto(0.001, 1.0, 1.1).draw(rng) for _ in range(10_000)]
    assert min(draws) >= 0.001
    assert max(draws) <= 1.0 + 1e-9


def test_the_same_seed_draws_the_same() -> None:
    first = [Lognormal(0.02).draw(random.Random(3)) for _ in range(5)]
    assert first == [Lognormal(0.02).draw(random.Random(3)) for _ in range(5)]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_mean_out_of_range_is_named(bad: float) -> None:
    with pytest.raises(ValueError, match="mean is"):
        Exponential(bad)


@pytest.mark.parametrize(("mean", "cv"), [(1e308, 5.0), (1.0, 1e300)])
def test_a_lognormal_whose_draws_no_float_could_hold_is_refused(mean: float, cv: float) -> None:
    with pytest.raises(ValueError, match="draws must fit into a float"):
        Lognormal(mean, cv)


def test_bounds_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="low is"):
        BoundedPareto(1.0, 0.5)


@pytest.mark.parametrize("bad", [[], [-1.0], [float("nan")]])
def test_a_record_that_is_none_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match="values must hold"):
        Recorded(bad)
