"""What a caller is told who waited in vain: what for, and since when nobody has answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from respool._adapter import Fault
from respool._engine import Create, Destroy, Reset, Validate
from respool._engine._laws.pace import HAND_OVER

from .world import Boom, Lease, World

Scene = Callable[[], tuple[World, object]]
"""A world in which somebody will wait in vain, and what must be kept alive meanwhile."""


def held() -> tuple[World, object]:
    """Everything is in use, and nothing has failed."""
    world = World(max_size=1, check_after=100).filled(1)
    return world, world.lease()


def held_after_a_failure() -> tuple[World, object]:
    """Everything is in use; a creation failed long ago, and one has succeeded since."""
    world = World(max_size=1, check_after=100)
    world.ask(1.0)
    world.fail(world.begin_all(Create)[0])
    world.advance(5.0)
    world = world.filled(1)
    return world, world.lease()


def paused() -> tuple[World, object]:
    """A creation goes on, but nothing is granted."""
    world = World(max_size=2, create_timeout=50.0)
    world.ask(0.1)
    world.begin_all(Create)
    world.do(world.engine.pause)
    return world, None


def dormant() -> tuple[World, object]:
    """There may be nothing."""
    return World(max_size=0), None


def dormant_after_a_failure() -> tuple[World, object]:
    """There may be nothing any more; a creation failed long ago, and one has succeeded since."""
    world, held = held_after_a_failure()
    world.do(world.engine.resize, 0, 0)
    assert isinstance(held, Lease)
    world.release(held)
    world.run()
    return world, None


def creating() -> tuple[World, object]:
    """One is in use, and the other's creation takes its time."""
    world = World(max_size=2, check_after=100, create_timeout=50.0).filled(1)
    got = world.lease()
    world.ask(0.1)
    world.begin_all(Create)
    return world, got


def out() -> tuple[World, object]:
    """The backend is down, the pool empty; the next attempt has its pause."""
    world = World(max_size=1)
    world.ask(0.1)
    world.fail(world.begin_all(Create)[0])
    world.commands.clear()
    return world, None


def out_with_room() -> tuple[World, object]:
    """The backend is down, and one more could be open."""
    world = World(max_size=2, check_after=100).filled(1)
    got = world.lease()
    world.ask(0.1)
    world.fail(world.begin_all(Create)[0])
    return world, got


def out_without_room() -> tuple[World, object]:
    """The backend is down, but who waits waits for one that is in use."""
    world, got = out_with_room()
    world.do(world.engine.resize, 0, 1)
    return world, got


def checking() -> tuple[World, object]:
    """What there is is being checked."""
    world = World(max_size=1, check_after=1.0, validate_timeout=50.0).filled(1)
    world.advance(5.0)
    world.ask(0.1)
    world.begin_all(Validate)
    return world, None


def checking_while_paused() -> tuple[World, object]:
    """A check goes on, but nothing is granted."""
    world, _ = checking()
    world.do(world.engine.pause)
    return world, None


@pytest.mark.parametrize(
    ("scene", "phase", "cause"),
    [
        (held, "wait", None),
        (held_after_a_failure, "wait", None),
        (paused, "wait", None),
        (checking_while_paused, "wait", None),
        (dormant, "wait", None),
        (dormant_after_a_failure, "wait", None),
        (creating, "create", TimeoutError),
        (out, "create", Boom),
        (out_with_room, "create", Boom),
        (out_without_room, "wait", Boom),
        (checking, "validate", TimeoutError),
    ],
)
def test_who_waited_in_vain_is_told_what_for_and_what_went_wrong(
    scene: Scene, phase: str, cause: type | None
) -> None:
    """Behaviours 36, 39, 40."""
    world, _kept = scene()
    world.clock.advance(0.5)
    waiter = world.ask(1.0)
    world.clock.advance(1.0)
    world.do(world.engine.expire, waiter)
    assert waiter.refusal is not None
    assert ("timeout", phase) == (waiter.refusal.why, waiter.refusal.phase)
    assert cause is (None if waiter.refusal.cause is None else type(waiter.refusal.cause))


@pytest.mark.parametrize("fault", [Fault.BACKEND_DOWN, Fault.CAPACITY])
def test_who_comes_between_two_attempts_is_told_why_there_is_nothing(fault: Fault) -> None:
    """Behaviour 36: also of a backend that has not room for even one, which is no outage."""
    world = World(max_size=1)
    world.ask(0.001)
    world.fail(world.begin_all(Create)[0], fault)
    world.clock.advance(0.001)
    waiter = world.ask(0, waits=False)
    assert waiter.refusal is not None
    assert isinstance(waiter.refusal.cause, Boom)


def test_an_error_of_his_own_time_is_the_cause_though_he_waits_for_others() -> None:
    """Behaviours 36, 45."""
    world = World(max_size=2, check_after=100).filled(1)
    _held = world.lease()
    waiter = world.ask(1.0)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    world.run(Destroy)
    world.clock.advance(1.0)
    world.do(world.engine.expire, waiter)
    assert waiter.refusal is not None
    assert ("wait", Boom) == (waiter.refusal.phase, type(waiter.refusal.cause))


