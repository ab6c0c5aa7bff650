"""The ledger's counts: what they say while resources come and go, and how an interrupt is made good."""

from __future__ import annotations

from respool._engine import Create, Destroy
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
