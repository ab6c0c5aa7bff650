"""What a reading of the meter covers, what it says, and when the next one is due."""

from __future__ import annotations

from typing import Any

import pytest

from respool._engine import NEVER, Create, Tick
from respool._engine._growth import View
from respool._engine._ledger import Ledger
from respool._engine._meter import PERIOD, SLOWEST, Meter
from respool._engine._slot import PARKED, SUSPECT, Slot

from .world import Lease, World


class Pool:
    """A meter, and the state that it reads."""

    def __init__(self, slots: int = 0) -> None:
        self.meter, self.ledger = Meter(), Ledger()
        self.slots = [self.ledger.open(None, 0, 1000, 0.0) for _ in range(slots)]
        for slot in self.slots:
            self.ledger.move(slot, "created")

    def read(self, now: float, *resting: Slot, limit: int = 9, **counts: int) -> Tick:
        """Take a reading while these are idle."""
        facts: dict[str, Any] = dict.fromkeys(("idle", "creating", "closing", "waiting", "promised"), 0)
        facts |= {"size": len(self.slots), "in_use": len(self.slots) - len(resting), **counts}
        view = View(now=now, min_size=0, max_size=9, ledger=self.ledger, **facts)
        return self.meter.read(view, frozenset(resting), limit)


def use(slot: Slot, times: int) -> None:
    """Lease it so often by the fast lane."""
    slot.left -= times


def test_a_reading_after_a_rest_covers_only_the_time_since_somebody_came() -> None:
    """Else one waiter after a quiet hour would look like a line that has stood for an hour."""
    pool = Pool()
    pool.meter.awake(5.0)
    assert 5.1 == pool.meter.due
    pool.read(5.1)
    assert NEVER == pool.meter.due
    pool.meter.awake(3600.0)
    pool.read(3600.1)
    assert pytest.approx(0.1) == pool.meter.passed


def test_the_time_of_a_rest_is_nobodys_hold_time() -> None:
    pool = Pool(1)
    pool.meter.awake(0.0)
    use(pool.slots[0], 1)
    pool.read(0.1, in_use=1)
    pool.read(0.2, *pool.slots)
    pool.meter.due = NEVER
    spent = pool.meter.hold.spent
    pool.meter.awake(100.0)
    pool.read(100.1, *pool.slots, in_use=1)
    assert pytest.approx(spent + 0.1) == pool.meter.hold.spent


def test_what_passed_by_the_fast_lane_is_what_the_slow_path_did_not_grant() -> None:
    pool = Pool(2)
    first, second = pool.slots
    use(first, 5)
    use(second, 2)
    for _ in range(3):
        pool.meter.granted(0.0, 0, 0, handed=False)
    assert 4 == pool.read(0.1, first, second).fast
    use(second, 2)
    assert 2 == pool.read(0.2, first, second).fast
    assert 0 == pool.read(0.3, first, second).fast


def test_a_grant_that_no_count_shows_yet_is_no_negative_lease() -> None:
    pool = Pool(1)
    pool.meter.granted(0.0, 1, 0, handed=False)
    assert 0 == pool.read(0.1, *pool.slots).fast


def test_uses_of_what_is_gone_are_not_counted_anew() -> None:
    pool = Pool(1)
    [slot] = pool.slots
    use(slot, 7)
    assert 7 == pool.read(0.1, slot).ended
    pool.ledger.move(slot, "detach")
    seen = pool.read(0.2, in_use=0)
    assert (0, 0) == (seen.fast, seen.ended)


def test_a_lease_has_ended_that_was_counted_and_is_not_held() -> None:
    pool = Pool(3)
    for slot in pool.slots:
        use(slot, 2)
    assert 4 == pool.read(0.1, pool.slots[0], in_use=2).ended
    assert 2 == pool.read(0.2, *pool.slots, in_use=0).ended
    assert 6 == pool.meter.hold.ended


def test_an_end_seen_too_early_is_made_good_once() -> None:
    """A count read between a pop and its use shows fewer ended than before; they are not counted twice."""
    pool = Pool(2)
    for slot in pool.slots:
        use(slot, 3)
    assert 6 == pool.read(0.1, *pool.slots, in_use=0).ended
    assert 0 == pool.read(0.2, in_use=2).ended
    assert 0 == pool.read(0.3, *pool.slots, in_use=0).ended


def test_the_peak_is_what_was_used_or_is_out() -> None:
    pool = Pool(4)
    used, out, both, idle = pool.slots
    use(used, 1)
    use(both, 1)
    assert 3 == pool.read(0.1, used, idle).peak
    assert 2 == pool.read(0.2, used, idle).peak
    assert 0 == pool.read(0.3, *pool.slots).peak
    assert out.left == idle.left


def test_what_is_being_created_or_checked_is_not_out() -> None:
    pool = Pool(2)
    creating = pool.ledger.open(None, 0, 1000, 0.0)
    pool.ledger.move(pool.slots[0], "check")
    assert 1 == pool.read(0.1).peak
    assert creating in pool.ledger


def test_a_reading_shows_the_pool_as_it_is() -> None:
    pool = Pool()
    seen = pool.read(0.1, size=9, creating=2, closing=1, in_use=3, waiting=4, limit=7)
    assert (3, 4, 6, 2, 7) == (seen.in_use, seen.waiting, seen.open, seen.creating, seen.limit)


