"""The meter: what the sizing laws learn of a pool, at no cost to the fast lane.

The slow path reports who comes, who was served after how long, and who gave up. What passes by the fast lane
is read off the slots' use counts at ticks: at most ten a second while something happens, ever fewer while
nothing does, none while the pool rests. A slot that rests is parked, so that its next user wakes the meter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._laws.elastic import Tick
from ._laws.hold import CreateTime, HoldTime
from ._laws.rates import ArrivalRates
from ._slot import PARKED, Phase
from ._waiters import NEVER

if TYPE_CHECKING:
    from ._growth import View
    from ._slot import Slot

__all__ = ["Meter"]

PERIOD = 0.1
"""Seconds between ticks while the pool is busy."""
SLOWEST = 1.0
"""Seconds between ticks while leases are out and nothing else happens."""
SLOTS_PER_PERIOD = 1000
"""Slots worth a period: a pool of ten thousand is read once a second, so that reading stays cheap."""


class Meter:
    """Counts, times and samples of one pool; every method is called under the shell's mutex."""

    def __init__(self) -> None:
        self.hold = HoldTime()
        self.create_time = CreateTime()
        self.rates = ArrivalRates()
        self.due = NEVER
        """When to read next; never while the pool rests."""
        self.passed = 0.0
        """Seconds between the last two readings."""
        self._last = 0.0
        self._period = PERIOD
        self._slow = 0
        self._granted = 0
        self._uses = 0
        self._ended = 0

    def awake(self, now: float) -> None:
        """Hear that something happened: read within a period."""
        if self.due == NEVER:
            # While the pool rested nothing was out and nobody waited: that time is no part of a reading.
            self.hold.sample(now, 0, waiting=False)
            self._last = now
        if self.due > now + PERIOD:
            self._period = PERIOD
            self.due = now + PERIOD

    def arrived(self, now: float, in_use: int, waiting: int) -> None:
        """Hear of a caller on the slow path, who is not among the ``waiting`` yet."""
        self._slow += 1
        if self.due > now + PERIOD:
            self.awake(now)
        if waiting and in_use != self.hold.in_use:  # what has not changed counts until it does
            self.hold.watch(now, in_use)

    def queued(self, now: float, in_use: int) -> None:
        """Hear that a caller begins to wait."""
        self.hold.watch(now, in_use)

    def granted(self, now: float, in_use: int, waiting: int, *, handed: bool) -> None:
        """Hear of a grant by the slow path; ``handed``: from a holder straight to a waiter."""
        self._granted += 1
        hold = self.hold
        if handed:
            hold.ended_now()
        if not waiting or in_use != hold.in_use:  # as in `arrived`
            hold.watch(now, in_use, waiting=waiting > 0)

    def read(self, view: View, resting: frozenset[Slot], limit: int) -> Tick:
        """Take a reading, and say when to take the next."""
        uses, touched = view.ledger.uses_of_gone, 0
        for slot in view.ledger.slots.values():
            uses += slot.limit - slot.left
            if slot.left != slot.read_left or (slot.phase is Phase.LIVE and slot not in resting):
                slot.read_left = slot.left
                touched += 1
        fast = max(0, uses - self._uses - self._granted)
        ended = uses - view.in_use
        seen = Tick(
            in_use=view.in_use,
            waiting=view.waiting,
            open=view.size - view.creating - view.closing,
            creating=view.creating,
            fast=fast,
            peak=touched,
            ended=max(0, ended - self._ended),
            limit=limit,
        )
        self._uses, self._ended = uses, max(ended, self._ended)
        self.hold.sample(view.now, seen.in_use, waiting=seen.waiting > 0)
        self.hold.ended_by_tick(seen.ended)
        self.rates.add(view.now, fast + self._slow)
        self._schedule(view, resting, still=not fast and not self._slow)
        self._slow = self._granted = 0
        return seen

    def _schedule(self, view: View, resting: frozenset[Slot], *, still: bool) -> None:
        self.passed, self._last = view.now - self._last, view.now
        self._period = min(SLOWEST, 2 * self._period) if still else PERIOD
        if still:
            for slot in resting:
                slot.mark |= PARKED
        busy = view.in_use or view.waiting or not still
        self.due = view.now + max(self._period, PERIOD * view.size / SLOTS_PER_PERIOD) if busy else NEVER
