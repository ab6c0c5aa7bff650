"""A virtual shell for engine tests: events in virtual time, no thread, no sleep, the law after every step."""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from respool._adapter import Fault
from respool._config import settings_from
from respool._engine import (
    COUNTS,
    DONE,
    NEVER,
    SOMEBODY_WAITS,
    TAKEN,
    Abort,
    Create,
    Destroy,
    Engine,
    Loan,
    OnDemand,
    Reset,
    Sizer,
    Slot,
    SlotCommand,
    Traits,
    Validate,
    Waiter,
    Wake,
)
from respool._engine._ledger import Ledger
from respool.testing import VirtualClock
from tests.shells.strikes import strike

EXACT = COUNTS and "MUTANT_UNDER_TEST" not in os.environ
"""Whether reference counts tell who holds a slot: mutmut's wrappers hold the arguments of every call."""


class Boom(Exception):
    """What a failing adapter call raises here."""


class Thing:
    """A resource; ``holder`` shows that nobody shares it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.holder: object = None
        self.alive = True
        self.source: object = None


class Lease(Loan):
    """The world's lease."""

    __slots__ = ()


class CollectedLease(Lease):
    """The lease of a world without exact counts: its end tells that it was forgotten."""

    __slots__ = ("__weakref__", "_orphans")

    def __init__(self, orphans: Any) -> None:
        super().__init__()
        self._orphans = orphans

    def __del__(self) -> None:
        if getattr(self, "_hold", None):
            self._orphans.append(self._hold.pop())


class WatchedLedger(Ledger):
    """Notes which moves of the table were made."""

    __slots__ = ("moves",)

    def __init__(self) -> None:
        super().__init__()
        self.moves: Counter[tuple[str, str]] = Counter()

    def move(self, slot: Slot, event: str) -> None:
        """Note the move, then make it."""
        self.moves[slot.phase.value, event] += 1
        super().move(slot, event)


class Shared(deque[Slot]):
    """An idle deque as it is without the GIL: leases begin and end while somebody walks through it."""

    def __iter__(self) -> Iterator[Slot]:
        raise RuntimeError("deque mutated during iteration")

    def copy(self) -> deque[Slot]:
        """Copy it in one step."""
        return deque(super().__iter__())