def test_those_who_come_by_either_way_make_the_rate() -> None:
    pool = Pool(1)
    for _ in range(3):
        pool.meter.arrived(0.0, 0, 0)
    use(pool.slots[0], 2)
    pool.read(0.1, *pool.slots)
    assert pytest.approx(5.0) == pool.meter.rates.slow.rate(0.1)
    pool.meter.arrived(0.15, 0, 0)
    pool.read(0.2, *pool.slots)
    assert pytest.approx(6.0, abs=0.03) == pool.meter.rates.slow.rate(0.2)


# ---------------------------------------------------------------------- when the next is due


def test_a_busy_pool_is_read_ten_times_a_second() -> None:
    pool = Pool(1)
    for tick in range(1, 5):
        pool.meter.arrived(tick - 1.0, 1, 0)
        pool.read(float(tick))
        assert tick + PERIOD == pool.meter.due


def test_where_only_leases_are_out_reading_becomes_ever_slower_down_to_once_a_second() -> None:
    pool = Pool(1)
    pauses = []
    now = 0.0
    for _ in range(6):
        pool.read(now)
        pauses.append(pool.meter.due - now)
        now = pool.meter.due
    assert pytest.approx([0.2, 0.4, 0.8, SLOWEST, SLOWEST, SLOWEST]) == pauses
    pool.meter.arrived(now, 1, 0)
    pool.read(now)
    assert now + PERIOD == pool.meter.due


def test_who_comes_while_reading_is_slow_has_it_read_within_a_period_and_only_once_sooner() -> None:
    pool = Pool(1)
    for now in (0.0, 1.0, 2.0, 3.0):
        pool.read(now)
    assert 4.0 == pool.meter.due
    pool.meter.awake(3.5)
    assert 3.6 == pool.meter.due
    pool.meter.awake(3.55)
    assert 3.6 == pool.meter.due
    pool.read(3.6)
    assert pytest.approx(3.8) == pool.meter.due


def test_what_is_due_sooner_than_a_period_is_not_put_off() -> None:
    pool = Pool(1)
    pool.meter.due = 5.0
    pool.meter.awake(4.95)
    pool.meter.arrived(4.96, 1, 0)
    assert 5.0 == pool.meter.due


@pytest.mark.parametrize(("size", "pause"), [(1000, 0.1), (5000, 0.5), (10_000, 1.0)])
def test_a_large_pool_is_read_more_slowly(size: int, pause: float) -> None:
    pool = Pool()
    pool.meter.arrived(0.0, 1, 0)
    pool.read(0.0, size=size, in_use=1)
    assert pytest.approx(pause) == pool.meter.due


@pytest.mark.parametrize(("in_use", "waiting", "rests"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_pool_rests_where_nothing_is_out_and_nobody_waits_or_came(
    in_use: int, waiting: int, rests: bool
) -> None:
    pool = Pool(1)
    pool.meter.arrived(0.0, 0, 0)
    pool.read(0.1, *pool.slots, in_use=in_use, waiting=waiting)
    assert NEVER != pool.meter.due
    pool.read(0.2, *pool.slots, in_use=in_use, waiting=waiting)
    assert rests is (NEVER == pool.meter.due)


def test_what_rests_is_parked_so_that_its_next_user_wakes_the_meter() -> None:
    pool = Pool(2)
    idle, out = pool.slots
    use(out, 1)
    pool.read(0.1, idle)
    assert not idle.mark
    pool.read(0.2, idle)
    assert (PARKED, 0) == (idle.mark, out.mark)


def test_what_rests_is_trusted_no_more_than_before() -> None:
    """Behaviour 81."""
    pool = Pool(1)
    [idle] = pool.slots
    idle.mark = SUSPECT
    pool.read(0.1, idle)
    assert SUSPECT | PARKED == idle.mark


def test_what_was_leased_by_the_fast_lane_alone_is_seen_by_the_pool() -> None:
    """The pool asks to be woken for its readings, and says in them what nobody reported."""
    world = World(max_size=2, check_after=100)
    waiters = [world.ask(), world.ask()]
    world.run(Create)
    for waiter in waiters:
        got = world.collect(waiter)
        assert got is not None
        world.release(got)
    world.advance(1.0)
    assert NEVER == world.engine.meter.due
    ended = world.engine.meter.hold.ended
    first = world.collect(world.ask())  # wakes the meter
    assert first is not None
    for _ in range(10):
        second = world.acquire()
        assert isinstance(second, Lease)
        world.release(second)
    world.release(first)
    world.advance(0.2)
    assert ended + 11 == world.engine.meter.hold.ended


# ---------------------------------------------------------------------- hold times


def test_a_lease_handed_to_who_waited_ends_one_and_any_other_grant_none() -> None:
    meter = Meter()
    meter.granted(0.0, 1, 0, handed=False)
    assert 0 == meter.hold.ended
    meter.granted(0.0, 1, 0, handed=True)
    assert 1 == meter.hold.ended


@pytest.mark.parametrize("event", ["queued", "granted", "arrived"])
@pytest.mark.parametrize("waiting", [1, 0])
def test_while_somebody_waits_the_time_that_is_held_is_known_at_once_else_at_the_next_reading(
    event: str, waiting: int
) -> None:
    meter = Meter()
    if event == "queued":
        meter.queued(0.0, 3)
    elif event == "granted":
        meter.granted(0.0, 3, waiting, handed=False)
    else:
        meter.arrived(0.0, 3, waiting)
    assert (2.0 if waiting or event == "queued" else 0.0) == meter.hold.mean(2.0)


def test_a_reading_while_somebody_waits_has_the_time_watched() -> None:
    pool = Pool(2)
    pool.read(0.0, waiting=1)
    assert 3.0 == pool.meter.hold.mean(3.0)
    pool = Pool(2)
    pool.read(0.0)
    assert 0.0 == pool.meter.hold.mean(3.0)
