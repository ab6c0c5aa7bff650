"""Whose turn it is at a connection: nothing of ours speaks on it, or ends it, beside somebody who is inside.

psycopg holds the connection's lock around every statement, COPY and generator, and libpq works without the
GIL. Whoever closes a connection beside another thread frees its memory under that thread's feet, and the
interpreter ends there. On a loop a call that still waits on the descriptor wakes up for the connection that
is given the same number next, and reads the rows of a stranger. A lease may well end so: a future whose
``result(timeout=)`` raises leaves its thread behind, and ``asyncio.gather`` the siblings of what failed.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from respool import ResourceSpoiled

from ._driver import psycopg
from ._faults import StillInUse
from ._session import session_of

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from respool import Timeouts

__all__ = ["evict_on_loop", "evicted", "patience", "take_turn", "take_turn_on_loop"]

_INSIDE = "a call on it, or a COPY or generator that was not ended, is still running"
_KEPT = f"{_INSIDE}: hung up, to be closed when nobody refers to it"


def take_turn(lock: threading.Lock) -> None:
    """Take the lock, for as long as a talk lasts.

    Raises:
        ResourceSpoiled: Somebody is inside.
    """
    if not lock.acquire(blocking=False):
        raise ResourceSpoiled(_INSIDE)


def take_turn_on_loop(lock: asyncio.Lock) -> None:
    """Do as `take_turn`; must run on the loop.

    One step of ``acquire`` and no more: a lock that nobody holds may still be promised to who has waited.

    Raises:
        ResourceSpoiled: Somebody is inside, or about to be.
    """
    step = lock.acquire()
    try:
        step.send(None)
    except StopIteration:
        return
    step.close()
    raise ResourceSpoiled(_INSIDE)


def patience(timeouts: Timeouts) -> float:
    """Give the seconds for somebody who was hung up on to come out: it happens at once, or never.

    A thread in libpq wakes up from the hang-up; a generator or a COPY that was left in the middle does not.
    """
    return min(0.5, timeouts.destroy / 2)


@contextmanager
def evicted(conn: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Have a connection to oneself, to close it; who is inside is hung up on and has so long to come out.

    Raises:
        StillInUse: He did not.
    """
    if conn.closed:
        yield
        return
    if not conn.lock.acquire(blocking=False):
        session_of(conn).line.hang_up()
        if not conn.lock.acquire(timeout=seconds):
            raise StillInUse(_KEPT)
    if type(conn).close is not psycopg.Connection.close:
        conn.lock.release()  # one of the user's own may have a last word to say, and takes the lock for it
        yield
        return
    try:
        yield
    finally:
        conn.lock.release()


async def evict_on_loop(conn: psycopg.AsyncConnection[Any], seconds: float) -> None:
    """Do as `evicted`, and leave the lock free: until the next await nobody takes it.

    Raises:
        StillInUse: Who is inside did not come out.
    """
    if conn.closed or not conn.lock.locked():
        return
    session_of(conn).line.hang_up()
    try:
        async with asyncio.timeout(seconds):
            await conn.lock.acquire()
    except TimeoutError:
        raise StillInUse(_KEPT) from None
    conn.lock.release()
