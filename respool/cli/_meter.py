"""What a load run measures: waits and holds in logarithmic buckets, outcomes by kind."""

from __future__ import annotations

import math
import threading
from collections import Counter

import attrs

from .._scrub import describe

__all__ = ["Histogram", "Meter", "Window"]

FINEST = 1e-7
GROWTH = 1.05
"""Neighbouring buckets differ by 5 %: percentiles are that exact, at a constant cost per lease."""
_LOG = math.log(GROWTH)


class Histogram:
    """Durations in seconds, in buckets that grow by 5 %."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.total = 0.0
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[int(math.log(max(seconds, FINEST) / FINEST) / _LOG)] += 1
        self.total += seconds
        self.longest = max(self.longest, seconds)

    def merge(self, other: Histogram) -> None:
        """Count what another has counted."""
        self.counts.update(other.counts)
        self.total += other.total
        self.longest = max(self.longest, other.longest)

    def __len__(self) -> int:
        return self.counts.total()

    def percentile(self, share: float) -> float:
        """Give the duration below which that share of them lies; 0.0 when there are none."""
        rank = share * len(self)
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return min(FINEST * GROWTH ** (bucket + 1), self.longest)
        return 0.0

    @property
    def mean(self) -> float:
        """The mean duration."""
        return self.total / len(self) if len(self) else 0.0


@attrs.define(eq=False)
class Window:
    """What was measured since somebody looked last."""

    waits: Histogram = attrs.field(factory=Histogram)
    holds: Histogram = attrs.field(factory=Histogram)
    errors: Counter[str] = attrs.field(factory=Counter)

    def merge(self, other: Window) -> None:
        """Add another window to this one."""
        self.waits.merge(other.waits)
        self.holds.merge(other.holds)
        self.errors.update(other.errors)


class Meter:
    """Collects from all workers; `swap` gives what has come since the last time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = Window()
        self.examples: dict[str, str] = {}
        """The first error of each kind, in its own words."""

    def lease(self, wait: float, hold: float) -> None:
        """Count one lease that went well."""
        with self._lock:
            self._window.waits.add(wait)
            self._window.holds.add(hold)

    def unended(self) -> None:
        """Count one that has not ended long after the load has: most likely its server is silent."""
        self.error(TimeoutError("a lease was still out when the load had ended"), None)

    def error(self, exc: BaseException, wait: float | None) -> None:
        """Count one that did not, and how long it waited, if that is known."""
        kind = type(exc).__name__
        with self._lock:
            self._window.errors[kind] += 1
            if wait is not None:
                self._window.waits.add(wait)
            if kind not in self.examples:
                self.examples[kind] = describe(exc).removeprefix(f"{kind}: ")

    def swap(self) -> Window:
        """Take what has come since the last time."""
        with self._lock:
            window, self._window = self._window, Window()
        return window
