"""What a snapshot of the pool shows."""

from __future__ import annotations

import pytest

from respool._engine import Create, Destroy, Reset, Validate
from respool._stats import PoolStats

from .world import World


def test_a_snapshot_shows_every_resource_where_it_is_and_what_became_of_all() -> None:
    """Behaviours 131, 132, 133."""
    world = World(
        min_size=1,
        max_size=7,
        max_waiting=2,
        check_after=100,
        create_timeout=3.0,
        validate_timeout=50,
        reset_timeout=50,
        destroy_timeout=50,
        name="orders",
    )
    for _ in range(2):
        world.filled(2)
        for _ in range(2):
            world.do(world.engine.discard, world.end(world.lease()))
        world.run(Destroy)
    world.filled(2).filled(4).filled(6)
    held = [world.lease() for _ in range(6)]
    for pause in (4.0, 0.0):  # the first creation is given up, the second goes on
        world.ask(0, waits=False)
        world.begin_all(Create)
        world.advance(pause)
    for _ in range(2):
        world.release(held.pop())
    world.engine.suspect_idle()
    for _ in range(2):
        world.ask(None)
        world.begin_all(Validate)
        world.clock.advance(0.5)
    world.release(held.pop(), soiled=True)
    world.begin_all(Reset)
    world.do(world.engine.discard, world.end(held.pop()))
    world.begin_all(Destroy)
    world.ask()
    expected = PoolStats(
        name="orders",
        min_size=1,
        max_size=7,
        size=7,
        idle=1,
        in_use=2,
        creating=1,
        checking=1,
        resetting=1,
        closing=1,
        stuck=1,
        waiting=2,
        oldest_wait=1.0,
        target=1,
        ceiling=7,
        acquired=26,
        waited=10,
        timeouts=2,
        rejected=1,
        would_reject=0,
        created=10,
        create_failures=1,
        recovered=0,
        destroyed={"discarded": 4},
        last_error="TimeoutError: create took longer than 3 s",
    )
    assert expected == world.engine.stats(world.now)


def test_a_snapshot_taken_before_its_time_shows_nobody_who_waits_a_negative_time() -> None:
    """Behaviours 131, 133: its clock was read before it came to its turn."""
    world = World(max_size=0)
    before = world.now
    world.clock.advance(1.0)
    world.ask()
    assert 0.0 == world.engine.stats(before).oldest_wait


def test_where_nobody_waits_nobody_has_waited_any_time() -> None:
    """Behaviour 133."""
    world = World(max_size=1, check_after=100).filled(1)
    assert 0.0 == world.engine.stats(world.now).oldest_wait


def test_a_snapshot_counts_what_was_written_off_nowhere_though_it_lies_with_the_idle() -> None:
    """Behaviour 131: its holder was just about to put it back."""
    world = World(counts=False, max_size=2, check_after=100).filled(2)
    slot = world.end(world.lease())
    world.sweep()
    world.engine.lane.idle.append(slot)
    stats = world.engine.stats(world.now)
    assert (1, 1, 0) == (stats.size, stats.idle, stats.in_use)


def test_a_snapshot_cannot_be_changed_and_does_not_change() -> None:
    """Behaviour 132."""
    world = World(max_size=1, check_after=100).filled(1)
    before = world.engine.stats(world.now)
    world.do(world.engine.discard, world.end(world.lease()))
    world.run(Destroy)
    assert {} == before.destroyed
    with pytest.raises(TypeError):
        before.destroyed["lost"] = 1  # type: ignore[index]
