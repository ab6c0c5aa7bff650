"""The asyncio adapter, over aiosqlite."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from respool import AsyncAdapter, Fault, Hygiene, Timeouts, check_configure

from ._connection import record_of
from ._errors import classify
from ._private_aio import Connection, close, end_thread, interrupt, raw, restore, run, thread_of
from ._workshop import Workshop, configure_failed

if TYPE_CHECKING:
    import aiosqlite

__all__ = ["AsyncSqliteAdapter"]

# What aiosqlite raises, as a ValueError, on a connection that somebody closed.
_CLOSED = (("no active connection",), ("Connection closed",))
_JOIN = 1.0
_AGAIN = 0.05


class AsyncSqliteAdapter(AsyncAdapter["aiosqlite.Connection"]):
    """Pools `aiosqlite.Connection` objects of one database.

    The same hygiene as `SqliteAdapter`: the same recording connection runs inside. A statement whose task was
    cancelled goes on inside aiosqlite; it is interrupted before the next lease can see the connection.

    Args:
        database: As for `SqliteAdapter`.
        hygiene: As for `SqliteAdapter`.
        connect: As for `SqliteAdapter`.
        configure: Awaited with each new connection, and again after each reset that had to undo more than a
            transaction. Must be repeatable and must commit what it does.
        wal: As for `SqliteAdapter`.
        timeouts: The pool's phase timeouts.

    Raises:
        ValueError: For a URL that cannot be read, or options that contradict each other.
        TypeError: For an unknown argument in ``connect``, or a ``configure`` that is no coroutine function.
    """

    kind = "sqlite"
    noun = "connection"

    def __init__(
        self,
        database: str | os.PathLike[str],
        *,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[aiosqlite.Connection], Awaitable[object]] | None = None,
        wal: bool | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        check_configure(configure, plain=False, asynchronous=True)
        self._configure = configure
        self._workshop: Workshop[sqlite3.Connection] = Workshop(
            database, hygiene=hygiene, connect=connect, factory=sqlite3.Connection, wal=wal, timeouts=timeouts
        )
        self._is_soiled = self._workshop.cleaner.is_dirty
        self._watches = hygiene == "session"

    def __repr__(self) -> str:
        return f"AsyncSqliteAdapter({self._workshop.name!r})"

    async def create(self) -> aiosqlite.Connection:
        """Open one connection on a daemon thread of its own; raises `OpenError`."""
        conn = Connection(self._workshop.open)
        try:
            await conn
            await self._run_configure(conn)
        except BaseException as exc:
            await _take_back(conn, exc)
            raise
        return conn

    async def validate(self, conn: aiosqlite.Connection, /) -> bool:
        """Run ``select 1``, and check that the file under the path is still the one that is open."""
        return await run(conn, self._workshop.validate, raw(conn))

    async def reset(self, conn: aiosqlite.Connection, /) -> None:
        """Undo what the lease left behind, or raise `respool.ResourceSpoiled`."""
        assert isinstance(conn, Connection), "made by create"
        if conn.before is not None:
            restore(conn)  # first of all, for what follows goes through attributes
        driver = raw(conn)
        if conn.in_flight:
            driver.interrupt()
        # The thread takes one thing after the other: whatever was before this has ended when it returns.
        if await run(conn, self._workshop.cleaner.undo, driver):
            await self._run_configure(conn)

    async def destroy(self, conn: aiosqlite.Connection, /) -> None:
        """Close the connection, and see its thread end."""
        assert isinstance(conn, Connection), "made by create"
        try:
            driver = raw(conn)
            if conn.in_flight:
                driver.interrupt()
            await run(conn, self._workshop.close, driver)
        except ValueError:  # closed by its holder
            return
        finally:
            end_thread(conn)
        thread_of(conn).join(_JOIN)  # microseconds: it has nothing left to do

    def probe(self, conn: aiosqlite.Connection, /) -> bool:
        """Tell whether the connection is open, and its file (looked at once a second) still there."""
        driver = raw(conn)  # raises ValueError on a closed connection
        opener = self._workshop.opener
        if monotonic() >= opener.look_at:
            opener.look()
        return record_of(driver).identity is opener.present

    def is_dirty(self, conn: aiosqlite.Connection, /) -> bool:
        """Tell whether `reset` has anything to undo, or a cancelled statement may still run."""
        made: Any = conn  # by create
        return made.in_flight > 0 or self._is_soiled(raw(conn)) or made.before is not None

    def abort(self, conn: aiosqlite.Connection, /) -> None:
        """Interrupt the statement that runs now; once the loop is closed, end the thread as well."""
        assert isinstance(conn, Connection), "made by create"
        try:
            raw(conn).interrupt()
        except (ValueError, sqlite3.ProgrammingError):  # closed already
            return
        if conn.loop.is_closed():
            end_thread(conn)

    def classify(self, exc: BaseException, /) -> Fault:
        """Tell broken connections and wrong configuration from what a user's statement did."""
        if type(exc) is ValueError and exc.args in _CLOSED:
            return Fault.RESOURCE_BROKEN
        return classify(exc)

    async def _run_configure(self, conn: Connection) -> None:
        conn.watched = False
        try:
            if self._configure is not None:
                await self._configure(conn)
            await run(conn, self._workshop.cleaner.hand_over, raw(conn))
            conn.watched = self._watches
        except Exception as exc:
            raise configure_failed(self._workshop.name, exc) from exc


async def _take_back(conn: Connection, why: BaseException) -> None:
    """End a connection that nobody gets, and wait until its thread is free: so long the pool counts it.

    Else every create past its timeout would leave one more thread at work. The loop's end is not held up.
    """
    interrupt(conn)
    if not _may_wait(why) or not thread_of(conn).is_alive():
        end_thread(conn)
        return
    closed = conn.on_thread(partial(close, conn))
    closed.add_done_callback(asyncio.Future.exception)  # looked at: create has failed already, and says why
    end_thread(conn)
    # A configure that has closed the connection has ended the thread as well: then nothing is answered.
    while thread_of(conn).is_alive() and not closed.done():
        try:
            await asyncio.wait([closed], timeout=_AGAIN)
        except asyncio.CancelledError as exc:
            if not _may_wait(exc):
                raise
        if conn.in_flight > 1:  # another one than before, or the one before had not begun
            interrupt(conn)
    thread_of(conn).join(_JOIN)


def _may_wait(exc: BaseException) -> bool:
    """Whether the loop goes on: the pool says so with a cancellation of its own."""
    given_up = isinstance(exc, asyncio.CancelledError) and str(exc).startswith("respool:")
    return given_up or isinstance(exc, Exception)
