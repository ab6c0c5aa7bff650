"""How many creations start now: what the sizing policy wants, within what the backend can bear.

`Sizer` is the one place where a policy plugs in. Everything else in here bounds it: the cap, the
backend's own refusals (`ceiling`), the creation gate's window and back-off, and the calls given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from ._laws.backoff import CreationGate
from ._laws.capacity import CapacityLimit
from ._waiters import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._laws.elastic import Tick
    from ._ledger import Ledger
    from ._meter import Meter

__all__ = ["Fixed", "Growth", "OnDemand", "Sizer", "View"]


@attrs.define(eq=False)
class View:
    """The pool as a sizer sees it."""

    now: float
    min_size: int
    max_size: int
    size: int
    """Everything that counts against the maximum, creations in flight included."""
    idle: int
    """Including those that still have to be cleaned."""
    in_use: int
    creating: int
    closing: int
    """Those that still have their place, and will come to nothing."""
    waiting: int
    """Callers that wait, and callers that count as demand though they do not wait."""
    promised: int
    """Slots on their way to waiters: being created, checked or reset."""
    ledger: Ledger
    """The slots themselves, for what only a tick needs: the use counts."""


class Sizer(Protocol):
    """Decides how many resources there should be; called under the shell's mutex, must be quick."""

    def bind(self, meter: Meter, limit: int) -> None:
        """Get, before anything else, the meter of hold and create times, and ``max_size``."""
        ...

    def wants(self, view: View, room: int) -> int:
        """Say how many more creations the waiting callers justify now; what exceeds ``room`` is not started.

        Asked after every event that may matter, even where there is no room, so that `due` is up
        to date; where nothing more can be created in any case, only if `settles_for` says so.
        """
        ...

    def settles_for(self, now: float) -> bool:
        """Hear that callers wait while nothing can be created; False: `wants` is asked all the same.

        The pool is full then, or as many creations are in flight as may be. This is called for nearly every
        caller that waits, where `wants` would be ten times the work for nothing.
        """
        ...

    def floor(self) -> int:
        """Say how many resources should be open though nobody waits."""
        ...

    def target(self, now: float) -> int:
        """Say how many resources there should be, for the snapshot."""
        ...

    def ceiling(self, max_size: int) -> int:
        """Say how many there may be at most."""
        ...

    def surplus(self, view: View) -> int:
        """Say how many of the coldest idle resources to close now."""
        ...

    def tick(self, view: View, seen: Tick) -> None:
        """Take in a reading of the meter."""
        ...

    def change(self, view: View) -> str | None:
        """Give, once, the reason when the target is another than was told; asked at every wake-up."""
        ...

    def due(self) -> float:
        """Say when to be asked again though nothing happens; infinity: no need."""
        ...

    def arrived(self, now: float, demand: int) -> None:
        """Hear of a caller on the slow path; ``demand`` is in use and waiting, this caller included."""
        ...

    def waited(self, seconds: float) -> None:
        """Hear how long a caller of the slow path waited, until it was served or gave up."""
        ...

    def in_vain(self, demand: int) -> bool:
        """Hear that a caller has timed out; the line and what was in use came to ``demand``.

        True: create one even now, for those that come next.
        """
        ...

    def creating(self, now: float, level: int) -> None:
        """Hear that a creation starts, which makes the pool ``level`` large."""
        ...

    def trouble(self) -> str | None:
        """Give, once, what went wrong with the policy itself."""
        ...


class OnDemand:
    """One creation for each caller that nothing on its way will serve; nothing is closed but by age."""

    def bind(self, meter: Meter, limit: int) -> None:
        """Need no meter."""

    def wants(self, view: View, room: int) -> int:
        """Count the waiters for whom nothing is on its way."""
        return view.waiting - view.promised

    def settles_for(self, now: float) -> bool:
        """Agree: where nothing can be created there is nothing to count."""
        return True

    def floor(self) -> int:
        """Want nothing beyond ``min_size``."""
        return 0

    def target(self, now: float) -> int:
        """Aim at what is wanted in any case."""
        return self.floor()

    def ceiling(self, max_size: int) -> int:
        """Know no other limit."""
        return max_size

    def surplus(self, view: View) -> int:
        """Close nothing."""
        return 0

    def tick(self, view: View, seen: Tick) -> None:
        """Do nothing."""

    def change(self, view: View) -> str | None:
        """Report none: the target does not change by itself."""
        return None

    def due(self) -> float:
        """Ask for no wake-up."""
        return NEVER

    def arrived(self, now: float, demand: int) -> None:
        """Ignore it."""

    def waited(self, seconds: float) -> None:
        """Ignore it."""

    def in_vain(self, demand: int) -> bool:
        """Create nothing: if there was reason to, that was when the caller came."""
        return False

    def creating(self, now: float, level: int) -> None:
        """Ignore it."""

    def trouble(self) -> str | None:
        """Report none."""
        return None


class Fixed(OnDemand):
    """``size`` resources, opened at once and never closed for lack of use."""

    def __init__(self, size: int) -> None:
        self._size = size

    def floor(self) -> int:
        """Want all of them, always."""
        return self._size

    def ceiling(self, max_size: int) -> int:
        """Allow no more, whoever waits."""
        return min(self._size, max_size)


class Growth:
    """Turns wishes into a number of creations to start now."""

    def __init__(self, sizer: Sizer, max_creating: int, draw: Callable[[], float]) -> None:
        self.sizer = sizer
        self.gate = CreationGate(max_creating)
        self.capacity = CapacityLimit()
        self.max_creating = max_creating
        self._draw = draw

    def ceiling(self, max_size: int) -> int:
        """Give what the pool allows itself at most: the policy's limit, and the backend's refusals."""
        return min(self.capacity.at_most(max_size), self.sizer.ceiling(max_size))

    def starts(self, view: View, floor: int, stuck: int) -> int:
        """Say how many creations to start now.

        Args:
            view: The pool as it is.
            floor: How many are wanted in the background, whoever waits.
            stuck: Calls given up, or of an adapter that was replaced, that have not returned.
        """
        room = min(self.ceiling(view.max_size) - view.size, self.gate.room(view.now) - view.creating)
        room = 0 if stuck >= self.max_creating else max(0, room)
        wish = max(self.sizer.wants(view, room), max(floor, self.sizer.floor()) - view.size)
        return max(0, min(wish, room))

    def failed(self, now: float) -> None:
        """Hear that a creation has failed or was given up."""
        self.gate.failed(now, self._draw)

    def stillborn(self, now: float) -> None:
        """Hear that what a creation gave was dead before its first use."""
        self.gate.stillborn(now, self._draw)

    def refused(self, now: float, granted: int) -> None:
        """Hear that the backend refuses one more while it has granted so many."""
        self.gate.refused(now, self._draw)
        self.capacity.refused(now, granted)

    def switched(self) -> None:
        """Hear that another backend is asked from now on: what the one before refused says nothing of it."""
        self.gate.disown()
        self.capacity = CapacityLimit()

    def tick(self, now: float, max_size: int) -> None:
        """Raise the ceiling by one when it is time."""
        self.capacity.limit(now, max_size)

    def next_wakeup(self, now: float) -> float:
        """Say when a creation that is wanted now may start, or the ceiling rises."""
        step = self.capacity.next_step()
        return min(self.gate.next_allowed(now) or NEVER, step) if self.gate.limited else step
