"""Calls that hang, leases held too long, and what has lost its owner."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._engine import Create, Destroy, Reset, SlotCommand, Validate, Waiter, _maintenance

from .world import Lease, World

# ---------------------------------------------------------------------- calls that hang


@pytest.mark.parametrize(("trait", "ended"), [({}, []), ({"aborts": True}, []), ({"cancels": True}, [1])])
def test_a_creation_that_hangs_is_ended_only_by_a_shell_that_can_end_any_call(
    trait: dict[str, bool], ended: list[int]
) -> None:
    """Behaviour 48: an adapter can end a call on a resource, and there is none yet."""
    world = World(traits=trait, max_size=1, create_timeout=2.0)
    world.ask(1.0)
    world.begin_all(Create)
    world.advance(2.5)
    assert 1 == world.engine.stuck
    assert ended == world.aborted


def test_a_creation_that_hangs_is_told_as_an_outage_and_the_next_has_its_pause() -> None:
    """Behaviours 43, 48."""
    world = World(max_size=1, create_timeout=2.0)
    world.ask(None)
    world.begin_all(Create)
    world.advance(2.0)
    [began] = world.told(tell.OutageBegan)
    assert world.now == began.at
    assert [] == world.commands
    world.advance(0.5)
    assert [Create] == [type(command) for command in world.commands]


def test_after_a_check_that_hangs_creations_ramp_up_anew_but_it_is_no_outage() -> None:
    """Behaviours 58, 84."""
    world = World(max_size=20, max_creating=8, check_after=0.1, validate_timeout=0.5).filled(6)
    world.advance(0.3)
    world.ask(None)
    world.begin_all(Validate)
    world.advance(0.51)
    for _ in range(9):
        world.ask(None)
    assert 2 == len(world.begin_all(Create))
    assert [] == world.told(tell.OutageBegan)


@pytest.mark.parametrize("kind", [Reset, Destroy])
def test_a_call_that_hangs_casts_doubt_on_no_check_unless_it_was_one(kind: type[SlotCommand]) -> None:
    """Behaviours 84, 106."""
    world = World(max_size=2, check_after=100, reset_timeout=2.0, destroy_timeout=2.0).filled(2)
    held = world.lease()
    if kind is Reset:
        world.release(held, soiled=True)
    else:
        world.do(world.engine.discard, world.end(held))
    world.begin_all(kind)
    world.advance(2.5)
    assert 1 == world.engine.stuck
    assert isinstance(world.acquire(), Lease)


# ---------------------------------------------------------------------- leases held too long


def test_a_lease_held_too_long_is_told_once_with_who_acquired_it_and_when_it_is_back() -> None:
    """Behaviour 126."""
    world = World(max_size=1, leak_after=2.0, check_after=100).filled(1)
    for _ in range(2):
        world.events.clear()
        waiter = Waiter(world.now, 5.0)
        waiter.acquirer = "line 7"
        began = world.now
        world.do(world.engine.ask, waiter)
        got = world.collect(waiter)
        assert got is not None
        world.advance(1.9)
        assert [] == world.told(tell.LeaseLeaking)
        world.advance(10.0)
        [leaking] = world.told(tell.LeaseLeaking)
        assert (1, "line 7") == (leaking.number, leaking.stack)
        assert 2.0 <= leaking.held <= 2.5 + 1e-9
        assert leaking.held == leaking.at - began
        world.release(got)
        assert 1 == len(world.told(tell.LeaseReturned))


def test_a_lease_is_too_long_held_at_the_very_moment() -> None:
    """Behaviour 126."""
    world = World(max_size=1, leak_after=2.0, check_after=100)
    waiter = world.ask()
    world.run(Create)
    assert waiter.loan is not None
    world.advance(2.0)
    [leaking] = world.told(tell.LeaseLeaking)
    assert 2.0 == leaking.held


# ---------------------------------------------------------------------- what has lost its owner


@pytest.fixture
def lose(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sweep, and let reference counts say what they say of a call whose caller is gone."""

    def sweep(world: World, command: SlotCommand) -> None:
        monkeypatch.setattr(
            _maintenance, "nobody_else_has", lambda slots, number: slots[number] is command.slot
        )
        world.commands = [other for other in world.commands if other is not command]
        world.running = [other for other in world.running if other is not command]
        world.sweep()

    return sweep


@pytest.mark.parametrize("kind", [Create, Validate, Reset, Destroy])
def test_a_call_that_was_lost_before_it_began_is_asked_for_again(lose: Any, kind: type[SlotCommand]) -> None:
    """Behaviour 74."""
    world = asked_for(kind)
    [command] = world.commands
    lose(world, command)
    [again] = world.commands
    assert (kind, command.slot) == (type(again), again.slot)
    assert world.begin(again)
    world.succeed(again)


def asked_for(kind: type[SlotCommand]) -> World:
    """A pool that has one command out, of this kind."""
    world = World(counts=True, max_size=1, check_after=1.0)
    if kind is Create:
        world.ask(0, waits=False)
        return world
    world.filled(1)
    held = world.lease()
    if kind is Validate:
        world.release(held)
        world.advance(5.0)
        world.ask(0.5)
    elif kind is Reset:
        world.release(held, soiled=True)
    else:
        world.do(world.engine.discard, world.end(held))
    return world


