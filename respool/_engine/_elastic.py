"""The elastic sizer: the laws, plugged into the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._growth import OnDemand, View
from ._laws.elastic import Elasticity, Tick
from ._laws.gate import Line
from ._laws.throughput import ScalabilityLimit
from ._meter import PERIOD
from ._waiters import NEVER

if TYPE_CHECKING:
    from ._meter import Meter

__all__ = ["Elastic"]

SOONEST = 0.001
"""The gate's question is not repeated sooner than this, s: callers who come and go must not spin a keeper."""


class Elastic(OnDemand):
    """Grows and shrinks by the laws; opens nothing ahead of demand, for what is idle costs too."""

    def __init__(self, target_wait: float, create_price: float, *, closes: bool = True) -> None:
        self._target_wait, self._create_price = target_wait, create_price
        self._closes = closes
        """Whether surplus is closed by the law; not where the user gave ``max_idle``."""
        self._scalability = ScalabilityLimit()
        self._ask_at = self._close_at = NEVER
        self._closed_at = -NEVER
        self._spent = 0.0
        self._tell_at = NEVER
        self._told = self._least = 0
        self._coming_until = NEVER

    def bind(self, meter: Meter, limit: int) -> None:
        """Share the meter's hold and create times."""
        self._meter = meter
        self._law = Elasticity(
            self._target_wait,
            self._create_price,
            limit,
            hold=meter.hold,
            create_time=meter.create_time,
            rates=meter.rates,
        )

    def wants(self, view: View, room: int) -> int:
        """Ask the gate about one creation after another; remember when the next would be right."""
        self._ask_at = NEVER
        usable = view.size - view.creating - view.closing
        coming = view.promised - view.creating
        waiting, serving = view.waiting - coming, self._serving(view, coming)
        for more in range(room):
            line = Line(waiting=waiting, in_use=serving, open=usable, creating=view.creating + more)
            pause = self._law.create_in(view.now, line)
            if pause > 0.0:
                self._ask_at = min(self._ask_at, view.now + max(pause, SOONEST))
                return more
        return room

    def settles_for(self, now: float) -> bool:
        """Without room the gate is not asked: nothing is due, and what is in use serves the line."""
        self._ask_at = self._coming_until = NEVER
        return True

    def _serving(self, view: View, coming: int) -> int:
        """Count what serves the line: what is in use, or what is checked or reset for it just now.

        A pool that has rested checks all it has before its first lease, and that is no reason to make more;
        but no longer than a create takes, for nobody may answer those checks.
        """
        if view.in_use or coming <= 0:
            self._coming_until = NEVER
            return view.in_use
        self._coming_until = min(self._coming_until, view.now + self._meter.create_time.mean)
        if view.now >= self._coming_until:
            return 0
        self._ask_at = self._coming_until
        return coming

    def target(self, now: float) -> int:
        """Give N*, as far as it was needed lately."""
        return self._law.target(now)

    def ceiling(self, max_size: int) -> int:
        """Stay at the peak of throughput where more concurrency serves fewer, but not below ``min_size``."""
        limit = self._scalability.limit
        return max_size if limit is None else min(max(limit, self._least), max_size)

    def surplus(self, view: View) -> int:
        """Close what was not needed for its keep time; remember when there will be more."""
        self._close_at = NEVER
        if not self._closes or not view.idle:
            return 0
        if view.now < self._closed_at + PERIOD:
            self._close_at = self._closed_at + PERIOD
            return 0
        levels, usable = self._law.levels, view.size - view.creating - view.closing
        surplus = levels.surplus(view.now, usable, view.min_size)
        if surplus:
            self._closed_at = view.now
        self._close_at = max(levels.next_due(usable, view.min_size), view.now + PERIOD)
        return surplus

    def tick(self, view: View, seen: Tick) -> None:
        """Take in a reading of the meter."""
        law, self._least = self._law, view.min_size
        law.tick(view.now, seen)
        busy, self._spent = law.hold.spent - self._spent, law.hold.spent
        self._scalability.observe(
            view.now,
            self._meter.passed,
            busy,
            seen.ended,
            seen.waiting,
            view.max_size,
            self._meter.create_time.mean,
        )

    def change(self, view: View) -> str | None:
        """Say why the target is another than was told; a resting pool is asked when a keep time is over."""
        target, before = max(self._law.target(view.now), view.min_size), self._told
        self._tell_at = max(self._law.levels.next_due(target, view.min_size), view.now + PERIOD)
        if target == before:
            return None
        self._told = target
        if target > before:
            return f"grew to {target}: {self._why(view.now)}"
        return f"shrank to {target}: {self._why_less(view.now, target)}"

    def due(self) -> float:
        """Ask the gate again as leases age, and the levels when a keep time is over."""
        return min(self._ask_at, self._close_at, self._tell_at)

    def arrived(self, now: float, demand: int) -> None:
        """Enter what the caller found."""
        self._law.arrived(now, demand)

    def waited(self, seconds: float) -> None:
        """Feed the trim."""
        self._law.waited(seconds)

    def in_vain(self, demand: int) -> bool:
        """Learn that a caller waited in vain, and have one created for the next."""
        self._law.in_vain(demand)
        return True

    def creating(self, now: float, level: int) -> None:
        """Mark the level as needed, so that it is not closed on arrival."""
        self._law.creating(now, level)

    def _why_less(self, now: float, target: int) -> str:
        if target < self._law.wanted:
            return f"no more was needed for {self._law.levels.keep_of(target):.3g} s"
        return self._why(now)

    def _why(self, now: float) -> str:
        """Say in the user's own numbers what the target rests on."""
        law = self._law
        aim = f"target wait {self._target_wait * 1000:g} ms"
        if law.by_rate > law.by_demand:
            rate, hold = law.rates.rate(now), law.hold.mean(now)
            return f"{rate:.3g} arrivals/s, held {hold * 1000:.3g} ms each, {aim}"
        return f"demand p99 {law.demand_p99:.2g}, {aim}"
