"""A virtual shell for engine tests: events in virtual time, no thread, no sleep, the law after every step."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from respool._adapter import Fault
from respool._config import settings_from
from respool._engine import (
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
from respool.testing import VirtualClock


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


class World:
    """An engine, its commands in flight, its callers; `step` methods are what a shell would do."""

    def __init__(
        self,
        *,
        traits: Mapping[str, bool] | None = None,
        sizer: Sizer | None = None,
        seed: int = 0,
        counts: bool = True,
        **options: Any,
    ) -> None:
        self.clock = VirtualClock()
        self.random = random.Random(seed)
        self.settings = settings_from(options, default_name="world")
        self.engine = Engine(
            self.settings,
            Traits(**(traits or {})),
            now=self.now,
            draw=self.random.random,
            sizer=sizer or OnDemand(),
            source="first",
            make_loan=Lease,
            counts=counts,
        )
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
        result = event(*args, self.now, **facts)
        self._take_commands()
        self.engine.check()
        return result

    def _take_commands(self) -> None:
        for command in self.engine.drain():
            if isinstance(command, Wake):
                self.woken.append(command.waiter)
            elif isinstance(command, Abort):
                self.aborted.append(command.slot.number)
            else:
                self.commands.append(command)
        while self.engine.news.events:
            self.events.append(self.engine.news.events.popleft())

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
        return self.ask(timeout)

    def collect(self, waiter: Waiter) -> Lease | None:
        """Take what a waiter was given, as his thread does when it has woken."""
        if waiter.nudged:
            self.do(self.engine.retry, waiter)
        if waiter.loan is None or waiter.loan is TAKEN:
            return None
        lease: Lease = waiter.loan
        waiter.loan = TAKEN
        self._begin(lease)
        return lease

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
            return
        code = self.engine.lane.give(slot)
        if code == SOMEBODY_WAITS:
            del slot
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
        assert slot.resource.alive, "destroyed twice"
        assert slot.resource.holder is None, "destroyed under its holder"
        slot.resource.alive = False
        self.destroyed.append(slot.resource)
        self.do(self.engine.destroyed, slot, exc=exc)

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
        return self


def destroy_all(world: World) -> None:
    """Close, let everything end, and see that nothing is left."""
    world.do(world.engine.close)
    for _ in range(50):
        world.run()
        for command in tuple(world.running):
            world.succeed(command)
        if world.engine.closed:
            return
        world.advance(1.0)
    raise AssertionError(f"left after close: {list(world.engine.ledger)}, {Destroy.method}")
