"""What a run leaves behind: raw numbers while it runs, `Result` when it is over."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Moment", "Result", "Tally"]


@attrs.frozen
class Moment:
    """One point of a run's series."""

    at: float
    """Seconds from the beginning of the run."""
    size: int
    in_use: int
    waiting: int
    target: int


class Tally:
    """Counts while a run goes on; a plain class, written to for every lease."""

    def __init__(self) -> None:
        self.waits = array("d")
        self.granted = array("d")
        self.refused: Counter[str] = Counter()
        self.refused_at = array("d")
        self.calls = self.completed = self.broken = self.lost = self.retries = self.unserved = 0
        self.first: float | None = None
        self.last = 0.0
        self.spans: list[tuple[float, float]] = []
        """From the start of its creation to the end of its destruction, one per resource."""
        self.starts = array("d")
        self.create_failures = 0
        self.peak_size = 0
        self.series: list[Moment] = []

    def sample(self, at: float, size: int, in_use: int, waiting: int, target: int) -> None:
        """Add a point to the series."""
        self.series.append(Moment(at, size, in_use, waiting, target))

    def create_started(self, now: float, size: int) -> None:
        """Note a create, and how large it makes the pool."""
        self.starts.append(now)
        if size > self.peak_size:
            self.peak_size = size

    def ended(self, start: float, end: float) -> None:
        """Note that a resource, or a failed attempt to make one, has cost this span."""
        self.spans.append((start, end))

    def result(self, name: str, seed: int) -> Result:
        """Sum up."""
        first = self.first if self.first is not None else 0.0
        last = max(self.last, first)
        cost = math.fsum(max(0.0, min(end, last) - max(start, first)) for start, end in self.spans)
        return Result(
            name=name,
            seed=seed,
            calls=self.calls,
            served=self.completed,
            timeouts=self.refused["timeout"],
            rejections=self.refused["rejected"],
            errors=self.refused["backend"] + self.broken,
            lost=self.lost + self.unserved,
            retries=self.retries,
            creates=len(self.starts),
            creates_after_start=sum(start >= first for start in self.starts),
            create_failures=self.create_failures,
            peak_size=self.peak_size,
            resource_seconds=cost,
            duration=last - first,
            waits=self.waits,
            granted=self.granted,
            create_starts=self.starts,
            refused=self.refused_at,
            series=tuple(self.series),
        )


@attrs.frozen(kw_only=True)
class Result:
    """What a simulated run gave. Times are seconds."""

    name: str
    seed: int
    calls: int
    """Callers that came; each may have made several requests."""
    served: int
    """Callers whose lease ended well."""
    timeouts: int
    """Requests that timed out."""
    rejections: int
    """Requests that were refused at once."""
    errors: int
    """Requests that the backend failed, before or during the lease."""
    lost: int
    """Callers who were never served."""
    retries: int
    creates: int
    """Creates that were started, failed ones included."""
    creates_after_start: int
    """Those of them since the first arrival."""
    create_failures: int
    peak_size: int
    """The most resources at once, creates in flight included."""
    resource_seconds: float
    """What the pool cost: creating, open and closing, from the first arrival to the last completion."""
    duration: float
    """From the first arrival to the last completion."""
    waits: Sequence[float] = attrs.field(repr=False, eq=False)
    """The wait of every lease, in the order in which they were granted."""
    granted: Sequence[float] = attrs.field(repr=False, eq=False)
    """When each of them was granted."""
    create_starts: Sequence[float] = attrs.field(repr=False, eq=False)
    """When each create started."""
    refused: Sequence[float] = attrs.field(repr=False, eq=False)
    """When each ask ended without a lease: timed out, refused at once, or failed by the backend."""
    series: tuple[Moment, ...] = attrs.field(repr=False, eq=False)
    _ordered: list[float] = attrs.field(factory=list, init=False, repr=False, eq=False)

    def wait(self, share: float) -> float:
        """Return the wait that ``share`` of the leases did not exceed, s; 0 when there was none.

        Raises:
            ValueError: For a share outside 0 to 1.
        """
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"share is {share!r}, it must be from 0 to 1")
        if not self.waits:
            return 0.0
        if not self._ordered:
            self._ordered.extend(sorted(self.waits))
        return self._ordered[min(len(self._ordered) - 1, max(0, math.ceil(share * len(self._ordered)) - 1))]

    @property
    def p50_wait(self) -> float:
        """The median wait, s."""
        return self.wait(0.5)

    @property
    def p99_wait(self) -> float:
        """The wait that 99 of 100 leases did not exceed, s."""
        return self.wait(0.99)

    @property
    def mean_wait(self) -> float:
        """The mean wait of all leases, s."""
        return math.fsum(self.waits) / len(self.waits) if self.waits else 0.0

    @property
    def waited(self) -> float:
        """The share of leases that had to wait."""
        return sum(wait > 1e-9 for wait in self.waits) / len(self.waits) if self.waits else 0.0

    @property
    def throughput(self) -> float:
        """Callers served per second."""
        return self.served / self.duration if self.duration > 0.0 else 0.0

    @property
    def mean_size(self) -> float:
        """Resources open on average."""
        return self.resource_seconds / self.duration if self.duration > 0.0 else 0.0

    @property
    def busiest_second(self) -> int:
        """The most creates started within any one second."""
        starts, first, most = self.create_starts, 0, 0
        for number, start in enumerate(starts):
            while starts[first] <= start - 1.0:
                first += 1
            most = max(most, number - first + 1)
        return most
