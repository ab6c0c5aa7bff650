"""The engine: every rule of the pool, and nothing that blocks, sleeps, locks or calls an adapter.

Events come in with the time, under the shell's one mutex; commands come out by `drain`; ``wakes_at`` says
when to `tick` at the latest. `Lane.take` and `Lane.give` are the only steps that run outside the mutex.

An event may be torn by a KeyboardInterrupt between any two bytecodes. The shell notices (`torn`) and calls
`mend`, which derives everything from the ledger again; what is then without an owner, the sweep finds.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from .._adapter import Fault
from ._admission import Admission
from ._commands import Command, Wake
from ._law import check
from ._slot import OBSERVED, RETIRE, Phase, Slot
from ._state import COMMAND_OF
from ._supply import LOOK_AHEAD
from ._waiters import NEVER, Refusal, Waiter

if TYPE_CHECKING:
    from .._stats import PoolStats
    from ._state import Traits

__all__ = ["TAKEN", "Engine"]

MOST_DOUBTS = 5
"""How often in a row a resource may pass its check and be doubted again before it is used: a probe that
always says no, beside a check that always says yes, would go on for ever."""
TAKEN = True
"""Replaces the lease in `Waiter.loan` once the caller has it: a waiter left behind must not keep it alive."""


class Engine(Admission):
    """One pool's rules; the caller of every method holds the shell's mutex."""

    # ------------------------------------------------------------------ callers

    def ask(self, waiter: Waiter, now: float, *, waits: bool = True, again: bool = False) -> None:
        """A caller wants a resource: answer at once, or put it in line.

        With ``waits`` False the caller is answered at once in any case, and still counts as demand. It asks
        ``again`` when what it was given has not passed its hand-out check, and keeps its place in the line.
        """
        if self.closing:
            self.refuse(waiter, Refusal("closed"), now)
            return
        self.ages.awake(now)
        if self.orphans:
            self._adopt_orphans(now)
        line, meter = self.line, self.meter
        in_use, ahead = self.in_use, line.count
        if again:
            ahead = line.ahead_of(waiter)
        else:
            meter.arrived(now, in_use, ahead)
            if meter.due < self.wakes_at:
                self.wakes_at = meter.due
            self.growth.sizer.arrived(now, in_use + ahead + 1)
        may_take = not self.paused and not (ahead and self.traits.strict)
        cleans = bool(self.soiled) and not self.paused and self._may_clean(waiter, now)
        # Who can clean one need not look past the hottest: where that is suspect, the rest is older.
        look = 1 if cleans and self.lane.lifo else LOOK_AHEAD
        if may_take and self.lane.idle and self._serve(waiter, now, look):
            return
        if not waits or (again and now >= waiter.deadline):
            self._send_out_soiled()  # the caller may well try again
            self._supply(now, impatient=0 if self.paused else 1)
            self.refuse(waiter, self._timeout_of(waiter, now), now)
            return
        if not again and (refusal := self._admit(waiter, in_use, now)) is not None:
            self.refuse(waiter, refusal, now)
            return
        line.join(waiter, ahead if again else None)
        self.reporter.awaited = True
        if waiter.deadline < self.wakes_at:
            self.wakes_at = waiter.deadline
        if not ahead:
            meter.queued(now, in_use)
        # The re-check of the protocol in `_lane`: whoever gave a slot before we joined has not seen us. It
        # pops: a mere look at idle would not be ordered with that append on an interpreter without the GIL.
        if may_take and self._serve(waiter, now, look):
            return
        if cleans:
            self._take_chore(waiter, now)
            if self._free_waiter() is None:
                return
        elif self.soiled and not self.paused:
            self._send_out_soiled()
        self._supply(now)

    def retry(self, waiter: Waiter, now: float) -> None:
        """A nudged waiter looks again, keeping its place."""
        if self._nudged is waiter:
            self._nudged = None
        waiter.nudged = False
        if waiter.queued and not self.paused:
            self._serve(waiter, now)
        self.rematch(now)

    def cancel(self, waiter: Waiter, now: float) -> None:
        """A caller leaves, with or without an answer on its way: what was granted goes to the next one."""
        if waiter.queued:
            self._leave(waiter)
            self.reporter.refused("cancelled", waiter, now)
        if waiter.chore is not None:
            self._abandon_chore(waiter, now)
        loan, waiter.loan = waiter.loan, None
        if loan is not None and loan is not TAKEN and loan._hold:
            slot = loan._hold.pop()
            del loan
            self.reporter.unserved(waiter)
            self._take_back(slot, now)
            self.offer(slot, now)
        else:
            self.rematch(now)

    def expire(self, waiter: Waiter, now: float) -> None:
        """A caller's own clock says that the deadline has passed; a grant that came first stands."""
        if not waiter.answered:
            self._time_is_up(waiter, now)
            self.rematch(now)

    def give_back(
        self, slot: Slot, now: float, *, soiled: bool = False, doubt: bool = False, fault: Fault | None = None
    ) -> None:
        """A holder's slot comes back, popped from its hold, by way of the slow path.

        Args:
            slot: The slot; the caller owns it and owns it no more afterwards.
            now: Seconds on the monotonic clock.
            soiled: ``reset`` has work to do.
            doubt: It must be validated before anybody gets it.
            fault: What the exception that left the block says of the resource.
        """
        self.ages.awake(now)
        self.reporter.released(slot, now)
        if fault is Fault.BACKEND_DOWN:
            self.suspect_idle()
        if fault in (Fault.RESOURCE_BROKEN, Fault.BACKEND_DOWN):
            self.retire(slot, "broken", now)
        elif (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
        elif soiled and self.traits.resets:
            slot.doubt = doubt and self.traits.validates
            self._clean(slot, now)
        else:
            self._judge_return(slot, doubt)
            self.offer(slot, now)

    def discard(self, slot: Slot, now: float, reason: str = "discarded") -> None:
        """A holder gives its resource up, or a hand-out check failed: destroy the resource."""
        self.ages.awake(now)
        self.reporter.released(slot, now)
        self.retire(slot, reason, now)

    def detach(self, slot: Slot, now: float) -> None:
        """A holder keeps its resource for good; the place is free at once."""
        if slot.phase is Phase.GONE:
            return  # written off before: it has left the ledger already
        self.reporter.released(slot, now)
        self.ledger.move(slot, "detach")
        self.look_around(now)

    def doubted(self, slot: Slot, now: float) -> None:
        """A hand-out's probe says: suspect. The full check decides, and the caller asks again."""
        self._take_back(slot, now)
        slot.doubts = slot.doubts + 1 if slot.doubted_left == slot.left else 1
        slot.doubted_left = slot.left
        if (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
        elif self.traits.validates and slot.doubts <= MOST_DOUBTS:
            self.check_slot(slot, now)
        else:
            self.retire(slot, "invalid", now)

    def probe_failed(self, slot: Slot, exc: BaseException, now: float) -> None:
        """A hand-out's probe says: dead. The caller asks again."""
        self._take_back(slot, now)
        self.reporter.check_failed(slot, "probe", exc, now)
        self.retire(slot, "invalid", now)

    def reset_in_place_failed(self, slot: Slot, exc: BaseException, fault: Fault | None, now: float) -> None:
        """A local reset, run by the releaser itself, has raised."""
        self.ages.awake(now)
        self.reporter.released(slot, now)
        self.reporter.check_failed(slot, "reset", exc, now)
        if fault is Fault.BACKEND_DOWN:
            self.suspect_idle()
        self.retire(slot, "reset failed", now)

    # ------------------------------------------------------------------ time

    def tick(self, now: float) -> None:
        """Do everything that is due: sweep, give up calls, time waiters out, size the pool."""
        self._adopt_orphans(now)
        if now >= self.ages.due:
            self.ages.sweep(now)
        if now >= self._soiled_due:
            self._look_at_soiled(now)
        self._give_up_overdue(now)  # before the waiters, whose errors name it
        for waiter in self.line.overdue(now):
            self._time_is_up(waiter, now)
        self.latches.look(now)
        self._size_up(now)
        self.rematch(now)
        waiting = [first.arrived for first in (self.line.first(), self.latches.first()) if first is not None]
        self.reporter.look_who_waits(min(waiting, default=None))
        self.next_wakeup(now)

    def next_wakeup(self, now: float) -> float:
        """Compute when to tick next, in seconds on the monotonic clock; infinity: no need.

        Asked after a tick and before a shell sleeps until then; in between the bound ``wakes_at`` is enough.
        """
        self.wakes_at = due = self._next_due(now)
        return due

    def _next_due(self, now: float) -> float:
        if self.closed:
            return self.latches.next_due()
        due = min(self.ages.due, self._soiled_due, self.latches.next_due(), self.line.next_due() or NEVER)
        if self._due:
            due = min(due, *self._due.values())
        if not self.closing:
            due = min(due, self.meter.due, self.growth.sizer.due())
            if self._lacks():
                due = min(due, self.growth.next_wakeup(now))
        return due

    # ------------------------------------------------------------------ control

    def resize(self, min_size: int, max_size: int, now: float) -> None:
        """Change the limits; what is idle beyond them closes now, what is held when it returns."""
        self.min_size, self.max_size = min_size, max_size
        self.reporter.resized(min_size, max_size, now)
        self._shrink_to_cap(now)
        self._supply(now)

    def refresh(
        self, now: float, over: float, source: Any | None = None, traits: Traits | None = None
    ) -> int:
        """Replace everything made before now; give the generation that must be gone at the end.

        Args:
            now: Seconds on the monotonic clock.
            over: Spread the replacement over so many seconds.
            source: What makes resources from now on.
            traits: What it can do, together with those that made the present resources.
        """
        self.generation += 1
        if source is not None and source is not self._source:
            self.growth.switched()  # first: a create that the gate still counts must report to it
            self._source = source
            if not over:
                self._outdated.update(s.number for s in self.ledger if s.phase is Phase.CREATING)
        if traits is not None:
            self.traits = traits
            self.ages.set_period()
            self._watch()
        old = [slot for slot in self.ledger if slot.counted and slot.phase is not Phase.CLOSING]
        self.reporter.refreshed(len(old), over, now)
        for nth, slot in enumerate(old):
            slot.expires = min(slot.expires, now + over * nth / len(old))
            slot.reason = "refreshed"
            if not over:
                slot.mark |= RETIRE
        self.ages.due = min(self.ages.due, now)
        self.wake_by(now)
        self._retire_marked(now)
        self._supply(now)
        return self.generation

    def pause(self, now: float) -> None:
        """Grant nothing until `resume`."""
        self.paused = True
        self.lane.set_gate(strict=self.traits.strict, shut=True)
        self.reporter.paused(now)

    def resume(self, now: float) -> None:
        """Grant again, the oldest waiter first."""
        self.paused = False
        self.lane.set_gate(strict=self.traits.strict, shut=self.exact)
        self.reporter.resumed(now)
        while (waiter := self.line.first()) is not None and self._serve(waiter, now):
            pass
        self._supply(now)

    def listen(self, listening: bool, now: float) -> None:
        """Somebody begins to listen to every lease, or the last one has stopped."""
        self.reporter.observed = listening
        self._watch()

    def _watch(self) -> None:
        """Send leases through the slow path if something must see each of them, and only then."""
        self.checks_each = self.traits.validates and self.settings.check_after == 0
        self._always = OBSERVED if self.exact or self.checks_each else 0
        for slot in self.ledger:
            slot.mark = slot.mark & ~OBSERVED | self._always
        if not self.paused and not self.closing:
            self.lane.set_gate(strict=self.traits.strict, shut=self.exact)

    def close(self, now: float) -> None:
        """Refuse everybody, destroy what is idle, and everything else when it comes back."""
        if self.closing:
            return
        self.closing = True
        self.reporter.closing(now)
        self._shut(now)

    def _shut(self, now: float) -> None:
        """Carry out a close; `mend` repeats it after an interrupt has torn it."""
        self.lane.set_gate(strict=True, shut=True)
        for waiter in tuple(self.line):
            self.refuse(waiter, Refusal("closed"), now)
        for slot in self.ledger:
            if slot.phase is Phase.LIVE:
                slot.mark |= RETIRE
                slot.reason = "closed"
        self._retire_marked(now)
        while self.soiled:
            self.retire(self.soiled.popleft(), "closed", now)
        self.latches.look(now)
        self.ages.awake(now)

    def inherit(self, before: Engine, now: float) -> None:
        """In the child of a fork: go on with what the parent's engine was told while it ran."""
        self.min_size, self.max_size = before.min_size, before.max_size
        self.generation = before.generation  # whoever waits for a refresh there finds nothing old here
        if before.paused:
            self.pause(now)
        if before.closing:
            self.close(now)

    @property
    def closed(self) -> bool:
        """Whether nothing is left: no slot, not even a stuck one."""
        return self.closing and not self.ledger.slots

    # ------------------------------------------------------------------ views

    def stats(self, now: float) -> PoolStats:
        """Take a snapshot."""
        return self.reporter.snapshot(self, now)

    def drain(self) -> deque[Command]:
        """Take all commands, in one swap."""
        out, self.commands = self.commands, deque()
        return out

    def check(self) -> None:
        """Assert the law of one owner, and that all counts agree; for tests, at a moment of rest."""
        check(self)

    # ------------------------------------------------------------------ private

    def _take_back(self, slot: Slot, now: float) -> None:
        """A hand-out has failed: it does not count as a use of the resource, and its lease is over."""
        slot.left += 1
        self.reporter.released(slot, now)

    def _adopt_orphans(self, now: float) -> None:
        """Take in what the leases of a `FreshLane` left when they were collected."""
        while self.orphans:
            slot = self.orphans.popleft()
            if slot.phase is Phase.LIVE:
                self._recover(slot, now, forgotten=True)

    def forsake(self, now: float) -> None:
        """End all leases of a dropped pool: what refers to one is in a reference cycle with the pool."""
        for slot in self.ledger:
            loan = self.lane.loan_of(slot)
            if loan is not None:
                self.orphans.append(loan._hold.pop())
            del loan
        self._adopt_orphans(now)

    def mend(self, now: float) -> None:
        """After a torn event: derive everything from the ledger, and have the sweep find what is lost."""
        self.torn = False
        self.ledger.recount()
        self._nudged = None
        self._mend_chores(now)
        for slot in self.ledger:
            if slot.phase is Phase.STUCK and not (slot.started and slot.command):  # its call has returned
                self.retire(slot, "given up", now)
        if not self.lane.counts:
            # Here the sweep cannot see that a command was lost before it was put out.
            self.soiled.clear()
            for slot in self.ledger:
                if slot.phase in COMMAND_OF and not slot.started:
                    self.issue_again(slot)
        for waiter in tuple(self.line):
            if waiter.answered or waiter.nudged or waiter.chore is not None:
                self.commands.append(Wake(waiter))
            if waiter.answered:
                self.line.leave(waiter)
        self.line.recount()
        self.latches.mend()
        self._due = {number: due for number, due in self._due.items() if number in self.ledger.slots}
        self._outdated &= {slot.number for slot in self.ledger if slot.phase is Phase.CREATING}
        self.ages.due = min(self.ages.due, now)
        self.wake_by(now)
        if self.closing:
            self._shut(now)
        else:
            self._shrink_to_cap(now)
