"""How long running threads may overtake: not at all where a hand-over costs little beside the holds."""

from __future__ import annotations

import pytest

from respool._engine._laws.pace import DEAR, HAND_OVER, LONGEST, RECENT, UNDERWAY, Pace

SWITCH = 0.0005


def used(takes: float = SWITCH, times: int = 10 * RECENT) -> Pace:
    """A pace that has seen hand-overs which took so long each."""
    pace = Pace()
    for time in range(times):
        pace.handed(float(time), 0.0)
        pace.taken_up(time + takes, float(time))
    return pace


def test_the_first_release_is_a_hand_over_and_so_is_the_next_while_nothing_is_known() -> None:
    """Behaviour 22."""
    pace = Pace()
    assert pace.due < 0.0
    pace.handed(7.0, 0.001)
    assert pace.due == 7.0
    pace.taken_up(7.25, None)
    assert pace.due == 7.25


def test_who_holds_for_long_overtakes_nobody() -> None:
    """Behaviours 21, 22: ten times what a hand-over takes, and every release is one."""
    pace = used()
    assert pace.takes == pytest.approx(SWITCH, rel=0.01)
    pace.handed(500.0, 1.01 * DEAR * SWITCH)
    assert pace.due == 500.0
    pace.taken_up(500.0 + SWITCH, 500.0)
    assert pace.due == 500.0 + SWITCH


def test_where_a_hand_over_is_dear_one_is_underway_and_the_next_a_little_after_it() -> None:
    """Behaviour 22."""
    pace = used()
    pace.handed(500.0, 0.9 * DEAR * SWITCH)
    assert pace.due == 500.0 + UNDERWAY, "nobody may have taken it up by then"
    pace.taken_up(500.0 + SWITCH, 500.0)
    assert pace.due == 500.0 + SWITCH + HAND_OVER
    assert (0.0001, 0.001) == (HAND_OVER, UNDERWAY)


def test_the_last_sixteen_hand_overs_count_most() -> None:
    pace = used(times=1)
    assert pace.takes == pytest.approx(SWITCH / 16)
    pace = used()
    pace.taken_up(1000.002, 1000.0)
    assert pace.takes == pytest.approx(SWITCH + 0.0015 / 16, rel=0.01)


def test_who_did_not_sleep_tells_nothing_and_who_was_stopped_little() -> None:
    pace = used()
    before = pace.takes
    pace.taken_up(1000.0, None)
    assert pace.takes == before
    pace.taken_up(1060.0, 1000.0)
    assert pace.takes - before == pytest.approx((LONGEST - before) / RECENT)
