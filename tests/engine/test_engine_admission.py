"""Admission: who is refused at once because the line would outlast his patience, and who never is."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, OnDemand, View, Waiter
from respool._engine._laws.admission import EXPERIENCE
from respool._engine._laws.rates import ArrivalRates

from .world import Lease, World

LINE = 20
"""So many wait, each for a lease of a second."""


def busy(*, leases: int = EXPERIENCE, line: int = LINE, **options: Any) -> tuple[World, Lease]:
    """A pool whose one resource went from hand to hand each second, so often, and has a line before it."""
    world = World(traits={"strict": True}, **{"max_size": 1, "check_after": 1000, **options}).filled(1)
    held = world.acquire(None)
    assert isinstance(held, Lease)
    while world.engine.meter.hold.ended < leases:
        waiter = world.ask(None)
        world.advance(1.0)
        world.release(held)
        next_one = world.collect(waiter)
        assert next_one is not None
        held = next_one
    assert leases == world.engine.meter.hold.ended
    for _ in range(line):
        world.ask(None)
    return world, held


def let_in(world: World, timeout: float | None = 5.0) -> bool:
    """Have one more come; tell whether he was let in."""
    waiter = world.ask(timeout)
    assert waiter.answered is not waiter.queued
    return waiter.queued


def test_who_cannot_be_served_in_time_is_refused_at_once_and_told_why() -> None:
    world, _held = busy()
    waiter = world.ask(5.0)
    assert waiter.refusal is not None
    assert ("rejected", None) == (waiter.refusal.why, waiter.refusal.cause)
    expected = "20 wait for 1 resources held 0.96 s each, predicted wait 20 s, timeout 5 s"
    assert expected == waiter.refusal.detail
    assert LINE == world.engine.line.count
    assert [] == [woken for woken in world.woken if woken is waiter]


def test_who_is_refused_is_told_of_the_leases_that_he_found_though_they_end_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lease ends without the mutex, at any moment: to count again divided by none."""
    world, held = busy()
    rate = ArrivalRates.at_least

    def release_and_give(rates: ArrivalRates, now: float) -> float:
        if held._hold:
            world.engine.lane.give(world.end(held))
        return rate(rates, now)

    monkeypatch.setattr(ArrivalRates, "at_least", release_and_give)
    waiter = Waiter(world.now, 5.0)
    world.engine.ask(waiter, world.now)
    assert not held._hold
    world.do(world.engine.match)  # which the releaser owes
    assert waiter.refusal is not None
    assert waiter.refusal.detail.startswith("20 wait for 1 resources")


@pytest.mark.parametrize("timeout", [60.0, None, 0.0])
def test_who_has_the_time_waits_for_ever_or_not_at_all_is_not_refused(timeout: float | None) -> None:
    world, _held = busy()
    assert let_in(world, timeout)


def test_nobody_is_refused_before_twenty_leases_have_ended() -> None:
    world, _held = busy(leases=19)
    assert let_in(world)


def test_where_admission_is_off_nobody_is_refused() -> None:
    world, _held = busy(admission=None)
    assert let_in(world)


def test_nobody_is_refused_while_the_pool_is_paused() -> None:
    """Behaviour 125: how long the pause lasts says nothing of the line."""
    world, _held = busy()
    world.do(world.engine.pause)
    assert let_in(world)


def test_in_report_only_mode_who_would_have_been_refused_is_let_in_counted_and_told() -> None:
    """Behaviour 18."""
    world, _held = busy(admission="report")
    for many in (1, 2):
        world.events.clear()
        assert let_in(world)
        wait = (LINE + many) * world.engine.meter.hold.mean(world.now)
        [event] = [event for event in world.events if isinstance(event, tell.WouldReject)]
        assert pytest.approx(wait) == event.predicted_wait
        assert ("world", world.now, 5.0) == (event.pool, event.at, event.timeout)
        assert many == world.engine.stats(world.now).would_reject
    assert let_in(world, 60.0)
    assert 2 == world.engine.stats(world.now).would_reject


def test_a_line_is_let_be_that_luck_may_clear_where_the_load_fits() -> None:
    """Callers come every ten seconds and hold for one: four at once are chance."""
    world = World(traits={"strict": True}, max_size=1, check_after=1000).filled(1)
    while world.engine.meter.hold.ended < EXPERIENCE:
        waiter = world.ask(None)
        got = world.collect(waiter)
        assert got is not None
        world.advance(1.0)
        world.release(got)
        world.advance(9.0)
    got = world.acquire(None)
    assert isinstance(got, Lease)
    for _ in range(3):
        world.ask(None)
    assert not let_in(world, 1.0)
    assert let_in(world, 3.0)


class Content(OnDemand):
    """Wants nothing more."""

    def wants(self, view: View, room: int) -> int:
        """Want what there is."""
        return 0


def test_nobody_is_refused_while_there_is_room_for_one_more() -> None:
    world, _held = busy(sizer=Content(), min_size=1)
    assert not let_in(world)
    world.do(world.engine.resize, 1, 2)
    assert [] == world.commands
    assert let_in(world)


@pytest.mark.parametrize(
    ("fault", "let"), [(None, True), (Fault.BACKEND_DOWN, True), (Fault.CAPACITY, False)]
)
def test_nobody_is_refused_while_one_more_is_on_its_way_or_there_is_an_outage(
    fault: Fault | None, let: bool
) -> None:
    """Unless the backend has no room for it."""
    world, _held = busy()
    world.do(world.engine.resize, 0, 2)
    [create] = world.begin_all(Create)
    if fault is not None:
        world.fail(create, fault)
    assert let is let_in(world)


# ---------------------------------------------------------------------- the cap on waiters


@pytest.mark.parametrize("most", [0, 1, 3])
@pytest.mark.parametrize("admission", ["deadline", "report", None])
def test_no_more_wait_than_may(most: int, admission: str | None) -> None:
    """Behaviour 17: whatever else is asked of admission, and without any experience."""
    world = World(max_size=0, max_waiting=most, admission=admission)
    assert [True] * most + [False] * 2 == [let_in(world, None) for _ in range(most + 2)]
    waiter = world.ask(None)
    assert waiter.refusal is not None
    assert f"max_waiting={most} callers wait already" == waiter.refusal.detail


def test_only_where_nobody_may_wait_has_who_is_refused_one_created() -> None:
    """Elsewhere those who wait have what they need created, and in a pause nobody has."""
    for most, paused, creates in ((0, False, 1), (0, True, 0), (1, False, 1)):
        world = World(max_size=4, max_waiting=most)
        if paused:
            world.do(world.engine.pause)
        assert [True] * most + [False] == [let_in(world, None) for _ in range(most + 1)]
        assert [Create] * creates == [type(command) for command in world.commands]
