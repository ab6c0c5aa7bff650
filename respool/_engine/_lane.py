"""The fast lane: an uncontended acquire and release without command, lock or clock.

Why it is right, with or without the GIL:

* *One owner.* A slot leaves the idle deque only by an atomic pop and leaves a lease only by the atomic pop
  of its hold; whoever popped it owns it. Both deques and lists make these single critical sections.
* *No wake-up is lost.* `give` appends to idle (A) and then looks at the count of waiters (R). A waiter
  joins the line (W) and then, under the mutex, looks through idle (P). A and P are critical sections of one
  deque, so they are ordered. A before P: P finds the slot. P before A: W came before P, so R sees it and
  the releaser calls `Engine.match`. ``tests/engine/test_interleavings.py`` searches all interleavings and
  all stale reads of this protocol, and finds the stuck state as soon as A and R are swapped.
* *Marks may be read stale.* A slot marked (retire, suspect, observed) while a thread is between its look and
  its append lands in idle with its mark; the next `take` refuses it, and the keeper's sweep acts on it.
* *A lease is used again only when nothing else refers to it.* ``getrefcount`` answers that exactly where
  there is a GIL; the self-test below asks the interpreter, and where it does not give the expected numbers
  every lease is a fresh object and is found on collection instead.

The same count tells who holds a slot or a lease: a slot that only the ledger refers to has no owner. It was
lost between two bytecodes, to a KeyboardInterrupt, and the sweep recovers it (`Maintenance.recover_if_lost`).
"""

from __future__ import annotations

import sys
from collections import deque
from sys import getrefcount
from typing import TYPE_CHECKING, Any
from weakref import ref

from ._slot import Loan

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._slot import Slot
    from ._waiters import WaitLine

__all__ = ["COUNTS", "DONE", "ODD", "SOMEBODY_WAITS", "FreshLane", "Lane", "nobody_else_has"]

DONE = 0
SOMEBODY_WAITS = 1
"""`Lane.give` has put the slot on idle, and there are waiters: call `Engine.match`."""
ODD = 2
"""`Lane.give` has not taken the slot: call `Engine.give_back`."""


class _Crowd:
    """A line that is never empty: as `Lane.ahead` it sends every newcomer to the slow path."""

    count = 1


def nobody_else_has(slots: dict[int, Slot], number: int) -> bool:
    """Tell whether only the dictionary and one variable of the calling function refer to the slot."""
    return getrefcount(slots[number]) <= 3


def _counts_are_exact() -> bool:
    """Ask the interpreter whether reference counts tell who holds a lease.

    What is counted is always looked up where it is kept, never in a variable: a look-up makes one reference
    on every version, where since Python 3.14 a variable that is passed on makes one or none.
    """
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return False
    if sys.implementation.name != "cpython":
        return False
    container = [Loan()]
    loan = container[0]
    alone = getrefcount(container[0])
    other = loan
    seen = getrefcount(container[0])
    del other
    return alone == 3 and seen == 4 and getrefcount(container[0]) == 3


COUNTS = _counts_are_exact()
"""Whether leases are used again and lost slots are found by reference count, on this interpreter."""


