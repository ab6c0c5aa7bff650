"""Coming down by stairs where needs come one by one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.levels import Levels
from respool._engine._laws.stairs import KEPT, NEWS, STEP, UNKNOWN, Company, Stairs

PRICE = 30.0


def visits(levels: Levels, times: int, *, together: int = 1, start: float = 0.0) -> float:
    """Need levels again after gaps of 20 s, so many at a time; say when the last time was."""
    now = start
    levels.needed(now, together)
    for _ in range(times):
        now += 20.0
        levels.needed(now, together)
    return now


def test_nobody_is_alone_before_anything_was_seen() -> None:
    assert not Company().few


def test_needs_that_come_one_by_one_are_few_after_a_few_times_and_a_crowd_is_many_again() -> None:
    """Each group counts when the next begins: 3.5, 3.0 and 2.6; one of nine makes that 3.9."""
    company = Company()
    found = []
    for number in range(4):
        company.came(number * 20.0)
        found.append(company.few)
    assert found == [False, False, True, True]
    for _ in range(9):
        company.came(80.0)
    assert company.few, "the crowd is not over"
    company.came(100.0)
    assert not company.few


def test_needs_within_a_second_of_one_another_come_together() -> None:
    apart, together = Company(), Company()
    for number in range(12):
        together.came(number * 1.0)
        apart.came(number * 1.001)
    for company in (apart, together):
        company.came(100.0)
    assert apart.few
    assert not together.few


def test_the_last_times_count_most() -> None:
    company = Company()
    company.came(0.0)
    company.came(20.0)
    assert company._mean == pytest.approx(UNKNOWN + NEWS * (1 - UNKNOWN))


def test_the_stairs_fall_by_one_for_each_step_in_which_the_height_was_not_needed() -> None:
    stairs = Stairs(6.0)
    assert stairs.height(0.0) == 0
    stairs.needed(1.0, 5)
    assert [stairs.height(now) for now in (1.0, 6.9, 7.0, 12.9, 13.0, 30.9, 31.0, 999.0)] == [
        5, 5, 4, 4, 3, 1, 0, 0,
    ]  # fmt: skip


def test_what_is_needed_below_the_height_does_not_hold_it_and_what_reaches_it_does() -> None:
    stairs = Stairs(6.0)
    stairs.needed(0.0, 5)
    stairs.needed(5.0, 4)
    assert stairs.height(6.0) == 4
    stairs.needed(11.0, 4)
    assert stairs.height(16.9) == 4
    stairs.needed(16.9, 9)
    assert stairs.height(22.8) == 9


def test_a_height_is_left_when_the_height_falls_below_it() -> None:
    stairs = Stairs(6.0)
    stairs.needed(1.0, 5)
    assert stairs.left(5) == 7.0
    assert stairs.left(1) == 31.0
    assert stairs.left(6) == -math.inf


@given(
    needs=st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(0, 12)), min_size=1, max_size=40),
    later=st.floats(0.0, 90.0),
)
def test_height_and_leaving_agree_to_the_last_bit(needs: list[tuple[float, int]], later: float) -> None:
    stairs, now = Stairs(6.0), 0.0
    for passed, level in needs:
        now += passed
        stairs.needed(now, level)
        assert stairs.height(now) >= level
    now += later
    height = stairs.height(now)
    assert stairs.left(height + 1) <= now
    assert height == 0 or now < stairs.left(height)


def test_where_needs_come_one_by_one_the_higher_levels_go_by_stairs() -> None:
    """Behaviours 64 and 67: six seconds on each stair, and the reaper asks no other question."""
    levels = Levels(PRICE)
    now = visits(levels, 4)
    assert levels.few_together
    levels.needed(now, 6)
    step = STEP * PRICE
    assert [levels.worth(now + passed) for passed in (0.0, 5.9, 6.0, 12.0, 17.9, 18.0)] == [6, 6, 5, 4, 4, 3]
    assert levels.surplus(now + 6.0, 6, 0) == 1
    assert levels.next_due(6, 0) == now + step
    assert levels.next_due(5, 0) == now + 2 * step
    assert levels.next_due(7, 0) == -math.inf
    assert levels.keep_of(KEPT) == step


def test_the_last_few_levels_are_kept_by_their_own_record_however_needs_come() -> None:
    levels = Levels(PRICE)
    now = visits(levels, 4)
    levels.needed(now, KEPT)
    assert levels.worth(now + 29.9) == KEPT, "never missed: kept for the price"
    assert levels.next_due(KEPT, 0) == now + PRICE
    assert levels.worth(now + 30.1) == 0
    assert 20.0 < levels.keep_of(0) < PRICE, "the lowest came back every twenty seconds"


def test_stairs_that_outlast_the_record_hold_the_last_levels_too() -> None:
    levels = Levels(PRICE)
    now = visits(levels, 4)
    levels.needed(now, 9)
    assert levels.worth(now + 41.9) == 3
    assert levels.worth(now + 47.9) == 2
    assert levels.next_due(3, 0) == now + 42.0


def test_where_many_come_together_each_level_answers_for_itself() -> None:
    levels = Levels(PRICE)
    now = visits(levels, 4, together=6)
    assert not levels.few_together
    assert levels.worth(now + 19.9) == 6
