"""While a pool fills, or is full: nobody who comes is looked at again as long as no more may be created."""

from __future__ import annotations

import pytest

from respool._adapter import Fault
from respool._engine import Create, OnDemand, Reset, Validate, View
from respool._engine._slot import SUSPECT

from .world import World


class Asked(OnDemand):
    """Counts how often it is asked what it wants."""

    times = 0

    def wants(self, view: View, room: int) -> int:
        """Want what those who wait need."""
        self.times += 1
        return super().wants(view, room)


class Unsettled(Asked):
    """Wants to be asked in any case."""

    def settles_for(self, now: float) -> bool:
        """Refuse."""
        return False


@pytest.mark.parametrize("sizer", [Asked(), Unsettled()], ids=["settles", "does not"])
def test_a_sizer_that_settles_is_not_asked_while_the_window_of_creations_is_full(sizer: Asked) -> None:
    """Behaviours 56, 63."""
    world = World(max_size=20, max_creating=4, sizer=sizer)
    for _ in range(2):
        world.ask()
    before = sizer.times
    for _ in range(10):
        world.ask()
    assert (0 if type(sizer) is Asked else 10) == sizer.times - before
    assert 2 == len(world.begin_all(Create))


def test_a_sizer_that_settles_is_not_asked_for_whom_something_is_cleaned_while_others_lie_unchecked() -> None:
    """Those are checked only for who has nothing on its way to him."""
    world = World(traits={"validates": True}, max_size=4, check_after=100, sizer=(sizer := Asked())).filled(4)
    held = [world.lease(), world.lease()]
    for slot in world.engine.lane.resting():
        slot.mark |= SUSPECT
    world.release(held[0], soiled=True)
    before = sizer.times
    world.ask()
    assert (before, [Reset]) == (sizer.times, [type(command) for command in world.commands])
    world.ask()
    assert [Reset, Validate] == [type(command) for command in world.commands]


def test_who_came_while_the_window_was_full_is_counted_when_it_opens() -> None:
    """Behaviours 56, 58."""
    world = World(max_size=20, max_creating=4)
    waiters = [world.ask() for _ in range(4)]
    first, second = world.begin_all(Create)
    world.succeed(first)
    assert 3 == len(world.begin_all(Create)), "the window opens by one per success"
    world.succeed(second)
    assert 2 == sum(waiter.loan is not None for waiter in waiters)


def test_the_next_attempt_in_an_outage_is_not_forgotten_by_those_who_come_meanwhile() -> None:
    """Behaviour 43."""
    world = World(max_size=20, timeout=None)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    world.fail(create, Fault.BACKEND_DOWN)
    for _ in range(3):
        world.ask()
        world.advance(0.5)
        for create in world.begin_all(Create):
            world.succeed(create)
    assert waiter.loan is not None


def test_a_ceiling_that_rises_with_time_is_not_forgotten_while_one_is_created() -> None:
    """Behaviour 60."""
    world = World(max_size=4, timeout=None)
    waiters = [world.ask() for _ in range(4)]
    first, second = world.begin_all(Create)
    world.succeed(first)
    world.fail(second, Fault.CAPACITY)
    assert 1 == world.engine.growth.ceiling(4)
    for _ in range(600):
        world.ask()
        world.advance(0.1)
        for create in world.begin_all(Create):
            world.succeed(create)
    assert 4 == world.engine.ledger.size
    assert all(waiter.loan is not None for waiter in waiters)
