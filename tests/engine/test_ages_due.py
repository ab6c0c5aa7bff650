"""When the sweep looks again: as often as the ages in force ask for, and at rest not before the next one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from respool._engine import Command, Create, Destroy, Validate
from respool._engine._slot import SUSPECT

from .world import Lease, World

QUIET: dict[str, Any] = {"max_lifetime": None, "check_after": 1000.0}
"""No age of a resource in reach."""
NEVER = float("inf")


@pytest.mark.parametrize(
    ("options", "period"),
    [
        (QUIET, 1.0),
        ({**QUIET, "max_idle": 2.0}, 0.5),
        ({**QUIET, "max_lifetime": 2.0}, 0.5),
        ({**QUIET, "keepalive": 2.0}, 0.5),
        ({**QUIET, "leak_after": 2.0}, 0.5),
        ({**QUIET, "check_after": 2.0}, 0.5),
        ({**QUIET, "check_after": 2.0, "max_idle": 0.8}, 0.2),
        ({**QUIET, "max_idle": 0.1}, 0.05),
        ({**QUIET, "check_after": 0}, 1.0),
    ],
)
def test_the_sweep_is_as_fine_as_a_quarter_of_the_shortest_age(
    options: dict[str, Any], period: float
) -> None:
    assert period == World(max_size=1, **options).engine.ages.period


def test_the_age_of_a_check_that_the_adapter_does_not_make_counts_for_nothing() -> None:
    options = {**QUIET, "check_after": 0.2}
    assert 1.0 == World(traits={"validates": False}, max_size=1, **options).engine.ages.period


@pytest.mark.parametrize(
    ("options", "due"),
    [
        (QUIET, 1000.0),
        ({**QUIET, "max_idle": 30.0}, 30.0),
        ({**QUIET, "max_idle": 30.0, "min_size": 1}, 1000.0),
        ({**QUIET, "keepalive": 10.0}, 10.0),
        ({**QUIET, "check_after": 20.0}, 20.0),
        ({**QUIET, "check_after": 20.0, "max_idle": 30.0}, 20.0),
    ],
)
def test_a_pool_at_rest_is_looked_at_again_when_the_next_age_is_reached(
    options: dict[str, Any], due: float
) -> None:
    """Behaviour 44: a sweep a second for nothing would keep the machine awake."""
    world = World(max_size=1, **options).filled(1)
    world.advance(5.0)
    assert due == world.engine.ages.due
    assert due == world.engine.next_wakeup(world.now)


def test_a_lifetime_is_looked_at_when_it_ends() -> None:
    """Behaviour 68."""
    world = World(max_size=1, max_lifetime=50.0, check_after=1000.0).filled(1)
    world.advance(5.0)
    [slot] = world.engine.ledger
    assert slot.expires == world.engine.ages.due
    world.advance(slot.expires - world.now)
    assert [Destroy] == [type(command) for command in world.commands]


def test_a_pool_at_rest_without_any_age_is_not_looked_at() -> None:
    world = World(traits={"validates": False}, max_size=1, **QUIET).filled(1)
    world.advance(5.0)
    assert NEVER == world.engine.ages.due == world.engine.next_wakeup(world.now)


def test_what_is_suspect_by_now_has_no_check_to_come() -> None:
    world = World(max_size=1, max_lifetime=None, check_after=2.0).filled(1)
    world.advance(5.0)
    assert NEVER == world.engine.ages.due


def test_the_next_age_of_many_is_the_first_one_reached() -> None:
    """Behaviour 64: also where the one that reaches it was opened last or is the hottest."""
    world = World(max_size=3, max_idle=30.0, **QUIET).filled(3)
    first, second, third = world.engine.ledger
    second.idle_from -= 4.0
    world.advance(5.0)
    assert second.idle_from + 30.0 == world.engine.ages.due
    assert (0.0, 0.0) == (first.idle_from, third.idle_from)


def test_while_a_lease_is_out_the_sweep_goes_on() -> None:
    """Behaviour 127: else a forgotten one would not be found."""
    world = World(max_size=2, **QUIET).filled(2)
    world.advance(5.0)
    _held = world.acquire()
    if not isinstance(_held, Lease):
        _held = world.collect(_held)  # type: ignore[assignment]
    for _ in range(10):
        world.advance(1.0)
        assert world.now < world.engine.ages.due <= world.now + 1.0


def test_the_sweep_rests_while_only_calls_are_under_way() -> None:
    """They have limits of their own."""
    world = World(max_size=1, create_timeout=500.0, **QUIET)
    world.ask(None)
    world.begin_all(Create)
    world.advance(5.0)
    assert NEVER == world.engine.ages.due


def test_a_call_under_way_hides_nothing_behind_it_from_the_sweep() -> None:
    """Behaviour 64: what was opened first is being checked, what was opened later grows old."""
    world = World(max_size=2, max_idle=5.0, order="fifo", **QUIET).filled(2)
    first, second = world.engine.ledger
    got = world.acquire()
    assert isinstance(got, Lease)
    assert got._hold[0] is first
    world.release(got, soiled=True)
    world.begin_all()
    world.advance(4.9)
    assert [] == world.commands
    world.advance(1.0)
    assert [second] == [command.slot for command in world.commands if isinstance(command, Destroy)]


def test_a_keepalive_comes_once_in_its_period_and_not_sooner_after_a_use() -> None:
    """Behaviour 80."""
    world = World(max_size=1, keepalive=4.0, **QUIET).filled(1)
    seen = []
    for _ in range(100):
        world.advance(0.25)
        for check in world.begin_all(Validate):
            seen.append(world.now)
            world.succeed(check)
        if len(seen) == 2 and world.now < seen[1] + 2.0:
            got = world.acquire()
            assert isinstance(got, Lease)
            world.release(got)
    gaps = [later - first for first, later in itertools.pairwise(seen)]
    assert 4.0 == pytest.approx(gaps[0], abs=0.3)
    assert 5.0 <= gaps[1] <= 7.1
    assert all(4.0 == pytest.approx(gap, abs=0.3) for gap in gaps[2:])


def test_a_keepalive_comes_at_the_very_moment() -> None:
    """Behaviour 80."""
    world = World(max_size=1, keepalive=4.0, **QUIET).filled(1)
    world.advance(4.0 - world.now)
    assert [Validate] == [type(command) for command in world.commands]


@pytest.mark.parametrize(
    ("periods", "what"),
    [({"max_idle": 10.0}, Destroy), ({"keepalive": 10.0}, Validate), ({"check_after": 10.0}, None)],
)
def test_what_was_held_for_long_is_idle_from_its_return_on(
    periods: dict[str, float], what: type[Command] | None
) -> None:
    """Behaviours 64, 80 and 83: the time in a holder's hands is no idle time, whichever way it comes back."""
    world = World(max_size=1, **{**QUIET, **periods}).filled(1)
    got = world.acquire()
    assert isinstance(got, Lease)
    slot = got._hold[0]
    world.advance(60.0)
    world.release(got)
    world.advance(8.5)
    assert [] == world.commands
    assert not slot.mark & SUSPECT
    world.advance(2.0)
    seen = [type(command) for command in world.commands]
    assert ([what] == seen) if what else (slot.mark & SUSPECT)


