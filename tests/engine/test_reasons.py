"""Why resources go, by whose order, and what is told of it."""

from __future__ import annotations

import pytest

from respool import _events as tell
from respool._engine import Create, Reset, Validate

from .world import World


def forget(world: World) -> None:
    """Drop a lease with its hold full, and let the sweep find it."""
    forgotten = world.lease()
    forgotten._hold[0].resource.holder = None
    del forgotten
    world.sweep()


def test_what_a_smaller_pool_closes_was_resized() -> None:
    """Behaviour 119."""
    world = World(max_size=4, check_after=100).filled(4)
    held = [world.lease(), world.lease()]
    world.do(world.engine.resize, 0, 1)
    for one in held:
        world.release(one)
    assert {"resized": 3} == world.reasons()


@pytest.mark.parametrize("reason", ["resized", "closed", "refreshed", "lifetime"])
def test_what_a_creation_brings_too_late_goes_by_the_order_that_made_it_so(reason: str) -> None:
    """Behaviours 50, 119, 122."""
    world = World(max_size=2, check_after=100)
    for _ in range(2):
        world.ask(None)
    _other, create = world.begin_all(Create)
    if reason == "resized":
        world.do(world.engine.resize, 0, 1)
    elif reason == "closed":
        world.do(world.engine.close)
    elif reason == "refreshed":
        world.do(lambda now: world.engine.refresh(now, 0.0, None))
    else:
        create.slot.expires = world.now
    world.succeed(create)
    assert {reason: 1} == world.reasons()


def test_what_was_used_as_often_as_it_may_be_was_used_up() -> None:
    """Behaviour 72."""
    world = World(max_size=1, max_uses=2, check_after=100).filled(1)
    world.release(world.lease())
    assert {"uses": 1} == world.reasons()


def test_what_is_found_too_old_when_it_is_to_be_handed_out_goes_for_its_age() -> None:
    """Behaviours 68, 78."""
    world = World(max_size=2, check_after=100).filled(2)
    for slot in world.engine.lane.resting():
        slot.expires = world.now
    assert world.ask(0, waits=False).refusal is not None
    assert {"lifetime": 2} == world.reasons()


def test_what_a_refresh_replaces_was_refreshed() -> None:
    """Behaviour 122."""
    world = World(max_size=3, check_after=100).filled(3)
    held = world.lease()
    world.do(lambda now: world.engine.refresh(now, 0.0, None))
    world.release(held)
    assert {"refreshed": 3} == world.reasons()


def test_what_is_to_be_replaced_stays_so_though_the_pool_shrinks_and_grows_again() -> None:
    """Behaviours 121, 122."""
    world = World(max_size=3, check_after=100).filled(3)
    held = [world.lease() for _ in range(3)]
    world.do(lambda now: world.engine.refresh(now, 0.0, None))
    world.do(world.engine.resize, 0, 1)
    world.do(world.engine.resize, 0, 3)
    for one in held:
        world.release(one)
    assert {"refreshed": 3} == world.reasons()


def test_who_listens_hears_of_every_return_to_a_pool_that_was_made_smaller() -> None:
    """Behaviours 119, 132."""
    world = World(max_size=2, check_after=100, on_event=(lambda event: None,)).filled(2)
    world.events.clear()
    held = [world.collect(world.ask()) for _ in range(2)]
    world.do(world.engine.resize, 0, 1)
    for _ in range(2):
        for one in held:
            assert one is not None
            world.release(one)
        held = [world.collect(world.ask())]
    assert 2 + 1 == sum(isinstance(event, tell.Released) for event in world.events)


def test_a_call_given_up_is_told_with_its_limit() -> None:
    """Behaviours 36, 49."""
    world = World(max_size=1, create_timeout=2.0)
    waiter = world.ask(2.5)
    world.begin_all(Create)
    world.advance(3.0)
    [began] = [event for event in world.events if isinstance(event, tell.OutageBegan)]
    assert "TimeoutError: create took longer than 2 s" == began.error
    assert waiter.refusal is not None
    assert "create took longer than 2 s" == str(waiter.refusal.cause)


def test_a_forgotten_lease_is_told_and_a_slot_that_was_lost_is_not() -> None:
    """Behaviours 103, 127."""
    world = World(max_size=1, check_after=100).filled(1)
    world.clock.advance(3.0)
    forget(world)
    [event] = [event for event in world.events if isinstance(event, tell.LeaseForgotten)]
    assert (1, world.now) == (event.number, event.at)
    world.run(Reset)
    world.run(Validate)
    world.end(world.lease())
    world.sweep()
    assert [event] == [event for event in world.events if isinstance(event, tell.LeaseForgotten)]


def test_a_forgotten_lease_of_a_closing_pool_ends_with_it() -> None:
    """Behaviours 112, 127."""
    world = World(max_size=1, check_after=100).filled(1)
    forgotten = world.lease()
    forgotten._hold[0].resource.holder = None
    world.do(world.engine.close)
    del forgotten
    world.sweep()
    assert {"closed": 1} == world.reasons()
    assert world.engine.closed


def test_a_forgotten_resource_that_nobody_can_clean_is_checked_before_anybody_gets_it() -> None:
    """Behaviour 127."""
    world = World(traits={"resets": False}, max_size=1, check_after=100).filled(1)
    forget(world)
    waiter = world.ask()
    assert not waiter.answered
    [check] = world.begin_all(Validate)
    world.succeed(check)
    assert waiter.loan is not None
