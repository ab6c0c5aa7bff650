"""What happens when somebody asks for a resource."""

from __future__ import annotations

import gc

import pytest

from respool import _events as tell
from respool._engine import Create, Reset, Waiter

from .world import World


def test_who_asks_and_says_no_more_waits() -> None:
    world = World(max_size=1)
    waiter = Waiter(world.now, 30.0)
    world.do(world.engine.ask, waiter)
    assert waiter.queued


def test_who_comes_after_the_close_is_told_so() -> None:
    """Behaviour 110."""
    world = World(max_size=1)
    world.do(world.engine.close)
    waiter = world.ask()
    assert waiter.refusal is not None
    assert ("closed", "wait") == (waiter.refusal.why, waiter.refusal.phase)


def test_who_comes_has_what_was_forgotten_just_before_taken_in_for_him() -> None:
    """Behaviour 127: where reference counts tell nothing, the lease's own end has told."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    world.clock.advance(0.1)
    forgotten = world.lease()
    forgotten._hold[0].resource.holder = None
    del forgotten
    gc.collect()
    waiter = world.ask()
    [event] = [event for event in world.events if isinstance(event, tell.LeaseForgotten)]
    assert world.now == event.at
    assert [Reset] == [type(command) for command in world.commands]
    world.run()
    assert waiter.loan is not None


def test_what_was_detached_before_its_lease_was_forgotten_is_not_taken_in() -> None:
    """Behaviours 100, 127."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    slot = world.end(world.lease())
    world.do(world.engine.detach, slot)
    world.engine.orphans.append(slot)
    world.do(world.engine.tick)
    assert 0 == world.engine.stats(world.now).recovered
    assert [] == list(world.engine.orphans)


def spent(world: World) -> float:
    """Give the resource-seconds up to now, as far as anybody knows what was out."""
    hold = world.engine.meter.hold
    hold.watch(world.now, hold.in_use)
    return hold.spent


def test_while_a_line_stands_each_who_comes_has_what_is_out_counted_anew() -> None:
    world = World(max_size=2, check_after=100).filled(2)
    held = [world.lease() for _ in range(2)]
    world.ask(None)
    before = spent(world)
    world.do(world.engine.discard, world.end(held.pop()))
    for _ in range(2):  # a second with two out, as far as anybody looked, and one with one
        world.clock.advance(1.0)
        world.ask(None)
    assert pytest.approx(before + 2.0 + 1.0) == spent(world)


def test_who_waits_first_has_what_is_out_counted_from_then_on() -> None:
    world = World(max_size=2, check_after=100).filled(2)
    _held = [world.lease() for _ in range(2)]
    world.ask(None)
    before = spent(world)
    world.clock.advance(1.0)
    world.ask(None)
    assert pytest.approx(before + 2.0) == spent(world)


def test_who_does_not_wait_stands_in_no_line() -> None:
    """Behaviours 7, 8."""
    world = World(max_size=1, check_after=100).filled(1)
    _held = world.lease()
    waiter = world.ask(0, waits=False)
    assert waiter.refusal is not None
    assert ("timeout", 0) == (waiter.refusal.why, world.engine.line.count)


@pytest.mark.parametrize("waits", [True, False])
def test_who_finds_something_idle_has_it_whether_or_not_he_would_wait(waits: bool) -> None:
    """Behaviours 4, 8."""
    world = World(max_size=2, check_after=100).filled(1)
    waiter = world.ask(0, waits=waits)
    assert waiter.loan is not None
    assert [] == world.commands


@pytest.mark.parametrize("strict", [True, False])
def test_who_asks_by_the_slow_path_overtakes_nobody_in_strict_order(strict: bool) -> None:
    """Behaviour 22."""
    world = World(traits={"strict": strict}, max_size=1, check_after=100).filled(1)
    held = world.lease()
    first = world.ask()
    world.engine.lane.idle.append(world.end(held))
    second = Waiter(world.now, 30.0)
    world.engine.ask(second, world.now)
    assert strict is second.queued
    world.engine.cancel(first, world.now)


def test_a_paused_pool_gives_nothing_to_who_asks_by_the_slow_path() -> None:
    """Behaviour 125."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.pause)
    for waits in (True, False):
        assert world.ask(waits=waits).loan is None


def test_who_does_not_wait_has_one_created_and_no_more() -> None:
    """Behaviours 7, 63."""
    world = World(max_size=5)
    for _ in range(3):
        world.ask(0, waits=False)
    assert [Create] == [type(command) for command in world.commands]
