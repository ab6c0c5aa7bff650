"""Every name of aiosqlite that is not promised to us; ``test_private.py`` names them one by one.

aiosqlite runs each connection on a thread of its own, which takes functions from a queue one by one. We
need what it does not offer: that this thread never holds up the interpreter's end, and does not die with a
traceback when the loop is closed before it answers; to run a function of ours on it; the driver's connection
behind it; and whether anything still runs on it, for a task that is cancelled only stops waiting.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

try:
    import aiosqlite
except ImportError as exc:
    raise ImportError(
        "respool_sqlite needs the driver aiosqlite for asyncio: pip install 'respool[async]'",
        name="aiosqlite",
    ) from exc

__all__ = ["Connection", "close", "end_thread", "interrupt", "raw", "restore", "run", "thread_of"]

P = ParamSpec("P")
R = TypeVar("R")

_CHUNK = 64  # rows per hop of an iteration, aiosqlite's own default


class _Nobody:
    """Stands in aiosqlite's queue for the future of whoever waits: we deliver ourselves."""

    def get_loop(self) -> _Nobody:
        return self

    def call_soon_threadsafe(self, *_: object) -> None:
        return


_NOBODY: Any = _Nobody()


class Connection(aiosqlite.Connection):
    """An `aiosqlite.Connection` that knows how many functions are queued or running on its thread.

    And, while it is watched, how its attributes were before the first of them was set: the plain driver's
    connection takes none, this one has a ``__dict__``.
    """

    __slots__ = ("before", "in_flight", "watched")
    before: dict[str, Any] | None
    """The attributes as they were; None while nobody has set any."""
    in_flight: int
    watched: bool

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        object.__setattr__(self, "watched", False)
        super().__init__(connector, _CHUNK)
        self.opened: sqlite3.Connection | None = None
        """The driver's, from the moment it is open: whoever awaited it may have gone by then."""
        self.before = None
        self.in_flight = 0
        self.loop = asyncio.get_running_loop()
        thread_of(self).daemon = True

    def __setattr__(self, name: str, value: object) -> None:
        if self.watched:
            _note_attribute(self, name)
        object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        if self.watched:
            _note_attribute(self, name)
        object.__delattr__(self, name)

    async def _connect(self) -> Connection:
        # Once: to await a connection a second time is to start its thread a second time, which raises first.
        self._connection = await self.on_thread(self._open)
        return self

    def _open(self) -> sqlite3.Connection:
        self.opened = self._connector()
        return self.opened

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or self._connection is None:
            raise ValueError("Connection closed")
        return await self.on_thread(partial(fn, *args, **kwargs))

    def on_thread(self, function: Callable[[], R]) -> asyncio.Future[R]:
        """Run a function on the thread, after all that was queued before."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self.in_flight += 1

        def work() -> None:
            try:
                settle = partial(self._settle, future, None, function())
            except BaseException as exc:  # it belongs to whoever waits, as in aiosqlite
                settle = partial(self._settle, future, exc, None)
            try:
                loop.call_soon_threadsafe(settle)
            except RuntimeError:  # the loop is closed: nobody waits any more
                return

        self._tx.put_nowait((_NOBODY, work))
        return future

    def _settle(self, future: asyncio.Future[Any], error: BaseException | None, result: Any) -> None:
        self.in_flight -= 1
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def _note_attribute(conn: Connection, name: str) -> None:
    """Keep the attributes as they are; but a property is the driver's, and a slot our own."""
    if conn.before is None and not hasattr(getattr(Connection, name, None), "__set__"):
        conn.before = dict(vars(conn))


def restore(conn: Connection) -> None:
    """Put the attributes back as they were; a connection that was closed is not brought back to life.

    Raises:
        ValueError: It is closed, or about to be.
    """
    raw(conn)
    if not conn._running:
        raise ValueError("Connection closed")
    own, before = vars(conn), conn.before or {}
    for name in own.keys() - before.keys():
        del own[name]
    own.update(before)  # never empty meanwhile: the thread may look in there as well
    conn.before = None


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
    result: R = await conn._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]  # no types there
    return result


def interrupt(conn: Connection) -> None:
    """Have the statement that runs now fail; nothing where none runs, or nothing is open."""
    if conn.opened is not None:
        try:
            conn.opened.interrupt()
        except sqlite3.ProgrammingError:  # closed already
            return


def close(conn: Connection) -> None:
    """Close the driver's connection, whoever has heard of it; on its thread."""
    driver, conn.opened, conn._connection = conn.opened, None, None
    if driver is not None:
        driver.close()


def end_thread(conn: Connection) -> None:
    """Close the driver's connection and end the thread, after all that was queued before; needs no loop."""
    stop: Any = aiosqlite.core._STOP_RUNNING_SENTINEL

    def end() -> object:
        close(conn)
        return stop

    conn._running = False
    conn._tx.put_nowait((_NOBODY, end))
    if isinstance(conn, threading.Thread):  # before 0.22 the sentinel is a thing of its own in the queue
        conn._tx.put_nowait(stop)
