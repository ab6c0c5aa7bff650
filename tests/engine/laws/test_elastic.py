"""The laws together, driven by hand."""

from __future__ import annotations

import math

import attrs
import pytest

from respool._engine._laws.elastic import Elasticity, Tick
from respool._engine._laws.gate import Line

NOTHING = Tick(in_use=0, waiting=0, open=0, creating=0, fast=0, peak=0, ended=0, limit=20)


def brain() -> Elasticity:
    return Elasticity(target_wait=0.010, create_price=30.0)


def tick(law: Elasticity, now: float, seen: Tick) -> None:
    """Do what the meter does and then what the law does."""
    law.hold.sample(now, seen.in_use, waiting=seen.waiting > 0)
    law.hold.ended_by_tick(seen.ended)
    law.rates.add(now, law._slow + seen.fast)
    law.tick(now, seen)


def steady(law: Elasticity, start: float, seconds: float, *, in_use: int, hold: float, opened: int) -> float:
    """Keep ``in_use`` leases of ``hold`` seconds out, all served by the fast lane."""
    now = start
    for _ in range(int(seconds * 10)):
        now += 0.1
        rate = round(in_use / hold * 0.1)
        tick(
            law,
            now,
            attrs.evolve(NOTHING, in_use=in_use, open=opened, fast=rate, peak=in_use + 1, ended=rate),
        )
    return now


def test_nobody_came_nothing_is_wanted() -> None:
    law = brain()
    tick(law, 0.0, NOTHING)
    assert law.target(0.0) == 0
    assert law.wanted == 0


def test_the_first_caller_of_an_empty_pool_gets_a_create() -> None:
    law = brain()
    law.arrived(0.0, 1)
    assert law.create_in(0.0, Line(waiting=1, in_use=0, open=0, creating=0)) == 0.0


def test_a_line_the_target_wait_clears_needs_no_more_resources() -> None:
    """The second trap: raw demand is not need."""
    law = brain()
    law.hold.watch(0.0, 1)
    law.hold.watch(1.0, 1)
    law.hold.ended_by_tick(500)
    assert abs(0.002 - law.hold.mean(1.0)) < 1e-4
    assert law.needed_for(1.0, 6) == 1
    assert law.needed_for(1.0, 50) == 9


def test_an_unknown_hold_counts_demand_in_full() -> None:
    assert brain().needed_for(0.0, 20) == 20


def test_a_spike_of_short_leases_on_five_idle_creates_nothing() -> None:
    """Behaviour 53."""
    law = brain()
    for _ in range(5):
        law.create_time.add(0.150)
    tick(law, 0.0, attrs.evolve(NOTHING, open=5))
    now, waiting, out = 1.0, 0, 5
    law.hold.watch(now, 5)
    for demand in range(6, 51):
        law.arrived(now, demand)
        waiting += 1
        found = law.create_in(now, Line(waiting=waiting, in_use=5, open=5, creating=0))
        assert found > 0.002
    while waiting:
        now += 0.002
        law.hold.watch(now, out)
        law.hold.ended_now(5)
        waiting -= 5
        assert law.create_in(now, Line(waiting=waiting, in_use=5, open=5, creating=0)) > 0.002


def test_twenty_callers_who_hold_long_make_an_empty_pool_grow_to_twenty() -> None:
    """Hold time counts leases in progress: nothing ends for 30 s, and yet all are served."""
    law, now, opened, flying = brain(), 0.0, 0, [1.0, 1.0]
    window, due = 2, 0.1
    for demand in range(1, 21):
        law.arrived(0.0, demand)
    while opened < 20 and now < 30.0:
        line = Line(waiting=20 - opened, in_use=opened, open=opened, creating=len(flying))
        ask = law.create_in(now, line)
        if ask == 0.0 and len(flying) < window:
            flying.append(now + 1.0)
            continue
        now = min([due, now + ask if ask > 0.0 else math.inf, *flying])
        if now == due:
            tick(
                law,
                now,
                attrs.evolve(NOTHING, in_use=opened, waiting=20 - opened, open=opened, creating=len(flying)),
            )
            due += 0.1
        for done in [end for end in flying if end <= now]:
            flying.remove(done)
            law.create_time.add(1.0)
            opened, window = opened + 1, min(8, window + 1)
            law.hold.watch(now, opened)
    assert opened == 20
    assert now < 6.0


def test_a_steady_load_wants_what_erlang_says_and_not_much_more() -> None:
    law = brain()
    now = steady(law, 0.0, 60.0, in_use=4, hold=0.02, opened=8)
    assert 5 <= law.target(now) <= 9
    assert abs(0.02 - law.hold.mean(now)) < 0.002


def test_when_callers_stop_coming_every_level_expires() -> None:
    law = brain()
    now = steady(law, 0.0, 30.0, in_use=4, hold=0.02, opened=8)
    assert law.levels.surplus(now + 5.0, 8, 0) <= 2
    assert law.target(now + 61.0) == 0
    assert law.levels.surplus(now + 61.0, 8, 0) == 2


