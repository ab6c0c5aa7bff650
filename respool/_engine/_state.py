"""One pool's state (slots, line of waiters, commands): the bottom layer of the engine.

Every method here and in the layers above (supply, chores, hand-off, maintenance, results, admission) runs
under the shell's mutex. Unless it says otherwise, its caller owns the slot that it passes, and gives it away
by that.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, cast

import attrs

from ._ages import Ages
from ._commands import Command, Create, Destroy, Reset, SlotCommand, Validate, Wake
from ._growth import Growth, View
from ._lane import COUNTS, FreshLane, Lane
from ._latches import Latches
from ._laws.pace import Pace
from ._ledger import Ledger
from ._meter import Meter
from ._slot import CREATING, LIVE, OBSERVED, RESETTING, RETIRE, Phase, Slot
from ._waiters import NEVER, Refusal, Waiter, WaitLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._config import Settings
    from ._growth import Sizer
    from ._maintenance import Maintenance

__all__ = ["COMMAND_OF", "PoolState", "Traits"]

INFANCY = 1.0
"""Seconds: a resource found dead within this time, and before any use, counts as dead when it was made."""
COMMAND_OF: dict[Phase, type[SlotCommand]] = {
    Phase.CREATING: Create,
    Phase.CHECKING: Validate,
    Phase.RESETTING: Reset,
    Phase.CLOSING: Destroy,
}


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Traits:
    """What the engine must know of the adapter and the shell."""

    validates: bool = True
    resets: bool = True
    aborts: bool = False
    """Whether the adapter can end a call that hangs on a resource."""
    cancels: bool = False
    """Whether the shell can end any call, also one that has no resource yet."""
    strict: bool = False
    callers_clean: bool = False
    """Whether a caller who waits can carry out a reset: under threads, where one that hangs can be ended."""


class PoolState:
    """The state of a pool; how a waiter is refused, and how a slot is given to a command."""

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
        # Late: the events are a tenth of `import respool`. Here: no import may run under the mutex.
        from ._reporter import Reporter

        self.reporter = Reporter(settings.name, observed=bool(settings.on_event))
        self.checks_each = traits.validates and settings.check_after == 0
        self.closing = self.paused = self.torn = False
        # The casts hold: the layers only divide the code for the reader, every instance is an `Engine`.
        self.ages = Ages(cast("Maintenance", self), now)
        self.latches = Latches(cast("Maintenance", self))
        self.keeping_alive = 0
        """The number of the slot that a keepalive checks now, or 0."""
        self.generation = 0
        self.orphans: deque[Slot] = deque()
        """Slots out of collected leases: appended by finalizers, which may take no lock."""
        self.commands: deque[Command] = deque()
        """What the shell has to do: taken all at once by `Engine.drain`, or one by one off the left."""
        self._source = source
        self._outdated: set[int] = set()
        """Creations under way, by number, of an adapter that another has replaced: for nobody."""
        self._draw = draw
        self.soiled: deque[Slot] = deque()
        """Slots whose reset waits for the next caller to carry it out, or for a worker; see `Chores`."""
        self._soiled_due = NEVER
        """When to look whether something soiled has waited too long."""
        self._soiled_lately = False
        """Whether anything came back soiled since that look."""
        self._abort_has_failed = False
        """Whether a reset has outlasted its abort: from then on no caller is asked to run one."""
        self._due: dict[int, float] = {}
        """When each started command is given up, by slot number."""
        self.wakes_at = NEVER
        """When to tick next, or earlier: what becomes due sooner lowers it at once (`wake_by`); what is put
        off or falls away is noticed by the next tick, which may then find nothing to do. Computing the exact
        time after every event was a fifth of the cost of a lease that had to be waited for."""
        self.pace = Pace()
        self._nudged: Waiter | None = None
        """The one waiter that was woken to come and look, and has not looked yet."""
        self._doubt_checks = False
        """Whether a check went unanswered and none has passed since: then creation waits for no check."""
        self._missing: dict[int, int] = {}
        """Slots that the last sweep found nowhere, with the uses they had left; on a `FreshLane` only."""
        self._always = OBSERVED if self.exact or self.checks_each else 0
        """The marks that every slot carries."""
        self.lane.set_gate(strict=traits.strict, shut=self.exact)

    @property
    def exact(self) -> bool:
        """Whether every lease takes the slow path, for exact times or stacks."""
        return self.reporter.observed or self.settings.leak_after is not None

    @property
    def in_use(self) -> int:
        """How many resources callers hold."""
        held = self.ledger.count[LIVE] - len(self.lane.idle)
        return held if held > 0 else 0

    @property
    def open(self) -> int:
        """How many resources are open or being created; those being destroyed do not count."""
        return self.ledger.size - self.ledger.closing

    @property
    def spare(self) -> int:
        """How many there are beyond the floor; what is being created may come to nothing, and is none."""
        return self.open - self.ledger.count[CREATING] - self.floor()

    @property
    def creating(self) -> int:
        """How many creations are under way for somebody."""
        return self.ledger.count[CREATING] - len(self._outdated)

    @property
    def promised(self) -> int:
        """How many are on their way to waiters: being created, checked or reset."""
        count = self.ledger.count
        checking = 0 if self._doubt_checks else count[Phase.CHECKING]
        return self.creating + count[RESETTING] + checking

    @property
    def stuck(self) -> int:
        """How many calls were given up and have not returned."""
        return self.ledger.count[Phase.STUCK]

    def view(self, now: float) -> View:
        """Show the pool to a sizer."""
        return View(
            now=now,
            min_size=self.min_size,
            max_size=self.max_size,
            size=self.ledger.size,
            idle=len(self.lane.idle) + len(self.soiled),
            in_use=self.in_use,
            creating=self.creating,
            closing=self.ledger.closing + len(self._outdated),
            waiting=self.line.count,
            promised=self.promised,
            ledger=self.ledger,
        )

    def floor(self) -> int:
        """How many resources are kept open though nobody waits."""
        return min(self.wish(), self.growth.ceiling(self.max_size))

    def wish(self) -> int:
        """How many would be kept open if the backend granted them."""
        if self.closing:
            return 0
        return max(self.min_size, self.growth.sizer.floor(), self.latches.floor())

    def _unwanted(self, slot: Slot, now: float) -> str | None:
        """Give the reason to destroy a free slot; None: it may stay."""
        if self.closing:
            return "closed"
        if slot.mark & RETIRE or slot.expires <= now:
            return slot.reason or "lifetime"
        if slot.left <= 0:
            return "uses"
        ledger = self.ledger
        if slot.counted and ledger.size - ledger.closing > self.growth.sizer.ceiling(self.max_size):
            return "resized"
        return None

    def target(self, now: float) -> int:
        """How many resources the sizing policy wants, within the limits; 0 once the pool closes."""
        if self.closing:
            return 0
        wanted = max(self.floor(), self.growth.sizer.target(now))
        return min(wanted, self.growth.ceiling(self.max_size))

    def _excess(self) -> int:
        """How many resources there are beyond the cap, or beyond what the policy finds useful."""
        cap = self.growth.sizer.ceiling(self.max_size)
        return self.open - cap

    def wake_by(self, moment: float) -> None:
        """Note that something is due at a moment."""
        if moment < self.wakes_at:
            self.wakes_at = moment

    # ------------------------------------------------------------------ refusals

    def _leave(self, waiter: Waiter) -> None:
        self.line.leave(waiter)
        if self._nudged is waiter:
            self._nudged = None

    def refuse(self, waiter: Waiter, refusal: Refusal, now: float) -> None:
        """Tell a waiter that it gets nothing; an answer that it has already stands."""
        if waiter.answered:
            return
        waiter.refusal = refusal
        self.reporter.refused(refusal.why, waiter, now)
        self.growth.sizer.waited(now - waiter.arrived)
        if waiter.queued:
            self.commands.append(Wake(waiter))
            self._leave(waiter)

    def _refuse_all(self, refusal: Refusal, now: float) -> None:
        for waiter in tuple(self.line):
            self.refuse(waiter, refusal, now)
        self.latches.refuse(refusal)

    # ------------------------------------------------------------------ commands

    def _command(self, slot: Slot, event: str, command: type[SlotCommand], now: float) -> None:
        """Move a slot and issue the command that owns it from then on."""
        self._entrust(slot, event, command, now)
        self.commands.append(command(slot))

    def _entrust(self, slot: Slot, event: str, command: type[SlotCommand], now: float) -> None:
        """Move a slot to a command, which owns it from then on, issued or not."""
        slot.command = command
        slot.started = False
        slot.asked_at = now
        self.ledger.move(slot, event)

    def _begun(self, slot: Slot, command: type[SlotCommand], now: float) -> None:
        """Somebody begins to carry a command out, and has until its phase timeout."""
        slot.started = True
        slot.asked_at = now
        due = self._due[slot.number] = now + getattr(self.settings, f"{command.method}_timeout")
        self.wake_by(due)

    def emit(self, command: Command) -> None:
        """Issue a command."""
        self.commands.append(command)

    def issue_again(self, slot: Slot) -> None:
        """Issue a slot's command once more; `Engine.started` lets only one begin."""
        slot.command = COMMAND_OF[slot.phase]
        self.commands.append(slot.command(slot))

    def _finished(self, slot: Slot) -> None:
        """A command has answered: the caller owns the slot."""
        slot.command = None
        slot.started = False
        self._due.pop(slot.number, None)
        self._outdated.discard(slot.number)
        if self.keeping_alive == slot.number:
            self.keeping_alive = 0

    def _speaks(self, slot: Slot) -> bool:
        """Whether a creation's outcome says anything of the present backend: its adapter was not replaced."""
        return slot.source is self._source

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
            if not slot.uses and now - slot.born <= INFANCY:
                self.growth.stillborn(now)
                self.wake_by(self.growth.next_wakeup(now))
            else:
                self.growth.gate.shaken()
        slot.reason = reason
        self._command(slot, "retire", Destroy, now)
