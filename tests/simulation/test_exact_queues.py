"""The exact formulas against textbook values and each other."""

from __future__ import annotations

from fractions import Fraction

import pytest

from respool.simulation.erlang import ErlangC, pollaczek_khinchine


def test_one_server_waits_as_often_as_it_is_busy() -> None:
    assert Fraction(7, 10) == ErlangC(1, Fraction(7, 10)).probability_of_waiting


def test_two_servers_match_the_closed_form() -> None:
    """C(2, a) = a^2 / (2 + a)."""
    for load in (Fraction(1, 2), Fraction(1), Fraction(9, 5)):
        assert load**2 / (2 + load) == ErlangC(2, load).probability_of_waiting


def test_a_published_value_is_met() -> None:
    """C(10, 8) = 0.4092 in every Erlang C table."""
    assert round(float(ErlangC(10, Fraction(8)).probability_of_waiting), 4) == 0.4092


def test_the_mean_is_the_integral_of_the_tail() -> None:
    line = ErlangC(4, Fraction(3), Fraction(1, 50))
    step = 0.0001
    integral = sum(line.tail((i + 0.5) * step) for i in range(20_000)) * step
    assert abs(integral - float(line.mean_wait)) < 1e-6


def test_a_percentile_inverts_the_tail() -> None:
    line = ErlangC(4, Fraction(3), Fraction(1, 50))
    assert abs(0.01 - line.tail(line.percentile(0.99))) < 1e-12
    assert ErlangC(20, Fraction(2)).percentile(0.99) == 0.0


def test_exponential_holds_make_the_two_formulas_agree() -> None:
    assert ErlangC(1, Fraction(4, 5), Fraction(1, 10)).mean_wait == pollaczek_khinchine(8, Fraction(1, 10), 1)


def test_constant_holds_wait_half_as_long_as_exponential_ones() -> None:
    constant = pollaczek_khinchine(8, Fraction(1, 10), 0)
    assert 2 * constant == pollaczek_khinchine(8, Fraction(1, 10), 1)


@pytest.mark.parametrize("load", [0, 2, 3])
def test_a_load_without_a_steady_state_is_refused(load: int) -> None:
    with pytest.raises(ValueError, match="load is"):
        ErlangC(2, Fraction(load))
    with pytest.raises(ValueError, match="less than 1"):
        pollaczek_khinchine(2, 1, 1)
