"""What can happen to a slot, step by step: the machinery under the engine's events.

Every method here runs under the shell's mutex. A method that takes a slot says who owns it: unless noted,
the caller does, and gives it away by the call.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from .._adapter import Fault
from ._ages import Ages
from ._commands import Abort, Command, Create, Destroy, Reset, SlotCommand, Validate, Wake
from ._growth import Growth, View
from ._lane import COUNTS, FreshLane, Lane, nobody_else_has
from ._latches import Latches
from ._ledger import Ledger
from ._meter import Meter
from ._news import News
from ._slot import OBSERVED, PARKED, RETIRE, SUSPECT, UNLIMITED, Phase, Slot
from ._waiters import PhaseName, Refusal, Waiter, WaitLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._config import Settings
    from ._growth import Sizer

__all__ = ["NEVER", "Moves", "Traits"]

NEVER = float("inf")
LOOK_AHEAD = 8
"""How many suspect slots a caller looks past for one that is not: a bound, so that 10,000 cost no more."""
HAND_OVER = 0.0001
"""Eventual fairness: the first release at least this long, s, after the last hand-over assigns its resource
to the oldest waiter. At 0.0005 the Jain index of 64 threads on 4 resources fell to 0.5."""
JITTER = 0.25
"""A lifetime is shortened by up to this share, drawn once per resource, so that not all expire together."""

COMMAND_OF: dict[Phase, type[SlotCommand]] = {
    Phase.CREATING: Create,
    Phase.CHECKING: Validate,
    Phase.RESETTING: Reset,
    Phase.CLOSING: Destroy,
}


@attrs.frozen(kw_only=True)
class Traits:
    """What the engine must know of the adapter and the shell."""

    validates: bool = True
    resets: bool = True
    aborts: bool = False
    """Whether the adapter can end a call that hangs on a resource."""
    cancels: bool = False
    """Whether the shell can end any call, also one that has no resource yet."""
    strict: bool = False


class Moves:
    """The books of one pool, and the moves that keep the law."""

    def __init__(
        self,
        settings: Settings,
        traits: Traits,
        *,
        now: float,
        draw: Callable[[], float],
        sizer: Sizer,
        source: Any = None,
        make_loan: Callable[[], Any],
        counts: bool = COUNTS,
    ) -> None:
        self.settings = settings
        self.traits = traits
        self.min_size, self.max_size = settings.min_size, settings.max_size
        self.ledger = Ledger()
        self.line = WaitLine()
        self.lane = (Lane if counts else FreshLane)(self.line, make_loan, lifo=settings.order == "lifo")
        self.growth = Growth(sizer, settings.max_creating, draw)
        self.meter = Meter()
        sizer.bind(self.meter, settings.max_size)
        self.news = News(settings.name, observed=bool(settings.on_event))
        self.checks_each = traits.validates and settings.check_after == 0
        self.closing = self.paused = self.torn = False
        self.ages = Ages(self, now)
        self.latches = Latches(self)
        self.keeping_alive = 0
        """The number of the slot that a keepalive checks now, or 0."""
        self.generation = 0
        self.orphans: deque[Slot] = deque()
        """Slots out of collected leases: appended by finalizers, which may take no lock."""
        self._out: deque[Command] = deque()
        self._source = source
        self._draw = draw
        self._due: dict[int, float] = {}
        """When each started command is given up, by slot number."""
        self._handed_at = -NEVER
        self._nudged: Waiter | None = None
        self._doubt_checks = False
        self._missing: dict[int, int] = {}
        self._always = OBSERVED if self.exact or self.checks_each else 0
        self.lane.set_gate(strict=traits.strict, observed=self.exact)

    # ------------------------------------------------------------------ what is the case

    @property
    def exact(self) -> bool:
        """Whether every lease takes the slow path, for exact times or stacks."""
        return self.news.observed or self.settings.leak_after is not None

    @property
    def in_use(self) -> int:
        """How many resources callers hold."""
        return max(0, self.ledger.count[Phase.LIVE] - len(self.lane.idle))

    @property
    def open(self) -> int:
        """How many resources there are, on their way included, that are not being destroyed."""
        return self.ledger.size - self.ledger.closing

    @property
    def stuck(self) -> int:
        """How many calls were given up and have not returned."""
        return self.ledger.count[Phase.STUCK]

    def view(self, now: float) -> View:
        """Show the pool to a sizer."""
        count = self.ledger.count
        checking = 0 if self._doubt_checks else count[Phase.CHECKING]
        return View(
            now=now,
            min_size=self.min_size,
            max_size=self.max_size,
            size=self.ledger.size,
            idle=len(self.lane.idle),
            in_use=self.in_use,
            creating=count[Phase.CREATING],
            closing=self.ledger.closing,
            waiting=self.line.count,
            promised=count[Phase.CREATING] + count[Phase.RESETTING] + checking,
            ledger=self.ledger,
        )

    def floor(self) -> int:
        """How many resources are kept open though nobody waits."""
        return min(self.wish(), self.growth.ceiling(self.max_size))

    def wish(self) -> int:
        """How many would be kept open, did the backend grant them."""
        if self.closing:
            return 0
        return max(self.min_size, self.growth.sizer.floor(), self.latches.floor())

    def _unwanted(self, slot: Slot, now: float) -> str | None:
        """Give the reason why a free slot may not live on."""
        if self.closing:
            return "closed"
        if slot.mark & RETIRE or slot.expires <= now:
            return slot.reason or "lifetime"
        if slot.left <= 0:
            return "uses"
        if slot.counted and self._excess() > 0:
            return "resized"
        return None

    def target(self, now: float) -> int:
        """How many resources the sizing policy finds right, within the limits."""
        wanted = max(self.floor(), self.growth.sizer.target(now))
        return min(wanted, self.growth.ceiling(self.max_size))

    def _excess(self) -> int:
        """How many resources there are beyond the cap, or beyond what the policy finds useful."""
        cap = self.growth.sizer.ceiling(self.max_size)
        return self.open - cap

    # ------------------------------------------------------------------ to a caller and back

    def _serve(self, waiter: Waiter, now: float) -> bool:
        """Give a waiter an idle slot that is fit, if there is one near the hot end."""
        passed: list[Slot] = []
        served = False
        while not served and len(passed) < LOOK_AHEAD and (slot := self.lane.pop()) is not None:
            if (reason := self._unwanted(slot, now)) is not None:
                self.retire(slot, reason, now)
            elif slot.mark & SUSPECT:
                passed.append(slot)
            else:
                self._grant(waiter, slot, now)
                served = True
        for slot in reversed(passed):
            self.lane.put_back(slot)
        return served

    def _grant(self, waiter: Waiter, slot: Slot, now: float) -> None:
        """Lend a slot to a waiter, who may or may not stand in line."""
        slot.mark &= ~PARKED
        slot.lent_at = now
        slot.leak_told = False
        slot.acquirer = waiter.acquirer
        used_before = slot.left != slot.limit
        waiter.loan = self.lane.lend(slot)
        self.ages.awake(now)
        self.news.granted(waiter, slot, now)
        if waiter.queued:
            self._out.append(Wake(waiter))
            self._leave(waiter)
            self.meter.granted(now, self.in_use, self.line.count, handed=used_before)
        else:
            self.meter.granted(now, self.in_use, self.line.count, handed=False)
        self.growth.sizer.waited(now - waiter.arrived)

    def _leave(self, waiter: Waiter) -> None:
        self.line.leave(waiter)
        if self._nudged is waiter:
            self._nudged = None

    def owes_match(self, now: float) -> bool:
        """Tell a releaser who has seen waiters whether he must call `match`; takes no lock.

        While a nudge is in flight and the last hand-over is recent, he need not: the nudged waiter looks
        through idle after the nudge is cleared, and whoever else clears it does so under the mutex and
        matches afterwards. We append to idle first and read the nudge then, so if we still see it, that
        look comes after our append and finds the slot.
        """
        return self._nudged is None or now - self._handed_at >= HAND_OVER

    def taken_up(self, now: float) -> None:
        """The thread of a waiter who was served runs again; takes no lock, for it only sets the pace.

        The pace counts from here: where a thread switch takes longer than HAND_OVER, counting from the
        hand-over itself would make every release one, and every lease cost a thread switch.
        """
        self._handed_at = now

    def match(self, now: float) -> None:
        """A slot went to idle while somebody waited: hand it over, or nudge the oldest to come and get it."""
        waiter = self.line.first()
        if waiter is None or self.paused:
            return
        if not self.traits.strict and now - self._handed_at < HAND_OVER:
            self._nudge(waiter)
            return
        while waiter is not None and self._serve(waiter, now):
            self._handed_at = now
            waiter = self.line.first()
            if not self.traits.strict:
                break
        if waiter is not None and self.lane.idle:
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
            self._out.append(Wake(waiter))

    def refuse(self, waiter: Waiter, refusal: Refusal, now: float) -> None:
        """Tell a waiter that he gets nothing; an answer that he has already stands."""
        if waiter.answered:
            return
        waiter.refusal = refusal
        self.news.refused(refusal.why, waiter, now)
        self.growth.sizer.waited(now - waiter.arrived)
        if waiter.queued:
            self._out.append(Wake(waiter))
            self._leave(waiter)

    def _timeout_of(self, waiter: Waiter, now: float) -> Refusal:
        """Say what the waiter was waiting for, with the last backend error of his time as the cause."""
        count = self.ledger.count
        outage = self.growth.gate.outage
        phase: PhaseName = "wait"
        if self.paused or not self.max_size:
            phase = "wait"
        elif count[Phase.CREATING] or (outage and self._room() > 0) or not self.ledger.size:
            phase = "create"
        elif count[Phase.CHECKING]:
            phase = "validate"
        cause = self.news.cause_since(waiter.arrived, ongoing=outage or not self.ledger.size)
        if cause is None and phase != "wait" and waiter.arrived < now and self.ledger.size:
            cause = self._silence(phase, now)
            # A call that begins at this very moment is not what he has waited for.
            phase = "wait" if cause is None else phase
        return Refusal("timeout", phase, cause=cause)

    def _silence(self, phase: PhaseName, now: float) -> TimeoutError | None:
        """Say which call is waited for in vain, where none has failed yet."""
        awaited = Phase.CREATING if phase == "create" else Phase.CHECKING
        since = min((slot.asked_at for slot in self.ledger if slot.phase is awaited), default=now)
        return TimeoutError(f"{phase} has not returned for {now - since:.1f} s") if since < now else None

    def offer(self, slot: Slot, now: float, *, rested: bool = False) -> None:
        """A slot is free and clean: to the oldest waiter, else to idle, unless its time is over.

        ``rested``: it was in nobody's use, so it goes back to its place by age.
        """
        slot.mark &= ~PARKED
        waiter = None if self.paused else self.line.first()
        if (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
        elif slot.mark & SUSPECT and self.traits.validates:
            self._to_idle(slot, now)
            self._supply(now)
        elif waiter is not None:
            self._handed_at = now
            self._grant(waiter, slot, now)
            self.rematch(now)
        elif rested:
            self.ages.awake(now)
            self.lane.rest(slot)
        else:
            self._to_idle(slot, now)

    def _to_idle(self, slot: Slot, now: float) -> None:
        slot.idle_from = now
        slot.seen_left = slot.left
        self.ages.awake(now)
        self.lane.idle.append(slot)

    def _judge_return(self, slot: Slot, doubt: bool) -> None:
        """Decide whether a returned slot must be validated before its next hand-out."""
        if self.traits.validates and (doubt or self.settings.check_after == 0):
            slot.mark |= SUSPECT

    # ------------------------------------------------------------------ commands

    def _command(self, slot: Slot, event: str, command: type[SlotCommand], now: float) -> None:
        """Move a slot and give it to a command."""
        slot.command = command
        slot.started = False
        slot.asked_at = now
        self.ledger.move(slot, event)
        self._out.append(command(slot))

    def emit(self, command: Command) -> None:
        """Put a command out."""
        self._out.append(command)

    def _finished(self, slot: Slot) -> None:
        """A command has answered: the slot is ours again."""
        slot.command = None
        slot.started = False
        self._due.pop(slot.number, None)
        if self.keeping_alive == slot.number:
            self.keeping_alive = 0

    def check_slot(self, slot: Slot, now: float, *, keepalive: bool = False) -> None:
        """Have a slot validated."""
        if keepalive:
            self.keeping_alive = slot.number
        self._command(slot, "check", Validate, now)

    def retire(self, slot: Slot, reason: str, now: float) -> None:
        """Have a slot destroyed."""
        if slot.phase is Phase.GONE:
            self.ledger.readmit(slot)
        if reason in ("broken", "invalid"):
            self.growth.gate.shaken()
        slot.reason = reason
        self._command(slot, "retire", Destroy, now)

    def _create(self, now: float, *, wanted: bool) -> None:
        limit = self.settings.max_uses or UNLIMITED
        slot = self.ledger.open(self._source, self.generation, limit, now)
        slot.wanted = wanted
        slot.command = Create
        self.growth.sizer.creating(now, self.open)
        self._out.append(Create(slot))

    def _draw_lifetime(self, slot: Slot, now: float) -> None:
        if self.settings.max_lifetime is not None:
            lifetime = self.settings.max_lifetime * (1 - JITTER * self._draw())
            slot.expires = min(slot.expires, now + lifetime)

    def look_around(self, now: float) -> None:
        """A place is free, a slot has left the books, or a latch waits: see who is glad of it."""
        self.latches.look(now)
        self._supply(now)

    # ------------------------------------------------------------------ supply

    def _supply(self, now: float, impatient: int = 0) -> None:
        """Start what the waiters need: checks of suspects first, then creations."""
        if self.closing:
            return
        view = self.view(now)
        need = view.waiting + impatient - view.promised
        if self._doubt_checks:
            # Nobody answers the checks: one goes on, to learn the truth, and creation goes on beside it.
            if need > 0 and not self.ledger.count[Phase.CHECKING]:
                self._check_hot(1, now)
            self._make_room(need - self._room(), now)
        elif need > 0:
            checks = self._check_hot(need, now) if self.lane.idle else 0
            impatient = min(impatient, max(0, need - checks))
            if checks:
                view = self.view(now)
            # What is idle and fit is on its way as well: to a nudged waiter.
            view.promised += len(self.lane.idle)
        floor = self.floor()
        view.waiting += impatient
        starts = self.growth.starts(view, floor, self.stuck)
        for _ in range(starts):
            self._create(now, wanted=impatient > 0 or self.ledger.size < floor)

    def knock(self, now: float) -> None:
        """A session answers in an outage: try whether a new one can be had, though nobody waits for it.

        Else an outage that the sessions have survived would last until somebody needs one more. Where there
        is no room for one, nobody can be refused one, and it is over.
        """
        if not self.news.in_outage or self.closing or self.ledger.count[Phase.CREATING]:
            return
        if self._room() <= 0:
            self.news.outage_ended(now)
        elif self.stuck < self.settings.max_creating and self.growth.gate.room(now) > 0:
            self._create(now, wanted=True)

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
        for slot in tuple(self.lane.idle):
            if places <= 0:
                return
            if slot.mark & SUSPECT and self.lane.claim(slot):
                self.retire(slot, "suspect", now)
                places -= 1

    def _all_suspect(self) -> bool:
        return all(slot.mark & SUSPECT for slot in self.lane.hottest(LOOK_AHEAD))

    def suspect_idle(self) -> None:
        """From now on nothing idle is handed out unchecked."""
        if not self.traits.validates:
            return
        for slot in tuple(self.lane.idle):
            slot.mark |= SUSPECT
        if self.ledger.count[Phase.RESETTING]:
            for slot in self.ledger:
                slot.doubt |= slot.phase is Phase.RESETTING

    def doubt_checks(self) -> None:
        """A check was not answered: the others may not be either, so creation goes on beside them."""
        self._doubt_checks = True
        self.suspect_idle()

    def _is_pointless(self, slot: Slot) -> bool:
        """Whether a creation that has not started would only be destroyed, or serve nobody."""
        if self.closing or slot.mark & RETIRE or self._excess() > 0:
            return True
        return not slot.wanted and self._is_surplus()

    def _is_surplus(self) -> bool:
        """Whether the waiters who asked for a creation that has not started are served without it."""
        return self.line.count < self.ledger.count[Phase.CREATING] and self.ledger.size > self.floor()

    def _judge_failure(self, exc: BaseException, fault: Fault, now: float) -> None:
        """Draw the consequences of a failed creation."""
        count = self.ledger.count
        if fault is Fault.CAPACITY:
            self.growth.refused(now, self.ledger.size)
            self.news.capacity(self.growth.ceiling(self.max_size), exc, now)
            return
        self.growth.failed(now)
        if fault is Fault.CONFIG:
            self.news.config_fault(exc, now)
            if not count[Phase.LIVE] + count[Phase.CHECKING] + count[Phase.RESETTING]:
                self._refuse_all(Refusal("backend", "create", cause=exc), now)
        elif fault is Fault.BACKEND_DOWN:
            self.news.outage_began(exc, now)
            self.suspect_idle()

    def _refuse_all(self, refusal: Refusal, now: float) -> None:
        for waiter in tuple(self.line):
            self.refuse(waiter, refusal, now)
        self.latches.refuse(refusal)

    # ------------------------------------------------------------------ too many, too late, lost

    def _shrink_to_cap(self, now: float) -> None:
        """Close what is idle beyond the cap, and have every return looked at while there is a surplus."""
        self._retire_cold(self._excess(), "resized", now)
        if self._excess() > 0:
            for slot in self.ledger:
                slot.mark |= PARKED

    def _retire_cold(self, most: int, reason: str, now: float) -> int:
        """Retire the coldest idle slots; give how many."""
        retired = 0
        for slot in tuple(self.lane.idle):
            if retired >= most:
                break
            if self.lane.claim(slot):
                self.retire(slot, reason, now)
                retired += 1
        return retired

    def _retire_marked(self, now: float) -> None:
        for slot in tuple(self.lane.idle):
            if slot.mark & RETIRE and self.lane.claim(slot):
                self.retire(slot, slot.reason, now)

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
        self.news.given_up(slot, silence, now)
        self.ledger.move(slot, "overdue")
        if self.traits.cancels or (self.traits.aborts and slot.resource is not None):
            self._out.append(Abort(slot))
        if phase is Phase.CREATING:
            self.growth.failed(now)
            self.news.outage_began(silence, now)
        else:
            self.growth.gate.shaken()
        if phase is Phase.CHECKING:
            self.doubt_checks()
        self.look_around(now)

    def put_off(self, late: float) -> None:
        """Nothing has run for so long: calls that are under way get the time back."""
        for number in self._due:
            self._due[number] += late

    def report_leak(self, slot: Slot, now: float) -> None:
        """Warn once of a lease held longer than ``leak_after``."""
        limit = self.settings.leak_after
        if limit is not None and not slot.leak_told and now - slot.lent_at >= limit:
            slot.leak_told = True
            self.news.leaking(slot, now)

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
        elif nobody_else_has(slot):
            self._recover(slot, now, forgotten=False)

    def _recover(self, slot: Slot, now: float, *, forgotten: bool) -> None:
        """Give a lost slot an owner again."""
        if slot.phase is Phase.LIVE:
            slot.command = None
            self.news.recovered(slot, now, forgotten=forgotten)
            self._take_in(slot, now)
        elif slot.started:
            self._lost_call(slot, now)
        else:
            self.issue_again(slot)

    def issue_again(self, slot: Slot) -> None:
        """Put a slot's command out once more; `Engine.started` lets only one begin."""
        slot.command = COMMAND_OF[slot.phase]
        self._out.append(slot.command(slot))

    def _take_in(self, slot: Slot, now: float) -> None:
        """Whoever held it may have left anything behind: clean it, and check it."""
        if (reason := self._unwanted(slot, now)) is not None:
            self.retire(slot, reason, now)
            return
        if self.traits.resets:
            slot.doubt = self.traits.validates
            self._command(slot, "clean", Reset, now)
        else:
            self._judge_return(slot, doubt=True)
            self.offer(slot, now)

    def _lost_call(self, slot: Slot, now: float) -> None:
        """Whoever carried out the call is gone, and its result with him."""
        phase, command = slot.phase, slot.command
        self._finished(slot)
        if phase is Phase.CREATING:
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

    def _write_off_if_missing(self, slot: Slot, now: float) -> None:
        """Without exact counts: a slot nowhere for two sweeps in a row is written off, and replaced."""
        if slot.phase is not Phase.LIVE or slot in self.lane.idle or self.lane.loan_of(slot) is not None:
            self._missing.pop(slot.number, None)
        elif self._missing.get(slot.number) == slot.left:
            del self._missing[slot.number]
            # Should somebody still have it in hand, it will be destroyed when he brings it.
            slot.mark |= RETIRE
            slot.reason = "written off"
            self.ledger.move(slot, "write off")
            self.look_around(now)
        else:
            self._missing[slot.number] = slot.left
