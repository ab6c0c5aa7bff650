"""What an interrupt or a forgetful caller leaves behind is found, and nothing gets two owners."""

from __future__ import annotations

import pytest

from respool._engine import TABLE, Create, Destroy, Reset, Validate, Waiter
from respool._engine._ledger import Ledger
from respool._engine._slot import Phase, Slot

from .world import EXACT, World

by_counts = pytest.mark.skipif(not EXACT, reason="reference counts tell nothing here")


@pytest.mark.parametrize("counts", [pytest.param(True, marks=by_counts), False])
def test_a_forgotten_lease_gives_its_resource_back_cleaned_and_checked(counts: bool) -> None:
    """Behaviours 35, 127."""
    world = World(counts=counts, max_size=1, check_after=100).filled(1)
    forgotten = world.lease()
    forgotten._hold[0].resource.holder = None
    del forgotten
    world.sweep()
    [reset] = world.begin_all(Reset)
    world.succeed(reset)
    [check] = world.begin_all(Validate)
    world.succeed(check)
    assert 1 == len(world.engine.lane.idle)
    assert 1 == world.engine.stats(world.now).recovered


@by_counts
def test_a_slot_lost_between_two_bytecodes_is_found_by_its_references() -> None:
    """Behaviour 103."""
    world = World(max_size=1, check_after=100).filled(1)
    world.end(world.lease())
    world.sweep()
    world.run()
    assert 1 == len(world.engine.lane.idle)


def test_where_references_tell_nothing_it_is_written_off_and_replaced() -> None:
    """Behaviour 103."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    world.end(world.lease())
    world.sweep()
    assert 0 == world.engine.ledger.size
    waiter = world.ask()
    world.run()
    assert waiter.loan is not None
    assert 1 == world.engine.ledger.left


@pytest.mark.parametrize("way", ["give", "give_back", "discard", "detach", "doubted"])
def test_what_was_written_off_and_comes_back_is_destroyed_and_never_handed_out(way: str) -> None:
    """Behaviours 3, 78, 103."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    slot = world.end(world.lease())
    thing = slot.resource
    world.sweep(check=False)
    if way == "give":
        world.give(slot)
    else:
        world.do(getattr(world.engine, way), slot)
    world.run(Destroy)
    assert ([] if way == "detach" else [thing]) == world.destroyed
    waiter = world.ask()
    world.run()
    got = world.collect(waiter)
    assert got is not None
    assert thing is not got._hold[0].resource


@by_counts
@pytest.mark.parametrize("late", [False, True])
def test_a_call_whose_caller_is_gone_is_ended(late: bool) -> None:
    """Behaviour 30: also when it was given up before."""
    world = World(max_size=1, check_after=1.0, validate_timeout=2.0).filled(1)
    world.advance(5.0)
    waiter = world.ask(None)
    [check] = world.begin_all(Validate)
    if late:
        world.advance(3.0)
    world.running.clear()
    del check
    world.sweep()
    world.run()
    assert waiter.loan is not None
    assert 0 == world.engine.stuck
    assert 1 == len(world.destroyed)


@by_counts
def test_a_creation_whose_caller_is_gone_after_it_was_given_up_leaves_the_books() -> None:
    """Behaviour 49."""
    world = World(max_size=1, create_timeout=1.0)
    world.ask(1.0)
    world.begin_all(Create)
    world.advance(2.0)
    assert 1 == world.engine.stuck
    world.running.clear()
    world.sweep()
    assert 0 == world.engine.stuck


@by_counts
def test_a_command_lost_on_its_way_is_issued_again_and_carried_out_once() -> None:
    """Behaviour 74."""
    world = World(max_size=1)
    waiter = world.ask()
    world.commands.clear()
    world.sweep()
    [again] = world.commands
    world.engine.issue_again(again.slot)
    world._take_commands()
    first, second = world.commands
    assert world.begin(first)
    assert not world.begin(second)
    world.succeed(first)
    assert waiter.loan is not None


@by_counts
def test_an_event_torn_at_any_bytecode_is_mended() -> None:
    """Behaviours 27, 33."""
    after = 0
    torn = True
    while torn:
        world = World(traits={"resets": False, "validates": False}, max_size=1, check_after=100).filled(1)
        held = world.lease()
        waiter = world.ask()
        slot = world.end(held)
        del held
        torn = world.tear(world.engine.discard, slot, after=after)
        del slot
        world.mend()
        world.run()
        assert waiter.loan is not None
        after += 3
    assert 100 < after


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.GONE])
def test_the_ledger_makes_no_move_that_the_table_has_not(phase: Phase) -> None:
    slot = Slot(1, None, 0, 1, 0.0)
    slot.phase = phase
    with pytest.raises(AssertionError, match="the table has no such move"):
        Ledger().move(slot, "created" if (phase, "created") not in TABLE else "ended")


def test_a_waiter_torn_in_the_line_leaves_no_count_behind() -> None:
    """Behaviour 27."""
    for after in range(0, 700, 7):
        world = World(max_size=1, check_after=100).filled(1)
        _held = world.lease()
        waiter = Waiter(world.now, 5.0)
        world.tear(world.engine.ask, waiter, after=after)
        world.engine.mend(world.now)
        world.engine.cancel(waiter, world.now)
        assert 0 == world.engine.line.count
        assert [] == list(world.engine.line)


@by_counts
def test_where_nobody_is_left_to_end_a_lease_every_one_ends() -> None:
    """Behaviour 116: a ring with the pool itself may hold some, which the sweep cannot see."""
    world = World(max_size=3, check_after=100).filled(2)
    held = world.lease()
    held._hold[0].resource.holder = None
    world.do(world.engine.close)
    world.run()
    assert not world.engine.closed
    world.do(world.engine.forsake)
    world.run()
    assert world.engine.closed
    assert 1 == world.engine.stats(world.now).recovered
    assert [] == list(held._hold)
