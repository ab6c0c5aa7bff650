"""Erlang C in floats against the exact one."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.erlang import erlang_c, servers_for, wait_tail
from respool.simulation.erlang import ErlangC


@pytest.mark.parametrize("servers", [1, 2, 4, 10, 20, 100, 400])
@pytest.mark.parametrize("percent", [1, 50, 90, 99])
def test_floats_agree_with_rational_arithmetic(servers: int, percent: int) -> None:
    load = Fraction(servers * percent, 100)
    exact = float(ErlangC(servers, load).probability_of_waiting)
    assert abs(exact - erlang_c(servers, float(load))) <= 1e-9 * exact + 1e-15


def test_more_load_than_servers_makes_everybody_wait() -> None:
    assert erlang_c(4, 4.0) == 1.0
    assert wait_tail(4, 500.0, 0.01, 10.0) == 1.0


def test_no_arrivals_need_no_servers() -> None:
    assert servers_for(0.0, 1.0, 0.01, 0.01, 10) == 0


def test_the_answer_never_exceeds_the_most_there_may_be() -> None:
    assert servers_for(1e6, 1.0, 0.01, 0.01, 10) == 10


@given(rate=st.floats(0.1, 2000.0), hold=st.floats(0.0005, 0.2), wait=st.floats(0.0, 0.1))
def test_it_is_the_smallest_number_that_keeps_the_promise(rate: float, hold: float, wait: float) -> None:
    most = 500
    enough = servers_for(rate, hold, wait, 0.01, most)
    kept = [n for n in range(max(1, enough - 3), enough + 3) if wait_tail(n, rate, hold, wait) <= 0.01]
    assert enough == (kept[0] if kept and enough < most else most)


@pytest.mark.parametrize("servers", [1, 3, 7, 10, 49, 100])
def test_exactly_as_much_load_as_servers_makes_everybody_wait(servers: int) -> None:
    assert 1.0 == erlang_c(servers, float(servers))


def test_without_load_nobody_waits() -> None:
    assert 0.0 == erlang_c(3, 0.0)
    assert 0.0 == wait_tail(1, 5.0, 0.0, 0.0)


@pytest.mark.parametrize("hold", [Fraction(1, 50), Fraction(4)])
def test_the_tail_is_the_exact_one(hold: Fraction) -> None:
    exact = ErlangC(4, Fraction(3), hold).tail(0.01)
    assert abs(exact - wait_tail(4, 3 / float(hold), float(hold), 0.01)) <= 1e-9 * exact


def test_as_many_as_there_may_be_are_tried_and_no_more() -> None:
    """Nine keep this promise; with eight at most, eight is the answer, and with more it is nine."""
    answers = [servers_for(200.0, 0.02, 0.01, 0.01, most) for most in (1, 7, 8, 9, 10, 50)]
    enough = answers[-1]
    assert 4 < enough < 10
    assert [min(enough, most) for most in (1, 7, 8, 9, 10, 50)] == answers


def test_a_tail_of_exactly_the_share_keeps_the_promise() -> None:
    tail = wait_tail(7, 200.0, 0.02, 0.01)
    assert 7 == servers_for(200.0, 0.02, 0.01, tail, 50)
