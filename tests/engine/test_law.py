"""The check that every engine test calls after every step finds each way in which the law can be broken."""

from __future__ import annotations

import pytest

from respool._engine import Create, Destroy, Loan, Reset, Validate, Waiter
from respool._engine._slot import PARKED, Phase, Slot

from .world import Lease, World


def two() -> tuple[World, Slot, Lease]:
    """A pool with one idle resource and one that is held."""
    world = World(traits={"strict": True}, max_size=2, check_after=100).filled(2)
    held = world.lease()
    return world, world.engine.lane.idle[0], held


def broken(world: World, what: str) -> None:
    with pytest.raises(AssertionError) as broke:
        world.engine.check()
    assert what == str(broke.value).partition("\n")[0]


def test_a_pool_at_rest_keeps_the_law() -> None:
    world, *_kept = two()
    world.engine.check()


def test_what_is_idle_and_off_the_books_breaks_it() -> None:
    world, *_kept = two()
    world.engine.lane.idle.append(Slot(17, None, 0, 1, 0.0))
    broken(world, "slot 17 is idle and not on the ledger")


def test_what_is_idle_twice_breaks_it() -> None:
    world, idle, _held = two()
    world.engine.lane.idle.append(idle)
    broken(world, f"slot {idle.number} is idle 2 times")


def test_what_is_idle_and_held_breaks_it() -> None:
    world, _idle, held = two()
    world.engine.lane.idle.append(held._hold[0])
    broken(world, f"<slot {held._hold[0].number} live> has two owners")


def test_what_nobody_has_breaks_it() -> None:
    world, idle, _held = two()
    world.engine.lane.idle.clear()
    broken(world, f"<slot {idle.number} live> has no owner")


def test_what_is_free_and_has_a_call_under_way_breaks_it() -> None:
    world, idle, _held = two()
    idle.command = Validate
    broken(world, f"<slot {idle.number} live> is live and has a command in flight")


def checking() -> tuple[World, Slot]:
    """A pool whose one resource is being checked."""
    world = World(max_size=1, check_after=1.0).filled(1)
    world.advance(5.0)
    world.ask()
    [check] = world.begin_all(Validate)
    return world, check.slot


def test_what_is_gone_and_on_the_books_breaks_it() -> None:
    world, slot = checking()
    slot.phase = Phase.GONE
    broken(world, f"<slot {slot.number} gone> is on the ledger")


def test_what_a_command_has_and_a_holder_too_breaks_it() -> None:
    world, slot = checking()
    loan = Loan()
    loan._hold.append(slot)
    slot.loan, slot.lent_in = loan, lambda: loan
    broken(world, f"<slot {slot.number} checking> is held")


def test_what_a_command_has_and_is_idle_too_breaks_it() -> None:
    world, slot = checking()
    world.engine.lane.idle.append(slot)
    broken(world, f"<slot {slot.number} checking> is idle")


def test_what_should_be_under_way_and_is_not_breaks_it() -> None:
    world, slot = checking()
    slot.command = None
    broken(world, f"<slot {slot.number} checking> has no command in flight")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("closing", "1 are closing, counted 2"),
        ("size", "size is 3, counted 4"),
        ("created", "created 5, destroyed 1, living 3, taken out 0"),
        ("left", "created 4, destroyed 1, living 3, taken out 1"),
    ],
)
def test_a_wrong_count_breaks_it(what: str, message: str) -> None:
    """Behaviour 131: with one that is closing, one idle, one held and one destroyed before."""
    world = World(max_size=3, check_after=100).filled(3)
    for _ in range(2):
        world.do(world.engine.discard, world.end(world.lease()))
    world.succeed(world.begin_all(Destroy)[0])
    _held = world.lease()
    world.ask(0, waits=False)
    world.run(Create)
    world.engine.check()
    ledger = world.engine.ledger
    setattr(ledger, what, getattr(ledger, what) + 1)
    broken(world, message)


def test_what_was_taken_out_is_neither_living_nor_destroyed_and_accounted_for() -> None:
    """Behaviours 100, 131."""
    world = World(max_size=2, check_after=100).filled(2)
    world.do(world.engine.detach, world.end(world.lease()))
    world.engine.check()
    world.engine.ledger.left = 0
    broken(world, "created 2, destroyed 0, living 1, taken out 0")


@pytest.mark.parametrize("phase", Phase)
def test_a_wrong_count_of_a_phase_breaks_it(phase: Phase) -> None:
    """Behaviour 131."""
    world, *_kept = two()
    real = world.engine.ledger.count[phase]
    world.engine.ledger.count[phase] += 1
    broken(world, f"{phase.value}: {real}, counted {real + 1}")


@pytest.mark.parametrize("kind", [Destroy, Reset])
def test_what_counts_for_nothing_is_in_no_count(kind: type) -> None:
    """Behaviours 49, 131: what was given up, stuck or being destroyed since."""
    world = World(max_size=1, reset_timeout=1.0, check_after=100).filled(1)
    world.release(world.lease(), soiled=True)
    [hung] = world.begin_all(Reset)
    world.advance(2.0)
    if kind is Destroy:
        world.succeed(hung)
    world.engine.check()
    world.engine.ledger.slots[1].counted = True
    with pytest.raises(AssertionError, match="1 are closing, counted 0" if kind is Destroy else "size is 1"):
        world.engine.check()


def full() -> tuple[World, list[Lease]]:
    """A pool in strict order whose two resources are held."""
    world = World(traits={"strict": True}, max_size=2, check_after=100).filled(2)
    return world, [world.lease(), world.lease()]


def test_a_line_that_is_longer_or_shorter_than_its_count_breaks_it() -> None:
    world, _held = full()
    world.ask(None)
    world.engine.line.count += 1
    broken(world, "1 wait, counted 2")


def test_who_has_his_answer_and_waits_breaks_it() -> None:
    world, _held = full()
    waiter = world.ask(None)
    waiter.loan = True
    broken(world, "an answered waiter stands in line")


def lie_idle(world: World, held: list[Lease]) -> Slot:
    """Put a resource back and say nothing."""
    slot = world.end(held.pop())
    world.engine.lane.idle.append(slot)
    return slot


def test_who_waits_in_strict_order_while_something_fit_is_idle_breaks_it() -> None:
    """Behaviour 12."""
    world, held = full()
    world.ask(None)
    slot = lie_idle(world, held)
    broken(world, f"1 wait while [{slot!r}] are idle and fit")


@pytest.mark.parametrize("excuse", ["paused", "closing", "marked", "eventual", "nobody waits"])
def test_what_is_idle_may_wait_for_its_reason(excuse: str) -> None:
    """Behaviours 22, 125."""
    world = World(traits={"strict": excuse != "eventual"}, max_size=2, check_after=100).filled(2)
    held = [world.lease(), world.lease()]
    if excuse != "nobody waits":
        world.engine.line.join(Waiter(world.now, None))
    slot = lie_idle(world, held)
    if excuse in ("paused", "closing"):
        setattr(world.engine, excuse, True)
    elif excuse == "marked":
        slot.mark |= PARKED
    world.engine.check()
