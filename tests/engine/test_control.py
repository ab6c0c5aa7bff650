"""Resize, refresh, pause and close."""

from __future__ import annotations

from typing import Any

import pytest

from respool._engine import Create, Destroy, Latch, Reset, Validate, Waiter

from .world import World


def refresh(world: World, over: float = 0.0, source: Any = None) -> Latch:
    """Refresh, and wait for it."""
    generation = world.do(lambda now: world.engine.refresh(now, over, source))
    latch = Latch(world.now, None, "refreshed", generation)
    world.do(world.engine.latches.add, latch)
    return latch


# ---------------------------------------------------------------------- resize


def test_a_larger_pool_serves_its_waiters_at_once() -> None:
    """Behaviour 118."""
    world = World(max_size=1, check_after=100).filled(1)
    _held = world.lease()
    waiter = world.ask()
    world.do(world.engine.resize, 0, 2)
    world.run(Create)
    assert waiter.loan is not None


def test_a_smaller_pool_closes_what_is_idle_now_and_what_is_held_on_return() -> None:
    """Behaviours 73, 119."""
    world = World(max_size=3, check_after=100).filled(3)
    held = [world.lease(), world.lease()]
    world.do(world.engine.resize, 0, 1)
    assert 1 == world.run(Destroy)
    world.release(held.pop())
    assert 1 == world.run(Destroy)
    world.release(held.pop())
    assert 0 == world.run(Destroy)
    assert 1 == world.engine.ledger.size


def test_what_is_closing_already_is_not_closed_twice_over() -> None:
    """Behaviour 121: neither by what asks for the same again, nor by a return."""
    world = World(max_size=3, check_after=100).filled(3)
    held = world.lease()
    for _ in range(2):
        world.do(world.engine.resize, 0, 2)
    world.release(held, soiled=False)
    world.run()
    assert 2 == len(world.engine.lane.idle)


def test_calls_given_up_that_are_closing_do_not_hide_a_surplus() -> None:
    """Behaviours 119, 121."""
    world = World(max_size=3, check_after=100, create_timeout=1.0)
    for _ in range(2):
        world.ask(0.5)
    hung = world.begin_all(Create)
    world.advance(2.0)
    waiters = []
    for _ in range(3):
        waiters.append(world.ask(None))
        world.advance(2.0)
        for command in [c for c in world.begin_all(Create) if c not in hung]:
            world.succeed(command)
    for waiter in waiters:
        got = world.collect(waiter)
        assert got is not None
        world.release(got)
    for command in hung:
        world.succeed(command)
    assert 2 == sum(not command.slot.counted for command in world.commands)
    world.do(world.engine.resize, 0, 1)
    world.run(Destroy)
    assert 1 == world.engine.ledger.size


def test_an_empty_pool_that_was_made_smaller_stays_so() -> None:
    """Behaviour 120."""
    world = World(max_size=5)
    world.do(world.engine.resize, 0, 1)
    for _ in range(3):
        world.ask()
    world.run(Create)
    assert 1 == world.engine.ledger.size


def test_limits_that_go_up_and_down_quickly_converge() -> None:
    """Behaviour 121."""
    world = World(max_size=4, check_after=100).filled(4)
    held = [world.lease() for _ in range(4)]
    for most in (1, 4, 2, 3, 1, 2):
        world.do(world.engine.resize, 0, most)
    for one in held:
        world.release(one)
    world.run()
    assert 2 == world.engine.ledger.size == len(world.engine.lane.idle)


def test_a_creation_that_a_smaller_pool_has_no_room_for_does_not_start() -> None:
    """Behaviour 57."""
    world = World(max_size=3, min_size=3, max_creating=3)
    world.do(world.engine.tick)
    world.do(world.engine.resize, 0, 0)
    assert [] == world.begin_all(Create)
    assert 0 == world.engine.ledger.size


# ---------------------------------------------------------------------- refresh


def test_a_refresh_replaces_idle_ones_now_and_held_ones_on_return() -> None:
    """Behaviours 122, 124."""
    world = World(max_size=2, check_after=100).filled(2)
    held = world.lease()
    done = refresh(world)
    assert 1 == world.run(Destroy)
    assert done.loan is None
    world.release(held)
    assert 1 == world.run(Destroy)
    assert done.loan is True


def test_a_creation_under_way_counts_as_old() -> None:
    """Behaviour 124."""
    world = World(max_size=1)
    waiter = world.ask(None)
    [create] = world.begin_all(Create)
    done = refresh(world, source="second")
    world.succeed(create)
    assert waiter.loan is None
    world.run(Destroy)
    assert done.loan is True
    world.run(Create)
    assert ["first", "second"] == [thing.source for thing in world.things]
    assert waiter.loan is not None


@pytest.mark.parametrize("over", [0.0, 40.0])
def test_a_creation_that_has_not_begun_is_begun_with_the_new_source(over: float) -> None:
    """Behaviour 124."""
    world = World(max_size=1)
    waiter = world.ask(None)
    refresh(world, over=over, source="second")
    world.run()
    assert ["second"] == [thing.source for thing in world.things]
    assert waiter.loan is not None


