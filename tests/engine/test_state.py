"""The ledger's counts: what they say while resources come and go, and how an interrupt is made good."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._config import settings_from
from respool._engine import Create, Destroy, Engine, Fixed, OnDemand, Reset, Sizer, Traits, Validate
from respool._engine._ledger import Ledger
from respool._engine._slot import Phase, Slot

from .world import Lease, World


def use(world: World, times: int) -> None:
    """Lease so often."""
    for _ in range(times):
        lease = world.acquire()
        assert isinstance(lease, Lease)
        world.release(lease)


def acquired(world: World) -> int:
    return world.engine.stats(world.now).acquired


def test_every_hand_out_is_counted_though_its_resource_has_gone() -> None:
    """Behaviour 132."""
    world = World(max_size=1, check_after=100).filled(1)
    count = 1
    for uses in (3, 2):
        use(world, uses)
        lease = world.acquire()
        assert isinstance(lease, Lease)
        count += uses + 1
        assert count == acquired(world)
        world.do(world.engine.discard, world.end(lease))
        world.run(Destroy)
        assert count == acquired(world)
        waiter = world.ask()
        world.run(Create)
        lease = world.collect(waiter)
        assert lease is not None
        world.release(lease)
        count += 1
        assert count == acquired(world)


def test_what_was_written_off_and_comes_back_is_counted_once() -> None:
    """Behaviours 103, 132."""
    world = World(counts=False, max_size=2, check_after=100).filled(2)
    use(world, 5)
    lost = [world.end(lease) for lease in (world.acquire(), world.acquire()) if isinstance(lease, Lease)]
    world.sweep(check=False)
    assert (9, 0) == (acquired(world), world.engine.ledger.size)
    for slot in lost:
        world.do(world.engine.discard, slot)
        assert 9 == acquired(world)
    world.run(Destroy)
    assert 9 == acquired(world)
    assert 0 == world.engine.ledger.left


def ledger_of(*phases: Phase) -> tuple[Ledger, list[Slot]]:
    """Make a ledger with a slot in each phase, the counts as an interrupt may leave them."""
    ledger = Ledger()
    slots = [ledger.open(None, 0, 10, 0.0) for _ in phases]
    for slot, phase in zip(slots, phases, strict=True):
        slot.phase = phase
        if phase is not Phase.CREATING:
            slot.resource = object()
            ledger.created += 1
    return ledger, slots


def test_counts_that_an_interrupt_left_wrong_are_drawn_up_from_the_slots() -> None:
    """Behaviours 27, 33."""
    ledger, slots = ledger_of(Phase.CREATING, Phase.LIVE, Phase.LIVE, Phase.CLOSING)
    ledger.size, ledger.closing, ledger.left = 17, 5, 3
    ledger.recount()
    assert (4, 1, 0) == (ledger.size, ledger.closing, ledger.left)
    assert {Phase.CREATING: 1, Phase.LIVE: 2, Phase.CLOSING: 1} == {
        phase: count for phase, count in ledger.count.items() if count
    }
    assert slots == list(ledger)


def test_a_call_given_up_counts_for_nothing_whatever_was_torn() -> None:
    """Behaviours 33, 49: neither while it is stuck nor when what it brought is being destroyed."""
    ledger, (torn, closing, live) = ledger_of(Phase.STUCK, Phase.CLOSING, Phase.LIVE)
    closing.counted = False
    ledger.recount()
    assert not torn.counted
    assert not closing.counted
    assert live.counted
    assert (1, 0) == (ledger.size, ledger.closing)


def test_a_slot_that_was_torn_on_its_way_out_leaves_with_its_resource() -> None:
    """Behaviours 33, 100."""
    ledger, (torn, live) = ledger_of(Phase.GONE, Phase.LIVE)
    torn.left = 6
    ledger.recount()
    assert [live] == list(ledger)
    assert torn.resource is None
    assert (1, 1, 4) == (ledger.size, ledger.left, ledger.uses())


def test_a_reset_whose_answer_was_lost_to_an_interrupt_is_done_again() -> None:
    """Behaviours 30, 33: its caller had been asked to clean what he waits for."""
    world = World(counts=False, max_size=1, check_after=100).filled(1)
    lease = world.acquire()
    assert isinstance(lease, Lease)
    world.release(lease, soiled=True)
    [reset] = world.begin_all(Reset)
    world.running.clear()
    world.engine._finished(reset.slot)  # and there it was struck
    world.engine.mend(world.now)
    world._take_commands()
    assert 1 == world.run(Reset)
    assert isinstance(world.acquire(), Lease)


# ---------------------------------------------------------------------- what is shown of them


def test_a_policy_sees_what_there_is_and_what_is_on_its_way_to_those_who_wait() -> None:
    world = World(min_size=1, max_size=9, check_after=100).filled(6)
    idle, held, checked, cleaned, closing, _rest = list(world.engine.ledger)
    leases = {
        lease._hold[0]: lease for lease in (world.acquire() for _ in range(6)) if isinstance(lease, Lease)
    }
    waiting = [world.ask(None) for _ in range(2)]
    create, _other = world.begin_all(Create)
    world.do(world.engine.pause)
    world.release(leases.pop(idle))
    world.do(world.engine.doubted, world.end(leases.pop(checked)))
    world.release(leases.pop(cleaned), soiled=True)
    world.do(world.engine.discard, world.end(leases.pop(closing)))
    view = world.engine.view(world.now)
    assert (1, 9, 8) == (view.min_size, view.max_size, view.size)
    assert (1, 2, 2, 1) == (view.idle, view.in_use, view.creating, view.closing)
    assert (2, 2 + 1 + 1) == (view.waiting, view.promised)
    assert (world.now, world.engine.ledger) == (view.now, view.ledger)
    assert held in leases
    assert len(waiting) == view.waiting
    world.succeed(create)


def test_checks_that_nobody_answers_are_promised_to_nobody() -> None:
    """Behaviour 85."""
    world = World(max_size=3, check_after=1.0, validate_timeout=2.0).filled(3)
    world.advance(5.0)
    for _ in range(2):
        world.ask(None)
    world.begin_all(Validate)
    assert 2 == world.engine.view(world.now).promised
    world.advance(1.9)
    world.fail(world.running[0])
    assert world.engine.ledger.count[world.running[0].slot.phase] == 1
    view = world.engine.view(world.now)
    assert view.creating == view.promised


@pytest.mark.parametrize(
    ("sizer", "min_size", "max_size", "target"),
    [
        (OnDemand(), 0, 5, 0),
        (OnDemand(), 4, 5, 4),
        (Fixed(3), 0, 5, 3),
        (Fixed(3), 0, 2, 2),
        (Fixed(3), 4, 5, 3),
    ],
)
def test_the_target_told_is_what_the_policy_finds_right_within_the_limits(
    sizer: Sizer, min_size: int, max_size: int, target: int
) -> None:
    """Behaviour 132."""
    world = World(sizer=sizer, min_size=min_size, max_size=max_size)
    stats = world.engine.stats(world.now)
    assert ("world", min_size, max_size, target) == (stats.name, stats.min_size, stats.max_size, stats.target)


def test_the_target_told_is_no_more_than_the_backend_grants() -> None:
    """Behaviour 45."""
    world = World(sizer=Fixed(3), max_size=5, check_after=100)
    world.do(world.engine.tick)
    first, second = world.begin_all(Create)
    world.succeed(first)
    world.fail(second, Fault.CAPACITY)
    stats = world.engine.stats(world.now)
    assert (1, 1) == (stats.target, stats.ceiling)


def test_a_pool_that_closes_aims_at_nothing_and_a_new_one_has_nothing() -> None:
    """Behaviours 115, 131."""
    settings = settings_from({"min_size": 2}, default_name=lambda: "new")
    engine = Engine(settings, Traits(), now=0.0, draw=lambda: 0.5, sizer=OnDemand(), make_loan=Lease)
    stats = engine.stats(0.0)
    assert ("new", 2, 0, 0, 0) == (stats.name, stats.target, stats.size, stats.created, stats.waiting)
    engine.close(0.0)
    assert 0 == engine.stats(0.0).target


def test_a_pool_of_fixed_size_that_closes_aims_at_nothing_either() -> None:
    """Behaviour 115."""
    world = World(max_size=3, sizer=Fixed(3))
    assert 3 == world.engine.stats(world.now).target
    world.engine.close(world.now)
    assert 0 == world.engine.stats(world.now).target


def test_who_listens_hears_who_got_nothing_why_and_after_how_long() -> None:
    """Behaviours 36, 132."""
    world = World(max_size=1, check_after=100, on_event=(lambda event: None,)).filled(1)
    _held = world.acquire()
    if not isinstance(_held, Lease):
        _held = world.collect(_held)  # type: ignore[assignment]
    began = world.now
    world.woken.clear()
    waiter = world.ask(1.5)
    world.advance(2.0)
    [event] = [event for event in world.events if isinstance(event, tell.AcquireFailed)]
    assert [waiter] == world.woken
    assert "timeout" == event.why
    assert 1.5 == pytest.approx(event.waited)
    assert began + 1.5 == pytest.approx(event.at)


# ---------------------------------------------------------------------- what a retirement says of the backend


@pytest.mark.parametrize(
    ("event", "facts", "starts"),
    [
        ("give_back", {"fault": Fault.RESOURCE_BROKEN}, 2),
        ("give_back", {"fault": Fault.BACKEND_DOWN}, 2),
        ("discard", {}, 8),
        ("discard", {"reason": "invalid"}, 2),
    ],
)
def test_after_a_resource_was_found_dead_creations_ramp_up_anew(
    event: str, facts: dict[str, Any], starts: int
) -> None:
    """Behaviour 58: what the backend bore a moment ago it may not bear now."""
    world = World(max_size=30, max_creating=8, check_after=100).filled(8)
    held = [lease for lease in (world.acquire() for _ in range(8)) if isinstance(lease, Lease)]
    world.do(getattr(world.engine, event), world.end(held.pop()), **facts)
    for _ in range(20):
        world.ask(None)
    assert starts == len(world.begin_all(Create))


def test_a_slot_that_a_call_has_left_is_free_of_it() -> None:
    """Behaviours 74, 80."""
    world = World(max_size=1, keepalive=1.0, check_after=100).filled(1)
    world.advance(2.0)
    [check] = world.begin_all(Validate)
    assert 1 == world.engine.keeping_alive
    world.succeed(check)
    assert 0 == world.engine.keeping_alive
    world.advance(3.0)
    assert 0 == world.engine.stuck
    assert 1 == len([c for c in world.commands if isinstance(c, Validate)])
    assert 0 == world.run(Reset)