def test_a_creation_that_does_not_return_is_named_with_its_time() -> None:
    """Behaviour 36."""
    world = World(max_size=1, create_timeout=50.0)
    waiter = world.ask(3.0)
    world.begin_all(Create)
    world.advance(3.1)
    assert waiter.refusal is not None
    assert ("timeout", "create") == (waiter.refusal.why, waiter.refusal.phase)
    assert "create has not returned for 3.0 s" == str(waiter.refusal.cause)


def test_a_check_that_does_not_return_is_named_with_its_time() -> None:
    """Behaviours 36, 84."""
    world = World(max_size=1, check_after=1.0, validate_timeout=50.0).filled(1)
    world.advance(5.0)
    waiter = world.ask(3.0)
    world.begin_all(Validate)
    world.advance(3.1)
    assert waiter.refusal is not None
    assert "validate" == waiter.refusal.phase
    assert "validate has not returned for 3.0 s" == str(waiter.refusal.cause)


@pytest.mark.parametrize("others", [0, 1])
def test_a_reset_that_does_not_return_is_named_with_its_time_where_nobody_holds_anything(others: int) -> None:
    """Behaviours 36, 88."""
    world = World(max_size=1 + others, check_after=100, reset_timeout=50.0).filled(1 + others)
    first, *_held = [world.lease() for _ in range(1 + others)]
    waiter = world.ask(3.0)
    world.release(first, soiled=True)
    world.begin_all(Reset)
    world.advance(3.1)
    assert waiter.refusal is not None
    assert "wait" == waiter.refusal.phase
    expected = "None" if others else "reset has not returned for 3.0 s"
    assert expected == str(waiter.refusal.cause)


def test_between_two_attempts_in_an_outage_the_creation_is_what_is_waited_for() -> None:
    """Behaviours 36, 44: though another resource is in use, and no call is under way."""
    world = World(max_size=2, check_after=100).filled(1)
    _held = world.lease()
    world.ask(0, waits=False)
    world.fail(world.begin_all(Create)[0])
    waiter = world.ask(0, waits=False)
    assert [] == world.commands
    assert waiter.refusal is not None
    assert ("create", Boom) == (waiter.refusal.phase, type(waiter.refusal.cause))


def test_who_does_not_wait_is_told_that_one_is_being_created() -> None:
    """Behaviours 7, 8, 36: nothing has kept him waiting."""
    world = World(max_size=2, check_after=100).filled(1)
    _held = world.lease()
    waiter = world.ask(0, waits=False)
    assert [Create] == [type(command) for command in world.commands]
    assert waiter.refusal is not None
    assert ("create", None) == (waiter.refusal.phase, waiter.refusal.cause)


def test_a_check_that_nobody_has_begun_is_named_with_its_time() -> None:
    """Behaviours 36, 84: it was ordered when the reset had passed."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    waiter = world.ask(3.0)
    world.release(held, soiled=True, doubt=True)
    for reset in world.begin_all(Reset):
        world.succeed(reset)
    world.advance(3.1)
    assert waiter.refusal is not None
    assert "validate" == waiter.refusal.phase
    assert "validate has not returned for 3.0 s" == str(waiter.refusal.cause)


def test_a_call_that_begins_when_time_is_up_is_not_what_was_waited_for() -> None:
    """Behaviour 36: he has waited for a resource that somebody held."""
    world = World(traits={"resets": False}, max_size=1, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    waiter = world.ask(3.0)
    world.clock.advance(3.0)
    world.release(held, doubt=True)
    assert [Validate] == [type(command) for command in world.commands]
    world.do(world.engine.expire, waiter)
    assert waiter.refusal is not None
    assert ("wait", None) == (waiter.refusal.phase, waiter.refusal.cause)


def test_the_first_hand_over_is_owed_and_the_next_not_for_a_tenth_of_a_millisecond() -> None:
    """Behaviour 22."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    first, second = world.ask(), world.ask()
    engine = world.engine
    assert engine.owes_match(world.now)
    engine.pace.handed(0.0, 0.0)
    engine.pace.taken_up(0.0, 0.0)  # a moment that floats can tell HAND_OVER from
    world.end(held)
    assert engine.owes_match(HAND_OVER)
    engine._nudged = first  # on his way
    assert not engine.owes_match(0.9 * HAND_OVER)
    assert engine.owes_match(HAND_OVER)
    engine.pace.taken_up(1000.0, 1000.0)
    assert not engine.owes_match(1000.00005)
    assert engine.owes_match(1000.001)
    assert not second.answered


def test_who_is_nudged_is_woken() -> None:
    """Behaviours 12, 22."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    waiter = world.ask()
    world.overtake()
    woken = len(world.woken)
    world.give(world.end(held))
    assert waiter.nudged
    assert [waiter] == world.woken[woken:]
