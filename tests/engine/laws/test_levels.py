"""Ski rental per level."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.levels import BINS, LONGEST, REMEMBERED, SHORTEST, Gaps, Levels

PRICE = 30.0
BIN = (LONGEST / SHORTEST) ** (1 / BINS)


def test_an_unknown_level_is_kept_for_the_price_of_a_create() -> None:
    assert Gaps(PRICE).keep() == PRICE


def test_gaps_that_never_end_in_time_are_not_worth_waiting_for() -> None:
    gaps = Gaps(PRICE)
    for _ in range(5):
        gaps.add(600.0)
    assert gaps.keep() == PRICE / 2


def test_gaps_just_inside_the_limit_are_waited_for() -> None:
    gaps = Gaps(PRICE)
    for _ in range(5):
        gaps.add(40.0)
    assert 40.0 <= gaps.keep() <= 40.0 * BIN


@given(seen=st.lists(st.floats(0.1, 300.0), max_size=30))
def test_the_keep_time_stays_between_the_shortest_and_the_longest(seen: list[float]) -> None:
    gaps = Gaps(PRICE)
    for gap in seen:
        gaps.add(gap)
    assert SHORTEST * PRICE <= gaps.keep() <= LONGEST * PRICE * (1 + 1e-12)


@given(
    seen=st.lists(st.floats(15.1, 500.0), min_size=1, max_size=30),
    premium=st.floats(1.0, 10.0),
)
def test_the_keep_time_is_the_cheapest_in_hindsight_within_a_bin(seen: list[float], premium: float) -> None:
    gaps = Gaps(PRICE)
    for gap in seen:
        gaps.add(gap)
    weighted = [(gap, REMEMBERED**age) for age, gap in enumerate(reversed(seen))]

    def cost(keep: float) -> float:
        return sum(w * (gap if gap <= keep else keep + premium * PRICE) for gap, w in weighted)

    best = min(cost(gaps.edge(number)) for number in range(BINS + 1))
    assert cost(gaps.keep(premium)) <= best * BIN + 1e-9


def test_a_level_closes_when_it_was_not_needed_for_its_keep_time() -> None:
    """Behaviour 64."""
    levels = Levels(PRICE)
    levels.needed(0.0, 5)
    levels.needed(20.0, 3)
    assert levels.worth(29.0) == 5
    assert levels.worth(31.0) == 3
    assert levels.surplus(29.0, 5, 0) == 0
    assert levels.surplus(31.0, 5, 0) == 2


def test_at_most_two_close_at_once_and_none_below_the_floor() -> None:
    """Behaviour 66."""
    levels = Levels(PRICE)
    levels.needed(0.0, 10)
    assert levels.surplus(100.0, 10, 2) == 2
    assert levels.surplus(100.0, 3, 2) == 1
    assert levels.surplus(100.0, 2, 2) == 0


def test_the_next_look_is_due_when_the_top_level_expires() -> None:
    levels = Levels(PRICE)
    levels.needed(0.0, 4)
    levels.needed(10.0, 2)
    assert levels.next_due(4, 0) == PRICE
    assert levels.next_due(2, 0) == 10.0 + PRICE
    assert math.inf == levels.next_due(2, 2)
    assert -math.inf == levels.next_due(5, 0)


def test_a_level_that_comes_back_after_it_closed_leaves_its_gap() -> None:
    levels = Levels(PRICE)
    for round_ in range(5):
        levels.needed(round_ * 40.0, 3)
    assert levels.worth(4 * 40.0 + 39.0) == 3


@given(
    needs=st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(0, 12)), min_size=1, max_size=40),
    later=st.floats(0.0, 90.0),
)
def test_what_is_worth_having_is_never_surplus_and_surplus_never_worth_having(
    needs: list[tuple[float, int]], later: float
) -> None:
    """Behaviour 67: the reaper and the target ask the same question."""
    levels, now = Levels(PRICE), 0.0
    for passed, level in needs:
        now += passed
        levels.needed(now, level)
    now += later
    worth = levels.worth(now)
    assert levels.surplus(now, worth, 0) == 0
    assert levels.surplus(now, worth + 1, 0) == 1
    assert levels.next_due(worth + 1, 0) <= now
    assert levels.next_due(worth, 0) > now


def test_a_premium_keeps_a_level_across_its_gaps_or_not_at_all() -> None:
    """Gaps of 90 s are not worth 30, and are worth 120; a keep time in between would pay for both."""
    levels = Levels(PRICE)
    for visit in range(6):
        levels.needed(visit * 90.0, 3)
    assert PRICE / 2 == levels.keep_of(2)
    levels.weigh(2.0)
    assert PRICE / 2 == levels.keep_of(2)
    levels.weigh(4.0)
    assert 90.0 <= levels.keep_of(2) <= 90.0 * BIN
    levels.weigh(1.0)
    assert PRICE / 2 == levels.keep_of(2)


def test_a_premium_says_nothing_of_a_level_that_never_came_back() -> None:
    levels = Levels(PRICE)
    levels.needed(0.0, 3)
    levels.weigh(10.0)
    assert 3 == levels.worth(29.0)
    assert 0 == levels.worth(31.0)


def test_a_gap_of_the_shortest_keep_time_says_nothing_and_a_longer_one_does() -> None:
    gaps = Gaps(PRICE)
    gaps.add(PRICE / 2)
    assert PRICE == gaps.keep()
    gaps.add(PRICE / 2 + 1.0)
    assert PRICE / 2 * BIN == gaps.keep()


def test_gaps_beyond_the_longest_keep_time_are_all_alike() -> None:
    gaps = Gaps(PRICE)
    for gap in (PRICE * LONGEST + 1.0, 1e6, 1e9):
        gaps.add(gap)
    assert PRICE / 2 == gaps.keep(40.0)
    one = Gaps(PRICE)
    one.add(PRICE * LONGEST + 40.0)
    assert PRICE / 2 == one.keep(40.0)


def test_gaps_that_are_nearly_too_long_are_waited_for_to_the_longest_where_creates_are_dear() -> None:
    gaps = Gaps(PRICE)
    gaps.add(PRICE * LONGEST - 1.0)
    assert math.isclose(PRICE * LONGEST, gaps.keep(40.0))


def test_a_gap_counts_beside_all_that_came_lately() -> None:
    """Ten gaps of 40 s are worth waiting for though one was longer; two of twelve are too many."""
    gaps = Gaps(PRICE)
    for _ in range(10):
        gaps.add(40.0)
    gaps.add(600.0)
    assert 40.0 <= gaps.keep() <= 40.0 * BIN
    gaps.add(600.0)
    assert PRICE / 2 == gaps.keep()


def test_a_premium_that_changes_by_a_twentieth_is_followed_and_by_less_is_not() -> None:
    """A gap of 45.5 s is worth 45 s of other costs at no premium, and 46.5 at a twentieth more."""
    levels = Levels(PRICE)
    levels.needed(0.0, 1)
    levels.needed(45.5, 1)
    assert PRICE / 2 == levels.keep_of(0)
    levels.weigh(1.04)
    assert PRICE / 2 == levels.keep_of(0)
    levels.weigh(1.05)
    assert 45.5 <= levels.keep_of(0)
    levels.weigh(1.01)
    assert 45.5 <= levels.keep_of(0)
    levels.weigh(1.0)
    assert PRICE / 2 == levels.keep_of(0)


def test_each_need_however_soon_after_the_last_begins_the_keep_time_anew() -> None:
    levels = Levels(PRICE)
    levels.needed(0.0, 2)
    levels.needed(0.5, 1)
    assert 1 == levels.worth(0.25 + PRICE)
    assert 0 == levels.worth(0.5 + PRICE)
    assert 1 == levels.surplus(0.5 + PRICE, 1, 0)


def test_the_next_look_is_for_the_highest_levels_and_not_for_those_below() -> None:
    levels = Levels(PRICE)
    levels.needed(0.0, 4)
    levels.needed(10.0, 2)
    assert PRICE == levels.next_due(3, 0)
    assert PRICE + 10.0 == levels.next_due(1, 0)


def test_a_level_nobody_has_needed_is_kept_for_the_price() -> None:
    levels = Levels(PRICE)
    assert PRICE == levels.keep_of(0)
    levels.needed(0.0, 1)
    assert PRICE == levels.keep_of(1)


def test_each_level_learns_from_its_own_gaps() -> None:
    levels = Levels(PRICE)
    for visit in range(6):
        levels.needed(visit * 100.0, 3)
        levels.needed(visit * 100.0 + 60.0, 2)
    assert (PRICE / 2, PRICE / 2) == (levels.keep_of(2), levels.keep_of(0))
    levels.weigh(2.0)
    assert 60.0 <= levels.keep_of(0) < 70.0
    assert PRICE / 2 == levels.keep_of(2)
