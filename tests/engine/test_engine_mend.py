"""What the first event after a torn one makes good; `test_recovery.py` tears at every bytecode."""

from __future__ import annotations

import pytest

from respool._engine import TAKEN, Create, Destroy, Reset, Validate, Waiter

from .world import EXACT, Lease, World

both = pytest.mark.parametrize(
    "counts", [pytest.param(True, marks=pytest.mark.skipif(not EXACT, reason="nothing to count")), False]
)


def full() -> tuple[World, Lease]:
    """A pool whose one resource is held."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.acquire()
    assert isinstance(held, Lease)
    return world, held


def mend(world: World) -> None:
    """Tell the engine that an event was torn, and have the next one begin."""
    world.engine.torn = True
    world.do(world.engine.mend)


def test_what_is_mended_is_mended() -> None:
    world, _held = full()
    mend(world)
    assert not world.engine.torn


def test_what_an_interrupt_has_lost_is_looked_for_at_once() -> None:
    """Behaviour 33."""
    world, _held = full()
    world.engine.wakes_at = world.engine.ages.due = world.now + 1.0
    mend(world)
    assert (world.now, world.now) == (world.engine.ages.due, world.engine.wakes_at)


def test_a_sweep_that_is_late_is_not_put_off() -> None:
    """Behaviour 136: else a stop of the process would be overlooked."""
    world, _held = full()
    late = world.engine.ages.due = world.now - 0.5
    world.engine.mend(world.now)
    assert late == world.engine.ages.due


def test_who_has_his_answer_is_woken_once_more_and_leaves_the_line() -> None:
    """Behaviours 27, 33: the step was torn before he left, and before he was woken."""
    world, _held = full()
    answered, waiting = world.ask(None), world.ask(None)
    answered.loan = TAKEN
    mend(world)
    assert [answered] == world.woken[-1:]
    assert waiting not in world.woken
    assert [waiting] == list(world.engine.line)


def test_who_was_to_come_and_look_is_told_again_and_keeps_his_place() -> None:
    """Behaviours 12, 33."""
    world, _held = full()
    nudged, waiting = world.ask(None), world.ask(None)
    nudged.nudged = True
    mend(world)
    assert [nudged] == world.woken[-1:]
    assert [nudged, waiting] == list(world.engine.line)


def test_a_nudge_that_was_torn_keeps_nobody_from_the_next_one() -> None:
    """Behaviours 12, 33."""
    world, held = full()
    waiter = world.ask(None)
    world.engine._nudged = waiter
    mend(world)
    world.overtake()
    world.release(held)
    assert waiter.nudged
    assert world.collect(waiter) is not None


@both
def test_a_call_under_way_keeps_its_limit(counts: bool) -> None:
    """Behaviour 48."""
    world = World(counts=counts, max_size=1, create_timeout=2.0)
    waiter = world.ask(None)
    [hung] = world.begin_all(Create)
    mend(world)
    world.advance(1.9)
    assert 0 == world.engine.stuck
    world.advance(0.2)
    assert 1 == world.engine.stuck
    assert [hung] == world.running
    assert not waiter.answered


def test_a_call_whose_slot_has_left_the_books_has_no_limit_any_more() -> None:
    """Behaviour 33."""
    world, _held = full()
    world.engine._due[17] = world.now + 1.0
    mend(world)
    world.advance(2.0)
    assert 0 == world.engine.stuck


@pytest.mark.parametrize("kind", [Create, Validate, Reset, Destroy])
@pytest.mark.parametrize("begun", [True, False])
def test_where_counts_tell_nothing_a_command_that_nobody_has_begun_is_put_out_again(
    kind: type, begun: bool
) -> None:
    """Behaviours 33, 74: of two the later one is not begun."""
    world = World(counts=False, max_size=1, check_after=100).filled(0 if kind is Create else 1)
    if kind is Create:
        world.ask()
    else:
        held = world.acquire()
        assert isinstance(held, Lease)
        if kind is Reset:
            world.release(held, soiled=True)
        elif kind is Validate:
            world.do(world.engine.doubted, world.end(held))
        else:
            world.do(world.engine.discard, world.end(held))
        del held
    if begun:
        world.begin_all(kind)
    else:
        world.commands.clear()
    mend(world)
    assert ([] if begun else [kind]) == [type(command) for command in world.commands]


def closing(*, counts: bool) -> tuple[World, Lease, Waiter]:
    """A paused pool that is to close: one resource is held, one idle, and somebody waits."""
    world = World(counts=counts, max_size=2, check_after=100).filled(2)
    held = world.acquire()
    assert isinstance(held, Lease)
    world.do(world.engine.pause)
    return world, held, world.ask(None)


def see_it_closed(world: World, held: Lease, waiter: Waiter) -> None:
    assert waiter.refusal is not None
    assert "closed" == waiter.refusal.why
    world.run(Destroy)
    world.release(held)
    world.run(Destroy)
    assert world.engine.closed


@both
def test_a_close_of_which_only_the_beginning_was_done_is_done(counts: bool) -> None:
    """Behaviours 33, 110, 112."""
    world, held, waiter = closing(counts=counts)
    world.engine.closing = True
    mend(world)
    see_it_closed(world, held, waiter)


@pytest.mark.skipif(not EXACT, reason="reference counts tell nothing here")
def test_a_close_torn_at_any_bytecode_is_made_good() -> None:
    """Behaviours 33, 110, 111, 112: who closes once more need not do what was done."""
    after = 0
    torn = True
    while torn:
        world, held, waiter = closing(counts=True)
        torn = world.tear(world.engine.close, after=after)
        world.mend()
        world.do(world.engine.close)
        see_it_closed(world, held, waiter)
        after += 3
    assert 100 < after


@both
def test_a_smaller_limit_that_was_torn_closes_what_is_idle_beyond_it(counts: bool) -> None:
    """Behaviour 33: nothing else would, until somebody came."""
    after, torn = 0, True
    while torn:
        world = World(max_size=3, check_after=100, counts=counts).filled(3)
        torn = world.tear(world.engine.resize, 0, 1, after=after)
        world.mend()
        world.run()
        assert world.engine.max_size in ((1, 3) if torn else (1,))
        assert world.engine.ledger.size <= world.engine.max_size
        after += 3
    assert 100 < after