def test_in_a_busy_pool_of_many_each_is_kept_alive_as_often_as_configured() -> None:
    """Behaviours 79 and 80: not only as many of the coldest as there are sweeps in a period."""
    world = World(max_size=16, keepalive=4.0, **QUIET).filled(16)
    asked: dict[int, list[float]] = {}
    for _ in range(400):
        got = world.acquire()
        assert isinstance(got, Lease)
        world.advance(0.05)
        world.release(got)
        while checks := world.begin_all(Validate):
            [check] = checks
            asked.setdefault(check.slot.number, []).append(world.now)
            world.succeed(check)
    gaps = [b - a for times in asked.values() for a, b in itertools.pairwise(times)]
    assert 15 == len(asked)
    assert all(4.0 <= gap <= 5.1 for gap in gaps)
    assert 15 * 3 <= len(gaps)


def test_what_was_used_since_the_sweep_is_not_asked_whether_it_is_alive() -> None:
    """Behaviour 80."""
    world = World(max_size=2, keepalive=4.0, **QUIET).filled(2)
    world.advance(4.0 - world.now)
    [check] = world.begin_all(Validate)
    got = world.acquire()
    assert isinstance(got, Lease)
    world.release(got)
    world.succeed(check)
    assert [] == world.commands


def test_a_check_for_a_caller_keeps_no_other_resource_from_its_keepalive() -> None:
    """Behaviour 79: one at a time, of those that only keep alive."""
    world = World(max_size=2, keepalive=1.0, validate_timeout=50.0, **QUIET).filled(2)
    got = world.acquire()
    assert isinstance(got, Lease)
    world.do(world.engine.doubted, world.end(got))
    [check] = world.begin_all(Validate)
    world.advance(2.0)
    assert 2 == len(world.begin_all(Validate))
    world.succeed(check)


def test_callers_who_come_all_the_time_put_no_sweep_off() -> None:
    """Behaviour 127."""
    world = World(max_size=1, **QUIET).filled(1)
    due = world.engine.ages.due
    while world.now < due - 0.3:
        world.clock.advance(0.2)
        world.ask(0, waits=False)
        assert due == world.engine.ages.due


def test_one_that_was_used_is_reason_to_look_again_whatever_else_rests() -> None:
    """Behaviour 64."""
    world = World(max_size=2, order="fifo", **QUIET).filled(2)
    world.advance(5.0)
    used = world.collect(world.ask())
    assert used is not None
    assert used._hold[0] is next(iter(world.engine.ledger))
    world.release(used)
    world.advance(1.0)
    assert world.now < world.engine.ages.due <= world.now + 1.0


@pytest.mark.parametrize("noticed", ["tick", "awake"])
@pytest.mark.parametrize(("late", "stopped"), [(0.9, False), (1.0, True), (100.0, True)])
def test_a_stop_of_the_process_gives_every_age_the_time_that_it_took(
    late: float, stopped: bool, noticed: str
) -> None:
    """Behaviour 136: a wake-up a second late is one, or a caller who comes a second after it was due."""
    world = World(max_size=2, keepalive=40.0, max_idle=60.0, max_lifetime=90.0, check_after=32.0)
    world.advance(16.0)
    world.filled(2)
    world.advance(10.0)
    ages = [(slot.expires, slot.idle_from, slot.checked_at) for slot in world.engine.ledger]
    due = world.engine.ages.due
    world.clock.advance(due + late - world.now)
    world.do(world.engine.tick if noticed == "tick" else world.engine.ages.awake)
    given = world.now - due if stopped else 0.0
    assert [tuple(age + given for age in each) for each in ages] == [
        (slot.expires, slot.idle_from, slot.checked_at) for slot in world.engine.ledger
    ]


def test_what_was_in_use_until_a_stop_is_no_older_after_it() -> None:
    """Behaviour 136."""
    world = World(max_size=1, **QUIET)
    world.advance(16.0)
    world.filled(1)
    for _ in range(90):
        got = world.acquire()
        assert isinstance(got, Lease)
        world.release(got)
        world.advance(0.05)
    world.clock.advance(100.0)
    world.do(world.engine.tick)
    [slot] = world.engine.ledger
    assert world.now - slot.idle_from <= 1.0 + 1e-9
