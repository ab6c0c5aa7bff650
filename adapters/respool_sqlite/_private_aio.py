"""Every name of aiosqlite that is not promised to us; ``test_private.py`` names them one by one.

aiosqlite runs each connection on a thread of its own, which takes functions from a queue one by one. We
need four things that it does not offer: that this thread never holds up the interpreter's end, to run a
function of ours on it, the driver's connection behind it, and whether anything still runs on it: a task that
is cancelled stops waiting, and its statement goes on.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

try:
    import aiosqlite
except ImportError as exc:
    raise ImportError(
        "SQLite under asyncio needs aiosqlite: pip install 'respool[async]'", name="aiosqlite"
    ) from exc

__all__ = ["Connection", "end_thread", "raw", "run", "thread_of"]

P = ParamSpec("P")
R = TypeVar("R")

_CHUNK = 64  # rows per hop of an iteration, aiosqlite's own default


class Connection(aiosqlite.Connection):
    """An `aiosqlite.Connection` that counts what it was asked to do and nobody waited for."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, _CHUNK)
        self.in_flight = 0
        self.loop = asyncio.get_running_loop()
        thread_of(self).daemon = True

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.in_flight += 1
        try:
            result = await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # no types there
        except Exception:
            self.in_flight -= 1
            raise
        # A cancelled wait leaves the count up: the statement is still queued, or running.
        self.in_flight -= 1
        return result


def thread_of(conn: aiosqlite.Connection) -> threading.Thread:
    """Give the connection's thread; before aiosqlite 0.22 the connection itself is one."""
    thread = getattr(conn, "_thread", conn)
    assert isinstance(thread, threading.Thread), "aiosqlite runs a connection on a thread"
    return thread


def raw(conn: aiosqlite.Connection) -> Any:
    """Give the driver's connection; raises ValueError once it is closed."""
    return conn._conn


async def run(conn: aiosqlite.Connection, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a function on the connection's thread, after all that was queued before."""
    result: R = await conn._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # as above
    return result


def end_thread(conn: Connection) -> None:
    """Close the driver's connection and let the thread end, without a loop."""

    def close() -> object:
        if conn._connection is not None:
            conn._connection.close()
            conn._connection = None
        return aiosqlite.core._STOP_RUNNING_SENTINEL

    conn._running = False
    conn._tx.put_nowait((None, close))
