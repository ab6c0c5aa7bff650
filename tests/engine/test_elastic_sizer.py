"""The elastic sizer, asked by hand: what it wants, when it asks again, what it closes, and why it says so."""

from __future__ import annotations

from typing import Any

import pytest

from respool._engine import NEVER, Elastic
from respool._engine._growth import View
from respool._engine._laws.elastic import Tick
from respool._engine._laws.hold import HoldTime
from respool._engine._ledger import Ledger
from respool._engine._meter import PERIOD, Meter

PRICE = 30.0


def view(now: float, **facts: Any) -> View:
    """Show a pool, all of whose counts are 0 but those given."""
    counts = dict.fromkeys(
        ("min_size", "size", "idle", "in_use", "creating", "closing", "waiting", "promised"), 0
    )
    return View(**{**counts, "now": now, "max_size": 60, "ledger": Ledger(), **facts})


def seen(**facts: Any) -> Tick:
    """Give a reading, all of whose counts are 0 but those given."""
    counts = dict.fromkeys(("in_use", "waiting", "open", "creating", "fast", "peak", "ended"), 0)
    return Tick(**{**counts, "limit": 60, **facts})


def sizer(create_time: float = 0.0, *, closes: bool = True) -> tuple[Elastic, Meter]:
    """Make a sizer and the meter it is bound to, which knows how long a create takes."""
    made = Elastic(0.010, PRICE) if closes else Elastic(0.010, PRICE, closes=False)
    meter = Meter()
    if create_time:
        meter.create_time.add(create_time)
    made.bind(meter, 60)
    return made, meter


def read(made: Elastic, meter: Meter, now: float, tick: Tick, **facts: Any) -> None:
    """Take a reading as the meter and the engine do."""
    meter.hold.sample(now, tick.in_use, waiting=tick.waiting > 0)
    meter.hold.ended_by_tick(tick.ended)
    meter.rates.add(now, tick.fast)
    meter.passed = PERIOD
    made.tick(view(now, in_use=tick.in_use, waiting=tick.waiting, **facts), tick)


def flow(made: Elastic, meter: Meter, rate: int, hold: float, *, until: float = 60.0) -> float:
    """Let so many callers a second, a multiple of ten, be served by the fast lane, by eight resources."""
    out, now = round(rate * hold), 0.0
    for number in range(1, round(until / PERIOD) + 1):
        now = number * PERIOD
        many = rate // 10
        read(made, meter, now, seen(in_use=out, open=8, fast=many, peak=out + 1, ended=many))
    return now


# ---- what it wants


def test_an_empty_pool_wants_one_for_each_who_waits_as_far_as_there_is_room() -> None:
    made, _ = sizer()
    assert 1 == made.wants(view(0.0, waiting=1), 2)
    assert 2 == made.wants(view(0.0, waiting=5), 2)
    assert 0 == made.wants(view(0.0, waiting=5), 0)
    assert NEVER == made.due()


def test_what_is_being_created_is_for_somebody_who_waits() -> None:
    made, _ = sizer()
    assert 1 == made.wants(view(0.0, waiting=3, size=2, creating=2, promised=2), 8)
    assert 0 == made.wants(view(0.0, waiting=2, size=2, creating=2, promised=2), 8)


def test_what_is_being_closed_or_created_is_not_open() -> None:
    """Four are wanted since somebody waited in vain for three."""
    made, _ = sizer(9.0)
    made.in_vain(4)
    assert 0 == made.wants(view(0.0, waiting=1, in_use=4, size=4), 8)
    assert 1 == made.wants(view(0.0, waiting=1, in_use=3, size=4, closing=1), 8)
    assert 0 == made.wants(view(0.0, waiting=2, in_use=3, size=4, creating=1, promised=1), 8)
    made.in_vain(5)
    assert 1 == made.wants(view(0.0, waiting=1, in_use=4, size=4), 8)
    assert 1 == made.wants(view(0.0, waiting=2, in_use=3, size=4, creating=1, promised=1), 8)


def test_a_caller_who_waited_in_vain_may_have_one_created_even_now() -> None:
    made, _ = sizer()
    assert made.in_vain(3)
    assert 3 == made.target(0.0)


def test_who_is_being_served_by_a_check_is_no_reason_to_create_for_as_long_as_a_create_takes() -> None:
    made, _ = sizer(0.15)
    checking = {"waiting": 2, "promised": 1, "size": 1}
    assert 0 == made.wants(view(1.0, **checking), 8)
    assert 1.15 == made.due()
    assert 0 == made.wants(view(1.1, **checking), 8)
    assert 1.15 == made.due()
    assert 1 == made.wants(view(1.15, **checking), 8)


def test_each_rest_gives_the_checks_after_it_their_time_anew() -> None:
    made, _ = sizer(0.15)
    checking = {"waiting": 2, "promised": 1, "size": 1}
    made.wants(view(1.0, **checking), 8)
    made.wants(view(1.1, waiting=1, in_use=1, size=1), 8)
    assert 0 == made.wants(view(5.0, **checking), 8)
    assert 5.15 == made.due()
    made.wants(view(6.0), 8)
    assert 0 == made.wants(view(9.0, **checking), 8)
    assert 9.15 == made.due()
    assert made.settles_for(9.1)
    assert 0 == made.wants(view(20.0, **checking), 8)
    assert 20.15 == made.due()


