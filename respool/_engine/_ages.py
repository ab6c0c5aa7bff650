"""The sweep: ages are judged here, by comparing use counts, so that the fast lane reads no clock.

A slot whose count has changed since the last sweep was in use at some time since then; one whose count has
not changed has been idle, or held, at least since that sweep. Ages are therefore right to one period, and
err on the old side: what has been idle longer than ``check_after`` is never handed out unchecked.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ._slot import PARKED, RETIRE, SUSPECT, Phase, Slot
from ._waiters import NEVER

if TYPE_CHECKING:
    from ._maintenance import Maintenance

__all__ = ["Ages"]

FINEST, COARSEST = 0.05, 1.0
STALL = 1.0
"""A wake-up this much later than asked for, s, means that the process or the machine was stopped."""


class Ages:
    """Marks and retires slots by age, finds lost ones, and says when to look again."""

    def __init__(self, engine: Maintenance, now: float) -> None:
        self._engine = engine
        self.set_period()
        self.due = NEVER
        """When the next sweep is due; never while nothing is open."""
        self._last = now
        self._unheard: deque[int] = deque()
        """The numbers of slots due for a keepalive: a reference to a slot would pass for its owner."""

    def set_period(self) -> None:
        """Sweep every quarter of the shortest age in force, between `FINEST` and `COARSEST`."""
        engine, settings = self._engine, self._engine.settings
        periods = [settings.max_idle, settings.max_lifetime, settings.keepalive, settings.leak_after]
        if engine.traits.validates:
            periods.append(settings.check_after)
        shortest = min((p for p in periods if p), default=NEVER)
        self.period = min(max(shortest / 4, FINEST), COARSEST)

    def awake(self, now: float) -> None:
        """Hear that something happened: sweep within a period."""
        if self.due > now + self.period:
            self.due = now + self.period
            self._last = max(self._last, now)
            self._engine.wake_by(self.due)
        elif now - self.due >= STALL:
            self._notice_stall(now)
            self.due = now
            self._engine.wake_by(now)

    def sweep(self, now: float) -> None:
        """Look at every slot once."""
        self._notice_stall(now)
        self._recover(now)
        engine = self._engine
        resting = frozenset(engine.lane.resting())
        busy = False
        due = NEVER
        for slot in engine.ledger:
            if slot.phase is not Phase.LIVE:
                # What nobody has begun may be lost, and not seen to be while an interrupt's frames live.
                busy |= not slot.started
                continue
            if slot in resting:
                busy |= self._look_at_idle(slot, now)
                due = min(due, self._next_age(slot))
            else:
                busy = True
                self._look_at_held(slot, now)
        self._keep_alive(now)
        self._last = now
        self.due = now + self.period if busy else max(due, now + FINEST)
        if not engine.ledger.slots:
            self.due = NEVER

    def _look_at_idle(self, slot: Slot, now: float) -> bool:
        """Judge a resting slot; True when it has been in use since the last sweep."""
        settings, engine = self._engine.settings, self._engine
        if slot.left != slot.seen_left:
            slot.seen_left = slot.left
            slot.idle_from = max(self._last, slot.idle_from)
        reason = slot.reason if slot.mark & RETIRE else self._too_old(slot, now)
        if reason:
            if engine.lane.claim(slot):
                engine.retire(slot, reason, now)
            return False
        if slot.idle_from >= self._last:
            return True
        slot.mark |= PARKED
        if engine.traits.validates and now - slot.idle_from >= settings.check_after:
            slot.mark |= SUSPECT
        return False

    def _too_old(self, slot: Slot, now: float) -> str:
        """Give the reason to retire a resting slot, or nothing."""
        settings, engine = self._engine.settings, self._engine
        if slot.expires <= now:
            return slot.reason or "lifetime"
        if settings.max_idle is not None and now - slot.idle_from >= settings.max_idle:
            return "idle" if engine.spare > 0 else ""
        return ""

    def _next_age(self, slot: Slot) -> float:
        """Say when a resting slot's next age is reached."""
        settings = self._engine.settings
        due = slot.expires
        if settings.max_idle is not None and self._engine.spare > 0:
            due = min(due, slot.idle_from + settings.max_idle)
        if self._engine.traits.validates and not slot.mark & SUSPECT:
            due = min(due, slot.idle_from + settings.check_after)
        if settings.keepalive is not None:
            due = min(due, self._last_heard(slot) + settings.keepalive)
        return due

    def _look_at_held(self, slot: Slot, now: float) -> None:
        if slot.left != slot.seen_left:
            slot.seen_left = slot.left
            slot.lent_at = max(slot.lent_at, self._last)
        slot.idle_from = now  # at the earliest: the return by the fast lane will leave no other trace
        if slot.expires <= now and not slot.mark & RETIRE:
            slot.reason = slot.reason or "lifetime"
            slot.mark |= RETIRE
        self._engine.report_leak(slot, now)

    def _keep_alive(self, now: float) -> None:
        """Note what has been too long without a check, and start with the one that was so longest."""
        engine, keepalive = self._engine, self._engine.settings.keepalive
        if keepalive is None or engine.closing:
            return
        late = [slot for slot in engine.lane.resting() if self._last_heard(slot) + keepalive <= now]
        self._unheard = deque(slot.number for slot in sorted(late, key=self._last_heard))
        self.keep_next_alive(now)

    def keep_next_alive(self, now: float) -> None:
        """Start one check of the slot that was longest without one, unless such a check is under way."""
        engine = self._engine
        while self._unheard and not engine.keeping_alive and not engine.closing:
            slot = engine.ledger.slots.get(self._unheard.popleft())
            if slot is not None and slot.left == slot.seen_left and engine.lane.claim(slot):
                engine.check_slot(slot, now, keepalive=True)

    def _last_heard(self, slot: Slot) -> float:
        return max(slot.checked_at, slot.idle_from)

    def _notice_stall(self, now: float) -> None:
        """After a stop of the process nothing has aged, and everything idle is suspect."""
        late = now - self.due
        if late < STALL:  # or no sweep was due
            return
        for slot in self._engine.ledger:
            slot.expires += late
            slot.idle_from += late
            slot.checked_at += late
        self._last += late
        self._engine.put_off(late)
        self._engine.suspect_idle()

    def _recover(self, now: float) -> None:
        """Find slots that nobody owns, and leases that nobody holds."""
        for number in tuple(self._engine.ledger.slots):
            self._engine.recover_if_lost(number, now)
