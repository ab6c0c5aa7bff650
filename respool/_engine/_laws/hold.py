"""How long leases are held, without timing a single one: Little's law over busy time and endings.

S = (busy resource-seconds) / (leases ended). Busy time counts leases still in progress, so that S grows while
nobody comes back: before anything ended it is a lower bound, which is all the gate needs to let a pool grow.
"""

from __future__ import annotations

import attrs

__all__ = ["CreateTime", "HoldTime"]

LEAST_WEIGHT = 1e-3
"""Old knowledge fades to this many leases and no further: it must not vanish, only yield at once."""


@attrs.define(eq=False, repr=False)
class HoldTime:
    """Estimates the mean hold time; recent leases count most."""

    half_life: float = 10.0
    ended: int = attrs.field(default=0, init=False)
    """Leases ended since the beginning; what admission and the gate call experience."""
    spent: float = attrs.field(default=0.0, init=False)
    """Resource-seconds in use since the beginning, nothing faded."""
    _busy: float = attrs.field(default=0.0, init=False)
    _weight: float = attrs.field(default=0.0, init=False)
    in_use: int = attrs.field(default=0, init=False)
    """How many leases were out at the last look."""
    _last: float | None = attrs.field(default=None, init=False)
    _ahead: int = attrs.field(default=0, init=False)
    _exact: bool = attrs.field(default=False, init=False)
    _unseen: float = attrs.field(default=0.0, init=False)
    _sampled: int | None = attrs.field(default=None, init=False)

    def watch(self, now: float, in_use: int, *, waiting: bool = True) -> None:
        """Note how many leases are out now.

        While somebody waits every change comes by and is watched, so the time until the next look is known
        exactly. While nobody waits leases change hands unseen; a look then is no fair sample (it happens
        because the pool is busy), and that time is left to the next `sample`.
        """
        last = self._last
        if last is not None and now > last:
            passed = now - last
            if self._exact:
                self._add(passed, passed * self.in_use)
            else:
                self._unseen += passed
        self._last, self.in_use, self._exact = now, in_use, waiting

    def sample(self, now: float, in_use: int, *, waiting: bool) -> None:
        """Note how many leases are out at a regular tick: a fair sample of the time nobody watched."""
        self.watch(now, in_use, waiting=waiting)
        if not waiting or self._sampled is None:
            self._sampled = in_use
        if self._unseen:
            self._add(self._unseen, self._unseen * self._sampled)
            self._unseen = 0.0

    def ended_now(self, count: int = 1) -> None:
        """Note leases whose end was seen as it happened (somebody waited for it)."""
        self._ahead += count
        self.ended += count
        self._weight += count

    def ended_by_tick(self, total: int) -> None:
        """Note all leases that ended since the last tick; those already told by `ended_now` count once."""
        self._end(max(0, total - self._ahead))
        self._ahead = 0

    def mean(self, now: float) -> float:
        """Return the mean hold, s; a lower bound, growing with the age of the leases, until one has ended."""
        busy = self._busy
        if self._exact and self._last is not None and now > self._last:
            busy += self.in_use * (now - self._last)
        return busy / (self._weight if self.ended else self._denominator())

    def slope(self) -> float:
        """Return by how much `mean` grows per second while nobody comes back."""
        return self._growing() / self._denominator()

    def _growing(self) -> int:
        return self.in_use if self._exact else 0

    def _denominator(self) -> float:
        # Before the first ending: as if all that is out came back at this moment.
        return self._weight if self.ended else float(max(1, self.in_use))

    def _end(self, count: int) -> None:
        self.ended += count
        self._weight += count

    def _add(self, passed: float, busy: float) -> None:
        weight = self._weight
        if weight > LEAST_WEIGHT:
            keep = 2.0 ** (-passed / self.half_life)
            if keep * weight < LEAST_WEIGHT:
                keep = LEAST_WEIGHT / weight
            self._weight = weight * keep
            self._busy = self._busy * keep + busy
        else:
            self._busy += busy
        self.spent += busy


@attrs.define(eq=False, repr=False)
class CreateTime:
    """Estimates how long a create takes: a plain mean at first, a moving one from the tenth on."""

    mean: float = attrs.field(default=0.0, init=False)
    """Seconds; 0 before the first."""
    _seen: int = attrs.field(default=0, init=False)

    def add(self, seconds: float) -> None:
        """Note one finished create."""
        self._seen = min(self._seen + 1, 10)
        self.mean += (seconds - self.mean) / self._seen
