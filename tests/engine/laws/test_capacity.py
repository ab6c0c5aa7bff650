"""Stepping back from a backend that refuses, and feeling forward again."""

from __future__ import annotations

import math

from respool._engine._laws.capacity import FIRST_PAUSE, CapacityLimit


def test_without_a_refusal_the_maximum_holds() -> None:
    assert CapacityLimit().limit(100.0, 10) == 10


def test_a_refusal_lowers_the_limit_to_what_is_open_but_never_to_nothing() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    assert limit.limit(0.0, 10) == 6
    limit.refused(1.0, 0)
    assert limit.limit(1.0, 10) == 1


def test_the_limit_rises_by_one_per_pause_until_it_is_gone() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    seen = [limit.limit(step * FIRST_PAUSE + 0.1, 10) for step in range(6)]
    assert [6, 7, 8, 9, 10, 10] == seen
    assert limit.limit(61.0, 50) == 50


def test_a_second_refusal_at_the_same_place_doubles_the_pause() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    assert limit.limit(FIRST_PAUSE, 10) == 7
    limit.refused(FIRST_PAUSE, 6)
    assert limit.limit(2 * FIRST_PAUSE + 1, 10) == 6
    assert limit.limit(3 * FIRST_PAUSE, 10) == 7


def test_refusals_of_what_was_in_flight_together_count_once() -> None:
    limit = CapacityLimit()
    for _ in range(4):
        limit.refused(0.0, 6)
    assert FIRST_PAUSE == limit.next_step()


def test_a_refusal_after_some_steps_begins_with_the_first_pause_again() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    assert 7 == limit.limit(FIRST_PAUSE, 10)
    limit.refused(FIRST_PAUSE, 6)
    assert 8 == limit.limit(5 * FIRST_PAUSE, 10)
    limit.refused(5 * FIRST_PAUSE, 7)
    assert 6 * FIRST_PAUSE == limit.next_step()


def test_what_was_in_flight_at_a_refusal_and_is_granted_raises_the_limit() -> None:
    limit = CapacityLimit()
    limit.granted(3)
    assert 10 == limit.at_most(10)
    limit.refused(0.0, 4)
    limit.granted(4)
    assert 4 == limit.at_most(10)
    limit.granted(6)
    assert 6 == limit.at_most(10)


def test_an_hour_without_a_look_is_taken_in_one_step() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 2)
    assert limit.limit(3600.0, 1000) == 362


def test_without_a_look_at_the_time_the_limit_stays_where_it_was() -> None:
    limit = CapacityLimit()
    assert 10 == limit.at_most(10)
    assert math.inf == limit.next_step()
    limit.refused(0.0, 6)
    assert 6 == limit.at_most(10)
    assert 3 == limit.at_most(3)
    assert FIRST_PAUSE == limit.next_step()


def test_refused_again_and_again_it_asks_once_a_minute() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    pauses, now = [], 0.0
    for _ in range(5):
        pauses.append(limit.next_step() - now)
        now = limit.next_step()
        assert 7 == limit.limit(now, 10)
        limit.refused(now, 6)
    assert [10.0, 20.0, 40.0, 60.0, 60.0] == pauses


def test_from_the_smallest_limit_too_one_step_further_begins_with_the_first_pause_again() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 1)
    assert 2 == limit.limit(FIRST_PAUSE, 10)
    limit.refused(FIRST_PAUSE, 2)
    assert 2 * FIRST_PAUSE == limit.next_step()


def test_a_step_that_was_granted_is_one_step_further() -> None:
    """Granted seven after six, it is refused at seven for the first time."""
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    assert 7 == limit.limit(FIRST_PAUSE, 10)
    limit.refused(FIRST_PAUSE, 6)
    assert 7 == limit.limit(3 * FIRST_PAUSE, 10)
    limit.granted(7)
    limit.refused(3 * FIRST_PAUSE, 7)
    assert 4 * FIRST_PAUSE == limit.next_step()


def test_what_was_granted_late_is_what_the_next_refusal_is_measured_by() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 4)
    limit.granted(6)
    assert 7 == limit.limit(FIRST_PAUSE, 10)
    limit.refused(FIRST_PAUSE, 6)
    assert 3 * FIRST_PAUSE == limit.next_step()


def test_a_backend_that_has_granted_everything_is_met_without_prejudice() -> None:
    limit = CapacityLimit()
    limit.refused(0.0, 6)
    assert 7 == limit.limit(FIRST_PAUSE, 10)
    limit.refused(FIRST_PAUSE, 6)
    assert 10 == limit.limit(3600.0, 10)
    assert math.inf == limit.next_step()
    limit.refused(3600.0, 6)
    assert 3600.0 + FIRST_PAUSE == limit.next_step()