@pytest.mark.parametrize("late", [False, True])
def test_a_creation_whose_caller_is_gone_counts_as_failed_and_another_takes_its_place(
    lose: Any, late: bool
) -> None:
    """Behaviours 33, 42, 49."""
    world = World(counts=True, max_size=1, create_timeout=2.0)
    waiter = world.ask(None)
    [create] = world.begin_all(Create)
    if late:
        world.advance(2.2)
        assert 1 == world.engine.stuck
    lose(world, create)
    assert world.engine.growth.gate.outage
    assert create.slot.number not in world.engine.ledger.slots
    world.advance(1.0)
    world.run(Create)
    assert waiter.loan is not None


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("kind", [Validate, Reset])
def test_what_was_checked_or_cleaned_by_a_caller_who_is_gone_is_destroyed(
    lose: Any, kind: type[SlotCommand], late: bool
) -> None:
    """Behaviours 30, 33."""
    world = asked_for(kind)
    [command] = world.begin_all(kind)
    if late:
        world.advance(6.0)
        assert 1 == world.engine.stuck
    lose(world, command)
    world.run(Destroy)
    assert {"invalid": 1} == dict(world.engine.ledger.destroyed)
    assert 0 == world.engine.stuck == world.engine.ledger.left


@pytest.mark.parametrize("late", [False, True])
def test_a_destruction_whose_caller_is_gone_frees_its_place_and_is_counted(lose: Any, late: bool) -> None:
    """Behaviours 33, 105, 132."""
    world = asked_for(Destroy)
    world.run(Destroy)
    world.filled(1)
    world.do(world.engine.discard, world.end(world.lease()))
    [destroy] = world.begin_all(Destroy)
    waiter = world.ask(None)
    assert [] == world.commands
    if late:
        world.advance(6.0)
        assert 1 == world.engine.stuck
    lose(world, destroy)
    assert {"discarded": 2} == dict(world.engine.ledger.destroyed)
    assert 0 == world.engine.stuck
    world.run(Create)
    assert waiter.loan is not None


def test_a_lost_slot_that_no_call_has_is_cleaned_and_checked_before_anybody_gets_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behaviour 103."""
    world = World(counts=True, max_size=1, check_after=100).filled(1)
    lost = world.end(world.lease())
    monkeypatch.setattr(_maintenance, "nobody_else_has", lambda slots, number: slots[number] is lost)
    world.sweep()
    monkeypatch.undo()
    for kind in (Reset, Validate):
        assert isinstance(world.acquire(), Waiter)
        [call] = world.begin_all(kind)
        world.succeed(call)
    assert 1 == world.engine.stats(world.now).recovered


def test_a_lost_resource_whose_time_is_over_is_not_taken_in_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behaviours 68, 103."""
    world = World(counts=True, max_size=1, max_lifetime=1.0, check_after=100).filled(1)
    lost = world.end(world.lease())
    world.clock.advance(1.0)
    monkeypatch.setattr(_maintenance, "nobody_else_has", lambda slots, number: slots[number] is lost)
    world.sweep()
    world.run(Destroy)
    assert {"lifetime": 1} == dict(world.engine.ledger.destroyed)


# ---------------------------------------------------------------------- where references tell nothing


def look(world: World) -> None:
    """Sweep once."""
    world.engine.ages.due = world.now
    world.engine.tick(world.now)
    world._take_commands()


def test_what_is_out_of_sight_now_and_then_is_not_written_off() -> None:
    """Behaviour 103: at two sweeps in a row nobody may have it, and nobody have used it in between."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    lane = world.engine.lane
    for _ in range(3):
        slot = lane.pop()
        assert slot is not None
        look(world)
        lane.put_back(slot)
        look(world)
    slot = world.end(world.lease())
    look(world)
    world.give(slot)
    slot = world.end(world.lease())
    look(world)
    assert 1 == world.engine.ledger.size
    look(world)
    assert 0 == world.engine.ledger.size


def test_what_is_written_off_is_replaced_at_once_for_who_waits() -> None:
    """Behaviour 103."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    held = world.lease()
    waiter = world.ask(None)
    slot = world.end(held)
    look(world)
    look(world)
    world.run(Create)
    assert waiter.loan is not None
    world.give(slot)
    world.run(Destroy)
    assert {"written off": 1} == dict(world.engine.ledger.destroyed)


def test_a_call_under_way_is_not_written_off() -> None:
    """Behaviours 49, 103."""
    world = World(counts=False, max_size=1, create_timeout=50.0)
    world.ask(None)
    [create] = world.begin_all(Create)
    for _ in range(5):
        look(world)
    assert 1 == world.engine.ledger.size
    world.succeed(create)


@pytest.mark.parametrize("traits", [{"validates": False}, {"resets": False, "validates": False}])
def test_what_was_forgotten_and_cannot_be_checked_serves_again_once_it_is_clean(
    traits: dict[str, bool],
) -> None:
    """Behaviour 127."""
    world = World(counts=False, traits=traits, max_size=1, check_after=100).filled(1)
    forgotten = world.lease()
    forgotten._hold[0].resource.holder = None
    del forgotten
    world.sweep()
    assert traits.get("resets", True) == (1 == world.run(Reset))
    assert [] == world.commands
    assert isinstance(world.acquire(), Lease)
