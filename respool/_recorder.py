"""Begins recordings; what a `Recording` needs is imported with the first one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ._config import check_count
from ._errors import PoolClosed
from ._log import logger
from ._scrub import quoted

if TYPE_CHECKING:
    from ._async_core import AsyncCore
    from ._recording import Recording
    from ._thread_core import ThreadCore

__all__ = ["MOST_BYTES", "end_recordings", "record"]

MOST_BYTES = 64 << 20
"""64 MiB hold some eight million leases; a recording that was forgotten does not fill a disk."""
LEAST_BYTES = 1024


def record(
    core: ThreadCore | AsyncCore, path: str | os.PathLike[str], max_bytes: int = MOST_BYTES
) -> Recording:
    """Begin to record a pool; see `Pool.record`."""
    _check_path(path)
    check_count("max_bytes", max_bytes, LEAST_BYTES)
    from ._recording import Recording

    settings = core.settings
    _refuse_closed(core)
    recording = Recording(path, max_bytes, {"pool": settings.name, "timeout": settings.timeout})
    recorder, leash = os.getpid(), core.leash

    def detach() -> bool:
        if os.getpid() != recorder:
            return False
        recorded = leash.look()  # a recording must not keep the pool alive
        if recorded is None:
            return True
        try:
            recorded.recordings.remove(recording)
        except ValueError:
            return True  # somebody has stopped it already
        recorded.unlisten(recording)
        return True

    recording._detach = detach
    core.recordings.append(recording)
    try:
        _refuse_closed(core)  # an earlier close shows here, a later one finds the recording in the list
    except PoolClosed:
        recording.stop()
        raise
    core.listen(recording)
    return recording


def _check_path(path: object) -> None:
    """Refuse what is no path: of a number `open` makes that descriptor, and would close it at the end."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path is {quoted(path)}, it must be a str or a path")
    if "\0" in os.fsdecode(path):
        raise ValueError(f"path is {quoted(path)}, it must have no zero in it")


def _refuse_closed(core: ThreadCore | AsyncCore) -> None:
    if core.engine.closing:
        raise PoolClosed(f"pool {core.settings.name!r} is closed")


def end_recordings(core: ThreadCore | AsyncCore) -> None:
    """Stop every recording of a pool that closes: none outlives it."""
    if not core.engine.closing:
        return  # its close was refused
    for recording in tuple(core.recordings):
        try:
            recording.stop()
        except OSError:
            logger.warning(
                "pool %r: the rest of a recording was not written", core.settings.name, exc_info=True
            )
