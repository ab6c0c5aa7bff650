"""The ceiling, reading by reading, by a law that is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from respool._engine._laws.scalability import Fit, Regression
from respool._engine._laws.throughput import ScalabilityLimit

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
            self.ceiling.observe(self.readings * TICK, TICK, n * TICK, ended, waiting, max_size, 0.0)
        return self.ceiling.limit


def limited(ended: int = 75) -> Line:
    """Give a line that has just got a limit, at a pace that was measured for long."""
    line = Line(None)
    line.run(10 * SECOND, ended=ended)
    line.known.law = LAW
    assert PEAK == line.run(1, ended=ended)
    return line


def settled() -> Line:
    """Give such a line when the larger crowd has gone."""
    line = limited()
    assert PEAK == line.run(1, n=16.0, ended=1)
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
    """600 a second before: 1,224 prove it, from the reading on after which the larger crowd has gone."""
    line = settled()
    assert PEAK == line.run(8, n=16.0, ended=76)
    assert PEAK == line.run(8, n=16.0, ended=77)
    line = settled()
    assert PEAK == line.run(9, n=16.0, ended=76)
    assert PEAK == line.run(6, n=16.0, ended=77)
    assert line.run(1, n=16.0, ended=77) is None


def test_a_limit_is_judged_again_every_two_seconds() -> None:
    line = settled()
    assert PEAK == line.run(16, n=16.0, ended=77)
    assert PEAK == line.run(8, n=16.0, ended=76)
    assert PEAK == line.run(8, n=16.0, ended=77)
    assert PEAK == line.run(9, n=16.0, ended=76)
    assert PEAK == line.run(6, n=16.0, ended=77)
    assert line.run(1, n=16.0, ended=77) is None


@pytest.mark.parametrize("crowd", [17.25, 60.0])
def test_a_trial_begins_when_the_larger_crowd_has_gone_or_has_had_two_seconds(crowd: float) -> None:
    """Until then nobody new is served, and the limit would seem to serve fewer."""
    line = limited()
    assert PEAK == line.run(2 * SECOND - 1, n=crowd, ended=1)
    assert PEAK == line.run(2 * SECOND - 1, n=crowd, ended=76)
    assert line.run(1, n=crowd, ended=76) is None
    line = limited()
    assert PEAK == line.run(SECOND, n=crowd, ended=1)
    assert PEAK == line.run(1, n=17.0, ended=1)
    assert PEAK == line.run(2 * SECOND - 1, n=17.0, ended=76)
    assert line.run(1, n=17.0, ended=76) is None


def test_a_crowd_whose_holds_are_long_has_three_of_them_to_go() -> None:
    line = Line(None)
    line.run(60 * SECOND, n=40.0, ended=5)
    line.known.law = Fit(0.2, 0.001, 0.0006, 0.0)
    assert 18 == line.run(3 * SECOND, n=40.0, ended=5)
    assert 18 == line.run(3 * SECOND - 1, n=40.0, ended=1)
    assert 18 == line.run(2 * SECOND - 1, n=40.0, ended=1)
    assert line.run(1, n=40.0, ended=1) is None


def test_a_limit_is_not_judged_while_nobody_waits() -> None:
    assert PEAK == limited().run(10 * SECOND, n=2.0, ended=1, waiting=0)


def test_a_limit_that_was_withdrawn_is_not_tried_for_half_a_minute_and_then_for_a_minute() -> None:
    line = limited()
    for pause in (30, 60, 120):
        assert PEAK == line.run(2 * SECOND, n=16.0)
        assert line.run(1, n=16.0) is None
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


def test_a_limit_goes_down_by_a_quarter_at_a_time() -> None:
    """What crowds that are all alike say of a much smaller one is chance."""
    line = Line(law_of(20))
    assert 20 == line.run(SECOND, n=40.0)
    line.known.law = Fit(0.001, 0.0, 0.00025, 0.0)  # its peak is 2
    assert 15 == line.run(1, n=20.0, ended=150)
    assert 11 == line.run(1, n=15.0, ended=150)


def test_a_limit_is_forgotten_when_nobody_has_waited_for_more_than_a_minute() -> None:
    line = limited()
    assert PEAK == line.run(50 * SECOND, waiting=0)
    assert PEAK == line.run(1)
    assert PEAK == line.run(60 * SECOND, waiting=0)
    assert line.run(1, waiting=0) is None


# ---- a smaller crowd is tried


def hold_of(alone: float, bend: float) -> Callable[[float], float]:
    return lambda n: alone + bend * n * (n - 1)


class Full:
    """A pool that has more callers than it can serve from its first moment on."""

    def __init__(
        self, hold: Callable[[float], float], *, max_size: int = 40, create_time: float = 0.0
    ) -> None:
        self.ceiling = ScalabilityLimit()
        self.hold = hold
        self.max_size = max_size
        self.create_time = create_time
        self.readings = 0
        self.ended = 0.0

    def run(self, seconds: float) -> list[int | None]:
        """Take eight readings a second; give the limit after each."""
        limits = []
        for _ in range(int(seconds * SECOND)):
            self.readings += 1
            n = self.ceiling.limit or self.max_size
            self.ended += n * TICK / self.hold(n)
            whole, self.ended = int(self.ended), self.ended % 1
            now = self.readings * TICK
            self.ceiling.observe(now, TICK, n * TICK, whole, 1, self.max_size, self.create_time)
            limits.append(self.ceiling.limit)
        return limits


CROWDED = hold_of(0.02, 0.0002)
"""Ten serve 263 a second, which is the most; forty serve 120."""


def test_a_pool_that_has_only_ever_been_full_finds_its_limit() -> None:
    full = Full(CROWDED)
    assert {None} == set(full.run(9.5))
    limits = full.run(30)
    assert 30 == next(limit for limit in limits if limit is not None)
    assert limits[-1] in range(9, 12)


def test_where_fewer_serve_fewer_the_try_is_taken_back_and_not_repeated_for_two_minutes() -> None:
    full = Full(hold_of(0.02, 0.0))
    limits = full.run(130)
    tried = [at / SECOND for at, limit in enumerate(limits) if limit is not None]
    assert {30, None} == set(limits)
    assert 9.5 <= tried[0] <= 11.0
    assert tried[-1] - tried[0] <= 2.5
    assert 30 in full.run(20)


def test_tries_cost_a_pool_of_constant_holds_less_than_a_hundredth() -> None:
    full = Full(hold_of(0.02, 0.0))
    limits = full.run(600)
    lost = sum(1 - limit / 40 for limit in limits if limit is not None)
    assert 0 < lost < len(limits) / 100


def test_long_holds_and_dear_creates_are_given_more_time_before_a_try() -> None:
    """Eight observations, each of forty leases, and ten create times."""
    assert {None} == set(Full(hold_of(1.0, 0.0), max_size=10).run(30))
    assert {None, 8} == set(Full(hold_of(1.0, 0.0), max_size=10).run(60))
    assert {None} == set(Full(CROWDED, create_time=4.0).run(39))
    assert {None} != set(Full(CROWDED, create_time=4.0).run(42))


def test_who_has_seen_smaller_crowds_tries_none() -> None:
    """There were as many leases of five as there are of forty: that holds do not rise is known."""
    full = Full(hold_of(0.02, 0.0))
    for reading in range(120 * SECOND):
        full.ceiling.observe((reading + 1) * TICK, TICK, 5 * TICK, 31, 0, 40, 0.0)
    full.readings = 120 * SECOND
    assert {None} == set(full.run(20))


class Alike(Known):
    """Has seen crowds of one size alone, at 600 leases a second, and knows no law until it is told one."""

    tells = True

    def __init__(self, size: float) -> None:
        super().__init__(None)
        self.size = size

    def crowd(self) -> tuple[float, float, float]:
        """Give them."""
        return self.size, 0.0, 600.0


def alike(size: float) -> Line:
    """Give a line before a pool that has seen crowds of this size alone."""
    line = Line(None)
    line.known = Alike(size)
    line.ceiling = ScalabilityLimit(line.known)
    return line


def trying() -> Line:
    """Give a line whose limit is a smaller crowd that is tried, when the larger one has gone."""
    line = alike(40.0)
    assert line.run(10 * SECOND - 1, n=40.0, ended=150) is None
    assert 30 == line.run(1, n=40.0, ended=150)
    assert 30 == line.run(1, n=30.0)
    return line


@pytest.mark.parametrize(("size", "limit"), [(3.9, None), (4.0, 3)])
def test_nothing_smaller_is_tried_than_three(size: float, limit: int | None) -> None:
    assert limit == alike(size).run(10 * SECOND, n=size, ended=150)


def test_a_try_that_was_good_is_followed_by_a_smaller_one_while_no_law_is_found() -> None:
    line = trying()
    assert 30 == line.run(15, n=30.0, ended=100)
    assert 22 == line.run(1, n=30.0, ended=100)
    line = trying()
    line.known.law = law_of(60)
    assert [30] * 40 == [line.run(4, n=30.0, ended=100) for _ in range(40)]


def test_from_a_try_that_was_bad_the_limit_goes_back_to_the_last_good_one() -> None:
    """And that one is judged by what was served before it: 600 a second."""
    line = trying()
    assert 22 == line.run(16, n=30.0, ended=100)
    assert 22 == line.run(1, n=22.0)
    assert 30 == line.run(16, n=22.0, ended=101)
    assert 30 == line.run(16, n=30.0, ended=77)
    assert line.run(16, n=30.0, ended=76) is None


def test_a_limit_of_the_law_is_no_try_where_one_was_tried_before() -> None:
    """A bad try is not set again for two minutes, a bad limit of the law for one, the second time."""
    line = trying()
    assert line.run(2 * SECOND, n=30.0, ended=10) is None
    line.known.law = law_of(30)
    assert line.run(119 * SECOND, n=40.0, ended=10) is None
    assert 30 == line.run(2 * SECOND, n=40.0, ended=10)
    assert 30 == line.run(1, n=30.0, ended=10)
    assert line.run(2 * SECOND, n=30.0, ended=1) is None
    assert line.run(58 * SECOND, n=40.0, ended=10) is None
    assert 30 == line.run(3 * SECOND, n=40.0, ended=10)


def test_what_was_good_in_another_hour_is_forgotten_with_the_limit() -> None:
    line = trying()
    assert 22 == line.run(16, n=30.0, ended=100)
    assert line.run(61 * SECOND, waiting=0) is None
    line.known.law = LAW
    assert PEAK == line.run(2 * SECOND, n=20.0)
    assert PEAK == line.run(1, n=16.0)
    assert line.run(2 * SECOND, n=16.0, ended=10) is None


def test_a_try_lasts_two_observations_at_least() -> None:
    """One takes ninety leases here: three readings more, after the many of the first, and then eighteen."""
    line = trying()
    assert 30 == line.run(20, n=30.0, ended=5)
    assert line.run(1, n=30.0, ended=5) is None


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
    line.ceiling.observe(0.0, 0.0, 0.0, 100, 1, 60, 0.0)
    assert [] == line.known.told
    assert line.ceiling.limit is None
    line.run(1, n=4.0, ended=20)
    assert [(0.125, 4.0, 0.5 / 120, 120)] == line.known.told


def test_readings_without_length_leave_the_pace_as_it_was() -> None:
    line = Line(None)
    line.run(10 * SECOND, ended=80)
    for _ in range(20):
        line.ceiling.observe(line.readings * TICK, 0.0, 0.0, 0, 1, 60, 0.0)
    line.known.law = LAW
    assert PEAK == line.run(1, ended=80)
