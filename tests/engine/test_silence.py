"""What a caller is told who waited in vain: what for, and since when nobody has answered."""

from __future__ import annotations

from respool._engine import Create, Validate
from respool._engine._handoff import HAND_OVER

from .world import Lease, World


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
    engine.taken_up(0.0)  # a moment that floats can tell HAND_OVER from
    world.end(held)
    assert engine.owes_match(HAND_OVER)
    engine._nudged = first  # on his way
    assert not engine.owes_match(0.9 * HAND_OVER)
    assert engine.owes_match(HAND_OVER)
    assert not second.answered


def test_who_is_nudged_is_woken() -> None:
    """Behaviours 12, 22."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    waiter = world.ask()
    world.engine.taken_up(world.now)
    woken = len(world.woken)
    world.give(world.end(held))
    assert waiter.nudged
    assert [waiter] == world.woken[woken:]