class Lane:
    """The idle queue, and the two steps in which a slot leaves it and comes back."""

    __slots__ = ("_make_loan", "ahead", "idle", "lifo", "line")

    counts = True
    """Whether this lane uses leases again, and finds lost slots by reference count."""

    def __init__(self, line: WaitLine, make_loan: Callable[[], Any], *, lifo: bool) -> None:
        self.idle: deque[Slot] = deque()
        """Free slots; the hot end is on the right. Its methods are called as ``idle.pop()``: a bound method
        kept in an attribute costs twice as much before Python 3.12, where no such call is specialised."""
        self.lifo = lifo
        """Whether the hottest slot is handed out next; else the coldest."""
        self.line = line
        self._make_loan = make_loan
        self.ahead: WaitLine | type[_Crowd] | None = None
        """The line that a newcomer must not overtake; None where everybody may, which saves `take` a step."""

    def set_gate(self, *, strict: bool, shut: bool) -> None:
        """Say whom `take` serves: nobody (shut), those who overtake no waiter (strict), or everybody."""
        self.ahead = _Crowd if shut else self.line if strict else None

    def take(self) -> Any:
        """Take a free resource that nothing is known against: its lease, or None for the slow path."""
        if self.ahead is not None and self.ahead.count:
            return None
        idle = self.idle
        try:
            slot = idle.pop() if self.lifo else idle.popleft()
        except IndexError:
            return None
        if slot.mark:
            self.put_back(slot)
            return None
        slot.left -= 1
        loan = slot.loan
        if getrefcount(slot.loan) > 3:
            loan = self.renew(slot)
        loan._hold.append(slot)
        return loan

    def give(self, slot: Slot) -> int:
        """Take back a slot that its owner has popped from its hold; give DONE, SOMEBODY_WAITS or ODD."""
        if slot.mark or not slot.left:
            return ODD
        self.idle.append(slot)
        if self.line.count:
            return SOMEBODY_WAITS
        return DONE

    def lend(self, slot: Slot) -> Any:
        """Put a slot that the caller owns into a lease; the caller holds the mutex."""
        slot.left -= 1
        loan = slot.loan
        if getrefcount(slot.loan) > 3:
            loan = self.renew(slot)
        loan._hold.append(slot)
        return loan

    def renew(self, slot: Slot) -> Any:
        """Make a lease for a slot whose own is still in somebody's hands."""
        loan = slot.loan = self._make_loan()
        return loan

    def prepare(self, slot: Slot) -> None:
        """Give a new slot the lease that it keeps."""
        slot.loan = self._make_loan()

    def pop(self) -> Slot | None:
        """Pop the slot that is next in order, whatever its marks."""
        try:
            return self.idle.pop() if self.lifo else self.idle.popleft()
        except IndexError:
            return None

    def put_back(self, slot: Slot) -> None:
        """Undo a `pop`."""
        if self.lifo:
            self.idle.append(slot)
        else:
            self.idle.appendleft(slot)

    def resting(self) -> deque[Slot]:
        """Show what is idle at this moment, the coldest first, without taking it.

        `copy` is one critical section of the deque. Walking through the deque itself is not, without the GIL:
        it raises when a lease begins or ends meanwhile.
        """
        return self.idle.copy()

    def hottest(self, most: int) -> tuple[Slot, ...]:
        """Show the slots that are next in order, without taking them."""
        idle = tuple(self.resting())
        return idle[-most:] if self.lifo else idle[:most]

    def claim(self, slot: Slot) -> bool:
        """Take this very slot out of idle; False when somebody was quicker.

        One critical section of the deque: comparing slots runs no Python code.
        """
        try:
            self.idle.remove(slot)
        except (ValueError, IndexError):
            return False
        return True

    def rest(self, slot: Slot) -> None:
        """Put a slot that was checked but not used (a keepalive) back on idle, at the place of its age."""
        at = 0
        for other in self.resting():
            # One whose count the sweep has not seen yet came back after that sweep: it is hotter.
            if other.idle_from > slot.idle_from or other.left != other.seen_left:
                break
            at += 1
        self.idle.insert(at, slot)

    def loan_of(self, slot: Slot) -> Any:
        """Give the lease that holds the slot, or None."""
        loan = slot.loan
        return loan if loan is not None and slot in loan._hold else None

    def is_forgotten(self, slot: Slot) -> bool:
        """Tell whether a lease holds the slot and nobody holds the lease."""
        loan = slot.loan
        return loan is not None and bool(loan._hold) and getrefcount(slot.loan) <= 3


class FreshLane(Lane):
    """The lane of an interpreter whose reference counts tell nothing: every lease is a fresh object.

    A slot keeps no lease here but a weak reference to the one that it is in. ``getrefcount`` of its missing
    lease, which is None, is large on every version, so `take` and `lend` renew it each time. A lease that is
    collected with its hold full hands the slot to the orphans (see the shells' leases). What an interrupt
    loses between two bytecodes is written off by the sweep and replaced.
    """

    __slots__ = ()
    counts = False

    def renew(self, slot: Slot) -> Any:
        """Make a lease for this one hand-out."""
        loan = self._make_loan()
        slot.lent_in = ref(loan)
        return loan

    def prepare(self, slot: Slot) -> None:
        """Do nothing: the lease is made when the slot is lent."""

    def loan_of(self, slot: Slot) -> Any:
        """Give the lease that holds the slot, or None."""
        loan = slot.lent_in() if slot.lent_in is not None else None
        return loan if loan is not None and slot in loan._hold else None

    def is_forgotten(self, slot: Slot) -> bool:
        """Never: a lease reports its own collection."""
        return False