def test_what_the_reaper_closed_the_target_no_longer_wants() -> None:
    """Behaviour 67, the first trap: the histogram still remembers a burst that the levels have given up."""
    law = brain()
    now = steady(law, 0.0, 10.0, in_use=12, hold=0.02, opened=16)
    worth = law.levels.worth(now)
    assert worth >= 12
    now = steady(law, now, 61.0, in_use=1, hold=0.02, opened=16)
    assert law.target(now) <= law.levels.worth(now)
    assert law.levels.surplus(now, 16, 0) == 2


def test_a_create_that_was_started_is_not_closed_on_arrival() -> None:
    law = brain()
    law.creating(5.0, 3)
    assert law.levels.surplus(6.0, 3, 0) == 0


def test_only_waits_beyond_the_target_spend_the_budget() -> None:
    law = brain()
    now = steady(law, 0.0, 20.0, in_use=4, hold=0.02, opened=6)
    before = law.trim.offset
    for _ in range(200):
        law.arrived(now, 7)
        law.waited(0.009)
    tick(law, now + 0.1, attrs.evolve(NOTHING, in_use=4, open=law.target(now), ended=200))
    assert law.trim.offset <= before
    for _ in range(200):
        law.arrived(now, 7)
        law.waited(0.011)
    tick(law, now + 0.2, attrs.evolve(NOTHING, in_use=4, open=law.target(now + 0.1), ended=200))
    assert law.trim.offset > before


def test_who_waited_in_vain_is_proof_that_so_many_are_needed() -> None:
    law = brain()
    now = steady(law, 0.0, 10.0, in_use=1, hold=0.02, opened=4)
    line = Line(waiting=1, in_use=9, open=9, creating=0)
    law.create_time.add(30.0)
    assert law.create_in(now, line) > 0.0
    law.in_vain(10)
    assert 0.0 == law.create_in(now, line)


@pytest.mark.parametrize("waiting", [2, 20])
def test_a_target_that_rose_while_a_line_stood_counts_for_the_next_or_when_it_lasts(waiting: int) -> None:
    law = brain()
    law.create_time.add(0.150)
    now = begun = steady(law, 0.0, 10.0, in_use=1, hold=0.02, opened=5)
    line = Line(waiting=waiting, in_use=5, open=5, creating=0)
    assert law.create_in(now, attrs.evolve(line, waiting=1)) > 0.0
    for demand in range(6, 60):
        law.arrived(now, demand)
    now += 0.01
    tick(law, now, attrs.evolve(NOTHING, in_use=5, open=5, peak=5))
    assert law.target(now) > 5
    assert law.create_in(now, line) > 0.0
    assert 0.0 == law.create_in(begun + 0.15, line)
    assert 0.0 == law.create_in(now, attrs.evolve(line, waiting=1))


def test_a_line_that_waits_for_creates_in_flight_says_nothing_of_the_size_after_them() -> None:
    law = brain()
    law.create_time.add(0.150)
    now = steady(law, 0.0, 10.0, in_use=1, hold=0.02, opened=5)
    line = Line(waiting=9, in_use=5, open=5, creating=0)
    assert law.create_in(now, attrs.evolve(line, waiting=1)) > 0.0
    for demand in range(6, 60):
        law.arrived(now, demand)
    tick(law, now + 0.01, attrs.evolve(NOTHING, in_use=5, open=5, peak=5))
    assert law.create_in(now + 0.14, attrs.evolve(line, creating=2)) > 0.0
    assert law.create_in(now + 0.16, line) > 0.0
    assert 0.0 == law.create_in(now + 0.30, line)


def with_a_line(*, visits: int, late: int) -> tuple[Elasticity, float]:
    """Give a law whose target is met, in which one level was missed so many times and so many were late."""
    law = brain()
    law.create_time.add(0.150)
    now = steady(law, 0.0, 10.0, in_use=1, hold=0.02, opened=5)
    tick(law, now, attrs.evolve(NOTHING, open=9))
    for _ in range(visits):
        now += 20.0
        law.levels.needed(now, 1)
    for _ in range(late):
        law.arrived(now, 1)
        law.waited(0.011)
    tick(law, now, attrs.evolve(NOTHING, open=9))
    return law, now


def test_where_needs_come_one_by_one_and_too_many_are_nearly_late_a_waiter_is_reason_enough() -> None:
    """Of five hundred arrivals or so, the hundred of the doubt included: four late are 0.78 of the budget."""
    line = Line(waiting=1, in_use=9, open=9, creating=0)
    law, now = with_a_line(visits=4, late=4)
    assert 0.75 < law.premium.spent < 0.85
    assert 0.0 == law.create_in(now, line)
    assert law.create_in(now, attrs.evolve(line, waiting=2, creating=1)) > 0.0, "one at a time"
    assert law.create_in(now, attrs.evolve(line, waiting=0)) > 0.0
    law, now = with_a_line(visits=4, late=3)
    assert law.create_in(now, line) > 0.0, "the budget allows for it"
    law, now = with_a_line(visits=2, late=4)
    assert law.create_in(now, line) > 0.0, "nothing says yet that needs come one by one"


