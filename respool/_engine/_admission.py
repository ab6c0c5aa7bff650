"""Admission and time-outs: which callers are refused at once, and what the others are told in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._laws.admission import EXPERIENCE, may_pass, predicted_wait, refuses
from ._results import Results
from ._slot import CREATING, Phase
from ._waiters import Refusal, Waiter

if TYPE_CHECKING:
    from .._errors import PhaseName

__all__ = ["Admission"]

SILENT_CALLS: dict[PhaseName, tuple[str, Phase]] = {
    "create": ("create", Phase.CREATING),
    "validate": ("validate", Phase.CHECKING),
    "wait": ("reset", Phase.RESETTING),
}
"""Which call a caller was waiting for, by the phase that it is told, and where a slot is meanwhile."""


class Admission(Results):
    """Refuses callers that cannot be served in time."""

    # ------------------------------------------------------------------ refused at once

    def _admit(self, waiter: Waiter, in_use: int, now: float) -> Refusal | None:
        """Refuse at once who would wait in vain: the line is full, or would outlast the deadline.

        ``in_use`` is what the caller found: leases end without the mutex, so by now there may be none.
        """
        settings, hold = self.settings, self.meter.hold
        most, timeout = settings.max_waiting, waiter.timeout
        if most is not None and self.line.count >= most:
            if not most and not self.paused:
                self._supply(now, impatient=1)  # nobody ever waits here: nothing else would have one created
            return Refusal("rejected", detail=f"max_waiting={most} callers wait already")
        if settings.admission is None or self.paused or not timeout or hold.ended < EXPERIENCE:
            return None
        can_grow = (
            self.growth.gate.outage
            or self.ledger.count[CREATING] > 0
            or (self.ledger.size < self.max_size and self._room() > 0)
        )
        waiting, mean = self.line.count, hold.mean(now)
        if not refuses(
            waiting=waiting,
            serving=in_use,
            hold=mean,
            ended=hold.ended,
            can_grow=can_grow,
            timeout=timeout,
        ) or may_pass(
            waiting=waiting, serving=in_use, hold=mean, rate=self.meter.rates.at_least(now), timeout=timeout
        ):
            return None
        return self._too_late(waiting, in_use, mean, timeout, now)

    def _too_late(self, waiting: int, in_use: int, hold: float, timeout: float, now: float) -> Refusal | None:
        """Refuse a caller; in report-only mode let it in and count it."""
        wait = predicted_wait(waiting, in_use, hold)
        if self.settings.admission == "report":
            self.reporter.would_refuse(wait, timeout, now)
            return None
        return Refusal(
            "rejected",
            detail=f"{waiting} wait for {in_use} resources held {hold:.2g} s each, "
            f"predicted wait {wait:.2g} s, timeout {timeout:g} s",
        )

    # ------------------------------------------------------------------ timed out

    def _time_is_up(self, waiter: Waiter, now: float) -> None:
        """Refuse a waiter at its deadline; the sizing policy may then create one for those who come next."""
        demand = self.in_use + self.line.count
        self.refuse(waiter, self._timeout_of(waiter, now), now)
        if not self.paused and self.growth.sizer.in_vain(min(demand, self.max_size)):
            self._supply(now, impatient=1)

    def _timeout_of(self, waiter: Waiter, now: float) -> Refusal:
        """Say what the waiter was waiting for; the cause is the last backend error since it came."""
        phase, gate = self._awaited(), self.growth.gate
        # A backend without room is no outage; but where it grants not even one, its refusal is the reason.
        ongoing = gate.outage or (gate.limited and not self.ledger.size)
        cause = self.reporter.cause_since(waiter.arrived, ongoing=ongoing)
        if cause is not None or waiter.arrived >= now or not self.ledger.size:
            return Refusal("timeout", phase, cause=cause)
        silence = self._silence(phase, now)
        if silence is None:  # a call that begins at this very moment is not what was waited for
            return Refusal("timeout", "wait")
        return Refusal("timeout", phase, cause=silence, detail=str(silence))

    def _awaited(self) -> PhaseName:
        """Say what the waiters wait for: a resource that others hold, a creation, or a check."""
        count = self.ledger.count
        if self.paused or not self.max_size:
            return "wait"
        hopes = self.growth.gate.outage and self._room() > 0  # the next probe may create one
        if count[Phase.CREATING] or hopes or not self.ledger.size:
            return "create"
        return "validate" if count[Phase.CHECKING] else "wait"

    def _silence(self, phase: PhaseName, now: float) -> TimeoutError | None:
        """Say which call has not returned, where none has failed yet.

        Who waits for a resource waits for a holder, if there is one; else it is being cleaned.
        """
        if phase == "wait" and (self.in_use or self.paused or not self.max_size):
            return None
        method, awaited = SILENT_CALLS[phase]
        since = min((slot.asked_at for slot in self.ledger if slot.phase is awaited), default=now)
        return TimeoutError(f"{method} has not returned for {now - since:.1f} s") if since < now else None
