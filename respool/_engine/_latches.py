"""Who waits for the pool itself rather than for a resource: until it is ready, refreshed or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ._commands import Wake
from ._slot import Phase
from ._waiters import Refusal, Waiter

if TYPE_CHECKING:
    from ._moves import Moves

__all__ = ["Latch", "Latches"]

NEVER = float("inf")


class Latch(Waiter):
    """A waiter for a condition of the pool; its ``loan`` is True once the condition holds."""

    __slots__ = ("generation", "what")

    def __init__(
        self,
        now: float,
        timeout: float | None,
        what: Literal["ready", "refreshed", "closed"],
        generation: int = 0,
    ) -> None:
        super().__init__(now, timeout)
        self.what = what
        self.generation = generation


class Latches:
    """The latches that wait, looked at whenever a slot opens or leaves."""

    __slots__ = ("_engine", "_waiting")

    def __init__(self, engine: Moves) -> None:
        self._engine = engine
        self._waiting: list[Latch] = []

    def add(self, latch: Latch, now: float) -> None:
        """Let a latch wait; it may be answered at once. Who waits for a ready pool has it opened."""
        self._waiting.append(latch)
        self._engine.news.awaited = True
        self._engine.wake_by(latch.deadline)
        self._engine.look_around(now)

    def drop(self, latch: Latch) -> None:
        """Forget a latch whose waiter has left."""
        if latch in self._waiting:
            self._waiting.remove(latch)

    def look(self, now: float) -> None:
        """Answer the latches whose condition holds or whose time is up."""
        for latch in tuple(self._waiting):
            if self._holds(latch):
                latch.loan = True
                self._wake(latch)
            elif self._engine.closing and latch.what == "ready":
                latch.refusal = Refusal("closed")
                self._wake(latch)
            elif latch.deadline <= now:
                cause = self._engine.news.cause_since(latch.arrived, ongoing=True)
                latch.refusal = Refusal("timeout", "create", cause=cause)
                self._wake(latch)

    def refuse(self, refusal: Refusal) -> None:
        """Tell those who wait for the pool to be ready that it cannot be."""
        for latch in tuple(self._waiting):
            if latch.what == "ready":
                latch.refusal = refusal
                self._wake(latch)

    def first(self) -> Latch | None:
        """Give the one that has waited longest."""
        return self._waiting[0] if self._waiting else None

    def next_due(self) -> float:
        """Give the earliest deadline, or infinity."""
        if not self._waiting:
            return NEVER  # asked after every event
        return min(latch.deadline for latch in self._waiting)

    def floor(self) -> int:
        """Say how many resources must be open for those who wait for the pool to be ready."""
        if self._waiting and any(latch.what == "ready" for latch in self._waiting):
            return self._ready_size()
        return 0

    def _ready_size(self) -> int:
        """``min_size``, within what the sizing policy allows, but at least one.

        A lazy pool opens one resource to show that it can; a dormant one cannot, nor can a backend without
        room.
        """
        engine = self._engine
        return max(1, min(engine.min_size, engine.growth.sizer.ceiling(engine.max_size)))

    def _holds(self, latch: Latch) -> bool:
        engine = self._engine
        if latch.what == "ready":
            count = engine.ledger.count
            opened = count[Phase.LIVE] + count[Phase.CHECKING] + count[Phase.RESETTING]
            return not engine.closing and opened >= self._ready_size()
        if latch.what == "closed":
            return engine.closing and not engine.ledger.slots
        return all(slot.generation >= latch.generation for slot in engine.ledger if slot.counted)

    def _wake(self, latch: Latch) -> None:
        self._waiting.remove(latch)
        self._engine.emit(Wake(latch))