def test_the_target_stays_within_the_limit() -> None:
    law = brain()
    for demand in range(1, 500):
        law.arrived(0.0, demand)
    tick(law, 0.1, attrs.evolve(NOTHING, waiting=500))
    assert law.target(0.1) == 20


def test_ten_thousand_callers_in_one_burst_are_no_reason_to_work_out_what_no_limit_allows() -> None:
    asked = []

    class Counting(Elasticity):
        def needed_for(self, now: float, demand: float) -> int:
            asked.append(demand)
            return super().needed_for(now, demand)

    law = Counting(0.01, 30.0, limit=20)
    for demand in range(1, 10_001):
        law.arrived(0.0, demand)
    assert list(range(1, 21)) == asked
    tick(law, 0.1, attrs.evolve(NOTHING, limit=30))
    assert 20 == law.target(0.1)
    asked.clear()
    law.arrived(0.1, 40)
    law.arrived(0.1, 50)
    assert 40 in asked
    assert 50 not in asked, "the limit is what the last tick said"


def test_one_late_caller_of_a_hundred_is_within_the_budget() -> None:
    """And who waited for exactly as long as he may was not late."""
    law = brain()
    tick(law, 1.0, NOTHING)
    for late, moved in ((2, 0), (1, -1), (3, 1)):
        law.trim.offset = 0.0
        for _ in range(200):
            law.arrived(1.0, 1)
        for _ in range(late):
            law.waited(0.011)
        for _ in range(50):
            law.waited(0.010)
        tick(law, 1.1, attrs.evolve(NOTHING, open=law.wanted))
        assert moved == (law.trim.offset > 0.0) - (law.trim.offset < 0.0)


def test_what_late_callers_make_a_create_dearer_lasts_for_minutes() -> None:
    """Two of two hundred, the hundred good ones of the doubt included, are the budget: 1 + 0.5 / 0.2."""
    law = brain()
    tick(law, 1000.0, NOTHING)
    for _ in range(100):
        law.arrived(1000.0, 1)
    law.waited(1.0)
    law.waited(1.0)
    tick(law, 1000.1, NOTHING)
    assert 3.5 == pytest.approx(law.premium.factor())
    tick(law, 1000.2, NOTHING)
    assert 3.5 == pytest.approx(law.premium.factor(), rel=1e-3)


def test_who_passes_by_the_fast_lane_finds_what_is_busy_and_is_one_more() -> None:
    law, now = brain(), 0.0
    for number in range(600):
        odd = number % 2
        now += 0.1
        fast = 22 + odd
        tick(law, now, attrs.evolve(NOTHING, in_use=4 + odd, open=9, fast=fast, peak=20, ended=fast))
    assert 5 == law.demand.quantile(0.01)


def test_what_one_of_a_thousand_found_counts_for_nothing() -> None:
    law = brain()
    for number in range(1000):
        law.arrived(0.0, 4 if number % 200 else 15)
    tick(law, 0.1, NOTHING)
    assert (4, 4) == (law.by_demand, law.wanted)


def test_before_a_lease_has_ended_nobody_knows_what_the_arrivals_need() -> None:
    law = brain()
    law.hold.watch(0.0, 1)
    for _ in range(40):
        law.arrived(0.0, 2)
    tick(law, 10.0, attrs.evolve(NOTHING, in_use=1, waiting=1))
    assert law.hold.mean(10.0) == 10.0
    assert (0, 2) == (law.by_rate, law.wanted)


def test_a_pool_that_is_needed_is_never_trimmed_to_nothing() -> None:
    law = brain()
    law.arrived(0.0, 1)
    law.trim.offset = -0.5
    tick(law, 0.1, NOTHING)
    assert 1 == law.wanted


def test_what_is_out_keeps_its_level_though_nobody_comes() -> None:
    law = brain()
    law.arrived(0.0, 3)
    for second in range(61):
        tick(law, float(second), attrs.evolve(NOTHING, in_use=3, open=3))
    assert 3 == law.target(60.0)


def test_what_was_out_between_two_readings_needs_its_level_and_what_was_not_does_not() -> None:
    """Six leases have gone, the last to come among them; later slots are touched, and nobody came."""
    law = brain()
    law.hold.watch(0.0, 6)
    law.hold.watch(0.1, 0)
    law.hold.ended_now(6)
    tick(law, 1.0, attrs.evolve(NOTHING, open=6, fast=1, peak=6))
    assert 6 == law.levels.worth(1.0)
    for second in range(2, 32):
        tick(law, float(second), attrs.evolve(NOTHING, open=6, peak=6))
    assert 0 == law.levels.worth(31.0)


def test_when_callers_stop_coming_what_they_needed_is_not_needed_for_the_one_who_stays() -> None:
    law = brain()
    now = steady(law, 0.0, 60.0, in_use=4, hold=0.02, opened=8)
    assert law.levels.worth(now) >= 5
    for _ in range(31):
        now += 1.0
        tick(law, now, attrs.evolve(NOTHING, in_use=1, open=8))
    assert law.by_rate > 2
    assert 1 == law.levels.worth(now)
