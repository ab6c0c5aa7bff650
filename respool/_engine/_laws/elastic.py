"""The laws together: from what the engine sees to a size worth having, creates worth starting, and surplus.

Two traps met in prototypes shape this module. A target that decays more slowly than the reaper makes them
fight, so both ask the same `Levels`: what the reaper may close the target no longer wants, and the other way
round. And raw demand is not need: a level is needed only by a line the target wait would not have cleared.
"""

from __future__ import annotations

import math

import attrs

from .budget import NEARLY, SHARE, Premium, Trim
from .erlang import servers_for
from .gate import Line, create_in
from .histogram import DemandHistogram
from .hold import CreateTime, HoldTime
from .levels import Levels
from .rates import ArrivalRates

__all__ = ["Elasticity", "Tick"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Tick:
    """What the engine saw since the last tick (counts) and sees now (the rest)."""

    in_use: int
    waiting: int
    open: int
    """In use, idle, being checked or reset; without what is being created."""
    creating: int
    fast: int
    """Arrivals served by the fast lane, which nobody watched: the sum of the slots' use counts tells."""
    peak: int
    """The most resources out at once for them: slots that were used or are out (with LIFO order, exact)."""
    ended: int
    """Leases that ended."""
    limit: int
    """The most resources there may be: ``max_size`` and every ceiling."""


@attrs.define(eq=False, repr=False)
class Elasticity:
    """Decides the size of one pool from demand, arrivals, hold time and create time."""

    target_wait: float
    create_price: float
    limit: float = math.inf
    """The most resources there may be, as of the last tick."""
    hold: HoldTime = attrs.field(factory=HoldTime)
    create_time: CreateTime = attrs.field(factory=CreateTime)
    demand: DemandHistogram = attrs.field(factory=DemandHistogram)
    rates: ArrivalRates = attrs.field(factory=ArrivalRates)
    trim: Trim = attrs.field(factory=Trim)
    premium: Premium = attrs.field(factory=Premium)
    levels: Levels = attrs.field(init=False)
    by_demand: int = attrs.field(default=0, init=False)
    """What the demand percentile asked for at the last tick; with `by_rate` the reason to report."""
    by_rate: int = attrs.field(default=0, init=False)
    demand_p99: float = attrs.field(default=0.0, init=False)
    """The demand percentile itself, less what the target wait covers."""
    _target: int = attrs.field(default=0, init=False)
    _need: int = attrs.field(default=0, init=False)
    _slow: int = attrs.field(default=0, init=False)
    _late: int = attrs.field(default=0, init=False)
    _last: float | None = attrs.field(default=None, init=False)
    _line_from: float = attrs.field(default=0.0, init=False)
    _before: int = attrs.field(default=0, init=False)
    """N* when the present line began to form, or was found to last."""

    def __attrs_post_init__(self) -> None:
        """Give the levels their price."""
        self.levels = Levels(self.create_price)

    def arrived(self, now: float, demand: int) -> None:
        """Note a caller of the slow path who found ``demand`` in use and waiting, itself included; O(1)."""
        self.demand.add(now, demand)
        self._slow += 1
        # No more than the demand is ever needed for it, and no more than the limit is of use.
        if self._need < demand and self._need < self.limit:
            self._need = max(self._need, self.needed_for(now, demand))

    def waited(self, seconds: float) -> None:
        """Note how long a caller of the slow path waited, whether it was served or gave up."""
        if seconds > self.target_wait:
            self._late += 1

    def in_vain(self, demand: int) -> None:
        """Note a caller that waited until its timeout: waiting does not cover that demand."""
        self._need = max(self._need, demand)
        self._target = max(self._target, demand)

    def needed_for(self, now: float, demand: float) -> int:
        """Return how many resources clear a demand within the target wait: D <= n * (1 + w / S)."""
        hold = self.hold.mean(now)
        if not self.hold.ended or hold <= 0.0:
            return math.ceil(demand)
        return math.ceil(demand / (1.0 + self.target_wait / hold) - 1e-9)

    def tick(self, now: float, seen: Tick) -> None:
        """Take in a tick, of which ``hold`` and ``rates`` know already, and revise the target; O(levels)."""
        arrivals = self._slow + seen.fast
        busy = self.rates.slow.rate(now) * self.hold.mean(now)
        self.demand.add_many(now, seen.fast, busy + 1.0, seen.peak)
        if self._last is not None:
            self.trim.observe(now - self._last, arrivals, self._late, have=seen.open, target=self._target)
            self.premium.observe(now - self._last, arrivals, self._late)
            self.levels.weigh(self.premium.factor())
        self._revise(now, seen.limit)
        # What is out needs its level, however long ago it was asked for: the keep time counts idleness.
        busy_now = max(seen.in_use, seen.peak if seen.fast else 0)
        self._mark(now, arrivals, max(self._need, self.needed_for(now, busy_now)))
        self._last, self.limit = now, seen.limit
        self._slow = self._late = self._need = 0

    def target(self, now: float) -> int:
        """Return the size worth having now: what the formulas ask for, as far as it was needed lately."""
        return min(self._target, max(self._need, self.levels.worth(now)))

    @property
    def wanted(self) -> int:
        """N* of the last tick, needed lately or not."""
        return self._target

    def create_in(self, now: float, line: Line) -> float:
        """Return in how many seconds a create would be right; see `gate.create_in`."""
        wanted = min(self.target(now), self._settled(now, line))
        return create_in(
            line,
            wanted=line.open + 1 if self._singly(line) else wanted,
            hold=self.hold.mean(now),
            slope=self.hold.slope(),
            create_time=self.create_time.mean,
        )

    def _singly(self, line: Line) -> bool:
        """Say whether whoever waits is reason enough: creates come one by one, and too many are nearly late.

        It will not help this caller. But needs that come singly come again in seconds, and then it is there.
        """
        return not line.creating and self.levels.few_together and self.premium.spent > NEARLY

    def _settled(self, now: float, line: Line) -> int:
        """Return N* as of before the present line, until that has lasted for a create with none in flight.

        A tick in the middle of a spike puts the spike on record. What follows from that is for the next one:
        this line is gone before anything that is begun for it could help, or else it lasts. And a line that
        is what it is because creates are still in flight says too much of what will be needed after them,
        unless no lease has ended yet: then nothing says that it will ever pass.
        """
        if line.waiting <= 1:
            self._line_from, self._before = now, self._target
        elif line.creating and self.hold.ended:
            self._line_from = now
        elif now >= self._line_from + self.create_time.mean:
            self._before = self._target
        return self._before

    def creating(self, now: float, level: int) -> None:
        """Note that a create started which makes the pool ``level`` large: its level is needed from now."""
        self.levels.needed(now, level)

    def _revise(self, now: float, limit: int) -> None:
        """Recompute N*: the larger of the two laws, trimmed, within the limit."""
        hold = self.hold.mean(now)
        demand = self.demand.quantile(1.0 - SHARE)
        self.by_demand = self.needed_for(now, demand)
        self.demand_p99 = demand / (1.0 + self.target_wait / hold) if hold > 0.0 else demand
        rate = self.rates.rate(now) if self.hold.ended else 0.0
        self.by_rate = servers_for(rate, hold, self.target_wait, SHARE, limit)
        base = max(self.by_demand, self.by_rate)
        least = 1 if base else 0
        self._target = max(least, min(limit, round(base + self.trim.offset)))

    def _mark(self, now: float, arrivals: int, need: int) -> None:
        if arrivals or need:
            self.levels.needed(now, min(self._target, max(need, self.by_rate if arrivals else 0)))
