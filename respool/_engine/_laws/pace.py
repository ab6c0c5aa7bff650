"""The pace of hand-overs under eventual fairness: how long a running thread may overtake those who wait.

To hand a resource to a thread that sleeps leaves it unused until that thread runs, and sends two threads
after one interpreter. Where that takes long beside the holds, most releases had better leave the resource to
whoever runs; where it takes little, nothing is gained by letting anybody overtake. So the order is as strict
as it can be without costing throughput. What each number below gains and costs was measured: see
``docs/explanation/performance.md``.
"""

from __future__ import annotations

import attrs

__all__ = ["DEAR", "HAND_OVER", "UNDERWAY", "Pace"]

HAND_OVER = 0.0001
"""Seconds from the moment a hand-over is taken up until the next release is one. At 0.0005 the Jain index of
64 threads on 4 resources fell to 0.5."""
UNDERWAY = 0.001
"""Seconds after which a hand-over that nobody has taken up keeps the next one back no longer. Longer gains
nothing more, and the longest wait grows."""
DEAR = 10.0
"""A hand-over is dear where holds are shorter than so many times what it takes. At 20 holds of 5 ms count as
short, and 32 threads on 8 wait three times as long at the 99th percentile for nothing."""
RECENT = 16
"""Hand-overs that the mean remembers."""
LONGEST = 0.01
"""The most, s, that one counts for: a thread that takes longer was stopped, it did not stand in line."""


@attrs.define(eq=False, repr=False)
class Pace:
    """Says from when on a release assigns its resource to the oldest waiter."""

    due: float = attrs.field(default=float("-inf"), init=False)
    """From then on."""
    takes: float = attrs.field(default=0.0, init=False)
    """Seconds from a hand-over until its thread runs, a moving mean."""
    _dear: bool = attrs.field(default=False, init=False)

    def handed(self, now: float, hold: float) -> None:
        """A resource was assigned to a thread that sleeps; ``hold`` is the mean hold, s."""
        self._dear = hold < DEAR * self.takes
        self.due = now + UNDERWAY if self._dear else now

    def taken_up(self, now: float, since: float | None) -> None:
        """A thread that was served runs; ``since`` is when, if it slept. Called without the mutex."""
        if since is not None:
            self.takes += (min(now - since, LONGEST) - self.takes) / RECENT
        self.due = now + HAND_OVER if self._dear else now
