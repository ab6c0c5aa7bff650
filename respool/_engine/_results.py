"""Results: how the shells report the end of an adapter call, and what follows from it."""

from __future__ import annotations

from typing import Any

from .._adapter import Fault
from ._commands import SlotCommand, Validate
from ._maintenance import Maintenance
from ._slot import SUSPECT, Phase, Slot
from ._waiters import Refusal, Waiter

__all__ = ["Results"]

SILENT = 0.9
"""A check that fails after this share of its timeout was not answered: the driver's limit came first."""


class Results(Maintenance):
    """The events by which commands are answered: `started`, then one of the others, once each."""

    def started(self, command: SlotCommand, now: float) -> bool:
        """A shell begins to carry out a command; False: somebody has begun, or it is no longer needed."""
        slot = command.slot
        if slot.command is not type(command) or slot.started:
            return False
        if slot.phase is Phase.CREATING and (self._is_pointless(slot) or not self.growth.gate.admits(now)):
            self._finished(slot)
            self.ledger.move(slot, "failed")
            self.look_around(now)
            return False
        if slot.phase is Phase.RESETTING:
            self._claim_soiled(slot)
        self._begun(slot, type(command), now)
        if slot.phase is Phase.CREATING:
            self.growth.gate.started(now)
            self._wake_for_growth(now)
        return True

    def created(self, slot: Slot, resource: Any, now: float) -> None:
        """``create`` has returned a resource."""
        self._finished(slot)
        self.ledger.fill(slot, resource)
        slot.born = slot.checked_at = slot.idle_from = now
        self._draw_lifetime(slot, now)
        self.lane.prepare(slot)
        if slot.phase is Phase.STUCK:
            self.retire(slot, "given up", now)
            return
        if self._speaks(slot):
            self.growth.gate.succeeded(now)
            self.meter.create_time.add(now - slot.asked_at)
            self.reporter.backend_answers(now)
        self.reporter.created(slot, now)
        self.ledger.move(slot, "created")
        if self._speaks(slot):
            self.growth.capacity.granted(self.ledger.size - self.ledger.count[Phase.CREATING])
        slot.mark |= self._always
        self.offer(slot, now)
        self.look_around(now)

    def create_failed(
        self, slot: Slot, exc: BaseException, fault: Fault, now: float, *, fatal: bool = False
    ) -> None:
        """``create`` has raised; ``fatal`` (no Exception, or it gave None): one waiter is told at once."""
        stuck = slot.phase is Phase.STUCK
        self.reporter.create_failed(slot, exc, fault, now)
        self._finished(slot)
        self.ledger.move(slot, "ended" if stuck else "failed")
        if not stuck and self._speaks(slot):
            self._judge_failure(exc, fault, now)
        if fatal and self._speaks(slot):
            refusal = Refusal("backend", "create", cause=exc)
            self.latches.refuse(refusal)
            if (waiter := self.line.first()) is not None:
                self.refuse(waiter, refusal, now)
                self.rematch(now)
        self.look_around(now)

    def validated(
        self,
        slot: Slot,
        now: float,
        *,
        ok: bool,
        exc: BaseException | None = None,
        fault: Fault | None = None,
    ) -> None:
        """``validate`` has returned, or raised."""
        kept_alive = self.keeping_alive == slot.number
        self._finished(slot)
        if slot.phase is Phase.STUCK:
            self.retire(slot, "given up", now)
        elif not ok:
            self.reporter.check_failed(slot, "validate", exc, now)
            if now - slot.asked_at >= SILENT * self.settings.validate_timeout:
                self.doubt_checks()
            elif fault is Fault.BACKEND_DOWN:
                self.suspect_idle()
            self.retire(slot, "invalid", now)
        else:
            self._doubt_checks = False
            slot.mark &= ~SUSPECT
            slot.checked_at = now
            self.ledger.move(slot, "passed")
            self.offer(slot, now, rested=True)
            self.knock(now)
        if kept_alive:
            self.ages.keep_next_alive(now)

    def was_reset(
        self,
        slot: Slot,
        now: float,
        *,
        ok: bool,
        exc: BaseException | None = None,
        fault: Fault | None = None,
        by: Waiter | None = None,
    ) -> None:
        """``reset`` has returned, or raised; ``by`` is the waiter whose thread has carried it out."""
        self._finished(slot)
        if slot.phase is Phase.STUCK:
            self._note_reset_ends(slot, now)
            self.retire(slot, "given up", now)
        elif not ok:
            self.reporter.check_failed(slot, "reset", exc, now)
            if fault is Fault.BACKEND_DOWN:
                self.suspect_idle()
            self.retire(slot, "reset failed", now)
        elif slot.doubt:
            self._command(slot, "check", Validate, now)
        else:
            self.ledger.move(slot, "passed")
            self._judge_return(slot, doubt=False)
            self.offer(slot, now, by=by)
            self.knock(now)
        if by is not None:
            by.chore = None
            if by.queued:
                self.rematch(now)

    def destroyed(self, slot: Slot, now: float, exc: BaseException | None = None) -> None:
        """``destroy`` has returned, or raised."""
        self._finished(slot)
        self.reporter.destroyed(slot, exc, now)
        self.ledger.destroyed[slot.reason] += 1
        self.ledger.move(slot, "ended")
        self.look_around(now)
