"""How many creations start now: what the sizing policy wants, within what the backend can bear.

`Sizer` is the one place where a policy plugs in. Everything else in here bounds it: the cap, the
backend's own refusals (`ceiling`), the creation gate's window and back-off, and the calls given up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from ._laws.backoff import CreationGate

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._ledger import Ledger

__all__ = ["Fixed", "Growth", "OnDemand", "Sizer", "View"]


@attrs.define(eq=False)
class View:
    """What a sizer sees of the pool when it is asked."""

    now: float
    min_size: int
    max_size: int
    size: int
    """Everything that counts against the maximum, creations in flight included."""
    idle: int
    in_use: int
    creating: int
    waiting: int
    promised: int
    """Slots on their way to waiters: being created, checked or reset."""
    ledger: Ledger
    """The books, for what only a tick needs: the use counts."""


class Sizer(Protocol):
    """Decides how many resources there should be; called under the shell's mutex, must be quick."""

    def wants(self, view: View) -> int:
        """Say how many more creations the waiting callers justify now."""
        ...

    def target(self) -> int:
        """Say how many resources should be open though nobody waits."""
        ...

    def surplus(self, view: View) -> int:
        """Say how many of the coldest idle resources to close now."""
        ...

    def tick(self, view: View) -> str | None:
        """Look at the signals; give the reason when the target changed."""
        ...

    def next_tick(self, now: float) -> float | None:
        """Say when to tick again while the pool is busy; None: no need."""
        ...

    def arrived(self, now: float, demand: int) -> None:
        """Hear of a caller on the slow path; ``demand`` is in use and waiting, him included."""
        ...

    def created(self, took: float) -> None:
        """Hear of a finished creation."""
        ...


class OnDemand:
    """One creation for each caller whom nothing on its way will serve; nothing is closed but by age."""

    def wants(self, view: View) -> int:
        """Count the waiters for whom nothing is on its way."""
        return view.waiting - view.promised

    def target(self) -> int:
        """Want nothing beyond ``min_size``."""
        return 0

    def surplus(self, view: View) -> int:
        """Close nothing."""
        return 0

    def tick(self, view: View) -> str | None:
        """Do nothing."""
        return None

    def next_tick(self, now: float) -> float | None:
        """Need no tick."""
        return None

    def arrived(self, now: float, demand: int) -> None:
        """Ignore it."""

    def created(self, took: float) -> None:
        """Ignore it."""


class Fixed(OnDemand):
    """``size`` resources, opened at once and never closed for lack of use."""

    def __init__(self, size: int) -> None:
        self._size = size

    def target(self) -> int:
        """Want all of them, always."""
        return self._size


# A refused pool tries one more resource after this long, s; each further refusal doubles it (AIMD: the
# ceiling falls at once to what the backend granted, and rises by one at a time).
_RETRY_CAPACITY = 5.0
_LONGEST_RETRY = 60.0


class Growth:
    """Turns wishes into a number of creations to start now."""

    def __init__(self, sizer: Sizer, max_creating: int, draw: Callable[[], float]) -> None:
        self.sizer = sizer
        self.gate = CreationGate(max_creating)
        self.max_creating = max_creating
        self.refused_at: int | None = None
        """The ceiling that a CAPACITY fault has set, None when there is none."""
        self._draw = draw
        self._raise_at = float("inf")
        self._patience = _RETRY_CAPACITY

    def ceiling(self, max_size: int) -> int:
        """Give what the pool allows itself at most."""
        return max_size if self.refused_at is None else min(max_size, self.refused_at)

    def starts(self, view: View, floor: int, impatient: int, stuck: int) -> int:
        """Say how many creations to start now.

        Args:
            view: The pool as it is.
            floor: How many are wanted in the background, whoever waits.
            impatient: Callers who do not wait but count as demand.
            stuck: Calls given up that have not returned.
        """
        if stuck >= self.max_creating:
            return 0
        wish = max(self.sizer.wants(view), 0) + impatient
        wish = max(wish, max(floor, self.sizer.target()) - view.size)
        room = min(self.ceiling(view.max_size) - view.size, self.gate.room(view.now) - view.creating)
        return max(0, min(wish, room))

    def succeeded(self, now: float, took: float) -> None:
        """Hear that a creation has succeeded."""
        self.gate.succeeded(now)
        self.sizer.created(took)

    def failed(self, now: float) -> None:
        """Hear that a creation has failed or was given up."""
        self.gate.failed(now, self._draw)

    def refused(self, now: float, granted: int) -> None:
        """Hear that the backend refuses one more while it has granted so many."""
        self.gate.refused(now, self._draw)
        self.refused_at = max(1, granted)
        self._raise_at = now + self._patience
        self._patience = min(self._patience * 2, _LONGEST_RETRY)

    def tick(self, now: float, max_size: int) -> None:
        """Raise the ceiling by one when it is time."""
        if self.refused_at is None or now < self._raise_at:
            return
        self.refused_at += 1
        self._raise_at = now + _RETRY_CAPACITY
        if self.refused_at >= max_size:
            self.refused_at = None
            self._patience = _RETRY_CAPACITY
            self._raise_at = float("inf")

    def next_wakeup(self, now: float) -> float:
        """Say when a creation that is wanted now may start, or the ceiling rises."""
        return min(self.gate.next_allowed(now) or float("inf"), self._raise_at)
