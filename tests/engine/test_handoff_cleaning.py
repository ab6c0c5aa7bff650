"""Who may clean a resource that he waits for, and what a hand-out leaves of its past."""

from __future__ import annotations

import pytest

from respool._engine import Create, Waiter
from respool._engine._lane import DONE
from respool._engine._slot import SUSPECT

from .world import Lease, World


def lease(world: World) -> Lease:
    got = world.acquire()
    assert isinstance(got, Lease)
    return got


def pool(aborts: bool = True) -> World:
    """A pool whose resets are given 5 s."""
    return World(traits={"aborts": aborts}, max_size=2, reset_timeout=5.0, check_after=100)


@pytest.mark.parametrize(("timeout", "may"), [(None, True), (5.1, True), (5.0, True), (4.9, False)])
def test_who_waits_may_clean_if_a_reset_that_hangs_would_end_within_his_time(
    timeout: float | None, may: bool
) -> None:
    """Behaviours 9, 84."""
    assert may == pool().engine.may_clean(Waiter(64.0, timeout), 64.0)


def test_nobody_cleans_who_could_not_be_freed_of_a_reset_that_hangs() -> None:
    """Behaviour 9."""
    assert not pool(aborts=False).engine.may_clean(Waiter(0.0, None), 0.0)


def test_nobody_cleans_who_has_his_answer() -> None:
    world = pool()
    waiter = world.ask()
    world.run(Create)
    assert waiter.loan is not None
    assert not world.engine.may_clean(waiter, world.now)


def test_nobody_cleans_who_may_have_a_new_one_sooner() -> None:
    """Behaviour 16."""
    world = pool()
    world.ask(0.5)
    assert not world.engine.may_clean(Waiter(world.now, None), world.now)


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
    for slot in list(world.engine.lane.idle)[1:]:
        slot.mark |= SUSPECT
    before = list(world.engine.lane.idle)
    waiter = world.ask()
    assert not waiter.answered
    [check] = world.commands
    assert before[-1] is check.slot
    assert before[:-1] == list(world.engine.lane.idle)
