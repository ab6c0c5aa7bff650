"""Chores: who resets a resource that comes back soiled, a caller that would only wait for it, or a worker.

Under threads a worker costs two thread switches, which is more than most resets. So a soiled resource is left
for a moment to the next caller; and a waiter, where there is one, is woken to do the reset itself, since it
would be woken for the resource in any case. From then on the reset is its chore, and counts as begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._commands import Reset, Wake
from ._slot import Phase
from ._supply import Supply
from ._waiters import NEVER

if TYPE_CHECKING:
    from ._slot import Slot
    from ._waiters import Waiter

__all__ = ["PATIENCE", "Chores"]

PATIENCE = 0.005
"""Seconds for which a soiled resource is left to the next caller before a worker is called."""
GRACE = 0.5
"""Seconds in which an aborted reset must end; if it does not, callers of this pool never clean again."""


class Chores(Supply):
    """Assigns resets to callers and to workers."""

    def _clean(self, slot: Slot, now: float) -> None:
        """Have a slot cleaned that has come back soiled."""
        self._entrust(slot, "clean", Reset, now)
        if not self.traits.callers_clean:
            self.commands.append(Reset(slot))
            return
        waiter = None if self.paused else self._free_waiter()
        if waiter is None or (not self.traits.strict and now < self.pace.due):
            self.soiled.append(slot)
            self._soiled_lately = True
            if self._soiled_due == NEVER:
                self._soiled_due = now + PATIENCE
                self.wake_by(self._soiled_due)
        elif self._may_clean(waiter, now):
            self._give_chore(waiter, slot, now)
            self.commands.append(Wake(waiter))
            if not self.traits.strict:
                self._handed_over(waiter, now)
        else:
            self.commands.append(Reset(slot))

    def _take_chore(self, waiter: Waiter, now: float) -> None:
        """A caller would have to wait while something is soiled: it cleans that, and needs no other."""
        # The oldest: where callers clean all there are in turn, none becomes old enough for a worker.
        self._give_chore(waiter, self.soiled.popleft(), now)

    def _give_chore(self, waiter: Waiter, slot: Slot, now: float) -> None:
        waiter.chore = slot
        self._begun(slot, Reset, now)

    def _may_clean(self, waiter: Waiter, now: float) -> bool:
        """Tell whether a waiter may clean.

        Only where its deadline outlasts a reset that hangs until it is aborted, and no creation is under way
        that might serve it sooner.
        """
        if self.creating or self._aborts_fail(now):
            return False
        return waiter.deadline - now >= self.settings.reset_timeout

    def _aborts_fail(self, now: float) -> bool:
        """Tell whether a reset went on after its abort: no other caller may be caught in one."""
        if self.stuck:
            for slot in self.ledger:
                if slot.phase is Phase.STUCK and slot.command is Reset:
                    self._note_reset_ends(slot, now)
        return self._abort_has_failed

    def _note_reset_ends(self, slot: Slot, now: float) -> None:
        """A reset that was given up ends now at the earliest."""
        if self.traits.aborts and now - slot.asked_at >= self.settings.reset_timeout + GRACE:
            self._abort_has_failed = True

    def _free_waiter(self) -> Waiter | None:
        """Give the oldest waiter that has no chore."""
        return next((waiter for waiter in self.line if waiter.chore is None), None)

    def _handed_over(self, waiter: Waiter, now: float) -> None:
        """A sleeping waiter was given a resource, or a reset to run: the next hand-over may wait."""
        waiter.handed_at = now
        self.pace.handed(now, self.meter.hold.mean(now))

    # ------------------------------------------------------------------ resets left to workers

    def _look_at_soiled(self, now: float) -> None:
        """Give workers the resets that no caller has taken in time."""
        if self._free_waiter() is not None:
            self._send_out_soiled()
        while self.soiled and self.soiled[0].asked_at + PATIENCE <= now:
            self.commands.append(Reset(self.soiled.popleft()))
        # While more keeps coming back soiled, a timed wake-up is cheaper than one for each of them.
        again = self.soiled or self._soiled_lately
        self._soiled_due = now + PATIENCE if again else NEVER
        self._soiled_lately = False

    def _send_out_soiled(self) -> None:
        """Give workers all resets that are left."""
        while self.soiled:
            self.commands.append(Reset(self.soiled.popleft()))

    def _claim_soiled(self, slot: Slot) -> None:
        """A worker begins to clean a slot that, after a torn event, may still be kept for a caller."""
        if slot in self.soiled:
            self.soiled.remove(slot)

    def _mend_chores(self, now: float) -> None:
        """After a torn event: a chore not begun is nobody's, and what is soiled is looked at soon."""
        for waiter in self.line:
            if waiter.chore is not None and not waiter.chore.started:
                waiter.chore = None
        if self.soiled:
            self._soiled_due = now
