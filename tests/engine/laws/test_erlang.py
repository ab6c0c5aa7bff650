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
