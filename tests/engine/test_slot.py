"""A slot at the start of its life."""

from __future__ import annotations

from respool._engine import Create, Phase
from respool._engine._ledger import Ledger
from respool._engine._slot import UNLIMITED, Slot

from .world import World


def test_a_slot_begins_with_its_creation_and_counts() -> None:
    slot = Slot(7, "source", 3, 5, 2.5)
    assert (7, "source", 3, Phase.CREATING) == (slot.number, slot.source, slot.generation, slot.phase)
    assert slot.counted
    assert {2.5} == {slot.asked_at, slot.born, slot.checked_at, slot.idle_from, slot.lent_at}
    assert float("inf") == slot.expires


def test_a_slot_begins_unused_and_nothing_is_known_against_it() -> None:
    slot = Slot(7, None, 0, 5, 0.0)
    assert {5} == {slot.left, slot.limit, slot.seen_left, slot.read_left}
    assert (0, 0, "") == (slot.uses, slot.mark, slot.reason)
    assert not any((slot.started, slot.doubt, slot.wanted, slot.leak_told))


def test_a_slot_begins_with_nothing_in_it() -> None:
    """Behaviour 109: what the shells keep in it, they find None before."""
    slot = Slot(7, None, 0, 5, 0.0)
    parts = (slot.resource, slot.ready, slot.loan, slot.lent_in, slot.command, slot.acquirer)
    assert (None,) * 6 == parts


def test_a_slot_keeps_what_the_fast_lane_asks_of_who_made_it() -> None:
    """A hand-out and a release look there, and nowhere else; who has nothing to ask gives nothing."""

    class Source:
        probe, dirty_test = "the probe", "the dirty test"

    slot = Slot(7, Source, 0, 5, 0.0)
    assert ("the probe", "the dirty test", None) == (slot.probe, slot.dirty_test, slot.glance)
    slot = Slot(7, None, 0, 5, 0.0)
    assert (None, None) == (slot.probe, slot.dirty_test)


def test_a_slot_shows_its_number_and_phase() -> None:
    slot = Ledger().open(None, 0, 5, 0.0)
    assert "<slot 1 creating>" == repr(slot)


def test_a_resource_may_be_used_for_ever_where_nothing_else_is_said() -> None:
    """Behaviour 72."""
    world = World(max_size=1, check_after=100)
    world.ask()
    [create] = world.begin_all(Create)
    assert UNLIMITED == create.slot.limit
    assert UNLIMITED > 100 * 365 * 86_400 * 10**6  # a century of a million leases a second
