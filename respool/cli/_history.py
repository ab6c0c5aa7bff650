"""The history of a load run: one sample a moment, and the whole in sum."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

import attrs

from respool import PoolStats

from ._meter import Meter, Window

__all__ = ["FRAME", "SPAN", "History", "Sample"]

FRAME = 0.25
"""One sample and one picture every so many seconds: smooth to the eye, and 4 % of one core."""
SPAN = 60.0
"""Seconds of history that are kept for the screen."""


@attrs.frozen(kw_only=True)
class Sample:
    """The pool at one moment, and what was measured since the sample before."""

    at: float
    stats: PoolStats
    throughput: float
    p50_wait: float
    p99_wait: float
    p50_hold: float
    p99_hold: float


class History:
    """Takes samples and keeps the latest, and sums everything up."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._began = self._last = monotonic()
        self.samples: deque[Sample] = deque(maxlen=int(SPAN / FRAME))
        self.whole = Window()
        self.peak = 0

    def sample(self, stats: PoolStats) -> Sample:
        """Look at the pool now."""
        now = monotonic()
        window = self._meter.swap()
        self.whole.merge(window)
        sample = Sample(
            at=now - self._began,
            stats=stats,
            throughput=len(window.holds) / max(now - self._last, 1e-9),
            p50_wait=window.waits.percentile(0.5),
            p99_wait=window.waits.percentile(0.99),
            p50_hold=window.holds.percentile(0.5),
            p99_hold=window.holds.percentile(0.99),
        )
        self._last = now
        self.peak = max(self.peak, stats.size)
        self.samples.append(sample)
        return sample

    def summary(self, stats: PoolStats) -> dict[str, Any]:
        """Sum up, in plain values that `json` can write; times in seconds."""
        elapsed = max(self._last - self._began, 1e-9)
        whole = self.whole
        return {
            "pool": stats.name,
            "seconds": round(elapsed, 3),
            "leases": len(whole.holds),
            "throughput": round(len(whole.holds) / elapsed, 1),
            "wait": _times(whole.waits),
            "hold": _times(whole.holds),
            "errors": dict(whole.errors),
            "error_examples": dict(self._meter.examples),
            "peak_size": self.peak,
            "target": stats.target,
            "ceiling": stats.ceiling,
            "reason": stats.reason,
            "created": stats.created,
            "create_failures": stats.create_failures,
            "destroyed": dict(stats.destroyed),
            "timeouts": stats.timeouts,
            "rejected": stats.rejected,
            "recovered": stats.recovered,
            "last_error": stats.last_error,
        }


def _times(histogram: Any) -> dict[str, float]:
    return {
        "mean": histogram.mean,
        "p50": histogram.percentile(0.5),
        "p99": histogram.percentile(0.99),
        "p99.9": histogram.percentile(0.999),
        "longest": histogram.longest,
    }