class World:
    """An engine, its commands in flight, its callers; `step` methods are what a shell would do.

    Hand-overs are ``dear`` unless a test says otherwise: under eventual fairness they keep a pace.
    """

    def __init__(
        self,
        *,
        traits: Mapping[str, bool] | None = None,
        sizer: Sizer | None = None,
        seed: int = 0,
        counts: bool = EXACT,
        dear: bool = True,
        **options: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.random = random.Random(seed)
        self.settings = settings_from(options, default_name=lambda: "world")
        self.engine = Engine(
            self.settings,
            Traits(**(traits or {})),
            now=self.now,
            draw=self.random.random,
            sizer=sizer or OnDemand(),
            source="first",
            make_loan=Lease if counts else lambda: CollectedLease(self.engine.orphans),
            counts=counts,
        )
        self.ledger = self.engine.ledger = WatchedLedger()
        self.engine.lane.idle = Shared()
        if dear:
            self.engine.pace.takes = 1e30
        self.commands: list[SlotCommand] = []
        """Issued and not begun."""
        self.running: list[SlotCommand] = []
        """Begun and not answered."""
        self.aborted: list[int] = []
        self.woken: list[Waiter] = []
        self.things: list[Thing] = []
        self.destroyed: list[Thing] = []
        self.events: list[Any] = []

    @property
    def now(self) -> float:
        """The virtual time."""
        return self.clock.now()

    def do(self, event: Callable[..., Any], *args: Any, **facts: Any) -> Any:
        """Tell the engine something, take its commands, check the law."""
        engine = self.engine
        result = event(*args, self.now, **facts)
        self._take_commands()
        engine.check()
        noted, due = engine.wakes_at, engine.next_wakeup(self.now)
        assert noted <= due, f"{event.__name__} made something due at {due} and noted {noted}"
        # Asking has noted it: what was noted stands, as in a shell that goes on without asking.
        engine.wakes_at = noted
        return result

    def _take_commands(self) -> None:
        for command in self.engine.drain():
            if isinstance(command, Wake):
                self.woken.append(command.waiter)
            elif isinstance(command, Abort):
                self.aborted.append(command.slot.number)
            else:
                self.commands.append(command)
        while self.engine.reporter.events:
            self.events.append(self.engine.reporter.events.popleft())

    def told(self, kind: type) -> list[Any]:
        """List the events of a kind that a listener was told."""
        return [event for event in self.events if isinstance(event, kind)]

    def reasons(self) -> dict[str, int]:
        """Have everything destroyed that is to go; count the reasons."""
        self.run(Destroy)
        return dict(self.engine.stats(self.now).destroyed)

    def tear(self, event: Callable[..., Any], *args: Any, after: int, **facts: Any) -> bool:
        """Tell the engine something and interrupt it after so many bytecodes; False: it came to its end.

        What a shell does then: the next event mends, and the sweep finds what has lost its owner.
        """
        if strike(lambda: event(*args, self.now, **facts), after):
            return True
        self._take_commands()
        return False

    def mend(self) -> None:
        """The first event after a torn one; the sweep that it asks for finds what is lost."""
        self.engine.mend(self.now)
        self.sweep()

    def sweep(self, *, check: bool = True) -> None:
        """Have what was lost found: the law holds again afterwards."""
        engine = self.engine
        for _ in range(1 if engine.lane.counts else 3):
            engine.ages.due = min(engine.ages.due, self.now)
            engine.tick(self.now)
            self._take_commands()
        if check:
            engine.check()

    # ---- callers

    def ask(self, timeout: float | None = 30.0, *, waits: bool = True) -> Waiter:
        """Ask for a resource by the slow path."""
        waiter = Waiter(self.now, timeout)
        self.do(self.engine.ask, waiter, waits=waits)
        return waiter

    def acquire(self, timeout: float | None = 30.0) -> Lease | Waiter:
        """Ask as a shell does: the fast lane first."""
        lease = self.engine.lane.take()
        if lease is not None:
            self.engine.check()
            self._begin(lease)
            return lease
        waiter = self.ask(timeout)
        return self.collect(waiter) or waiter

    def lease(self) -> Lease:
        """Lease what can be had at once."""
        lease = self.acquire()
        assert isinstance(lease, Lease)
        return lease

    def overtake(self) -> None:
        """Let running callers overtake: a hand-over was taken up at this moment."""
        self.engine.pace.handed(self.now, 0.0)
        self.engine.pace.taken_up(self.now, self.now)

    def collect(self, waiter: Waiter, *, in_a_hurry: bool = False) -> Lease | None:
        """Take what a waiter was given, as his thread does when it has woken.

        ``in_a_hurry``: he has not slept yet, so he sees his answer and not that he was nudged before.
        """
        if waiter.chore is not None and not waiter.answered:
            self.clean(waiter)
        if waiter.nudged and not (in_a_hurry and waiter.answered):
            self.do(self.engine.retry, waiter)
        if waiter.chore is not None and waiter.answered:
            self.do(self.engine.hand_on, waiter)
        if waiter.loan is None or waiter.loan is TAKEN:
            return None
        self.engine.taken_up(waiter, self.now)
        lease: Lease = waiter.loan
        waiter.loan = TAKEN
        self._begin(lease)
        return lease

    def clean(self, waiter: Waiter, *, ok: bool = True, fault: Fault | None = None) -> None:
        """Let a waiter's thread carry out his chore to its end."""
        slot = waiter.chore
        assert slot is not None, "he has none"
        self.engine.taken_up(waiter, self.now)
        exc = None if ok else Boom("no")
        self.do(self.engine.was_reset, slot, ok=ok, exc=exc, fault=fault, by=waiter)

    def _begin(self, lease: Lease) -> None:
        thing = lease._hold[0].resource
        assert thing.alive, "a destroyed resource was handed out"
        assert thing.holder is None, "a resource has two holders"
        thing.holder = True

    def end(self, lease: Lease) -> Slot:
        """Take the slot out of a lease, as every way out of one begins."""
        slot = lease._hold.pop()
        slot.resource.holder = None
        return slot

    def release(self, lease: Lease, **facts: Any) -> None:
        """Give a resource back; with facts (soiled, doubt, fault) by the slow path."""
        slot = self.end(lease)
        if facts:
            self.do(self.engine.give_back, slot, **facts)
        else:
            self.give(slot)

    def give(self, slot: Slot) -> None:
        """Put a slot back by the fast lane, and do what that leaves to do."""
        code = self.engine.lane.give(slot)
        if code == SOMEBODY_WAITS:
            del slot
            if self.engine.owes_match(self.now):
                self.do(self.engine.match)
        elif code != DONE:
            self.do(self.engine.give_back, slot)
        else:
            self.engine.check()

    # ---- commands

    def begin(self, command: SlotCommand) -> bool:
        """Begin a command; False when the engine does not need it any more."""
        self.commands.remove(command)
        if not self.do(self.engine.started, command):
            return False
        assert not (self.engine.closing and isinstance(command, Create)), "a create begins after close"
        self.running.append(command)
        return True

    def succeed(self, command: SlotCommand) -> None:
        """Let a running command end well."""
        self.running.remove(command)
        slot = command.slot
        if isinstance(command, Create):
            thing = Thing(len(self.things))
            thing.source = slot.source
            self.things.append(thing)
            self.do(self.engine.created, slot, thing)
        elif isinstance(command, Validate):
            self.do(self.engine.validated, slot, ok=True)
        elif isinstance(command, Reset):
            self.do(self.engine.was_reset, slot, ok=True)
        else:
            self._destroy(slot, None)

    def fail(self, command: SlotCommand, fault: Fault = Fault.BACKEND_DOWN, **facts: Any) -> None:
        """Let a running command fail."""
        self.running.remove(command)
        slot = command.slot
        if isinstance(command, Create):
            self.do(self._create_failed, slot, fault, facts)
        elif isinstance(command, Validate):
            self.do(self.engine.validated, slot, ok=False, exc=Boom("no"), fault=fault)
        elif isinstance(command, Reset):
            self.do(self.engine.was_reset, slot, ok=False, exc=Boom("no"), fault=fault)
        else:
            self._destroy(slot, Boom("no"))

    def _create_failed(self, slot: Slot, fault: Fault, facts: dict[str, Any], now: float) -> None:
        self.engine.create_failed(slot, Boom("no"), fault, now, **facts)

    def _destroy(self, slot: Slot, exc: Exception | None) -> None:
        assert isinstance(slot.resource, Thing)
        self.bury(slot.resource)
        self.do(self.engine.destroyed, slot, exc=exc)

    def bury(self, thing: Thing) -> None:
        """Note the end of a resource."""
        assert thing.alive, "destroyed twice"
        assert thing.holder is None, "destroyed under its holder"
        thing.alive = False
        self.destroyed.append(thing)

    def refute(self, command: SlotCommand) -> None:
        """Let a running check answer False, without an exception."""
        self.running.remove(command)
        self.do(self.engine.validated, command.slot, ok=False)

    def run(self, kind: type[SlotCommand] = SlotCommand, *, rounds: int = 1000) -> int:
        """Carry out all commands of a kind, well, and what they lead to; give how many."""
        done = 0
        while rounds and (command := next((c for c in self.commands if isinstance(c, kind)), None)):
            rounds -= 1
            if self.begin(command):
                self.succeed(command)
                done += 1
        return done

    def begin_all(self, kind: type[SlotCommand] = SlotCommand) -> list[SlotCommand]:
        """Begin all commands of a kind and give those that run."""
        for command in [c for c in self.commands if isinstance(c, kind)]:
            self.begin(command)
        return [c for c in self.running if isinstance(c, kind)]

    # ---- time

    def advance(self, seconds: float) -> None:
        """Let time pass, ticking whenever the engine asks for it."""
        until = self.now + seconds
        for _ in range(100_000):
            due = self.engine.next_wakeup(self.now)
            if due > until or due == NEVER:
                break
            self.clock.advance(max(0.0, due - self.now))
            self.do(self.engine.tick)
        else:
            raise AssertionError("the engine asks to be woken without end")
        self.clock.advance(max(0.0, until - self.now))

    def filled(self, size: int) -> World:
        """Open so many resources and leave them idle."""
        waiters = [self.ask() for _ in range(size)]
        for _ in range(100):
            self.run(Create)
            if all(waiter.loan is not None for waiter in waiters):
                break
            self.advance(0.5)
        for waiter in waiters:
            lease = self.collect(waiter)
            assert lease is not None
            self.release(lease)
        self.clock.advance(0.01)  # no hand-over is recent any more
        return self

    def close(self) -> None:
        """Close, let everything end, and see that nothing is left."""
        self.do(self.engine.close)
        for _ in range(50):
            self.run()
            for command in tuple(self.running):
                self.succeed(command)
            if self.engine.closed:
                break
            self.advance(1.0)
        assert self.engine.closed, f"left after close: {list(self.engine.ledger)}"
        assert self.engine.next_wakeup(self.now) == NEVER, "a closed pool asks to be woken"
