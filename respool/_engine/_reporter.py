"""What the engine reports: events for listeners and the log, counters, the snapshot."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Literal

from .. import _events as tell
from .._adapter import Fault
from .._scrub import describe
from .._stats import PoolStats
from ._double import double_of
from ._slot import Phase

if TYPE_CHECKING:
    from ._maintenance import Maintenance
    from ._slot import Slot
    from ._waiters import Waiter, Why

__all__ = ["Reporter"]

MOST_UNTOLD = 10_000
"""How many events may wait for slow listeners: 2 MB of them. Beyond that the events of leases, of which there
is no end, are dropped until the queue is empty again: that makes one gap, not one after every event."""
KEPT_FREE = 1_000
"""Further places, for the rare events alone: the log takes its warnings from them."""


def _stack(slot: Slot) -> str | None:
    return None if slot.acquirer is None else str(slot.acquirer)


class Reporter:
    """Collects events, which the shell takes and delivers outside its mutex, and counts."""

    def __init__(self, name: str, *, observed: bool) -> None:
        self.name = name
        self.observed = observed
        """Whether anybody listens to every lease; the rare events are always told, for the log."""
        self.events: deque[tell.PoolEvent] = deque()
        self.acquired = self.waited = self._waited = self.timeouts = self.rejected = self.would_reject = 0
        self.create_failures = self.recoveries = 0
        self.last_error: str | None = None
        self.last_error_at = float("-inf")
        self.last_failed = "create"
        """Which method raised it."""
        self.awaited = False
        """Whether anybody has waited since the last tick, and may get the next error as the cause."""
        self._whole: BaseException | None = None
        """The last error as it was raised, frames and all, while anybody waits who was there at the time."""
        self._double: BaseException | None = None
        """Its double, which keeps nothing alive (see `double_of`)."""
        self.config_told: str | None = None
        self.reason = ""
        self._outage_from: float | None = None
        self._lost = 0
        """Events dropped since the last `EventsLost`."""
        self._ending = False
        """Whether the pool closes: what was lost is told with the next event, which may be the last."""

    # ---- the queue of events

    def _tell(self, event: tell.PoolEvent) -> None:
        """Queue a rare event."""
        if len(self.events) >= MOST_UNTOLD + KEPT_FREE:
            self._lost += 1
            return
        if self._lost and (self._ending or not self.events):
            self.events.append(tell.EventsLost(pool=self.name, at=event.at, lost=self._lost))
            self._lost = 0
        self.events.append(event)

    def _tell_of_lease(self, event: tell.PoolEvent) -> None:
        """Queue one of the events that every lease makes."""
        if not self._lost and len(self.events) < MOST_UNTOLD:
            self.events.append(event)
        elif self.events:
            self._lost += 1
        else:
            self._tell(event)

    # ---- callers

    def granted(self, waiter: Waiter, slot: Slot, now: float) -> None:
        """A caller has been served."""
        if waiter.queued and not waiter.waited:
            waiter.waited = True
            self._waited += 1
        if self.observed:
            waited = now - waiter.arrived
            self._tell_of_lease(tell.Acquired(pool=self.name, at=now, number=slot.number, waited=waited))

    def released(self, slot: Slot, now: float) -> None:
        """A holder's resource is back, or gone."""
        held = now - slot.lent_at
        if slot.leak_told:
            self._tell(tell.LeaseReturned(pool=self.name, at=now, number=slot.number, held=held))
        if self.observed:
            self._tell_of_lease(tell.Released(pool=self.name, at=now, number=slot.number, held=held))

    def unserved(self, waiter: Waiter) -> None:
        """A caller has nothing, though it may have been given a resource that failed its check."""
        self._waited -= waiter.waited
        waiter.waited = False

    def refused(self, why: Why, waiter: Waiter, now: float) -> None:
        """A caller leaves with nothing."""
        self.unserved(waiter)
        self.timeouts += why == "timeout"
        self.rejected += why == "rejected"
        if self.observed:
            waited = now - waiter.arrived
            self._tell_of_lease(tell.AcquireFailed(pool=self.name, at=now, why=why, waited=waited))

    def would_refuse(self, predicted: float, timeout: float, now: float) -> None:
        """``admission="report"`` lets a caller in."""
        self.would_reject += 1
        self._tell_of_lease(
            tell.WouldReject(pool=self.name, at=now, predicted_wait=predicted, timeout=timeout)
        )

    def soiled(self, slot: Slot, now: float) -> None:
        """A resource came back with something to clean."""
        if self.observed:
            self._tell_of_lease(tell.DirtyReturn(pool=self.name, at=now, number=slot.number))

    def leaking(self, slot: Slot, now: float) -> None:
        """A lease is held too long."""
        held = now - slot.lent_at
        self._tell(
            tell.LeaseLeaking(pool=self.name, at=now, number=slot.number, held=held, stack=_stack(slot))
        )

    def recovered(self, slot: Slot, now: float, *, forgotten: bool) -> None:
        """A resource without an owner has one again."""
        self.recoveries += 1
        if forgotten:
            self._tell(tell.LeaseForgotten(pool=self.name, at=now, number=slot.number, stack=_stack(slot)))

    # ---- the backend

    def created(self, slot: Slot, now: float) -> None:
        """A creation has succeeded."""
        took = now - slot.asked_at
        self._tell(tell.ResourceCreated(pool=self.name, at=now, number=slot.number, took=took))

    def backend_answers(self, now: float) -> None:
        """A creation has succeeded on the backend that is asked now."""
        self.config_told = None
        self.outage_ended(now)

    def create_failed(self, slot: Slot, exc: BaseException, fault: Fault, now: float) -> None:
        """A creation has failed; one that was given up before is counted already."""
        self.create_failures += slot.counted
        # The error of a call that the pool itself has ended says nothing new: `given_up` is remembered.
        if slot.counted or fault is not Fault.BENIGN:
            self._remember("create", exc, now)
        took, error = now - slot.asked_at, describe(exc)
        self._tell(tell.CreateFailed(pool=self.name, at=now, fault=fault.value, error=error, took=took))

    def outage_began(self, exc: BaseException, now: float) -> None:
        """Nobody answers; told once until a creation succeeds."""
        self._remember("create", exc, now)
        if self._outage_from is None:
            self._outage_from = now
            self._tell(tell.OutageBegan(pool=self.name, at=now, error=describe(exc)))

    @property
    def in_outage(self) -> bool:
        """Whether an outage was told whose end was not."""
        return self._outage_from is not None

    def outage_ended(self, now: float) -> None:
        """The backend answers; told once, where its silence was."""
        if self._outage_from is not None:
            self._tell(tell.OutageEnded(pool=self.name, at=now, lasted=now - self._outage_from))
            self._outage_from = None

    def config_fault(self, exc: BaseException, now: float) -> None:
        """The backend refuses the configuration; told once per distinct error."""
        error = describe(exc)
        if error != self.config_told:
            self.config_told = error
            self._tell(tell.ConfigFault(pool=self.name, at=now, error=error))

    def capacity(self, ceiling: int, exc: BaseException, now: float) -> None:
        """The backend has no room for one more."""
        self._tell(tell.CapacityReached(pool=self.name, at=now, ceiling=ceiling, error=describe(exc)))

    def check_failed(
        self, slot: Slot, method: Literal["validate", "reset", "probe"], exc: BaseException | None, now: float
    ) -> None:
        """A resource has not passed."""
        if exc is not None:
            self._remember(method, exc, now)
        error = "returned False" if exc is None else describe(exc)
        self._tell(tell.CheckFailed(pool=self.name, at=now, number=slot.number, method=method, error=error))

    def destroyed(self, slot: Slot, exc: BaseException | None, now: float) -> None:
        """A resource is gone."""
        error = None if exc is None else describe(exc)
        self._tell(
            tell.ResourceDestroyed(
                pool=self.name, at=now, number=slot.number, reason=slot.reason, error=error
            )
        )

    def given_up(self, slot: Slot, silence: TimeoutError, now: float) -> None:
        """A call has outlasted its timeout."""
        method = slot.command.method
        self._remember(method, silence, now)
        self.create_failures += method == "create"
        self._tell(tell.ResourceGivenUp(pool=self.name, at=now, number=slot.number, method=method))

    # ---- the pool

    def target_changed(self, target: int, reason: str, now: float) -> None:
        """The sizing policy has changed its mind."""
        self.reason = reason
        self._tell(tell.TargetChanged(pool=self.name, at=now, target=target, reason=reason))

    def policy_failed(self, error: str, now: float) -> None:
        """The user's sizing policy raised, or gave what is no size."""
        self._tell(tell.PolicyFailed(pool=self.name, at=now, error=error))

    def resized(self, min_size: int, max_size: int, now: float) -> None:
        """The limits are new."""
        self._tell(tell.PoolResized(pool=self.name, at=now, min_size=min_size, max_size=max_size))

    def refreshed(self, old: int, over: float, now: float) -> None:
        """Everything is to be replaced."""
        self._tell(tell.PoolRefreshed(pool=self.name, at=now, old=old, over=over))

    def paused(self, now: float) -> None:
        """Nothing is granted."""
        self._tell(tell.PoolPaused(pool=self.name, at=now))

    def resumed(self, now: float) -> None:
        """Leases are granted again."""
        self._tell(tell.PoolResumed(pool=self.name, at=now))

    def closing(self, now: float) -> None:
        """Nothing more is given out."""
        self._ending = True
        self._tell(tell.PoolClosing(pool=self.name, at=now))

    # ---- memory

    def _remember(self, method: str, exc: BaseException, now: float) -> None:
        self.last_error = describe(exc)
        self.last_failed = method
        self.last_error_at = now
        self._whole = exc if self.awaited else None
        self._double = double_of(exc)

    def cause_since(self, moment: float, *, ongoing: bool) -> BaseException | None:
        """Give the last backend error, if a caller that came at that moment should hear of it.

        One that waited when it happened gets it as it was raised, one that came later its double.
        """
        came_later = self.last_error_at < moment
        if came_later and not ongoing:
            return None
        return self._double if came_later or self._whole is None else self._whole

    def look_who_waits(self, first: float | None) -> None:
        """Hear when the first of the present waiters came; None: nobody waits.

        An error's frames are dropped when all waiters came after it: they would keep alive resources, and
        whatever else was on the stack.
        """
        self.awaited = first is not None
        if first is None or first > self.last_error_at:
            self._whole = None

    def snapshot(self, engine: Maintenance, now: float) -> PoolStats:
        """Make the public snapshot."""
        count, ledger = engine.ledger.count, engine.ledger
        live = count[Phase.LIVE]
        idle = min(len(engine.lane.idle), live)
        first = engine.line.first()
        # A failed hand-out is taken back from the uses; a counter must not be seen to fall.
        self.acquired = max(self.acquired, ledger.uses())
        self.waited = max(self.waited, self._waited)
        return PoolStats(
            name=self.name,
            min_size=engine.min_size,
            max_size=engine.max_size,
            size=ledger.size,
            idle=idle,
            in_use=live - idle,
            creating=count[Phase.CREATING],
            checking=count[Phase.CHECKING],
            resetting=count[Phase.RESETTING],
            closing=ledger.closing,
            stuck=count[Phase.STUCK],
            waiting=engine.line.count,
            oldest_wait=max(0.0, now - first.arrived) if first else 0.0,
            target=engine.target(now),
            ceiling=engine.growth.ceiling(engine.max_size),
            reason=self.reason,
            acquired=self.acquired,
            waited=self.waited,
            timeouts=self.timeouts,
            rejected=self.rejected,
            would_reject=self.would_reject,
            created=ledger.created,
            create_failures=self.create_failures,
            recovered=self.recoveries,
            destroyed=ledger.destroyed,
            last_error=self.last_error,
        )
