"""The two ends of a connection, each on a processor of its own while it is measured."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers import family

__all__ = ["APART", "apart"]

APART = (
    "who asks has one processor and the server another: left to the kernel, one pool's server process comes "
    "to share the processor and the next one's does not, and there a statement takes two and a half times as "
    "long and a lease adds half as much again"
)


@contextmanager
def apart(server: int | None) -> Iterator[bool]:
    """Hold a server to the last processor, and to the first whatever this thread starts in the block.

    Args:
        server: Its process id; None for a backend without one.

    Yields:
        Whether that could be done: it takes two processors, and the right to move the server.
    """
    allowed = sorted(os.sched_getaffinity(0))
    if server is None or len(allowed) < 2:
        yield False
        return
    try:
        _hold(server, {allowed[-1]})
        os.sched_setaffinity(0, {allowed[0]})
        yield True
    except PermissionError:
        yield False
    finally:
        os.sched_setaffinity(0, allowed)
        with contextlib.suppress(PermissionError):
            _hold(server, set(allowed))


def _hold(server: int, processors: set[int]) -> None:
    """Hold all threads of a process and of its children; what they start later is held as they are."""
    for process in family(server):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
            for thread in os.listdir(f"/proc/{process}/task"):
                os.sched_setaffinity(int(thread), processors)
