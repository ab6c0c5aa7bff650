"""What `Pool.record` wrote, read back: to look at, and to replay under other settings."""

from __future__ import annotations

import json
import statistics
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from .._traces import MAGIC, MICROSECONDS, NUMBERS, Kind
from .arrivals import Trace
from .backends import SimulatedBackend
from .distributions import Recorded
from .workload import Workload

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["RecordedCall", "RecordedPool", "TraceError", "read_recording"]

BITS = 63
"""Of the longest number: 292,000 years of microseconds. What is longer is damage, and no float's business."""


class TraceError(ValueError):
    """The file is no trace, damaged, or cut off; the message says which, and where."""


@attrs.frozen
class RecordedCall:
    """One caller on record; times in seconds, ``at`` from the first event of the recording."""

    at: float
    waited: float
    held: float | None
    """None for one who was not served."""


@attrs.frozen(kw_only=True)
class RecordedPool:
    """A recording: who came, what came of it, what creates took."""

    name: str
    timeout: float | None
    """The pool's default timeout, s."""
    calls: tuple[RecordedCall, ...] = attrs.field(repr=False)
    """Ascending by arrival; leases that had not ended count as held until the end."""
    timeouts: int
    refused: int
    creates: tuple[float, ...] = attrs.field(repr=False)
    """How long each successful create took, s."""
    create_failures: int
    complete: bool
    """False for a trace that was cut off and read with ``partial=True``."""
    full: bool
    """Whether the recording ended because its space was used up."""

    def trace(self, faster: float = 1.0) -> Trace:
        """Give the arrivals and holds to replay; a caller who was not served holds for the median time.

        Args:
            faster: What if: the same callers so many times as fast.

        Raises:
            TraceError: Nobody was served, so no hold is known.
        """
        held = [call.held for call in self.calls if call.held is not None]
        if not held:
            raise TraceError(f"the recording of {self.name!r} has no lease, there is nothing to replay")
        usual = statistics.median(held)
        first = self.calls[0].at
        return Trace(
            [call.at - first for call in self.calls],
            [usual if call.held is None else call.held for call in self.calls],
            faster,
        )

    def workload(self, faster: float = 1.0) -> Workload:
        """Give the whole recording as a workload, with the pool's own timeout."""
        trace = self.trace(faster)
        duration = trace.at[-1] / faster + 1e-6
        return Workload(arrivals=trace, duration=duration, timeout=self.timeout, name=self.name)

    def backend(self) -> SimulatedBackend:
        """Give a backend whose creates take what they took; the default's where none was recorded."""
        return SimulatedBackend(create=Recorded(self.creates)) if self.creates else SimulatedBackend()


def read_recording(path: str | os.PathLike[str], *, partial: bool = False) -> RecordedPool:
    """Read a trace made by `Pool.record`.

    Args:
        path: The file.
        partial: Take what there is of a trace that was cut off (the process was killed).

    Raises:
        TraceError: It is no trace, is damaged, or is cut off.
        OSError: It cannot be read.
    """
    data = Path(path).read_bytes()
    about, start = _header(data, str(path))
    reader = _Reader(str(path), partial=partial)
    for kind, numbers in _records(data, start, reader):
        reader.take(kind, numbers)
    return reader.result(about)


def _header(data: bytes, path: str) -> tuple[dict[str, Any], int]:
    if not data.startswith(MAGIC):
        what = "empty" if not data else "no trace of respool, or of another version"
        raise TraceError(f"{path} is {what}")
    end = data.find(b"\n", len(MAGIC))
    try:
        about = json.loads(data[len(MAGIC) : end]) if end > 0 else None
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or not isinstance(about.get("pool"), str):
        raise TraceError(f"{path} is damaged: its header cannot be read")
    return {"pool": about["pool"], "timeout": _timeout(about.get("timeout"), path)}, end + 1


def _timeout(value: Any, path: str) -> float | None:
    """Read the pool's timeout, which may be infinite."""
    if value is None:
        return None
    with suppress(OverflowError):  # an int beyond every float
        if isinstance(value, int | float) and float(value) >= 0:
            return float(value)
    raise TraceError(f"{path} is damaged: its header has a timeout that is none")


def _records(data: bytes, at: int, reader: _Reader) -> Iterator[tuple[Kind, list[int]]]:
    """Yield records up to the end mark."""
    while at < len(data):
        begin = at
        try:
            kind = Kind(data[at])
        except ValueError:
            raise TraceError(f"{reader.path} is damaged at byte {begin}") from None
        at += 1
        numbers: list[int] = []
        for _ in range(NUMBERS[kind] + 1):
            number, at = _varint(data, at)
            if at < 0:
                reader.cut_off()
                return
            if number >> BITS:
                raise TraceError(f"{reader.path} is damaged at byte {begin}")
            numbers.append(number)
        yield kind, numbers
        if kind is Kind.END:
            if at < len(data):
                raise TraceError(f"{reader.path} is damaged: {len(data) - at} bytes follow its end")
            return
    reader.cut_off()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number; the position is -1 where the data end within it. One that is too long is not read on."""
    number = shift = 0
    while at < len(data) and shift <= BITS:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at
    return (1 << BITS, at) if shift > BITS else (0, -1)


class _Reader:
    """Adds up records."""

    def __init__(self, path: str, *, partial: bool) -> None:
        self.path = path
        self._partial = partial
        self._now = 0.0
        self._calls: list[RecordedCall] = []
        self._creates: list[float] = []
        self._timeouts = self._refused = self._failures = 0
        self._complete, self._full = True, False

    def take(self, kind: Kind, numbers: list[int]) -> None:
        """Take one record in."""
        passed, *values = (number / MICROSECONDS for number in numbers)
        self._now += passed
        if kind in (Kind.LEASE, Kind.OPEN):
            waited, held = values
            self._calls.append(RecordedCall(self._now - held - waited, waited, held))
        elif kind in (Kind.TIMEOUT, Kind.REFUSED):
            self._timeouts += kind is Kind.TIMEOUT
            self._refused += kind is Kind.REFUSED
            self._calls.append(RecordedCall(self._now - values[0], values[0], None))
        elif kind is Kind.CREATED:
            self._creates.append(values[0])
        elif kind is Kind.CREATE_FAILED:
            self._failures += 1
        elif kind is Kind.END:
            self._full = bool(numbers[1])

    def cut_off(self) -> None:
        """The data end without an end mark."""
        if not self._partial:
            raise TraceError(
                f"{self.path} is cut off after {len(self._calls)} calls; partial=True takes what there is"
            )
        self._complete = False

    def result(self, about: dict[str, Any]) -> RecordedPool:
        """Give the recording."""
        return RecordedPool(
            name=about["pool"],
            timeout=about["timeout"],
            calls=tuple(sorted(self._calls, key=lambda call: call.at)),
            timeouts=self._timeouts,
            refused=self._refused,
            creates=tuple(self._creates),
            create_failures=self._failures,
            complete=self._complete,
            full=self._full,
        )
