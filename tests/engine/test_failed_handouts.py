"""A hand-out whose check fails: no lease, its caller keeps his place, and it does not go on for ever."""

from __future__ import annotations

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, Destroy, Traits, Validate, Waiter
from respool._engine._engine import MOST_DOUBTS

from .world import Boom, Lease, World


def handed(world: World, waiter: Waiter) -> Lease:
    """What a waiter was given, before his thread has probed it."""
    got = world.collect(waiter)
    assert got is not None
    return got


def fail(world: World, waiter: Waiter) -> None:
    """Let the probe of what a waiter was given say that it is dead, and the waiter ask again."""
    world.do(world.engine.probe_failed, world.end(handed(world, waiter)), Boom("gone"))
    waiter.loan = None
    world.do(world.engine.ask, waiter, again=True)


@pytest.mark.parametrize("strict", [True, False])
def test_who_was_given_a_dead_one_is_still_first_in_line(strict: bool) -> None:
    """Behaviours 21, 22."""
    world = World(traits={"strict": strict}, max_size=1, check_after=100).filled(1)
    held = world.lease()
    waiters = []
    for _ in range(3):
        waiters.append(world.ask())
        world.clock.advance(0.1)
    world.release(held)
    fail(world, waiters[0])
    assert waiters == list(world.engine.line)


def test_who_is_given_dead_ones_again_and_again_has_waited_once() -> None:
    """Behaviour 132: no more have waited than have acquired."""
    world = World(max_size=1, check_after=100).filled(1)
    before = world.engine.stats(world.now).waited
    held = world.lease()
    waiter = world.ask()
    world.release(held)
    for _ in range(3):
        fail(world, waiter)
        world.run()
        world.advance(0.6)
        world.run()
    assert world.engine.stats(world.now).waited == before + 1
    handed(world, waiter)
    assert world.engine.stats(world.now).waited == before + 1


@pytest.mark.parametrize("end", ["expire", "cancel"])
def test_who_is_given_a_dead_one_and_leaves_has_not_waited_for_a_lease(end: str) -> None:
    """Behaviour 132."""
    world = World(max_size=1, check_after=100).filled(1)
    before = world.engine.stats(world.now).waited
    held = world.lease()
    waiter = world.ask()
    world.release(held)
    fail(world, waiter)
    world.do(getattr(world.engine, end), waiter)
    assert world.engine.stats(world.now).waited == before


def test_who_asks_again_and_arrived_after_those_who_wait_overtakes_nobody() -> None:
    """Behaviour 22."""
    world = World(traits={"strict": True}, max_size=2, check_after=100).filled(2)
    world.do(world.engine.pause)
    older = world.ask()
    world.clock.advance(0.1)
    waiter = Waiter(world.now, 30.0)
    world.do(world.engine.ask, waiter, again=True)
    assert [older, waiter] == list(world.engine.line)


def test_who_asks_again_is_no_further_arrival_and_is_not_refused_for_want_of_room_in_the_line() -> None:
    world = World(max_size=1, max_waiting=0, check_after=100)
    world.ask()
    world.run(Create)
    got = world.lease()
    waiter = Waiter(world.now, 30.0)
    world.do(world.engine.probe_failed, world.end(got), Boom("gone"))
    world.do(world.engine.ask, waiter, again=True)
    assert waiter.queued


def test_who_asks_again_after_his_time_is_refused_at_once() -> None:
    """Behaviour 10."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    waiter = world.ask(1.0)
    world.release(held)
    world.clock.advance(1.5)
    fail(world, waiter)
    assert waiter.refusal is not None
    assert "timeout" == waiter.refusal.why


# ---------------------------------------------------------------------- it is no lease


@pytest.mark.parametrize("event", ["doubted", "probe_failed", "cancel"])
def test_a_handout_that_came_to_nothing_is_not_counted_and_is_told_to_be_over(event: str) -> None:
    """Behaviours 131, 132."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.listen, True)
    before = world.engine.stats(world.now).acquired
    waiter = world.ask()
    if event == "cancel":
        world.do(world.engine.cancel, waiter)
    else:
        slot = world.end(handed(world, waiter))
        facts = (Boom("gone"),) if event == "probe_failed" else ()
        world.do(getattr(world.engine, event), slot, *facts)
    kinds = [type(each) for each in world.events if isinstance(each, tell.Acquired | tell.Released)]
    assert [tell.Acquired, tell.Released] == kinds
    assert before == world.engine.stats(world.now).acquired


