"""Interleaved rounds: every contestant in every round, so that a machine that slows down slows them all."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import attrs

__all__ = ["NOISY", "Spread", "Timed", "brief", "interleave", "jain", "noise_of", "quantile"]

NOISY = 0.30
"""On a quiet machine the interval of the reference's median is narrower than this part of it."""

Run = Callable[[int], float]
"""Do it so many times; give the seconds that took."""


@attrs.frozen
class Spread:
    """A median with the 95 % interval that order statistics give it, whatever the distribution."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise values; the ranks of the interval are those of the binomial's normal approximation."""
        ordered = sorted(values)
        count = len(ordered)
        reach = 0.98 * math.sqrt(count)
        low = max(0, math.floor(count / 2 - reach))
        high = min(count - 1, math.ceil(count / 2 + reach))
        return cls(median(ordered), ordered[low], ordered[high])

    def __str__(self) -> str:
        return f"{brief(self.middle)} [{brief(self.low)} .. {brief(self.high)}]"


@attrs.frozen
class Timed:
    """One contestant: seconds per operation, and that as a multiple of the reference in the same round."""

    seconds: Spread
    ratio: Spread


def interleave(runs: Mapping[str, Run], reference: str, *, rounds: int, slice_s: float) -> dict[str, Timed]:
    """Time all runs in turn, `rounds` times; each turn lasts about `slice_s` seconds.

    The order rotates by one each round, so that nobody always follows the same neighbour.
    """
    counts = {name: _calibrate(run, slice_s) for name, run in runs.items()}
    seen: dict[str, list[float]] = {name: [] for name in runs}
    names = list(runs)
    for turn in range(rounds):
        gc.collect()
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            seen[name].append(runs[name](counts[name]) / counts[name])
    base = seen[reference]
    return {
        name: Timed(Spread.of(own), Spread.of([mine / his for mine, his in zip(own, base, strict=True)]))
        for name, own in seen.items()
    }


def noise_of(timed: Timed) -> float:
    """Tell how wide the reference's interval is, as a part of its median."""
    spread = timed.seconds
    return (spread.high - spread.low) / spread.middle


def jain(shares: Sequence[float]) -> float:
    """Jain's index of fairness: 1 when all shares are equal, 1/n when one has everything."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 0.0


def quantile(ordered: Sequence[float], part: float) -> float:
    """Give the value below which `part` of the ordered values lie."""
    if not ordered:
        return math.nan
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def brief(number: float) -> str:
    """Write a number with three digits that matter."""
    if number != number:
        return "-"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 10 else f"{number:.2f}"


def _calibrate(run: Run, slice_s: float) -> int:
    """Find how many operations last about `slice_s`; the warm-up comes along with it."""
    run(1)
    count = 1
    while (took := run(count)) < slice_s / 2 and count < 1 << 22:
        count = max(2 * count, min(16 * count, int(count * slice_s / max(took, 1e-9) / 2)))
    return max(1, int(count * slice_s / max(took, 1e-9)))
