"""Begins recordings; what a `Recording` needs is imported with the first one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._async_core import AsyncCore
    from ._recording import Recording
    from ._thread_core import ThreadCore

__all__ = ["MOST_BYTES", "record"]

MOST_BYTES = 64 << 20
"""64 MiB hold some eight million leases; a recording that was forgotten does not fill a disk."""
LEAST_BYTES = 1024


def record(
    core: ThreadCore | AsyncCore, path: str | os.PathLike[str], max_bytes: int = MOST_BYTES
) -> Recording:
    """Begin to record a pool; see `Pool.record`."""
    if type(max_bytes) is not int or max_bytes < LEAST_BYTES:
        raise ValueError(f"max_bytes is {max_bytes!r}, it must be an int, at least {LEAST_BYTES}")
    from ._recording import Recording

    settings = core.settings
    recording = Recording(path, max_bytes, {"pool": settings.name, "timeout": settings.timeout})

    recorder = os.getpid()

    def detach() -> bool:
        if os.getpid() != recorder:
            return False
        core.unlisten(recording)
        return True

    recording._detach = detach
    core.listen(recording)
    return recording
