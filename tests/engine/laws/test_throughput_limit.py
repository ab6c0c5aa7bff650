"""The ceiling, reading by reading, by a law that is known."""

from __future__ import annotations

import pytest

from respool._engine._laws.scalability import Fit, Regression, ScalabilityLimit

TICK = 0.125
SECOND = 8
LAW = Fit(0.01, 0.0002, 0.00004, 0.0)
"""Its peak is 15.65, where 708 leases end in a second."""
PEAK = 16


class Known(Regression):
    """Keeps what it is told, and knows the law, or nothing, whatever that is."""

    def __init__(self, law: Fit | None) -> None:
        super().__init__()
        self.law = law
        self.told: list[tuple[float, float, float, float]] = []

    def add(self, passed: float, n: float, hold: float, weight: float) -> None:
        """Keep it."""
        self.told.append((passed, n, hold, weight))

    def fit(self) -> Fit | None:
        """Give what is known."""
        return self.law


class Line:
    """A pool that callers wait for, eight readings a second."""

    def __init__(self, law: Fit | None = LAW) -> None:
        self.known = Known(law)
        self.ceiling = ScalabilityLimit(self.known)
        self.readings = 0

    def run(
        self, readings: int, *, n: float = 20.0, ended: int = 75, waiting: int = 1, max_size: int = 60
    ) -> int | None:
        """Take so many readings, of ``n`` leases out and of how many ended, and give the limit."""
        for _ in range(readings):
            self.readings += 1
            self.ceiling.observe(self.readings * TICK, TICK, n * TICK, ended, waiting, max_size)
        return self.ceiling.limit


def limited(ended: int = 75) -> Line:
    """Give a line that has just got a limit, at a pace that was measured for long."""
    line = Line(None)
    line.run(10 * SECOND, ended=ended)
    line.known.law = LAW
    assert PEAK == line.run(1, ended=ended)
    return line


def test_a_limit_is_thought_of_when_a_line_has_stood_for_a_second() -> None:
    line = Line()
    assert line.run(SECOND - 1) is None
    assert line.run(1, waiting=0) is None
    assert line.run(SECOND - 1) is None
    assert PEAK == line.run(1)


def test_without_a_line_there_is_no_limit() -> None:
    assert Line().run(20 * SECOND, waiting=0) is None


def test_while_the_data_cannot_tell_there_is_no_limit() -> None:
    assert Line(None).run(20 * SECOND) is None


@pytest.mark.parametrize(("n", "limit"), [(19.75, None), (20.0, PEAK)])
def test_the_pool_must_have_worked_a_quarter_beyond_the_peak(n: float, limit: int | None) -> None:
    assert limit == Line().run(SECOND, n=n)


@pytest.mark.parametrize(("max_size", "limit"), [(12, None), (PEAK, None), (PEAK + 1, PEAK)])
def test_a_limit_that_lowers_nothing_is_none(max_size: int, limit: int | None) -> None:
    assert limit == Line().run(SECOND, max_size=max_size)


@pytest.mark.parametrize(("doubt", "limit"), [(0.00005, None), (0.00003, PEAK)])
def test_a_bend_within_its_doubt_is_no_bend(doubt: float, limit: int | None) -> None:
    assert limit == Line(Fit(0.01, 0.0002, 0.00004, doubt)).run(SECOND)


@pytest.mark.parametrize(("ended", "limit"), [(81, None), (80, PEAK)])
def test_the_peak_must_promise_a_tenth_more_than_the_pace(ended: int, limit: int | None) -> None:
    """708 a second are promised: 640 are worth a limit, and 648 are not."""
    line = Line(None)
    line.run(10 * SECOND, ended=ended)
    line.known.law = LAW
    assert limit == line.run(1, ended=ended)


def test_the_pace_of_a_second_is_known_after_it() -> None:
    """1,000 a second: at the end of the first, 864 by a time constant of half of it."""
    assert Line().run(SECOND, ended=125) is None


def test_where_each_is_in_the_way_of_every_other_the_limit_is_one() -> None:
    assert 1 == Line(Fit(0.02, 0.001, 0.5, 0.0)).run(3 * SECOND, ended=5)


# ---- the trial


