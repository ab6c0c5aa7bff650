"""Wait or create."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.gate import Line, create_in


def line(waiting: int, creating: int = 0, in_use: int = 5, opened: int = 5) -> Line:
    return Line(waiting=waiting, creating=creating, in_use=in_use, open=opened)


def test_a_create_in_flight_counts_for_one_waiter() -> None:
    """Behaviour 63."""
    found = create_in(line(3, creating=3, in_use=0), wanted=9, hold=1.0, slope=0.0, create_time=0.1)
    assert math.inf == found


def test_a_spike_shorter_than_a_connect_creates_nothing() -> None:
    """Behaviour 53. 5 in use, 45 waiting, 2 ms each: the line lasts 18 ms, a connect 150."""
    found = create_in(line(45), wanted=5, hold=0.002, slope=0.0, create_time=0.150)
    assert math.inf == found


def test_a_spike_on_a_fresh_pool_waits_longer_than_its_holds_before_it_creates() -> None:
    """Behaviour 53. Nothing has ended yet: ask again after 3.3 ms, when the 2 ms leases have come back."""
    found = create_in(line(45), wanted=0, hold=0.0, slope=5.0, create_time=0.150)
    assert 0.002 < found < 0.004


def test_a_line_longer_than_a_connect_creates() -> None:
    """Behaviour 54."""
    assert create_in(line(36, in_use=4), wanted=4, hold=0.1, slope=0.0, create_time=0.05) == 0.0


def test_nothing_in_use_creates_at_once() -> None:
    assert create_in(line(1, in_use=0, opened=0), wanted=0, hold=0.0, slope=0.0, create_time=9.0) == 0.0


def test_a_pool_below_its_target_creates_for_the_first_waiter() -> None:
    assert create_in(line(1), wanted=6, hold=0.002, slope=0.0, create_time=0.15) == 0.0
    assert math.inf == create_in(line(1), wanted=5, hold=0.002, slope=0.0, create_time=0.15)


def test_what_is_being_created_counts_towards_the_target() -> None:
    found = create_in(line(3, creating=1), wanted=6, hold=0.002, slope=0.0, create_time=0.15)
    assert math.inf == found


def test_one_who_will_be_back_soon_is_waited_for() -> None:
    found = create_in(line(1, in_use=1, opened=1), wanted=1, hold=0.002, slope=0.0, create_time=0.15)
    assert math.inf == found


def test_a_line_that_lasts_exactly_as_long_as_the_create_is_waited_for() -> None:
    found = create_in(line(4, in_use=2, opened=2), wanted=0, hold=0.25, slope=0.0, create_time=0.5)
    assert math.inf == found


def test_the_question_is_put_off_until_leases_have_aged_enough_and_hardly_longer() -> None:
    """Two wait for one lease, whose hold grows by half a second in each: 2 x 50 s are the create's 100 s."""
    found = create_in(line(2, in_use=1, opened=1), wanted=0, hold=0.0, slope=0.5, create_time=100.0)
    assert 100.0 < found < 100.001


@given(
    waiting=st.integers(1, 100),
    in_use=st.integers(1, 20),
    hold=st.floats(0.0, 1.0),
    slope=st.floats(0.01, 20.0),
    create_time=st.floats(0.001, 5.0),
)
def test_asking_again_when_told_gives_a_yes(
    waiting: int, in_use: int, hold: float, slope: float, create_time: float
) -> None:
    now = line(waiting, in_use=in_use)
    later = create_in(now, wanted=0, hold=hold, slope=slope, create_time=create_time)
    then = create_in(now, wanted=0, hold=hold + slope * later, slope=slope, create_time=create_time)
    assert then == 0.0