def test_the_count_of_leases_never_goes_down() -> None:
    """Behaviour 131."""
    world = World(max_size=1, check_after=100).filled(1)
    got = world.lease()
    seen = world.engine.stats(world.now).acquired
    world.do(world.engine.doubted, world.end(got))
    assert seen == world.engine.stats(world.now).acquired


def test_a_resource_of_one_use_has_it_still_after_a_handout_that_came_to_nothing() -> None:
    """Behaviour 72."""
    world = World(max_size=1, max_uses=1, check_after=100)
    waiter = world.ask()
    world.run(Create)
    world.do(world.engine.doubted, world.end(handed(world, waiter)))
    assert [Validate] == [type(command) for command in world.commands]


# ---------------------------------------------------------------------- nothing goes on for ever


def test_what_passes_its_checks_and_is_doubted_again_and_again_is_given_up() -> None:
    world = World(max_size=1, check_after=100).filled(1)
    for _ in range(MOST_DOUBTS):
        world.do(world.engine.doubted, world.end(world.lease()))
        assert 1 == world.run(Validate)
    world.do(world.engine.doubted, world.end(world.lease()))
    assert [Destroy] == [type(command) for command in world.commands]


def test_doubts_between_uses_are_no_row() -> None:
    world = World(max_size=1, check_after=100).filled(1)
    for _ in range(3 * MOST_DOUBTS):
        world.do(world.engine.doubted, world.end(world.lease()))
        world.run(Validate)
        world.release(world.lease())
    assert 1 == world.engine.stats(world.now).idle


@pytest.mark.parametrize("way", ["probe_failed", "doubted", "validated"])
def test_what_is_dead_when_it_is_made_is_not_made_as_fast_as_it_can_be(way: str) -> None:
    """Behaviours 44, 45, 82: a backend that accepts and hangs up is one that fails."""
    world = World(traits={"validates": way == "validated"}, max_size=4, check_after=100)
    waiter = world.ask(None)
    for _ in range(400):
        world.run(Create)
        world.run(Destroy)
        if waiter.answered:
            slot = world.end(handed(world, waiter))
            if way == "probe_failed":
                world.do(world.engine.probe_failed, slot, Boom("gone"))
            else:
                world.do(world.engine.doubted, slot)
                for command in world.begin_all(Validate):
                    world.fail(command, Fault.RESOURCE_BROKEN)
            waiter.loan = None
            world.do(world.engine.ask, waiter, again=True)
        world.advance(0.01)
    assert 4 <= world.engine.ledger.created <= 18, (
        "at most 4 in any 1.1 s, and those that were allowed before"
    )


def test_what_dies_in_use_or_of_age_keeps_nothing_back() -> None:
    """Behaviour 44: after an outage the dead are replaced at once."""
    world = World(max_size=2, check_after=100).filled(2)
    world.advance(5.0)
    waiters = [world.ask(), world.ask()]
    for waiter in waiters:
        fail(world, waiter)
    world.run(Destroy)
    assert [Create, Create] == [type(command) for command in world.commands]


# ---------------------------------------------------------------------- nobody may wait


def test_where_nobody_may_wait_who_is_refused_has_one_created_for_those_who_come_after_him() -> None:
    """Behaviour 20: else a pool that opens on demand would never open anything."""
    world = World(max_size=2, max_waiting=0, check_after=100)
    waiter = world.ask()
    assert waiter.refusal is not None
    assert "rejected" == waiter.refusal.why
    assert 1 == world.run(Create)
    assert isinstance(world.acquire(), Lease)


# ---------------------------------------------------------------------- other adapters


def test_who_can_check_makes_a_pool_check_though_its_first_adapter_could_not() -> None:
    """Behaviour 86."""
    world = World(traits={"validates": False}, max_size=1, check_after=0).filled(1)
    world.do(lambda now: world.engine.refresh(now, 0.0, "second", Traits(validates=True)))
    world.run()
    waiter = world.ask()
    world.run(Create)
    held = handed(world, waiter)
    world.release(held)
    assert world.engine.lane.take() is None
    assert world.ask().loan is None
    assert [Validate] == [type(command) for command in world.commands]