def test_a_limit_must_have_served_a_fiftieth_more_within_two_seconds() -> None:
    """600 a second before: 1,224 prove it, the reading that brought it included."""
    line = limited()
    assert PEAK == line.run(6, n=16.0, ended=76)
    assert PEAK == line.run(9, n=16.0, ended=77)
    line = limited()
    assert PEAK == line.run(7, n=16.0, ended=76)
    assert PEAK == line.run(7, n=16.0, ended=77)
    assert line.run(1, n=16.0, ended=77) is None


def test_a_limit_is_judged_again_every_two_seconds() -> None:
    line = limited()
    assert PEAK == line.run(31, n=16.0, ended=77)
    assert PEAK == line.run(8, n=16.0, ended=76)
    assert PEAK == line.run(7, n=16.0, ended=77)
    assert line.run(1, n=16.0, ended=76) is None


def test_a_limit_is_not_judged_while_nobody_waits() -> None:
    assert PEAK == limited().run(10 * SECOND, n=2.0, ended=1, waiting=0)


def test_a_limit_that_was_withdrawn_is_not_tried_for_half_a_minute_and_then_for_a_minute() -> None:
    line = limited()
    for pause in (30, 60, 120):
        assert PEAK == line.run(14)
        assert line.run(1) is None
        assert line.run(pause * SECOND - 1) is None
        assert PEAK == line.run(1)


# ---- later


def test_a_limit_moves_with_the_peak_by_more_than_one_and_by_more_than_a_tenth() -> None:
    """The pace that it must improve on is the one before it, not the better one since."""
    for start, near, far in ((PEAK, 17, 18), (20, 22, 23), (20, 18, 17)):
        line = Line(law_of(start))
        assert start == line.run(SECOND, n=40.0)
        for peak, limit in ((near, start), (far, far)):
            line.known.law = law_of(peak)
            assert limit == line.run(4 * SECOND, n=16.0, ended=88)


def law_of(peak: int) -> Fit:
    return Fit(0.01, 0.0002, 0.0098 / peak**2, 0.0)


def test_a_limit_is_forgotten_when_nobody_has_waited_for_more_than_a_minute() -> None:
    line = limited()
    assert PEAK == line.run(50 * SECOND, waiting=0)
    assert PEAK == line.run(1)
    assert PEAK == line.run(60 * SECOND, waiting=0)
    assert line.run(1, waiting=0) is None


# ---- what the law is told


def test_an_observation_rests_on_forty_leases_and_three_turns_of_each_resource() -> None:
    line = Line()
    line.run(3, n=4.0, ended=20)
    assert [(0.25, 4.0, 1.0 / 40, 40)] == line.known.told
    line = Line()
    line.run(8, n=40.0, ended=30)
    assert [(0.5, 40.0, 20.0 / 120, 120)] * 2 == line.known.told


def test_less_than_one_lease_at_a_time_says_nothing_of_crowds() -> None:
    line = Line()
    line.run(1, n=0.5, ended=50)
    assert [] == line.known.told
    line.run(1, n=1.0, ended=50)
    assert [(0.125, 1.0, 0.125 / 50, 50)] == line.known.told


@pytest.mark.parametrize(("first", "last", "told"), [(8.5, 11.5, 1), (11.5, 8.5, 1), (8.0, 12.0, 0)])
def test_what_began_under_another_crowd_is_thrown_away(first: float, last: float, told: int) -> None:
    line = Line()
    line.run(1, n=first, ended=30)
    line.run(1, n=last, ended=30)
    assert told == len(line.known.told)


def test_a_crowd_that_began_with_nobody_is_thrown_away_and_the_next_begins_anew() -> None:
    line = Line()
    line.run(1, n=0.0, ended=10)
    line.run(1, n=5.0, ended=30)
    assert [] == line.known.told
    line.run(1, n=5.0, ended=40)
    assert 1 == len(line.known.told)


def test_a_reading_without_length_says_nothing() -> None:
    line = Line()
    line.ceiling.observe(0.0, 0.0, 0.0, 100, 1, 60)
    assert [] == line.known.told
    assert line.ceiling.limit is None
    line.run(1, n=4.0, ended=20)
    assert [(0.125, 4.0, 0.5 / 120, 120)] == line.known.told


def test_readings_without_length_leave_the_pace_as_it_was() -> None:
    line = Line(None)
    line.run(10 * SECOND, ended=80)
    for _ in range(20):
        line.ceiling.observe(line.readings * TICK, 0.0, 0.0, 0, 1, 60)
    line.known.law = LAW
    assert PEAK == line.run(1, ended=80)
