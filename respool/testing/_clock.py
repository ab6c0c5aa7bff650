"""Virtual time: a clock that moves only when told, and a queue of what is due when."""

from __future__ import annotations

import heapq
import itertools
import math
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timer", "VirtualClock"]


@attrs.define(eq=False)
class Timer:
    """One scheduled call; `cancel` takes it back, before it is due or not at all."""

    when: float
    _action: Callable[[], object] | None

    def cancel(self) -> None:
        """Make sure that the action does not run any more; harmless when it has run."""
        self._action = None

    @property
    def pending(self) -> bool:
        """Tell whether the action is still to come."""
        return self._action is not None

    def _fire(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()


class VirtualClock:
    """A clock in seconds for tests of the engine and for the simulator; not for use by several threads.

    What is due at the same moment runs in the order in which it was scheduled, so a run with a given seed
    is the same every time.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start
        self._due: list[tuple[float, int, Timer]] = []
        self._tickets = itertools.count()

    def now(self) -> float:
        """Give the time; pass this method wherever a ``time.monotonic`` is wanted."""
        return self._now

    def call_at(self, when: float, action: Callable[[], object]) -> Timer:
        """Schedule an action; one that is due in the past runs at the next advance, at the present time."""
        if math.isnan(when):
            raise ValueError("when is nan, it must be a time")
        timer = Timer(when, action)
        heapq.heappush(self._due, (when, next(self._tickets), timer))
        return timer

    def call_later(self, delay: float, action: Callable[[], object]) -> Timer:
        """Schedule an action so many seconds from now."""
        return self.call_at(self._now + delay, action)

    def next_due(self) -> float | None:
        """Tell when the next action is due; None when nothing is scheduled."""
        while self._due and not self._due[0][2].pending:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def run_next(self) -> bool:
        """Jump to the next action and run it; False when nothing is scheduled."""
        when = self.next_due()
        if when is None:
            return False
        timer = heapq.heappop(self._due)[2]
        self._now = max(self._now, when)
        timer._fire()
        return True

    def advance(self, seconds: float) -> None:
        """Let time pass, running what falls due on the way, each at its own moment."""
        if not seconds >= 0:
            raise ValueError(f"seconds is {seconds!r}, it must be 0 or more")
        self.advance_to(self._now + seconds)

    def advance_to(self, when: float) -> None:
        """Let time pass until then; what actions schedule on the way runs too where it is due by then."""
        while (due := self.next_due()) is not None and due <= when:
            self.run_next()
        self._now = max(self._now, when)