def test_two_checks_serve_a_line_twice_as_fast_as_one() -> None:
    """Who waits behind them: three for one, held 0.1 s, last longer than a create of 0.15 s."""
    for checked, wanted in ((1, 1), (2, 0)):
        made, meter = sizer(0.15)
        meter.hold.watch(0.0, 1)
        meter.hold.watch(1.0, 0)
        meter.hold.ended_now(10)
        assert wanted == made.wants(view(1.0, waiting=2 + checked, promised=checked, size=checked), 8)


def test_the_question_is_asked_again_when_leases_have_aged_enough_but_not_at_once() -> None:
    for takes, pause in ((0.5, 0.5), (0.0005, 0.001)):
        made, meter = sizer(takes)
        meter.hold.watch(5.0, 1)
        assert 0 == made.wants(view(5.0, waiting=1, in_use=1, size=1), 8)
        assert pytest.approx(5.0 + pause) == made.due()
        assert 5.0 + pause <= made.due()


def test_without_room_nothing_is_due() -> None:
    made, meter = sizer(0.5)
    meter.hold.watch(5.0, 1)
    made.wants(view(5.0, waiting=1, in_use=1, size=1), 8)
    assert made.settles_for(5.1)
    assert NEVER == made.due()


# ---- what it closes


def test_what_was_not_needed_for_the_price_of_a_create_is_closed_two_at_a_time() -> None:
    """Behaviour 66."""
    made, _ = sizer()
    made.creating(0.0, 5)
    assert 0 == made.surplus(view(29.0, size=5, idle=5))
    assert PRICE == made.due()
    assert 2 == made.surplus(view(30.0, size=5, idle=5))
    assert 30.0 + PERIOD == made.due()
    assert 0 == made.surplus(view(30.05, size=5, idle=3, closing=2))
    assert 30.0 + PERIOD == made.due()
    assert 2 == made.surplus(view(30.0 + PERIOD, size=5, idle=3, closing=2))
    assert 1 == made.surplus(view(31.0, size=3, idle=1, closing=2))


def test_what_is_not_needed_is_closed_at_once_after_a_look_that_closed_nothing() -> None:
    made, _ = sizer()
    made.creating(0.0, 2)
    assert 0 == made.surplus(view(29.95, size=2, idle=2))
    assert 2 == made.surplus(view(30.0, size=2, idle=2))


def test_nothing_is_closed_below_the_floor_or_where_nothing_is_idle() -> None:
    made, _ = sizer()
    made.creating(0.0, 3)
    assert 1 == made.surplus(view(40.0, size=3, idle=3, min_size=2))
    assert 0 == made.surplus(view(41.0, size=2, idle=2, min_size=2))
    assert NEVER == made.due()
    assert 0 == made.surplus(view(42.0, size=3, in_use=3))
    assert NEVER == made.due()


def test_what_is_being_created_is_no_surplus() -> None:
    made, _ = sizer()
    made.creating(0.0, 1)
    made.creating(20.0, 2)
    assert 0 == made.surplus(view(40.0, size=3, idle=1, creating=2))
    assert 1 == made.surplus(view(40.0, size=3, idle=3))


def test_where_the_user_said_when_to_close_the_law_closes_nothing() -> None:
    made, _ = sizer(closes=False)
    made.creating(0.0, 3)
    assert 0 == made.surplus(view(100.0, size=3, idle=3))
    assert NEVER == made.due()


# ---- what it says


def told(made: Elastic, now: float, **facts: Any) -> str:
    reason = made.change(view(now, **facts))
    assert reason is not None
    return reason


def test_it_says_once_that_callers_came_faster_and_in_their_numbers() -> None:
    made, meter = sizer()
    now = flow(made, meter, 200, 0.02)
    target = made.target(now)
    assert f"grew to {target}: 200 arrivals/s, held 20 ms each, target wait 10 ms" == told(made, now)
    assert made.change(view(now)) is None


def test_a_lease_that_ages_while_somebody_waits_is_held_longer_in_what_it_says() -> None:
    made, meter = sizer()
    now = flow(made, meter, 200, 0.02)
    ended = meter.hold.ended
    meter.hold.watch(now, 4)
    assert "held 20 ms each" in told(made, now)
    made.in_vain(30)
    reason = told(made, now + 30.0)
    assert ended == meter.hold.ended
    assert f"held {meter.hold.mean(now + 30.0) * 1000:.3g} ms each" in reason
    assert "held 20 ms each" not in reason


def test_it_says_that_the_first_is_needed() -> None:
    made, meter = sizer()
    made.arrived(0.0, 1)
    read(made, meter, 0.1, seen(in_use=1, open=1))
    assert "grew to 1: demand p99 1, target wait 10 ms" == told(made, 0.1)


