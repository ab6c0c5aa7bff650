"""What the sizing policy hears of those who wait, and what is created for whom waiting was in vain."""

from __future__ import annotations

import pytest

from respool._engine import Create, OnDemand
from respool._engine._growth import View
from respool._engine._meter import Meter

from .world import Lease, World


class Listener(OnDemand):
    """A policy that creates nothing for those who wait before one did so in vain, and notes what it hears."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.demands: list[int] = []

    def bind(self, meter: Meter, limit: int) -> None:
        """Note it."""
        self.bound = meter, limit

    def wants(self, view: View, room: int) -> int:
        """Want what is lacking once somebody has waited in vain, and the first one."""
        return super().wants(view, room) if self.demands or not view.size else 0

    def settles_for(self, now: float) -> bool:
        """Note when."""
        self.settled = now
        return True

    def waited(self, seconds: float) -> None:
        """Note it."""
        self.waits.append(seconds)

    def in_vain(self, demand: int) -> bool:
        """Note it, and create."""
        self.demands.append(demand)
        return True


def busy(max_size: int = 9) -> tuple[World, Listener, Lease]:
    """A pool whose only resource is held."""
    sizer = Listener()
    world = World(sizer=sizer, max_size=max_size, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    sizer.waits.clear()
    return world, sizer, held


def test_the_policy_hears_first_whom_to_ask_and_how_large_the_pool_may_be() -> None:
    sizer = Listener()
    world = World(sizer=sizer, max_size=7)
    assert (world.engine.meter, 7) == sizer.bound


def test_the_policy_hears_when_somebody_waits_for_a_pool_that_is_full() -> None:
    world, sizer, _held = busy(1)
    world.clock.advance(0.5)
    world.ask(None)
    assert world.now == sizer.settled


def test_the_policy_hears_how_long_each_waited_whether_he_was_served_or_not() -> None:
    world, sizer, held = busy()
    for timeout in (30.0, 1.0):
        world.ask(timeout)
    world.advance(1.5)
    assert pytest.approx([1.0]) == sizer.waits
    world.release(held)
    assert pytest.approx([1.0, 1.5]) == sizer.waits


@pytest.mark.parametrize(("max_size", "demand"), [(9, 4), (2, 2)])
def test_the_policy_hears_of_no_larger_demand_than_the_pool_can_meet(max_size: int, demand: int) -> None:
    """Whose time was up is part of it."""
    world, sizer, _held = busy(max_size)
    for timeout in (30.0, 30.0, 1.0):
        world.ask(timeout)
    world.advance(1.5)
    assert [demand] == sizer.demands


def test_where_somebody_waited_in_vain_one_is_created_for_those_who_come_after_him() -> None:
    world, sizer, _held = busy()
    world.ask(1.0)
    assert [] == world.commands
    world.advance(1.5)
    assert [1 + 1] == sizer.demands
    assert 1 == len(world.begin_all(Create))


def test_nothing_is_created_for_whom_a_pause_kept_waiting() -> None:
    """Behaviour 125."""
    world, sizer, _held = busy()
    world.ask(1.0)
    world.do(world.engine.pause)
    world.advance(1.5)
    assert [] == sizer.demands
    assert [] == world.commands


def test_a_lease_that_ended_for_who_waits_counts_at_once_and_what_was_never_used_ended_none() -> None:
    """What admission takes for experience."""
    world = World(max_size=2, check_after=100).filled(1)
    hold = world.engine.meter.hold
    held = world.acquire()
    assert isinstance(held, Lease)
    before = hold.ended
    first, second = world.ask(), world.ask()
    world.run(Create)
    assert first.loan is not None
    assert before == hold.ended
    world.clock.advance(0.001)
    world.release(held)
    assert second.loan is not None
    assert before + 1 == hold.ended


def test_who_found_something_idle_has_ended_nobodys_lease() -> None:
    world = World(max_size=1, check_after=100).filled(1)
    before = world.engine.meter.hold.ended
    waiter = world.ask()
    assert waiter.loan is not None
    assert before == world.engine.meter.hold.ended