def test_a_refresh_is_spread_as_asked_for() -> None:
    """Behaviour 123."""
    world = World(min_size=4, max_size=4, check_after=100).filled(4)
    done = refresh(world, over=40.0)
    gone = []
    for _ in range(3):
        world.advance(12.0)
        world.run()
        gone.append(len(world.destroyed))
    assert [2, 3, 4] == gone
    assert done.loan is True


# ---------------------------------------------------------------------- pause


def test_a_paused_pool_grants_nothing_and_lets_holders_finish() -> None:
    """Behaviour 125."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    world.do(world.engine.pause)
    world.release(held)
    assert world.engine.lane.take() is None
    early, late = world.ask(1.0), world.ask(30.0)
    world.advance(2.0)
    assert early.refusal is not None
    assert not late.answered
    world.do(world.engine.resume)
    assert late.loan is not None


def test_a_resumed_pool_serves_the_oldest_first() -> None:
    """Behaviours 21, 125: all that there is something for, at once."""
    world = World(traits={"strict": True}, max_size=2, check_after=100).filled(2)
    world.do(world.engine.pause)
    first, second, third = world.ask(), world.ask(), world.ask()
    world.do(world.engine.resume)
    assert first.loan is not None
    assert second.loan is not None
    assert not third.answered


# ---------------------------------------------------------------------- close


def test_close_tells_every_waiter_and_may_be_repeated() -> None:
    """Behaviours 110, 111."""
    world = World(max_size=1, check_after=100).filled(1)
    _held = world.lease()
    waiters = [world.ask() for _ in range(3)]
    world.do(world.engine.close)
    world.do(world.engine.close)
    assert ["closed"] * 3 == [w.refusal.why for w in waiters if w.refusal is not None]
    late = world.ask()
    assert late.refusal is not None


def test_what_comes_back_after_close_is_destroyed_and_then_the_pool_is_closed() -> None:
    """Behaviours 112, 113."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    done = Latch(world.now, None, "closed")
    world.do(world.engine.close)
    world.do(world.engine.latches.add, done)
    assert done.loan is None
    world.release(held)
    world.run(Destroy)
    assert done.loan is True


@pytest.mark.parametrize("begun", [True, False])
def test_nothing_new_is_left_of_a_creation_after_close(begun: bool) -> None:
    """Behaviours 50, 115."""
    world = World(min_size=1, max_size=1)
    world.do(world.engine.tick)
    [create] = world.begin_all(Create) if begun else world.commands
    world.do(world.engine.close)
    if begun:
        world.succeed(create)
        assert 1 == world.run(Destroy)
    else:
        assert not world.begin(create)
    assert world.engine.closed


def test_a_pool_closes_though_calls_fail_or_hang() -> None:
    """Behaviour 114."""
    world = World(max_size=3, check_after=1.0, validate_timeout=2.0).filled(3)
    world.advance(5.0)
    for _ in range(2):
        world.ask(None)
    hung, failing = world.begin_all(Validate)
    held = list(world.engine.lane.resting())
    assert 1 == len(held)
    world.do(world.engine.close)
    world.fail(failing)
    world.advance(3.0)
    for destroy in world.begin_all(Destroy):
        world.fail(destroy)
    assert not world.engine.closed
    world.succeed(hung)
    world.run(Destroy)
    assert world.engine.closed


def test_a_pool_that_is_closed_while_paused_does_not_open_again() -> None:
    """Behaviours 110, 125."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.pause)
    world.do(world.engine.close)
    world.do(world.engine.resume)
    got = world.acquire()
    assert isinstance(got, Waiter)
    assert got.refusal is not None


# ---------------------------------------------------------------------- returns


def test_a_reset_in_flight_serves_who_waits_when_it_has_passed() -> None:
    """Behaviours 15, 88, 94."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    waiter = world.ask()
    world.release(held, soiled=True)
    assert not waiter.answered
    [reset] = world.begin_all(Reset)
    world.fail(reset)
    world.run()
    assert waiter.loan is not None
    assert {"reset failed": 1} == dict(world.engine.ledger.destroyed)


def test_an_exception_without_a_verdict_means_reset_then_validate() -> None:
    """Behaviour 91."""
    world = World(max_size=1, check_after=100).filled(1)
    world.release(world.lease(), soiled=True, doubt=True)
    [reset] = world.begin_all(Reset)
    world.succeed(reset)
    [check] = world.begin_all(Validate)
    world.succeed(check)
    assert 1 == len(world.engine.lane.idle)


def test_a_detached_resource_frees_its_place_and_is_not_destroyed() -> None:
    """Behaviour 100."""
    world = World(max_size=1, check_after=100).filled(1)
    slot = world.end(world.lease())
    world.do(world.engine.detach, slot)
    waiter = world.ask()
    world.run()
    assert waiter.loan is not None
    assert [] == world.destroyed
    assert slot.resource is None


def test_nothing_is_kept_of_what_was_destroyed() -> None:
    """Behaviour 109."""
    world = World(max_size=1, check_after=100).filled(1)
    slot = world.end(world.lease())
    world.do(world.engine.discard, slot)
    world.run(Destroy)
    assert slot.resource is None
    assert slot.loan is None
    assert {} == world.engine.ledger.slots
