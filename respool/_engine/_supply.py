"""Supply: checks of suspects and creations for those who wait; what a failure means for them."""

from __future__ import annotations

from .._adapter import Fault
from ._commands import Create
from ._slot import CREATING, LIVE, RESETTING, RETIRE, SUSPECT, UNLIMITED, Phase, Slot
from ._state import PoolState
from ._waiters import NEVER, Refusal

__all__ = ["LOOK_AHEAD", "Supply"]

LOOK_AHEAD = 8
"""How many suspect slots a caller looks past for one that is not: a bound, so that 10,000 cost no more."""
JITTER = 0.25
"""A lifetime is shortened by up to this share, drawn once per resource, so that not all expire together."""


class Supply(PoolState):
    """Starts what the waiters need."""

    def _supply(self, now: float, impatient: int = 0) -> None:
        """Start what the waiters need: checks of suspects first, then creations."""
        if self.closing:
            return
        ledger, idle = self.ledger, self.lane.idle
        # A short cut for when nothing need be checked or can be created: the pool is full and some come back,
        # or as many creations are in flight as may be. That is so for nearly everybody who waits in a busy
        # pool, or while one fills, and the rest of this function costs ten times as much.
        if not self._doubt_checks and (not idle or self.line.count + impatient <= self.promised):
            count = ledger.count
            full = ledger.size >= self.max_size and (count[LIVE] or count[RESETTING])
            if (full or self._creates_its_most(now)) and self.growth.sizer.settles_for(now):
                return
        view = self.view(now)
        need = view.waiting + impatient - view.promised
        if self._doubt_checks:
            # The checks go unanswered: one goes on, to learn the truth, and creation goes on beside it.
            if need > 0 and not ledger.count[Phase.CHECKING]:
                self._check_hot(1, now)
            self._make_room(need - self._room() - ledger.closing, now)
        elif need > 0:
            checks = self._check_hot(need, now) if idle else 0
            impatient = min(impatient, max(0, need - checks))
            if checks:
                view = self.view(now)
            # What is idle and fit counts as promised too: to a nudged waiter.
            view.promised += len(idle)
        floor = self.floor()
        view.waiting += impatient
        starts = self.growth.starts(view, floor, self.stuck + len(self._outdated))
        for _ in range(starts):
            self._create(now, wanted=impatient > 0 or ledger.size < floor)
        self.wake_by(self.growth.sizer.due())
        self._wake_for_growth(now)

    def _creates_its_most(self, now: float) -> bool:
        """Whether as many creations are in flight as may be, and only the end of one makes room."""
        ledger, growth = self.ledger, self.growth
        creating = ledger.count[CREATING] - len(self._outdated)  # `creating`, a call less
        if not creating or not (ledger.count[LIVE] or creating == ledger.size):
            return False
        return creating >= growth.gate.room(now) and growth.next_wakeup(now) == NEVER

    def _wake_for_growth(self, now: float) -> None:
        """Note when the next creation may start, if one is wanted."""
        if self._lacks():
            self.wake_by(self.growth.next_wakeup(now))

    def _lacks(self) -> bool:
        """Whether another creation is wanted and fits, so that the time at which it may start matters."""
        size = self.ledger.size
        return size < self.max_size and (self.line.count > 0 or size < self.wish())

    def knock(self, now: float) -> None:
        """A resource answers during an outage: try to create one, though nobody waits for it.

        Otherwise an outage that the open resources have survived would last until somebody needs one more.
        A full pool creates nothing, so there the outage counts as over at once.
        """
        if not self.reporter.in_outage or self.closing or self.creating:
            return
        if self._room() <= 0:
            self.reporter.outage_ended(now)
        elif self.stuck < self.settings.max_creating and self.growth.gate.room(now) > 0:
            self._create(now, wanted=True)

    def look_around(self, now: float) -> None:
        """See what follows now that a place is free, a slot has left the ledger, or a latch waits."""
        self.latches.look(now)
        self._supply(now)

    def _create(self, now: float, *, wanted: bool) -> None:
        limit = self.settings.max_uses or UNLIMITED
        slot = self.ledger.open(self._source, self.generation, limit, now)
        slot.wanted = wanted
        slot.command = Create
        self.growth.sizer.creating(now, self.open)
        self.commands.append(Create(slot))

    def _draw_lifetime(self, slot: Slot, now: float) -> None:
        if self.settings.max_lifetime is not None:
            lifetime = self.settings.max_lifetime * (1 - JITTER * self._draw())
            slot.expires = min(slot.expires, now + lifetime)

    def _room(self) -> int:
        return self.growth.ceiling(self.max_size) - self.ledger.size

    def _check_hot(self, most: int, now: float) -> int:
        """Start checks of suspects near the hot end; give how many."""
        passed: list[Slot] = []
        started = 0
        while started < most and len(passed) < LOOK_AHEAD and (slot := self.lane.pop()) is not None:
            if slot.mark & SUSPECT:
                self.check_slot(slot, now)
                started += 1
            else:
                passed.append(slot)
        for slot in reversed(passed):
            self.lane.put_back(slot)
        return started

    def _make_room(self, places: int, now: float) -> None:
        """Give up the coldest suspects, so that creation has room beside checks that nobody answers."""
        for slot in self.lane.resting():
            if places <= 0:
                return
            if slot.mark & SUSPECT and self.lane.claim(slot):
                self.retire(slot, "suspect", now)
                places -= 1

    # ------------------------------------------------------------------ doubt

    def _all_suspect(self) -> bool:
        return all(slot.mark & SUSPECT for slot in self.lane.hottest(LOOK_AHEAD))

    def suspect_idle(self) -> None:
        """From now on nothing idle is handed out unchecked."""
        if not self.traits.validates:
            return
        for slot in self.lane.resting():
            slot.mark |= SUSPECT
        if self.ledger.count[Phase.RESETTING]:
            for slot in self.ledger:
                slot.doubt |= slot.phase is Phase.RESETTING

    def doubt_checks(self) -> None:
        """A check was not answered: the others may not be either, so creation goes on beside them."""
        self._doubt_checks = True
        self.suspect_idle()

    # ------------------------------------------------------------------ creations

    def _is_pointless(self, slot: Slot) -> bool:
        """Whether a creation that has not started would only be destroyed, or serve nobody."""
        if self.closing or not self._speaks(slot) or slot.mark & RETIRE or self._excess() > 0:
            return True
        return not slot.wanted and self._is_surplus()

    def _is_surplus(self) -> bool:
        """Whether the waiters who asked for a creation that has not started are served without it."""
        return self.line.count < self.creating and self.ledger.size > self.floor()

    def _judge_failure(self, exc: BaseException, fault: Fault, now: float) -> None:
        """Draw the consequences of a failed creation."""
        count = self.ledger.count
        if fault is Fault.CAPACITY:
            self.growth.refused(now, self.ledger.size - count[Phase.CREATING])
            self.reporter.capacity(self.growth.ceiling(self.max_size), exc, now)
            return
        self.growth.failed(now)
        if fault is Fault.CONFIG:
            self.reporter.config_fault(exc, now)
            refusal = Refusal("backend", "create", cause=exc)
            if not count[Phase.LIVE] + count[Phase.CHECKING] + count[Phase.RESETTING]:
                self._refuse_all(refusal, now)
            else:
                self.latches.refuse(refusal)
        elif fault is Fault.BACKEND_DOWN:
            self.reporter.outage_began(exc, now)
            self.suspect_idle()
