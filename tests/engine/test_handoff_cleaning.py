"""What a hand-out leaves of a resource's past, and how far it looks for one that is fit."""

from __future__ import annotations

from respool._engine._lane import DONE
from respool._engine._slot import SUSPECT

from .world import World


def test_what_rested_and_was_handed_out_comes_back_by_the_fast_lane() -> None:
    """The mark of its rest goes with the hand-out, or every lease from then on would take the mutex."""
    world = World(max_size=1, check_after=100).filled(1)
    world.advance(10.0)
    assert world.engine.lane.take() is None
    got = world.collect(world.ask())
    assert got is not None
    assert DONE == world.engine.lane.give(world.end(got))


def test_a_caller_does_not_look_past_a_hundred_suspects_for_one_that_is_fit() -> None:
    """Behaviour 26: he has one checked instead."""
    world = World(max_size=100, max_creating=100, check_after=100).filled(100)
    for slot in list(world.engine.lane.resting())[1:]:
        slot.mark |= SUSPECT
    before = list(world.engine.lane.resting())
    waiter = world.ask()
    assert not waiter.answered
    [check] = world.commands
    assert before[-1] is check.slot
    assert before[:-1] == list(world.engine.lane.resting())
