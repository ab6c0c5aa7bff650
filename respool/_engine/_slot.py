"""The slot: the engine's record of one resource, from the start of its creation until it is destroyed.

The law of the engine: **every slot has exactly one owner**: the idle queue, one holder, or one command in
flight. Ownership is physical. A slot that is LIVE lies in the idle queue or in the hold of one lease, and
moves between the two by the atomic pops and appends of the fast lane; in every other phase it belongs to
the command that was issued for it. `TABLE` says which moves exist, and no other move can be made.
"""

from __future__ import annotations

import enum
from typing import Any

__all__ = [
    "CREATING",
    "LIVE",
    "OBSERVED",
    "PARKED",
    "RESETTING",
    "RETIRE",
    "SUSPECT",
    "TABLE",
    "UNLIMITED",
    "Loan",
    "Phase",
    "Slot",
]


class Phase(enum.Enum):
    """Where a slot is in its life."""

    CREATING = "creating"
    LIVE = "live"
    CHECKING = "checking"
    RESETTING = "resetting"
    CLOSING = "closing"
    STUCK = "stuck"
    GONE = "gone"

    __hash__ = object.__hash__
    """By identity: `Enum` hashes the member's name, in Python, which the counts by phase would pay for."""


CREATING, LIVE, RESETTING = Phase.CREATING, Phase.LIVE, Phase.RESETTING
"""For code that runs for every waiter: on Python 3.11 looking a member up in its class takes 0.15 us."""

TABLE: dict[tuple[Phase, str], Phase] = {
    (Phase.CREATING, "created"): Phase.LIVE,
    (Phase.CREATING, "failed"): Phase.GONE,
    (Phase.CREATING, "overdue"): Phase.STUCK,
    (Phase.LIVE, "check"): Phase.CHECKING,
    (Phase.LIVE, "clean"): Phase.RESETTING,
    (Phase.LIVE, "retire"): Phase.CLOSING,
    (Phase.LIVE, "detach"): Phase.GONE,
    (Phase.LIVE, "write off"): Phase.GONE,
    (Phase.CHECKING, "passed"): Phase.LIVE,
    (Phase.CHECKING, "retire"): Phase.CLOSING,
    (Phase.CHECKING, "overdue"): Phase.STUCK,
    (Phase.RESETTING, "passed"): Phase.LIVE,
    (Phase.RESETTING, "check"): Phase.CHECKING,
    (Phase.RESETTING, "retire"): Phase.CLOSING,
    (Phase.RESETTING, "overdue"): Phase.STUCK,
    (Phase.CLOSING, "ended"): Phase.GONE,
    (Phase.CLOSING, "overdue"): Phase.STUCK,
    (Phase.STUCK, "retire"): Phase.CLOSING,
    (Phase.STUCK, "ended"): Phase.GONE,
    (Phase.GONE, "retire"): Phase.CLOSING,
}
"""Every move that a slot can make: (phase, event) -> phase. The docs' state diagram is drawn from it."""

# Marks: why a LIVE slot may not pass the fast lane. Plain ints: `|` on an IntFlag costs a microsecond.
# Only code under the shell's mutex writes them; the fast lane reads them.
PARKED = 1
"""Idle for a whole sweep: the next hand-out must wake the keeper, which may be asleep."""
SUSPECT = 2
"""To be validated before it is handed out."""
RETIRE = 4
"""To be destroyed, for `Slot.reason`, as soon as nobody holds it."""
OBSERVED = 8
"""Never takes the fast lane: somebody wants exact times, or every hand-out is validated."""

UNLIMITED = 1 << 60
"""Uses left where ``max_uses`` is None: more than a machine can make in a century."""


class Loan:
    """What the engine knows of a lease: the hold, a list with the slot in it while the lease lives.

    ``hold.pop()`` is the one act that ends a lease. It is atomic, so of two racing releases one gets the
    slot and the other an IndexError, and a stale lease, whose hold stays empty for ever, can never release
    somebody else's resource.

    A lease that is used again has no ``__weakref__``: a holder of a weak reference could come back to it, and
    no reference count would show that. The leases of a `FreshLane` have one.
    """

    __slots__ = ("_hold",)

    def __init__(self) -> None:
        # A list that is written with one element has room for just that one, and on Python 3.11 keeps it when
        # it is emptied; one that starts empty asks for memory at each lease and gives it back after it.
        hold: list[Any] = [None]
        hold.pop()
        self._hold: list[Slot] = hold


class Slot:
    """One resource on the ledger. A plain class with slots: the fast lane reads and writes it."""

    __slots__ = (
        "acquirer",
        "asked_at",
        "born",
        "checked_at",
        "command",
        "counted",
        "dirty_test",
        "doubt",
        "doubted_left",
        "doubts",
        "expires",
        "generation",
        "glance",
        "idle_from",
        "leak_told",
        "left",
        "lent_at",
        "lent_in",
        "limit",
        "loan",
        "mark",
        "number",
        "phase",
        "probe",
        "read_left",
        "ready",
        "reason",
        "resource",
        "seen_left",
        "source",
        "started",
        "wanted",
    )  # fmt: skip

    def __init__(self, number: int, source: Any, generation: int, limit: int, now: float) -> None:
        self.number = number
        self.phase = Phase.CREATING
        self.mark = 0
        self.left = self.limit = self.seen_left = self.read_left = limit
        """``seen_left`` is what the sweep saw last, ``read_left`` the meter."""
        self.resource: Any = None
        self.ready: Any = None
        """The resource in the form in which the shell hands it out, where that is worth keeping; opaque."""
        self.loan: Any = None
        """The lease that is used again while nobody else refers to it; None on a `FreshLane`."""
        self.lent_in: Any = None
        """A weak reference to the lease that the slot is in; on a `FreshLane` only."""
        self.source = source
        """Who made it and must end it; opaque to the engine."""
        self.probe: Any = getattr(source, "probe", None)
        self.dirty_test: Any = getattr(source, "dirty_test", None)
        """What the fast lane calls at a hand-out and at a release; None for nothing. Kept here:
        in the source they would be two look-ups further, and after a round trip each look-up is dear.
        """
        self.glance: Any = None
        """What a hand-out calls first (see `SupportsGlance`): while it sees nothing, the probe is spared."""
        self.generation = generation
        self.counted = True
        """Whether it counts against ``max_size``; a slot given up does not."""
        self.reason = ""
        self.command: Any = None
        """The class of the command in flight, None while LIVE. Not the command itself: its reference to the
        slot shows the sweep that somebody carries it out, and a cycle would keep that reference alive."""
        self.started = False
        self.asked_at = self.born = self.checked_at = self.idle_from = self.lent_at = now
        self.expires = float("inf")
        self.doubt = False
        """After its reset it must be validated as well (an exception left the block)."""
        self.doubts = 0
        """How often in a row a hand-out has found it suspect, while ``doubted_left`` was its use count."""
        self.doubted_left = limit
        self.wanted = False
        """Whether its creation goes on even when the waiters it was meant for have been served otherwise."""
        self.leak_told = False
        self.acquirer: Any = None

    def __repr__(self) -> str:
        return f"<slot {self.number} {self.phase.value}>"

    @property
    def uses(self) -> int:
        """How often it was handed out."""
        return self.limit - self.left
