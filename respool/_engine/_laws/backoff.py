"""How many creates may be in flight: a window that ramps up on success, and single probes in an outage.

The window is TCP's slow start applied to connects: two at first, one more per success, one after a failure.
While the backend fails, one probing create at a time is let through, spaced by decorrelated jitter
(M. Brooker, "Exponential Backoff And Jitter", 2015) and by a cap on starts per second that no demand lifts.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CreationGate"]

FIRST_WINDOW = 2
BASE_DELAY = 0.02
"""The shortest pause after a failure, s: a single hiccup costs a waiter next to nothing."""
MAX_DELAY = 0.5
"""The longest, s: a backend that answers again is found within half a second and one create."""
STARTS = 4
PER_SECONDS = 1.1
"""At most STARTS in any second; the tenth on top absorbs the delay between our decision and the connect
itself, so that the backend, too, never counts five in one second."""
QUIET = 1.0
"""Without any create for this long, s, the window starts small again: what it knew is stale."""


@attrs.define(eq=False, repr=False)
class CreationGate:
    """Says how many creates may be in flight now, and when to ask again.

    The caller counts what is in flight and starts another only while that is below `room`. Each create
    reports `started`, then exactly one of `succeeded`, `failed` or `refused`; one given up counts as failed.
    """

    max_creating: int
    outage: bool = attrs.field(default=False, init=False)
    """True from a failure to the next success."""
    _window: int = attrs.field(default=FIRST_WINDOW, init=False)
    _starts: deque[float] = attrs.field(factory=lambda: deque(maxlen=STARTS), init=False)
    limited: bool = attrs.field(default=False, init=False)
    """True from a failure or a refusal to the next success that proves something."""
    _probing: bool = attrs.field(default=False, init=False)
    _delay: float = attrs.field(default=BASE_DELAY, init=False)
    _not_before: float = attrs.field(default=float("-inf"), init=False)
    _last: float = attrs.field(default=float("-inf"), init=False)
    """When a create last succeeded."""
    _flying: int = attrs.field(default=0, init=False)
    _in_doubt_until: float = attrs.field(default=float("-inf"), init=False)
    """Until then a finished create proves nothing."""

    def room(self, now: float) -> int:
        """Return how many creates may be in flight at ``now``; 0 means: wait until `next_allowed`."""
        if self.limited:
            return 0 if now < self._open_at() else 1
        if self._flying == 0 and now - self._last > QUIET:
            self._window = min(self._window, FIRST_WINDOW)
        return min(self._window, self.max_creating)

    def next_allowed(self, now: float) -> float | None:
        """Return when the next create may start, or None when time is no obstacle at ``now``."""
        if not self.limited:
            return None
        opens = self._open_at()
        return opens if opens > now else None

    def admits(self, now: float) -> bool:
        """Tell whether a create that was ordered before may begin now: the backend may have failed since."""
        return not self.limited or (not self._flying and now >= self._open_at())

    def started(self, now: float) -> None:
        """Note that a create starts now."""
        self._starts.append(now)
        self._flying += 1
        self._probing = self.limited

    def succeeded(self, now: float) -> None:
        """Note a finished create: the backend answers, an outage is over and the ramp begins."""
        self._landed()
        self._last = now
        self.outage = False
        if now < self._in_doubt_until:
            return
        self._window = min(self._window + 1, self.max_creating)
        self.limited = False
        self._delay = BASE_DELAY

    def shaken(self) -> None:
        """Note that a resource was found dead: the backend may be, so what it bore a moment ago is void."""
        self._window = min(self._window, FIRST_WINDOW)

    def stillborn(self, now: float, draw: Callable[[], float]) -> None:
        """Note that what a create gave was dead before its first use, as `failed` does.

        A backend may accept and hang up at once: for a while no finished create is taken for its word.
        """
        self.outage = True
        self._in_doubt_until = now + QUIET
        self._slow_down(now, draw)

    def failed(self, now: float, draw: Callable[[], float]) -> None:
        """Note a failed create.

        Args:
            now: Seconds on the monotonic clock.
            draw: Gives a number in [0, 1); called at most once.
        """
        self.outage = True
        self._landed()
        self._slow_down(now, draw)

    def refused(self, now: float, draw: Callable[[], float]) -> None:
        """Note a create refused for want of capacity: no outage, but asking at once again would not help."""
        self._landed()
        self._slow_down(now, draw)

    def disown(self) -> None:
        """Forget the creates in flight: another backend is asked now, and they report no more.

        Pauses stay: it may be the same one with other credentials, and no demand lifts the cap on starts.
        """
        self._flying = 0

    def _slow_down(self, now: float, draw: Callable[[], float]) -> None:
        """Pause before the next probe; creates started before the trouble fail together and count once."""
        self._window = 1
        if self.limited and not self._probing:
            return
        self.limited, self._probing = True, False
        self._delay = min(MAX_DELAY, BASE_DELAY + draw() * (3 * self._delay - BASE_DELAY))
        self._not_before = now + self._delay

    def _landed(self) -> None:
        self._flying = max(0, self._flying - 1)

    def _open_at(self) -> float:
        if len(self._starts) < STARTS:
            return self._not_before
        return max(self._not_before, self._starts[0] + PER_SECONDS)
