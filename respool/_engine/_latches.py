"""Latches: what callers wait on until the pool itself is ready, refreshed or closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ._commands import Wake
from ._slot import Phase
from ._waiters import NEVER, Refusal, Waiter, WaitLine

if TYPE_CHECKING:
    from ._maintenance import Maintenance

__all__ = ["Latch", "Latches"]

What = Literal["ready", "refreshed", "closed"]
READY: tuple[What, int] = ("ready", 0)


class Latch(Waiter):
    """A waiter for a condition of the pool; its ``loan`` is True once the condition holds."""

    __slots__ = ("generation", "what")

    def __init__(
        self,
        now: float,
        timeout: float | None,
        what: What,
        generation: int = 0,
    ) -> None:
        super().__init__(now, timeout)
        self.what: What = what
        self.generation = generation


class Latches:
    """The latches that wait; each condition is looked at once whenever a slot opens or leaves."""

    __slots__ = ("_engine", "lines")

    def __init__(self, engine: Maintenance) -> None:
        self._engine = engine
        self.lines: dict[tuple[What, int], WaitLine] = {}
        """Those who wait for one and the same, by what and its generation; no line is empty."""

    def add(self, latch: Latch, now: float) -> None:
        """Let a latch wait; it may be answered at once. One for a ready pool has resources opened."""
        self.lines.setdefault(_condition(latch), WaitLine()).join(latch)
        self._engine.reporter.awaited = True
        self._engine.wake_by(latch.deadline)
        self._engine.look_around(now)

    def drop(self, latch: Latch, now: float) -> None:
        """Forget a latch whose waiter has left."""
        self._leave(latch)

    def look(self, now: float) -> None:
        """Answer the latches whose condition holds or whose time is up."""
        for (what, generation), line in tuple(self.lines.items()):
            if self._holds(what, generation):
                for latch in tuple(line):
                    self._answer(latch, None)
            elif self._engine.closing and what == "ready":
                self.refuse(Refusal("closed"))
            else:
                for latch in line.overdue(now):
                    self._time_is_up(latch)

    def expire(self, latch: Latch, now: float) -> None:
        """A waiter's own clock says that its time is up; an answer that came first stands."""
        self.look(now)
        if not latch.answered:
            self._time_is_up(latch)

    def refuse(self, refusal: Refusal) -> None:
        """Tell those who wait for the pool to be ready that it cannot be."""
        for latch in tuple(self.lines.get(READY, ())):
            self._answer(latch, refusal)

    def first(self) -> Waiter | None:
        """Give the one that has waited longest."""
        firsts = [first for line in self.lines.values() if (first := line.first()) is not None]
        return min(firsts, key=lambda latch: latch.arrived, default=None)

    def next_due(self) -> float:
        """Give the earliest deadline, or infinity."""
        if not self.lines:
            return NEVER  # asked after every event
        dues = [line.next_due() for line in self.lines.values()]
        return min((due for due in dues if due is not None), default=NEVER)

    def floor(self) -> int:
        """Say how many resources must be open for those who wait for the pool to be ready."""
        return self._ready_size() if READY in self.lines else 0

    def mend(self) -> None:
        """After a torn event: wake again those that have an answer, and recount."""
        for condition, line in tuple(self.lines.items()):
            for latch in tuple(line):
                if latch.answered:
                    self._engine.emit(Wake(latch))
                    line.leave(latch)
            line.recount()
            if not line.count:
                del self.lines[condition]

    def _ready_size(self) -> int:
        """``min_size``, within what the sizing policy allows, but at least one.

        A lazy pool opens one resource to show that it can; a dormant one cannot, nor can a backend without
        room.
        """
        engine = self._engine
        return max(1, min(engine.min_size, engine.growth.sizer.ceiling(engine.max_size)))

    def _holds(self, what: What, generation: int) -> bool:
        engine = self._engine
        if what == "ready":
            count = engine.ledger.count
            opened = count[Phase.LIVE] + count[Phase.CHECKING] + count[Phase.RESETTING]
            return not engine.closing and opened >= self._ready_size()
        if what == "closed":
            return engine.closing and not engine.ledger.slots
        return all(slot.generation >= generation for slot in engine.ledger if slot.counted)

    def _time_is_up(self, latch: Waiter) -> None:
        growth = self._engine.growth
        # What has failed or was refused before is the reason only while nothing has come open since.
        ongoing = growth.gate.limited or growth.capacity.next_step() != NEVER
        cause = self._engine.reporter.cause_since(latch.arrived, ongoing=ongoing)
        self._answer(latch, Refusal("timeout", "create", cause=cause))

    def _answer(self, latch: Waiter, refusal: Refusal | None) -> None:
        """Tell a latch that its condition holds, or why it will not."""
        latch.loan, latch.refusal = True if refusal is None else None, refusal
        self._engine.emit(Wake(latch))
        self._leave(latch)

    def _leave(self, latch: Waiter) -> None:
        assert isinstance(latch, Latch), "no other waiter was added"
        condition = _condition(latch)
        line = self.lines.get(condition)
        if line is not None:
            line.leave(latch)
            if not line.count:
                del self.lines[condition]


def _condition(latch: Latch) -> tuple[What, int]:
    what = latch.what
    return what, latch.generation if what == "refreshed" else 0
