"""The asynchronous adapter: psycopg's `AsyncConnection`."""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, overload

from typing_extensions import TypeVar

from respool import AsyncAdapter, Hygiene, Timeouts, check_configure

from ._base import Common, blaming, connecting, plan
from ._driver import psycopg
from ._hygiene import forget_prepared, ping
from ._session import session_of
from ._talk import hold_on_loop
from ._turns import evict_on_loop, patience

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg.rows import AsyncRowFactory, Row, TupleRow

    from ._line import Line

__all__ = ["AsyncPostgresAdapter", "Conninfo"]

C = TypeVar("C", bound="AsyncConnection[Any]")

Conninfo: TypeAlias = str | Callable[[], str] | Callable[[], Awaitable[str]]
"""psycopg_pool takes the same three."""


class AsyncPostgresAdapter(Common, AsyncAdapter[C], Generic[C]):
    """Makes, checks, cleans and ends psycopg connections on an event loop.

    Args:
        conninfo: A conninfo string or ``postgresql://`` URL, or a callable (a coroutine function, if it does
            I/O) that gives one and is asked at every create.
        connect: More arguments for ``AsyncConnection.connect``; they win over the conninfo.
        hygiene: How thoroughly a connection is cleaned between two leases.
        configure: Awaited with the connection after create and after every session reset; must leave no
            transaction open.
        row_factory: Gives rows another shape, and the connection's type another parameter.
        connection_class: A subclass of ``psycopg.AsyncConnection``, instead of a row factory.
        timeouts: How long each phase may take; the driver is told as well.

    Raises:
        ValueError: For a conninfo that libpq cannot read (the message holds neither user nor password).
        TypeError: For an unknown driver argument, a class and a row factory at once, or a ``configure`` of
            the wrong colour.
    """

    @overload
    def __init__(
        self: AsyncPostgresAdapter[AsyncConnection[TupleRow]],
        conninfo: Conninfo = "",
        *,
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[AsyncConnection[TupleRow]], Awaitable[object]] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: AsyncPostgresAdapter[AsyncConnection[Row]],
        conninfo: Conninfo = "",
        *,
        row_factory: AsyncRowFactory[Row],
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[AsyncConnection[Row]], Awaitable[object]] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        conninfo: Conninfo = "",
        *,
        connection_class: type[C],
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[C], Awaitable[object]] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    def __init__(
        self,
        conninfo: Conninfo = "",
        *,
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[Any], Awaitable[object]] | None = None,
        row_factory: AsyncRowFactory[Any] | None = None,
        connection_class: type[Any] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        classes = (psycopg.AsyncConnection, connection_class, row_factory)
        self._plan = plan(conninfo, hygiene, connect, classes, timeouts)
        self._level = self._plan.hygiene
        check_configure(configure, plain=False, asynchronous=True)
        self._configure = configure

    async def create(self) -> C:
        """Connect, check the server's version, run `configure`."""
        conninfo = await self._ask_conninfo()
        before = _cancellations()
        with connecting():
            conn: C = await self._plan.connection_class.connect(conninfo, **self._arguments(conninfo))
        try:
            self._admit(conn, _close_with)
            if self._configure is not None:
                with blaming("configure"):
                    await self._configure(conn)
            self._settle(conn)
            self._mark_clean(conn)
            _heed(before)
        except BaseException:
            await conn.close()
            raise
        return conn

    async def validate(self, resource: C, /) -> bool:
        """Send an empty query and see that it is answered."""
        with session_of(resource).unchanged():
            return await hold_on_loop(ping(), resource, self._plan.timeouts.validate)

    async def reset(self, resource: C, /) -> None:
        """Clean the connection as its hygiene level says; the reference page lists what.

        Waits on the wire itself, not through the connection: psycopg answers a cancellation there with a
        cancel request to the server, which on a silent wire takes seconds.
        """
        talk = self._cleaning(resource)
        if talk is None:
            return
        await hold_on_loop(talk, resource, self._plan.timeouts.reset)
        if self._level != "session":
            return
        if self._configure is not None:
            await self._configure(resource)
            self._settle(resource)
        if not self._mark_clean(resource):
            await hold_on_loop(forget_prepared(resource), resource, self._plan.timeouts.reset)
            session_of(resource).mark_clean()

    async def destroy(self, resource: C, /) -> None:
        """Say goodbye to the server and close both descriptors; waits for nothing where nobody is inside.

        A task that is still inside the driver is hung up on, and closed is when it is out.

        Raises:
            StillInUse: A COPY or a generator was kept: it is hung up, and closed when it is kept no longer.
        """
        try:
            await evict_on_loop(resource, patience(self._plan.timeouts))
            await resource.close()
        finally:
            session_of(resource).line.close()

    async def _ask_conninfo(self) -> str:
        source = self._plan.conninfo
        if not callable(source):
            return source
        with blaming("the conninfo callable"):
            answer = source()
            conninfo: str = await answer if inspect.isawaitable(answer) else answer
        return conninfo


def _cancellations() -> int:
    """Count how often this task was told to stop."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _heed(before: int) -> None:
    """Let a cancellation through that psycopg's `wait_for` has swallowed (psycopg 3.2 on Python 3.11)."""
    if _cancellations() > before:
        raise asyncio.CancelledError


def _close_with(conn: Any, line: Line) -> None:
    """Have a connection close our duplicate when it is closed itself: detached, nobody else would soon.

    The reference is weak, and the connection's class is the one that was asked for.
    """
    own, reference = type(conn).close, weakref.ref(conn)

    async def close() -> None:
        try:
            if (alive := reference()) is not None:
                await own(alive)
        finally:
            line.close()

    conn.close = close
