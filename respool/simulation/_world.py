"""Virtual time: callers come, hold, think and come again; `PoolUnderTest` serves them.

The loop has three sources of events: the next arrival, what is scheduled (ends of leases, results of
creates), and the moment at which the pool wants to be woken. It is written for speed, a million leases in
seconds, which is why it keeps its own heap of plain tuples.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Protocol

from ._tally import Tally
from .arrivals import ClosedLoop
from .workload import split

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from .backends import SimulatedBackend
    from .workload import Workload

__all__ = ["Caller", "PoolUnderTest", "World"]

NEVER = math.inf
HEAD_START = 60.0
"""Seconds the pool has before the first caller: time to open what it opens without demand."""
PATIENCE = 3600.0
"""Seconds after the last arrival at which a run ends though somebody still waits."""
SAMPLES = 400
"""Points of the series."""


class Caller:
    """One call from its arrival to its end. A plain class with slots: there may be a million."""

    __slots__ = ("asked", "attempts", "broken", "hold", "lease")

    def __init__(self, asked: float, hold: float, attempts: int) -> None:
        self.asked = asked
        self.hold = hold
        self.attempts = attempts
        self.broken = False
        """Whether the backend failed under the lease."""
        self.lease: Any = None
        """What the pool gave; the pool's own business."""


class PoolUnderTest(Protocol):
    """What the world asks of a pool, be it the engine or a model of somebody else's."""

    def ask(self, caller: Caller, /) -> None:
        """Answer a caller, now or later, by `World.served` or `World.refused`."""
        ...

    def end(self, caller: Caller, /) -> None:
        """Take back the resource of a caller whose lease has ended; ``caller.broken`` tells how."""
        ...

    def due(self) -> float:
        """Say when to be woken, s; infinity: never."""
        ...

    def tick(self) -> None:
        """Do everything that is due."""
        ...

    def state(self) -> tuple[int, int, int]:
        """Give size (creates in flight included), waiters, and target."""
        ...

    def finish(self) -> None:
        """Tell the tally of every resource that is still open."""
        ...


class World:
    """Runs one workload against one pool."""

    def __init__(self, workload: Workload, backend: SimulatedBackend, rng: random.Random) -> None:
        self.workload = workload
        self.backend = backend
        self.now = -HEAD_START
        self.tally = Tally()
        self.timeout = workload.timeout
        self.busy = 0
        """Leases in progress."""
        self.active = 0
        """Callers who are not finished: they wait, hold, or will ask again."""
        self._calls: Iterator[tuple[float, float]] = workload.pairs(split(rng))
        self._thinking = split(rng)
        self.rng = split(rng)
        """For the backend's draws."""
        self._holds = workload.holds(split(rng))
        self._attempts = workload.retries.attempts if workload.retries else 1
        self._heap: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._tie = 0
        self._plain = not (backend.contention or backend.brownouts or backend.outages)

    def schedule(self, when: float, action: Callable[[Any], None], thing: Any = None) -> None:
        """Call ``action(thing)`` at that time; what falls due at one moment runs in order."""
        self._tie += 1
        heappush(self._heap, (when, self._tie, action, thing))

    def run(self, pool: PoolUnderTest) -> None:
        """Run until the arrivals are over and nobody is left."""
        self._pool = pool
        self._end_of_lease = pool.end
        self._begin()
        call = next(self._calls, None)
        end = self.workload.duration + PATIENCE
        heap = self._heap
        while self.active or call is not None:
            arrival = call[0] if call is not None else NEVER
            scheduled = heap[0][0] if heap else NEVER
            due = pool.due()
            if arrival <= scheduled and arrival <= due:
                if call is None:
                    break
                self.now = arrival
                self._arrive(call[1])
                call = next(self._calls, None)
            elif scheduled <= due:
                when, _, action, thing = heappop(heap)
                self.now = when
                action(thing)
            else:
                self.now = max(self.now, due)
                pool.tick()
            if self.now > end:
                break
        self.tally.unserved = self.active
        pool.finish()

    def _begin(self) -> None:
        """Schedule what happens by itself: samples of the series, and the callers of a closed loop."""
        self.schedule(0.0, self._sample)
        loop = self.workload.arrivals
        if isinstance(loop, ClosedLoop):
            for _ in range(loop.callers):
                self.active += 1
                self._think(loop)

    # ---- callers

    def _arrive(self, hold: float) -> None:
        self.active += 1
        self.tally.calls += 1
        if self.tally.first is None:
            self.tally.first = self.now
        self._pool.ask(Caller(self.now, hold, self._attempts))

    def served(self, caller: Caller) -> None:
        """The pool has given the caller a resource; the lease begins."""
        now, tally = self.now, self.tally
        tally.waits.append(now - caller.asked)
        tally.granted.append(now)
        self.busy += 1
        hold = caller.hold if self._plain else self._work(caller)
        self._tie += 1
        heappush(self._heap, (now + hold, self._tie, self._lease_over, caller))

    def _work(self, caller: Caller) -> float:
        """Say how long the lease lasts: the backend may be crowded, slow, or go down in the middle."""
        now, backend = self.now, self.backend
        hold = backend.work(now, caller.hold, self.busy)
        outage = next((o for o in backend.outages if now < o.end and o.start <= now + hold), None)
        if outage is None:
            return hold
        caller.broken = True
        return max(0.0, outage.start - now) + outage.fails_after

    def _lease_over(self, caller: Caller) -> None:
        self.busy -= 1
        self.tally.last = self.now
        self._end_of_lease(caller)
        if caller.broken:
            self.tally.broken += 1
            self._again(caller)
        else:
            self.tally.completed += 1
            self._leave()

    def refused(self, caller: Caller, why: str) -> None:
        """The pool has turned the caller away, now or after a wait."""
        self.tally.refused[why] += 1
        self.tally.refused_at.append(self.now)
        self.tally.last = self.now
        self._again(caller)

    def _again(self, caller: Caller) -> None:
        """Ask again after a pause, where the workload has retries and any are left."""
        retries = self.workload.retries
        if retries is None or caller.attempts <= 1:
            self.tally.lost += 1
            self._leave()
            return
        again = Caller(self.now, caller.hold, caller.attempts - 1)
        self.schedule(self.now + retries.pause.draw(self._thinking), self._ask_again, again)

    def _ask_again(self, caller: Caller) -> None:
        caller.asked = self.now
        self.tally.retries += 1
        self._pool.ask(caller)

    def _leave(self) -> None:
        """A caller is finished; in a closed loop it thinks, and comes back."""
        loop = self.workload.arrivals
        if isinstance(loop, ClosedLoop):
            self._think(loop)
        else:
            self.active -= 1

    def _think(self, loop: ClosedLoop) -> None:
        """Let a caller come when it has thought, or stay away where that is after the end."""
        ready = max(0.0, self.now) + loop.think.draw(self._thinking)
        if ready < self.workload.duration:
            self.schedule(ready, self._think_over)
        else:
            self.active -= 1

    def _think_over(self, _: Any) -> None:
        self.active -= 1
        self._arrive(next(self._holds))

    # ---- series

    def _sample(self, _: Any) -> None:
        size, waiting, target = self._pool.state()
        self.tally.sample(self.now, size, self.busy, waiting, target)
        following = self.now + self.workload.duration / SAMPLES
        if following <= self.workload.duration:
            self.schedule(following, self._sample)