def test_it_says_that_callers_come_more_slowly() -> None:
    made, meter = sizer()
    now = flow(made, meter, 200, 0.02)
    told(made, now)
    reasons: list[str] = []
    while not reasons:
        now += PERIOD
        read(made, meter, now, seen(in_use=1, open=8, fast=5, peak=2, ended=5))
        reasons += filter(None, [made.change(view(now))])
    [reason] = reasons
    assert reason.startswith("shrank to ")
    assert "arrivals/s, held " in reason


def test_it_says_that_more_was_needed_at_once() -> None:
    made, meter = sizer()
    for demand in range(1, 4):
        made.arrived(0.0, demand)
    read(made, meter, 0.1, seen(in_use=3, open=3))
    assert "grew to 3: demand p99 3, target wait 10 ms" == told(made, 0.1)


def test_it_says_that_no_more_was_needed_for_the_keep_time() -> None:
    made, meter = sizer()
    now = flow(made, meter, 200, 0.02)
    before = made.target(now)
    told(made, now)
    assert made.change(view(now + 29.0)) is None
    assert "shrank to 0: no more was needed for 30 s" == told(made, now + 31.0)
    assert before > 0


def test_it_says_that_the_formulas_ask_for_less() -> None:
    made, meter = sizer()
    for demand in range(1, 10):
        made.arrived(0.0, demand)
    read(made, meter, 0.1, seen(in_use=9, open=9))
    assert told(made, 0.1).startswith("grew to 9")
    read(made, meter, 0.2, seen(in_use=9, open=9, ended=900))
    assert "shrank to 1: demand p99 0.82, target wait 10 ms" == told(made, 0.2)


def test_the_floor_is_no_news() -> None:
    made, _ = sizer()
    assert "grew to 2: demand p99 0, target wait 10 ms" == told(made, 0.0, min_size=2)
    made.in_vain(2)
    assert made.change(view(1.0, min_size=2)) is None
    assert NEVER == made.due()


def test_where_more_is_wanted_than_was_ever_needed_it_is_asked_again_in_a_period() -> None:
    made, _ = sizer()
    made.in_vain(3)
    told(made, 5.0)
    assert 5.0 + PERIOD == made.due()


def test_late_callers_raise_the_target_and_others_do_not() -> None:
    targets = []
    for wait in (0.009, 0.02):
        made, meter = sizer()
        now = flow(made, meter, 200, 0.02)
        for _ in range(400):
            made.arrived(now, 1)
            made.waited(wait)
        read(made, meter, now + PERIOD, seen(in_use=4, open=made.target(now), ended=20))
        targets.append(made.target(now + PERIOD))
    assert targets[0] < targets[1]


def test_before_the_first_reading_too_no_more_is_worked_out_than_the_cap_allows() -> None:
    asked = []

    class Asked(HoldTime):
        def mean(self, now: float) -> float:
            asked.append(now)
            return super().mean(now)

    made, meter = Elastic(0.010, PRICE), Meter()
    meter.hold = Asked()
    made.bind(meter, 20)
    for demand in range(1, 1001):
        made.arrived(0.0, demand)
    assert 20 == len(asked)


def test_a_resting_pool_is_asked_when_a_keep_time_is_over_and_not_before_the_next_period() -> None:
    made, meter = sizer()
    now = flow(made, meter, 200, 0.02, until=5.0)
    target = made.target(now)
    told(made, now)
    due = made.due()
    assert now + 25.0 < due <= now + PRICE
    assert made.target(due - 0.01) == target > made.target(due)
    told(made, due)
    assert due + PERIOD <= made.due()


# ---- the ceiling


def usl(n: float) -> float:
    return 0.01 * (1 + 0.02 * (n - 1) + 0.004 * n * (n - 1))


def contended(seconds: int = 24) -> tuple[Elastic, Meter, float]:
    """Let ever more be out at once, until they are in each other's way."""
    made, meter = sizer()
    now = 0.0
    for number in range(seconds * 10):
        now = number * PERIOD
        n = min(2 + 3 * now, made.ceiling(60))
        waiting = int(2 + 3 * now > n)
        meter.hold.watch(now, round(n))
        ended = round(n * PERIOD / usl(n))
        read(made, meter, now, seen(in_use=round(n), waiting=waiting, open=60, ended=ended))
    return made, meter, now


def test_where_more_serve_fewer_it_stays_at_the_peak_but_not_below_the_floor_or_above_the_cap() -> None:
    made, meter, now = contended()
    peak = made.ceiling(60)
    assert 13 <= peak <= 18
    assert peak - 1 == made.ceiling(peak - 1)
    read(made, meter, now + PERIOD, seen(in_use=peak, waiting=1, open=peak, ended=60), min_size=peak + 5)
    assert peak + 5 == made.ceiling(60)
    assert peak + 1 == made.ceiling(peak + 1)


def test_a_pool_that_knows_of_no_harm_has_its_cap_for_a_ceiling() -> None:
    made, meter = sizer()
    flow(made, meter, 200, 0.02, until=5.0)
    assert 7 == made.ceiling(7)
