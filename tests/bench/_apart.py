"""The two ends of a connection, each on a processor of its own while it is measured."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import family

__all__ = ["apart"]

APART = (
    "who asks has one processor and the server another: left to the kernel, one pool's server process comes "
    "to share the processor and the next one's does not"
)


@contextmanager
def apart(server: int | None, notes: list[str]) -> Iterator[None]:
    """Hold a server to the last processor, and to the first whatever this thread starts in the block.

    Args:
        server: Its process id; None for a backend without one.
        notes: Takes in that this was done: it takes two processors, and the right to move the server.
    """
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if server is None or len(allowed) < 2 or not _hold(server, {allowed[-1]}):
        yield
        return
    if APART not in notes:
        notes.append(APART)
    os.sched_setaffinity(0, {allowed[0]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)
        _hold(server, set(allowed))


def _hold(server: int, processors: set[int]) -> bool:
    """Hold all threads of a process and of its children, and their own; False where that is not allowed."""
    try:
        for process in family(server):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                for thread in os.listdir(f"/proc/{process}/task"):
                    os.sched_setaffinity(int(thread), processors)
    except PermissionError:
        return False
    return True
