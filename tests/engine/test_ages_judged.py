"""What the sweep says of what rests and what is held: why it goes, how it is marked, how long it is lent."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._engine import Create, Destroy, Validate
from respool._engine._slot import RETIRE, SUSPECT

from .world import World

QUIET: dict[str, Any] = {"max_lifetime": None, "check_after": 1000.0}
"""No age of a resource in reach."""


@pytest.mark.parametrize(
    ("options", "reason"), [({**QUIET, "max_idle": 2.0}, "idle"), ({"max_lifetime": 2.0}, "lifetime")]
)
def test_what_is_too_old_goes_for_the_age_that_it_has_reached(options: dict[str, Any], reason: str) -> None:
    """Behaviours 64, 68, 107."""
    world = World(max_size=2, **options).filled(2)
    world.advance(3.0)
    assert {reason: 2} == world.reasons()


def test_idle_time_is_over_at_the_very_moment() -> None:
    """Behaviour 64."""
    world = World(max_size=1, max_idle=2.0, **QUIET).filled(1)
    world.advance(2.0 - world.now)
    assert [Destroy] == [type(command) for command in world.commands]


def test_trusted_time_is_over_at_the_very_moment() -> None:
    """Behaviour 83."""
    world = World(max_size=1, max_lifetime=None, check_after=2.0).filled(1)
    world.advance(1.99 - world.now)
    [slot] = world.engine.lane.resting()
    assert not slot.mark & SUSPECT
    world.advance(2.0 - world.now)
    assert slot.mark & SUSPECT


def test_trusted_time_counts_from_the_last_use_whatever_the_clock_says() -> None:
    """Behaviour 83."""
    world = World(max_size=1, max_lifetime=None, check_after=60.0)
    world.advance(50.0)
    world.filled(1)
    world.advance(20.0)
    assert world.ask().loan is not None


def test_what_came_to_rest_with_an_order_to_go_goes_by_the_next_sweep() -> None:
    """Behaviour 122: its holder gave it back without having seen the mark."""
    world = World(max_size=2, **QUIET).filled(2)
    slot = world.engine.lane.idle[0]
    slot.mark |= RETIRE
    slot.reason = "refreshed"
    world.sweep()
    assert {"refreshed": 1} == world.reasons()


def test_what_is_on_its_way_out_is_no_reason_to_sweep_soon() -> None:
    """Behaviour 44."""
    world = World(max_size=1, max_idle=2.0, **QUIET).filled(1)
    world.advance(2.0 - world.now)
    assert [Destroy] == [type(command) for command in world.commands]
    assert world.now + 10.0 < world.engine.ages.due


def test_what_is_suspect_stays_so_however_long_it_rests() -> None:
    """Behaviour 93."""
    world = World(max_size=1, **QUIET).filled(1)
    world.engine.suspect_idle()
    world.advance(10.0)
    assert not world.ask().answered
    assert [Validate] == [type(command) for command in world.commands]


def test_what_is_used_all_the_time_stays_on_the_fast_lane() -> None:
    """Else each sweep would cost a busy resource a pass by the slow path."""
    world = World(max_size=1, **QUIET).filled(1)
    world.release(world.lease())
    for _ in range(100):
        world.advance(0.05)
        got = world.engine.lane.take()
        assert got is not None
        world.give(got._hold.pop())


def test_who_listens_hears_of_a_return_though_the_resource_had_to_be_checked() -> None:
    """Behaviour 83."""
    options = {**QUIET, "check_after": 1.0}
    world = World(max_size=1, on_event=(lambda event: None,), **options).filled(1)
    world.advance(5.0)
    world.events.clear()
    waiter = world.ask()
    world.run(Validate)
    got = world.collect(waiter)
    assert got is not None
    world.release(got)
    assert 1 == sum(isinstance(event, tell.Released) for event in world.events)


def test_who_begins_to_listen_hears_how_long_it_was_held_to_a_sweep() -> None:
    """The lease was taken by the fast lane, which reads no clock."""
    world = World(max_size=1, **QUIET).filled(1)
    for _ in range(60):
        world.release(world.lease())
        world.advance(0.05)
    began, held = world.now, world.lease()
    world.advance(2.0)
    world.do(lambda now: world.engine.listen(True, now))
    world.advance(1.0)
    world.release(held)
    [released] = [event for event in world.events if isinstance(event, tell.Released)]
    assert world.now - began <= released.held <= world.now - began + 1.0


@pytest.mark.parametrize("spread", [True, False])
def test_what_grows_too_old_in_use_goes_on_return_by_the_order_that_made_it_so(spread: bool) -> None:
    """Behaviours 68, 73, 123."""
    world = World(max_size=2, max_lifetime=None if spread else 2.0, check_after=1000.0).filled(2)
    held = [world.lease() for _ in range(2)]
    if spread:
        world.do(lambda now: world.engine.refresh(now, 2.0, None))
    world.advance(5.0)
    assert [] == world.commands
    for one in held:
        world.release(one)
    assert {"refreshed" if spread else "lifetime": 2} == world.reasons()


def test_a_lifetime_in_use_is_over_at_the_very_moment() -> None:
    """Behaviour 68."""
    world = World(max_size=1, **QUIET)
    waiter = world.ask()
    world.run(Create)
    held = world.collect(waiter)
    assert held is not None
    held._hold[0].expires = 3.0
    world.advance(3.0)
    world.release(held)
    assert {"lifetime": 1} == world.reasons()
