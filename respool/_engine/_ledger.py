"""The ledger: every slot from the start of its creation to the end of its destruction, and the counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from ._slot import TABLE, Phase, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Ledger"]


class Ledger:
    """Holds the slots and counts them; `move` is the only way from one phase to another."""

    __slots__ = (
        "_next",
        "closing",
        "count",
        "created",
        "destroyed",
        "left",
        "resources",
        "size",
        "slots",
        "uses_of_gone",
    )

    def __init__(self) -> None:
        self.slots: dict[int, Slot] = {}
        self.resources: dict[int, Any] = {}
        """What the slots have, by number, once more: here it can be kept without the slots."""
        self.count: dict[Phase, int] = dict.fromkeys(Phase, 0)
        self.size = 0
        """How many count against ``max_size``."""
        self.closing = 0
        """How many of those are being destroyed."""
        self.created = 0
        self.destroyed: Counter[str] = Counter()
        self.left = 0
        """How many resources left without being destroyed: detached, or written off."""
        self.uses_of_gone = 0
        """Hand-outs of slots that have left."""
        self._next = 0

    def __iter__(self) -> Iterator[Slot]:
        """Go through the slots there are now, whoever adds or removes some meanwhile."""
        return iter(self.slots.copy().values())

    def open(self, source: Any, generation: int, limit: int, now: float) -> Slot:
        """Enter a new slot whose creation starts now."""
        self._next += 1
        slot = Slot(self._next, source, generation, limit, now)
        self.slots[slot.number] = slot
        self.count[Phase.CREATING] += 1
        self.size += 1
        return slot

    def fill(self, slot: Slot, resource: Any) -> None:
        """A slot's creation has brought its resource."""
        self.created += 1
        slot.resource = self.resources[slot.number] = resource

    def move(self, slot: Slot, event: str) -> None:
        """Make the move that the table gives for this event.

        Raises:
            AssertionError: The table has no such move: a bug of the engine.
        """
        try:
            phase = TABLE[slot.phase, event]
        except KeyError:
            raise AssertionError(f"{slot!r} cannot {event}: the table has no such move") from None
        self.count[slot.phase] -= 1
        self.count[phase] += 1
        if slot.counted:
            self.closing += (phase is Phase.CLOSING) - (slot.phase is Phase.CLOSING)
        slot.phase = phase
        if phase is Phase.STUCK and slot.counted:
            self._uncount(slot)
        if phase is Phase.GONE:
            self._strike(slot, event)

    def readmit(self, slot: Slot) -> None:
        """A slot that was written off has come back: put it on the books again, to be destroyed.

        It was replaced meanwhile, so it does not count against ``max_size``.
        """
        self.slots[slot.number] = slot
        self.resources[slot.number] = slot.resource
        self.count[Phase.GONE] += 1
        self.left -= 1
        self.uses_of_gone -= slot.uses

    def _uncount(self, slot: Slot) -> None:
        """Stop counting a slot against ``max_size``: it is given up, or gone."""
        slot.counted = False
        self.size -= 1

    def _strike(self, slot: Slot, event: str) -> None:
        self.count[Phase.GONE] -= 1
        self.left += event in ("detach", "write off")
        self.resources.pop(slot.number, None)
        self.slots.pop(slot.number)
        self.uses_of_gone += slot.uses
        if slot.counted:
            self._uncount(slot)
        # A slot that was written off keeps its resource: should it come back, that must be destroyed.
        slot.loan = None
        if event != "write off":
            slot.resource = slot.ready = slot.glance = None

    def uses(self) -> int:
        """Count all hand-outs so far."""
        return self.uses_of_gone + sum(slot.uses for slot in self)

    def recount(self) -> None:
        """Derive the counts again from the slots, after an interrupted step."""
        for slot in self:
            slot.counted = slot.counted and slot.phase is not Phase.STUCK
            if slot.phase is Phase.GONE:
                self._strike(slot, "detach")  # the one move to GONE in a thread that an interrupt may strike
        self.count = dict.fromkeys(Phase, 0)
        for slot in self:
            self.count[slot.phase] += 1
        self.size = sum(slot.counted for slot in self)
        self.closing = sum(slot.counted for slot in self if slot.phase is Phase.CLOSING)
        self.left = self.created - self.destroyed.total() - sum(slot.resource is not None for slot in self)
