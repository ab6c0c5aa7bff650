"""The engine in virtual time: a shell like the threads' and asyncio's, without threads and without loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._adapter import Fault
from .._engine import (
    DONE,
    NEVER,
    SOMEBODY_WAITS,
    TAKEN,
    Create,
    Destroy,
    Engine,
    Loan,
    Slot,
    SlotCommand,
    Traits,
    Validate,
    Waiter,
    Wake,
)
from .._sizers import sizer_for
from .workload import split

if TYPE_CHECKING:
    from .._config import Settings
    from ._world import Caller, World

__all__ = ["EnginePool"]


class BackendDown(Exception):
    """What a driver raises when nobody answers."""


class TooManyConnections(Exception):
    """What a driver raises when the backend has no room for one more."""


class Lease(Loan):
    """A lease in virtual time; fit for a `FreshLane` too."""

    __slots__ = ("__weakref__",)


class EnginePool:
    """The product's engine as the pool of a `World`."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world = world
        self._backend = world.backend
        self._settings = settings
        self.engine = Engine(
            settings,
            Traits(validates=bool(world.backend.outages), resets=False, strict=settings.fairness == "strict"),
            now=world.now,
            draw=split(world.rng).random,
            sizer=sizer_for(settings),
            source=None,
            make_loan=Lease,
        )
        self._take, self._give = self.engine.lane.take, self.engine.lane.give
        self._probes = bool(world.backend.outages)
        self._open: dict[int, float] = {}
        self._due = NEVER
        self._stale = False
        """Whether ``_due`` must be asked again."""
        self.tick()

    # ---- the world's side

    def ask(self, caller: Caller) -> None:
        """Ask as a shell does: the fast lane first."""
        lease = self._take() if self._world.timeout != 0 else None
        if lease is not None and not self._probes:
            caller.lease = lease
            self._world.served(caller)
            return
        if lease is not None:
            self._hand_over(caller, lease)
            return
        self._ask(caller)

    def end(self, caller: Caller) -> None:
        """Give a lease back, as a shell does."""
        slot = caller.lease._hold.pop()
        if caller.broken:
            caller.lease = None
            self.engine.give_back(slot, self._world.now, fault=Fault.BACKEND_DOWN)
        else:
            code = self._give(slot)
            if code == DONE:
                return
            if code == SOMEBODY_WAITS:
                self.engine.match(self._world.now)
            else:
                self.engine.give_back(slot, self._world.now)
        del slot
        self._follow_up()

    def due(self) -> float:
        """Give the engine's next wake-up."""
        if self._stale:
            self._due = self.engine.next_wakeup(self._world.now)
            self._stale = False
        return self._due

    def tick(self) -> None:
        """Wake the engine."""
        self.engine.tick(self._world.now)
        self._follow_up()

    def state(self) -> tuple[int, int, int]:
        """Give size, waiters and target."""
        engine = self.engine
        return engine.ledger.size, engine.line.count, engine.target(self._world.now)

    def finish(self) -> None:
        """Charge for what is still open."""
        for start in self._open.values():
            self._world.tally.ended(start, self._world.now)

    # ---- callers

    def _ask(self, caller: Caller) -> None:
        """Ask by the slow path."""
        waiter = Waiter(self._world.now, self._world.timeout)
        self._tell(waiter, caller)

    def _tell(self, waiter: Waiter, caller: Caller, *, again: bool = False) -> None:
        waiter.signal, waiter.loan = caller, None
        self.engine.ask(waiter, self._world.now, waits=waiter.timeout != 0, again=again)
        if waiter.answered:
            self._answer(waiter)
        self._follow_up()

    def _wake(self, waiter: Waiter) -> None:
        if waiter.nudged:
            self.engine.retry(waiter, self._world.now)
        if waiter.answered:
            self._answer(waiter)

    def _answer(self, waiter: Waiter) -> None:
        """Give a waiter its answer, once."""
        caller, waiter.signal = waiter.signal, None
        if caller is None:
            return
        if waiter.refusal is not None:
            self._world.refused(caller, waiter.refusal.why)
            return
        lease, waiter.loan = waiter.loan, TAKEN
        self._hand_over(caller, lease, waiter)

    def _hand_over(self, caller: Caller, lease: Lease, waiter: Waiter | None = None) -> None:
        """Probe, as a shell does at every hand-out, and let the lease begin; ``waiter`` is who had to ask."""
        now, slot = self._world.now, lease._hold[0]
        if self._probes and not self._backend.alive(slot.born, now):
            lease._hold.clear()
            self.engine.probe_failed(slot, BackendDown("hung up"), now)
            if waiter is None:
                self._ask(caller)
            else:
                self._tell(waiter, caller, again=True)
            return
        caller.lease = lease
        self._world.served(caller)

    # ---- commands

    def _follow_up(self) -> None:
        """Carry out commands until there are none, and hand events to the listeners."""
        self._stale = True
        engine = self.engine
        while engine.commands:
            for command in engine.drain():
                if isinstance(command, Wake):
                    self._wake(command.waiter)
                elif isinstance(command, SlotCommand):
                    self._carry_out(command)
        events = engine.reporter.events
        if events:
            for listener in self._settings.on_event:
                for event in events:
                    listener(event)
            events.clear()

    def _carry_out(self, command: SlotCommand) -> None:
        world, slot = self._world, command.slot
        if not self.engine.started(command, world.now):
            return
        if isinstance(command, Create):
            self._create(slot)
        elif isinstance(command, Validate):
            self._validate(slot)
        elif isinstance(command, Destroy):
            # Still open while it closes: a destroy costs as much as the backend's answer to a goodbye.
            seconds = self._backend.close.draw(world.rng)
            if seconds:
                world.schedule(world.now + seconds, self._destroyed, slot)
            else:
                self._destroyed(slot)

    def _create(self, slot: Slot) -> None:
        world = self._world
        world.tally.create_started(world.now, self.engine.ledger.size)
        connect = self._backend.connect(world.now, len(self._open), world.rng)
        self._open[slot.number] = world.now
        if connect.ok:
            world.schedule(world.now + connect.seconds, self._created, slot)
        elif connect.refused:
            world.schedule(world.now + connect.seconds, self._refused, slot)
        else:
            world.schedule(world.now + connect.seconds, self._failed, slot)

    def _created(self, slot: Slot) -> None:
        self.engine.created(slot, slot.number, self._world.now)
        self._follow_up()

    def _failed(self, slot: Slot) -> None:
        self._create_failed(slot, BackendDown("no answer"), Fault.BACKEND_DOWN)

    def _refused(self, slot: Slot) -> None:
        self._create_failed(slot, TooManyConnections("no room"), Fault.CAPACITY)

    def _create_failed(self, slot: Slot, exc: Exception, fault: Fault) -> None:
        now = self._world.now
        self._world.tally.create_failures += 1
        self._world.tally.ended(self._open.pop(slot.number), now)
        self.engine.create_failed(slot, exc, fault, now)
        self._follow_up()

    def _validate(self, slot: Slot) -> None:
        now = self._world.now
        ok = self._backend.alive(slot.born, now)
        self.engine.validated(slot, now, ok=ok, exc=None if ok else BackendDown("hung up"))

    def _destroyed(self, slot: Slot) -> None:
        now = self._world.now
        self._world.tally.ended(self._open.pop(slot.number), now)
        self.engine.destroyed(slot, now)
        self._follow_up()
