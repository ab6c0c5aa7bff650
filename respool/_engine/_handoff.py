"""Hand-off: how a free slot comes to the waiter that is next in line."""

from __future__ import annotations

from ._chores import Chores
from ._commands import Wake
from ._slot import LIVE, PARKED, SUSPECT, Slot
from ._supply import LOOK_AHEAD
from ._waiters import Waiter

__all__ = ["Handoff"]


class Handoff(Chores):
    """Serves the line of waiters."""

    def _serve(self, waiter: Waiter, now: float, look: int = LOOK_AHEAD) -> bool:
        """Give a waiter an idle slot that is fit, if there is one near the hot end."""
        slot = self.lane.pop()
        if slot is None:
            return False
        passed: list[Slot] = []
        served = False
        while slot is not None:
            if (reason := self._unwanted(slot, now)) is not None:
                self.retire(slot, reason, now)
            elif not slot.mark & SUSPECT:
                self._grant(waiter, slot, now)
                served = True
                break
            else:
                passed.append(slot)
            slot = self.lane.pop() if len(passed) < look else None
        for slot in reversed(passed):
            self.lane.put_back(slot)
        return served

    def _grant(self, waiter: Waiter, slot: Slot, now: float, *, awake: bool = False) -> None:
        """Lend a slot to a waiter, which may or may not stand in line, and may be awake."""
        slot.mark &= ~PARKED
        slot.lent_at = now
        slot.leak_told = False
        slot.acquirer = waiter.acquirer
        used_before = slot.left != slot.limit
        waiter.loan = self.lane.lend(slot)
        self.ages.awake(now)
        self.reporter.granted(waiter, slot, now)
        line, waited = self.line, waiter.queued
        if waited:
            if not awake:
                self.commands.append(Wake(waiter))
            line.leave(waiter)
            if self._nudged is waiter:
                self._nudged = None
        held = self.ledger.count[LIVE] - len(self.lane.idle)  # `in_use`, a call less
        self.meter.granted(now, held, line.count, handed=waited and used_before)
        self.growth.sizer.waited(now - waiter.arrived)

    def offer(self, slot: Slot, now: float, *, rested: bool = False, by: Waiter | None = None) -> None:
        """A slot is free and clean: give it to the oldest waiter, or to idle, or retire it.

        ``rested``: nobody has used it in between, so it returns to idle at its place by age. ``by``: the
        waiter that has cleaned it, and that gets it unless the order is strict.
        """
        slot.mark &= ~PARKED
        waiter = None if self.paused else self._next_in_line(by)
        if (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
        elif slot.mark & SUSPECT and self.traits.validates:
            self._to_idle(slot, now)
            self._supply(now)
        elif waiter is not None:
            self._grant(waiter, slot, now, awake=waiter is by)
            if waiter is not by and not self.traits.strict:
                self._handed_over(waiter, now)
            self.rematch(now)
        elif rested:
            self.ages.awake(now)
            self.lane.rest(slot)
        else:
            self._to_idle(slot, now)

    def _next_in_line(self, by: Waiter | None = None) -> Waiter | None:
        """Say who gets what is free: the oldest; in eventual order, the oldest who is cleaning nothing.

        One that has begun to clean could use it only after its reset, and where that hangs two resources
        would be tied up. But one that still sleeps, while its chore waits for it, has use for it at once.
        """
        first = self.line.first()
        if first is None or self.traits.strict:
            return first
        if by is not None and by.queued:
            return by
        return self._free_waiter() or next((each for each in self.line if each.handed_at is not None), None)

    def _to_idle(self, slot: Slot, now: float) -> None:
        slot.idle_from = now
        slot.seen_left = slot.left
        self.ages.awake(now)
        self.lane.idle.append(slot)

    def _judge_return(self, slot: Slot, doubt: bool) -> None:
        """Decide whether a returned slot must be validated before its next hand-out."""
        if self.traits.validates and (doubt or self.settings.check_after == 0):
            slot.mark |= SUSPECT

    # ------------------------------------------------------------------ the match

    def owes_match(self, now: float) -> bool:
        """Tell a releaser that has seen waiters whether it must call `match`; takes no lock.

        While a nudge is in flight and the last hand-over is recent, it need not: the nudged waiter looks
        through idle after the nudge is cleared, and whoever else clears it does so under the mutex and
        matches afterwards. We append to idle first and read the nudge then, so if we still see it, that
        look comes after our append and finds the slot.
        """
        return self._nudged is None or now >= self.pace.due

    def taken_up(self, waiter: Waiter, now: float) -> None:
        """The thread of a waiter that was served, or has a chore, runs again: set the pace; takes no lock."""
        self.pace.taken_up(now, waiter.handed_at)
        waiter.handed_at = None

    def match(self, now: float) -> None:
        """A slot went to idle while somebody waited: hand it over, or nudge the oldest to come and get it."""
        idle, strict = self.lane.idle, self.traits.strict
        waiter = None if self.paused else self._next_in_line()
        if waiter is None:
            return
        if not strict and now < self.pace.due:
            self._nudge(waiter)
            return
        while idle and waiter is not None and self._serve(waiter, now):
            served = waiter
            waiter = self._next_in_line() if idle else None
            if not strict:
                self._handed_over(served, now)
                break
        if idle and waiter is not None:
            if self._all_suspect():
                self._supply(now)
            else:
                self._nudge(waiter)

    def rematch(self, now: float) -> None:
        """After a step that may have ended the nudge in flight: let nothing lie idle while somebody waits."""
        if self.lane.idle and self.line.count:
            self.match(now)

    def _nudge(self, waiter: Waiter) -> None:
        """Wake the oldest waiter to come and get what is idle; one such wake-up in flight at a time."""
        if self._nudged is None:
            self._nudged = waiter
            waiter.nudged = True
            self.commands.append(Wake(waiter))
