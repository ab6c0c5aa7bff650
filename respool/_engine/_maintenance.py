"""Maintenance: closing a surplus, giving up overdue calls, recovering lost slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._commands import Abort, Create, Destroy, Reset
from ._handoff import Handoff
from ._lane import nobody_else_has
from ._slot import PARKED, RETIRE, Phase, Slot
from ._waiters import Waiter

if TYPE_CHECKING:
    from ._growth import View

__all__ = ["Maintenance"]


class Maintenance(Handoff):
    """Closes what is too much, gives up what is overdue, recovers what is lost."""

    def _shrink_to_cap(self, now: float) -> None:
        """Close what is idle beyond the cap, and have every return looked at while there is a surplus."""
        self._retire_cold(self._excess(), "resized", now)
        if self._excess() > 0:
            for slot in self.ledger:
                slot.mark |= PARKED

    def _retire_cold(self, most: int, reason: str, now: float) -> None:
        """Retire so many of the coldest idle slots, or all there are; then what is soiled, as it is."""
        for slot in self.lane.resting():
            if most <= 0:
                return
            if self.lane.claim(slot):
                self.retire(slot, reason, now)
                most -= 1
        for _ in range(min(most, len(self.soiled))):
            self.retire(self.soiled.popleft(), reason, now)

    def _retire_marked(self, now: float) -> None:
        for slot in self.lane.resting():
            if slot.mark & RETIRE and self.lane.claim(slot):
                self.retire(slot, slot.reason, now)

    def _size_up(self, now: float) -> None:
        """Let the sizing policy look at the pool."""
        if self.closing:
            return
        self.growth.tick(now, self.max_size)
        view, sizer = self.view(now), self.growth.sizer
        if now >= self.meter.due:
            self._read_meter(view)
        if (reason := sizer.change(view)) is not None:
            self.reporter.target_changed(self.target(now), reason, now)
        surplus = min(sizer.surplus(view), self.spare)
        if surplus > 0:
            self._retire_cold(surplus, "surplus", now)
        self._supply(now)

    def _read_meter(self, view: View) -> None:
        """Let the sizing policy see what happened since the last reading, and follow a new ceiling."""
        sizer, now = self.growth.sizer, view.now
        resting = frozenset(self.lane.resting())
        seen = self.meter.read(view, resting, self.growth.capacity.at_most(self.max_size))
        sizer.tick(view, seen)
        if (trouble := sizer.trouble()) is not None:
            self.reporter.policy_failed(trouble, now)
        if self._excess() > 0:
            self._shrink_to_cap(now)

    def _give_up_overdue(self, now: float) -> None:
        for number, due in tuple(self._due.items()):
            if due <= now:
                self._give_up(self.ledger.slots[number], now)

    def _give_up(self, slot: Slot, now: float) -> None:
        """A call outlasts its phase timeout: it leaves the size, and what it still brings is destroyed."""
        phase = slot.phase
        self._due.pop(slot.number, None)
        if self.keeping_alive == slot.number:
            self.keeping_alive = 0
        method = slot.command.method
        silence = TimeoutError(f"{method} took longer than {getattr(self.settings, f'{method}_timeout'):g} s")
        self.reporter.given_up(slot, silence, now)
        self.ledger.move(slot, "overdue")
        if self.traits.cancels or (self.traits.aborts and slot.resource is not None):
            self.commands.append(Abort(slot))
        if phase is Phase.CREATING:
            self._outdated.discard(slot.number)
            if self._speaks(slot):
                self.growth.failed(now)
                self.reporter.outage_began(silence, now)
        else:
            self.growth.gate.shaken()
        if phase is Phase.CHECKING:
            self.doubt_checks()
        self.look_around(now)

    def put_off(self, late: float) -> None:
        """The process was stopped for so many seconds: give calls under way that time back."""
        for number in self._due:
            self._due[number] += late

    def report_leak(self, slot: Slot, now: float) -> None:
        """Warn once of a lease held longer than ``leak_after``."""
        limit = self.settings.leak_after
        if limit is not None and not slot.leak_told and now - slot.lent_at >= limit:
            slot.leak_told = True
            self.reporter.leaking(slot, now)

    def recover_if_lost(self, number: int, now: float) -> None:
        """If nobody owns this slot, or nobody holds its lease, bring it back."""
        slot = self.ledger.slots.get(number)
        if slot is None:
            return
        if slot.phase is Phase.LIVE and self.lane.is_forgotten(slot):
            slot.loan._hold.clear()
            self._recover(slot, now, forgotten=True)
        elif not self.lane.counts:
            self._write_off_if_missing(slot, now)
        elif nobody_else_has(self.ledger.slots, number):
            self._recover(slot, now, forgotten=False)

    def _recover(self, slot: Slot, now: float, *, forgotten: bool) -> None:
        """Give a lost slot an owner again."""
        if slot.phase is Phase.LIVE:
            slot.command = None
            self.reporter.recovered(slot, now, forgotten=forgotten)
            self._take_in(slot, now)
        elif slot.started:
            self._lost_call(slot, now)
        else:
            self.issue_again(slot)

    def _take_in(self, slot: Slot, now: float) -> None:
        """Bring a recovered slot back: its holder may have left anything behind, so clean it and check it."""
        if (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
            return
        if self.traits.resets:
            slot.doubt = self.traits.validates
            self._clean(slot, now)
        else:
            self._judge_return(slot, doubt=True)
            self.offer(slot, now)

    def _lost_call(self, slot: Slot, now: float) -> None:
        """The thread or task that carried out a call is gone, and the result with it."""
        phase, command = slot.phase, slot.command
        self._finished(slot)
        if phase is Phase.CREATING:
            if self._speaks(slot):
                self.growth.failed(now)
            self.ledger.move(slot, "failed")
        elif command is Create:
            self.ledger.move(slot, "ended")
        elif command is Destroy:
            self.ledger.destroyed[slot.reason] += 1
            self.ledger.move(slot, "ended")
        else:
            self.retire(slot, "invalid", now)
        self.look_around(now)

    def hand_on(self, waiter: Waiter, now: float) -> None:
        """A waiter was answered before it could begin its chore: a worker does it."""
        slot, waiter.chore = waiter.chore, None
        assert slot is not None, "the shell has seen a chore"
        if slot.phase is Phase.STUCK:  # it counted as begun, and was given up
            self._lost_call(slot, now)
        else:
            self._due.pop(slot.number, None)
            slot.started = False
            self.issue_again(slot)

    def _abandon_chore(self, waiter: Waiter, now: float) -> None:
        """A waiter leaves before its chore is reported: nobody knows how far the reset came."""
        slot, waiter.chore = waiter.chore, None
        if slot is not None and slot.command is Reset:
            self._lost_call(slot, now)

    def _write_off_if_missing(self, slot: Slot, now: float) -> None:
        """On a `FreshLane`: a slot found nowhere by two sweeps in a row is written off, and replaced."""
        if slot.phase is not Phase.LIVE or slot in self.lane.idle or self.lane.loan_of(slot) is not None:
            self._missing.pop(slot.number, None)
        elif self._missing.get(slot.number) == slot.left:
            del self._missing[slot.number]
            # Should somebody still hold it, it is destroyed when it comes back.
            slot.mark |= RETIRE
            slot.reason = "written off"
            self.ledger.move(slot, "write off")
            self.look_around(now)
        else:
            self._missing[slot.number] = slot.left
