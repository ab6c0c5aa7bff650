"""`Recording`: a pool's life, written to a file that the simulator replays."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from . import _events as tell
from ._traces import MAGIC, MICROSECONDS, Kind, pack

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from types import TracebackType

__all__ = ["Recording"]

CHUNK = 1 << 16
EVERY = 1.0
"""Seconds after which what was recorded is written, though it be little: who is killed loses the rest."""


class Recording:
    """A running recording; a context manager that stops it. Every method may be called from any thread.

    While it runs every lease takes the slow path, for exact times: some 40 microseconds, not half of one.
    """

    def __init__(self, path: str | os.PathLike[str], most: int, about: dict[str, Any]) -> None:
        self._mutex = threading.RLock()
        self._stops = False
        """Whether a signal handler has stopped it that interrupted it in the middle."""
        self._most = most
        self._buffer = bytearray(MAGIC + json.dumps(about).encode() + b"\n")
        # Unbuffered: what lies in a buffer at a fork, the child would write as well when it ends.
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115  # it lives as long as the recording
        self._written = 0
        self._flushed = float("-inf")
        """When what was recorded was last written, by the events' own time."""
        self._last: float | None = None
        self._waits: dict[int, tuple[float, float]] = {}
        self._detach: Callable[[], bool] = lambda: True
        """Hear no more; False in the child of a fork: the file is the parent's."""
        self.leases = 0
        """Leases written so far."""
        self.full = False
        """Whether the recording ended by itself, because its space was used up."""
        try:
            self._flush()
        except OSError:
            self._file.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __call__(self, event: tell.PoolEvent) -> None:
        """Hear of an event; a listener like any other."""
        with self._mutex:
            if not self._file.closed:
                self._take_down(event)
        if self._stops or self._file.closed:
            self.stop()  # where it has ended by itself, leases need not take the slow path any more

    def stop(self) -> None:
        """End the recording: leases in progress are written as such, the file is closed. May be repeated.

        In the child of a fork it is over already, and the parent's goes on. In a signal handler that has
        interrupted the recording itself, it ends as soon as the handler returns.

        Raises:
            OSError: The rest cannot be written; the file is closed all the same.
        """
        if not self._detach():
            self._file.close()
            return
        if self._mutex._is_owned():  # type: ignore[attr-defined]  # `threading.Condition` asks it, its stub lacks it
            self._stops = True
            return
        with self._mutex:
            if not self._file.closed:
                self._finish(full=False)

    def _take_down(self, event: tell.PoolEvent) -> None:
        self._hear(event)
        if self._written + len(self._buffer) > self._most:
            self._finish(full=True)
        elif len(self._buffer) > CHUNK or (self._buffer and event.at - self._flushed > EVERY):
            self._flushed = event.at
            self._flush()

    def _hear(self, event: tell.PoolEvent) -> None:
        if isinstance(event, tell.Acquired):
            self._waits[event.number] = (event.at, event.waited)
        elif isinstance(event, tell.Released):
            # Without its beginning the lease is older than the recording.
            if (begun := self._waits.pop(event.number, None)) is not None:
                self.leases += 1
                self._write(Kind.LEASE, event.at, begun[1], event.at - begun[0])
        elif isinstance(event, tell.AcquireFailed):
            self._write(Kind.TIMEOUT if event.why == "timeout" else Kind.REFUSED, event.at, event.waited)
        elif isinstance(event, tell.ResourceCreated):
            self._write(Kind.CREATED, event.at, event.took)
        elif isinstance(event, tell.CreateFailed):
            self._write(Kind.CREATE_FAILED, event.at, event.took)
        elif isinstance(event, tell.ResourceDestroyed):
            self._write(Kind.DESTROYED, event.at)

    def _write(self, kind: Kind, at: float, *seconds: float) -> None:
        last = at if self._last is None else max(at, self._last)
        passed = 0.0 if self._last is None else last - self._last
        self._last = last
        self._buffer += pack(kind, *(max(0, round(value * MICROSECONDS)) for value in (passed, *seconds)))

    def _flush(self) -> None:
        while self._buffer:
            written = self._file.write(self._buffer)
            self._written += written
            del self._buffer[:written]

    def _finish(self, *, full: bool) -> None:
        self.full = full
        at = self._last if self._last is not None else 0.0
        for begun, waited in self._waits.values():
            self._write(Kind.OPEN, at, waited, at - begun)
        self._buffer += pack(Kind.END, 0, int(full))
        try:
            self._flush()
        finally:
            self._waits.clear()
            self._file.close()
