"""What is started for those who wait: checks first, then creations; and what a failure means for them."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, Destroy, Reset, Validate
from respool._engine._slot import SUSPECT

from .world import Lease, World


def survivor(**options: Any) -> World:
    """A pool of one open resource, in an outage that it has survived; nobody waits."""
    world = World(max_size=2, check_after=1.0, **options).filled(1)
    held = world.lease()
    world.ask(0, waits=False)
    [create] = world.begin_all(Create)
    world.fail(create)
    world.release(held)
    world.advance(5.0)
    assert [] == [command for command in world.commands if isinstance(command, Create)]
    return world


def check(world: World) -> None:
    """Have the resource checked, which it passes."""
    waiter = world.ask()
    [validate] = world.begin_all(Validate)
    world.succeed(validate)
    got = world.collect(waiter)
    assert got is not None
    world.release(got)


def creates(world: World) -> int:
    return sum(isinstance(command, Create) for command in (*world.commands, *world.running))


def test_a_session_that_answers_in_an_outage_has_one_new_one_tried() -> None:
    """Behaviour 38."""
    world = survivor()
    check(world)
    assert 1 == creates(world)
    world.do(world.engine.knock)  # the next answer
    assert 1 == creates(world)
    assert [] == world.told(tell.OutageEnded)
    world.run(Create)
    assert 1 == len(world.told(tell.OutageEnded))


def test_where_there_is_no_room_for_a_new_one_an_answer_ends_the_outage() -> None:
    """Behaviour 38."""
    world = survivor()
    world.do(world.engine.resize, 0, 1)
    check(world)
    assert 0 == creates(world)
    assert 1 == len(world.told(tell.OutageEnded))


def test_an_answer_in_good_times_has_nothing_tried() -> None:
    world = World(max_size=2, check_after=1.0).filled(1)
    world.advance(5.0)
    check(world)
    assert 0 == creates(world)


def test_a_closing_pool_tries_nothing() -> None:
    """Behaviour 115."""
    world = survivor()
    world.ask()
    [validate] = world.begin_all(Validate)
    world.do(world.engine.close)
    world.succeed(validate)
    assert 0 == creates(world)


def test_each_who_waits_has_one_suspect_checked() -> None:
    """Behaviours 81, 82."""
    world = World(max_size=5, check_after=1.0).filled(5)
    world.advance(5.0)
    world.do(world.engine.pause)
    waiters = [world.ask() for _ in range(3)]
    world.do(world.engine.resume)
    assert 3 == len(world.begin_all(Validate))
    assert 0 == creates(world)
    for command in tuple(world.running):
        world.succeed(command)
    held = [world.collect(waiter) for waiter in waiters]
    assert None not in held


def test_where_checks_are_not_answered_each_who_waits_has_the_coldest_suspect_make_room() -> None:
    """Behaviours 84, 85."""
    world = World(max_size=5, check_after=1.0, validate_timeout=2.0).filled(5)
    world.advance(5.0)
    coldest = list(world.engine.lane.resting())
    world.ask(None)
    world.begin_all(Validate)
    world.advance(2.1)
    assert (1, 1) == (world.engine.stuck, creates(world))
    for _ in range(2):
        world.ask(None)
        [destroy] = world.begin_all(Destroy)
        assert (coldest.pop(0), "suspect") == (destroy.slot, destroy.slot.reason)
        world.succeed(destroy)
        assert 2 == creates(world)  # as many as may be in flight
    assert coldest[0] in world.engine.lane.idle


def test_what_is_fit_behind_suspects_is_offered_and_not_checked() -> None:
    """Behaviour 12."""
    world = World(max_size=3, check_after=100).filled(3)
    held = [world.lease() for _ in range(3)]
    first, second = world.ask(), world.ask()
    suspect, fit, fitter = (world.end(one) for one in held)
    suspect.mark |= SUSPECT
    world.engine.lane.idle.append(suspect)
    for slot in (fit, fitter):
        world.engine.lane.give(slot)
    del slot, fit, fitter, suspect
    world.do(world.engine.match)
    assert first.loan is not None
    assert second.nudged
    assert [] == world.commands


def test_a_backend_without_room_is_told_with_the_ceiling_and_its_words() -> None:
    """Behaviour 45."""
    world = World(max_size=5, check_after=100).filled(2)
    _held = [world.lease() for _ in range(2)]
    world.ask(None)
    world.clock.advance(1.0)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    [event] = world.told(tell.CapacityReached)
    assert (2, "Boom: no", world.now) == (event.ceiling, event.error, event.at)


def test_a_wrong_configuration_is_told_once_in_the_backends_words() -> None:
    """Behaviour 46."""
    world = World(max_size=3, check_after=100).filled(1)
    _held = world.lease()
    for _ in range(2):
        world.ask(None)
    world.clock.advance(1.0)
    for create in world.begin_all(Create):
        world.fail(create, Fault.CONFIG)
    [event] = world.told(tell.ConfigFault)
    assert ("Boom: no", world.now) == (event.error, event.at)


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize("kind", [Validate, Reset])
def test_a_wrong_configuration_refuses_nobody_while_something_is_checked_or_cleaned(
    kind: type, others: int
) -> None:
    """Behaviour 46: whether or not another is in use."""
    world = World(max_size=3, check_after=1.0).filled(1 + others)
    _held = [world.lease() for _ in range(others)]
    if kind is Validate:
        world.advance(5.0)
    else:
        world.release(world.lease(), soiled=True)
    waiters = [world.ask(None), world.ask(None)]
    [_call] = world.begin_all(kind)
    world.fail(world.begin_all(Create)[0], Fault.CONFIG)
    assert not any(waiter.answered for waiter in waiters)


def test_what_was_being_cleaned_when_the_backend_went_is_checked_before_anybody_gets_it() -> None:
    """Behaviour 93."""
    world = World(max_size=2, check_after=100).filled(1)
    world.release(world.lease(), soiled=True)
    [reset] = world.begin_all(Reset)
    waiters = [world.ask(None), world.ask(None)]
    world.fail(world.begin_all(Create)[0])
    world.succeed(reset)
    assert not any(waiter.answered for waiter in waiters)
    [validate] = world.begin_all(Validate)
    world.succeed(validate)
    assert waiters[0].loan is not None


def test_who_listens_hears_of_a_return_though_the_resource_was_suspected_meanwhile() -> None:
    world = World(max_size=2, check_after=100, on_event=(lambda event: None,)).filled(1)
    world.engine.suspect_idle()
    check(world)
    world.events.clear()
    waiter = world.ask()
    got = world.collect(waiter)
    assert got is not None
    world.release(got)
    assert [tell.Acquired, tell.Released] == [type(event) for event in world.events]


def test_an_answer_has_nothing_tried_while_the_last_failure_is_fresh() -> None:
    """Behaviour 44."""
    world = World(max_size=2, check_after=1.0).filled(1)
    _held = world.lease()
    world.ask(0, waits=False)
    world.fail(world.begin_all(Create)[0])
    world.do(world.engine.knock)
    assert 0 == creates(world)
    world.clock.advance(1.0)
    world.do(world.engine.knock)
    assert 1 == creates(world)


def test_an_answer_has_nothing_tried_while_too_many_calls_hang() -> None:
    """Behaviour 48."""
    world = World(max_size=3, max_creating=1, create_timeout=1.0, check_after=100).filled(1)
    _held = world.lease()
    world.ask(0, waits=False)
    [hung] = world.begin_all(Create)
    world.advance(5.0)
    assert 1 == world.engine.stuck
    world.do(world.engine.knock)
    assert 1 == creates(world)  # the one that hangs
    world.succeed(hung)


def test_where_every_hand_out_is_to_be_checked_it_is() -> None:
    """Behaviour 83."""
    world = World(max_size=1, check_after=0)
    for _ in range(3):
        waiter = world.ask()
        world.run(Create)
        for validate in world.begin_all(Validate):
            world.succeed(validate)
        got = world.collect(waiter)
        assert got is not None
        world.release(got)
        assert world.engine.lane.take() is None
        assert [True] == [bool(slot.mark & SUSPECT) for slot in world.engine.lane.resting()]


def test_a_doubt_about_what_nobody_can_check_keeps_it_from_nobody() -> None:
    """Behaviour 91."""
    world = World(traits={"validates": False, "resets": False}, max_size=1, check_after=0).filled(1)
    world.release(world.lease(), doubt=True)
    got = world.acquire()
    assert isinstance(got, Lease)


def test_a_creation_that_the_floor_needs_by_now_begins_though_its_waiter_has_left() -> None:
    """Behaviours 57, 61."""
    world = World(max_size=2)
    waiter = world.ask()
    world.do(world.engine.cancel, waiter)
    world.do(world.engine.resize, 1, 2)
    [create] = world.commands
    assert world.begin(create)


def test_a_creation_whose_waiter_has_left_does_not_begin_in_an_empty_pool_either() -> None:
    """Behaviour 57."""
    world = World(max_size=2)
    waiter = world.ask()
    [create] = world.commands
    world.do(world.engine.cancel, waiter)
    assert not world.begin(create)
    assert 0 == world.engine.ledger.size


@pytest.mark.parametrize("min_size", [0, 1])
def test_nothing_wakes_a_pool_for_a_creation_that_nobody_wants(min_size: int) -> None:
    """Behaviour 44: though the backend may grant one more by and by."""
    options = {"min_size": min_size, "max_size": 2, "max_lifetime": None, "check_after": 100}
    world = World(traits={"validates": False}, **options).filled(1)
    held = world.lease()
    world.ask(0, waits=False)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    world.release(held)
    world.advance(5.0)
    assert float("inf") == world.engine.next_wakeup(world.now)


def test_no_more_suspects_make_room_than_there_are_who_wait() -> None:
    """Behaviour 85: though no destruction has come to its end yet."""
    world = World(max_size=8, check_after=1.0, validate_timeout=2.0).filled(8)
    world.advance(5.0)
    world.ask(None)
    world.begin_all(Validate)
    world.advance(2.1)  # one creation starts where the call given up has left its place
    for _ in range(3):
        world.ask(None)
    assert 3 == sum(isinstance(command, Destroy) for command in world.commands)


def test_for_who_does_not_wait_a_suspect_is_checked_rather_than_one_created() -> None:
    """Behaviours 4, 7."""
    world = World(max_size=5, check_after=1.0).filled(2)
    world.advance(5.0)
    assert world.ask(0, waits=False).refusal is not None
    assert [Validate] == [type(command) for command in world.commands]


@pytest.mark.parametrize("waits", [True, False])
def test_beside_creations_one_check_goes_on_to_learn_the_truth_if_anybody_waits(waits: bool) -> None:
    """Behaviour 85."""
    world = World(max_size=5, check_after=1.0, validate_timeout=2.0).filled(3)
    world.advance(5.0)
    waiter = world.ask(None)
    world.begin_all(Validate)
    if not waits:
        world.do(world.engine.cancel, waiter)
    world.advance(2.1)
    assert waits == (1 == sum(isinstance(command, Validate) for command in world.commands))


def test_the_check_that_goes_on_is_named_with_its_time_by_who_waited_in_vain() -> None:
    """Behaviours 36, 84: though nobody has begun it; creation has no place beside the call that hangs."""
    world = World(max_size=2, max_creating=1, check_after=1.0, validate_timeout=2.0).filled(2)
    world.advance(5.0)
    world.ask(None)
    world.begin_all(Validate)
    world.advance(2.5)
    second = world.ask(2.0)
    world.advance(2.1)
    assert second.refusal is not None
    assert "validate" == second.refusal.phase
    assert str(second.refusal.cause).startswith("validate has not returned for 2.5 s")


def test_those_whose_checks_are_doubted_at_once_have_room_made_at_once() -> None:
    """Behaviour 85."""
    world = World(max_size=8, check_after=1.0, validate_timeout=2.0).filled(8)
    world.advance(5.0)
    for _ in range(4):
        world.ask(None)
    [unanswered, *_others] = world.begin_all(Validate)
    world.advance(1.9)
    world.fail(unanswered, Fault.RESOURCE_BROKEN)
    assert 1 == world.run(Destroy, rounds=1)
    assert 4 - 1 == sum(isinstance(command, Destroy) for command in world.commands)
