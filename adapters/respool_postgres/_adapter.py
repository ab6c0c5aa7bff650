"""The blocking adapter: psycopg's `Connection`."""

from __future__ import annotations

import inspect
import weakref
from typing import TYPE_CHECKING, Any, Generic, overload

from typing_extensions import TypeVar

from respool import Adapter, Hygiene, Timeouts, check_configure, check_configured

from ._base import Common, blaming, connecting, plan
from ._driver import psycopg
from ._hygiene import forget_prepared, ping
from ._session import session_of
from ._talk import hold
from ._turns import evicted, patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg import Connection
    from psycopg.rows import Row, RowFactory, TupleRow

    from ._line import Line

__all__ = ["PostgresAdapter"]

C = TypeVar("C", bound="Connection[Any]")


class PostgresAdapter(Common, Adapter[C], Generic[C]):
    """Makes, checks, cleans and ends psycopg connections.

    Args:
        conninfo: A conninfo string or ``postgresql://`` URL, or a callable that gives one and is asked at
            every create: for passwords and tokens that change.
        connect: More arguments for ``Connection.connect``: libpq parameters, ``autocommit``,
            ``prepare_threshold``, ``cursor_factory``, ``context``. They win over the conninfo.
        hygiene: How thoroughly a connection is cleaned between two leases.
        configure: Called with the connection after create and after every session reset; must leave no
            transaction open.
        row_factory: Gives rows another shape, and the connection's type another parameter.
        connection_class: A subclass of ``psycopg.Connection``, instead of a row factory.
        timeouts: How long each phase may take; the driver is told as well.

    Raises:
        ValueError: For a conninfo that libpq cannot read (the message holds neither user nor password).
        TypeError: For an unknown driver argument, a class and a row factory at once, or a ``configure`` of
            the wrong colour.
    """

    @overload
    def __init__(
        self: PostgresAdapter[Connection[TupleRow]],
        conninfo: str | Callable[[], str] = "",
        *,
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[Connection[TupleRow]], object] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    @overload
    def __init__(
        self: PostgresAdapter[Connection[Row]],
        conninfo: str | Callable[[], str] = "",
        *,
        row_factory: RowFactory[Row],
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[Connection[Row]], object] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        conninfo: str | Callable[[], str] = "",
        *,
        connection_class: type[C],
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[C], object] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    def __init__(
        self,
        conninfo: str | Callable[[], str] = "",
        *,
        connect: Mapping[str, Any] | None = None,
        hygiene: Hygiene = "session",
        configure: Callable[[Any], object] | None = None,
        row_factory: RowFactory[Any] | None = None,
        connection_class: type[Any] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - frozen
    ) -> None:
        classes = (psycopg.Connection, connection_class, row_factory)
        self._plan = plan(conninfo, hygiene, connect, classes, timeouts)
        if inspect.iscoroutinefunction(conninfo):
            raise TypeError("conninfo is a coroutine function, here it must be a str or a plain function")
        self._level = self._plan.hygiene
        check_configure(configure)
        self._configure = configure

    def create(self) -> C:
        """Connect, check the server's version, run `configure`."""
        conninfo = self._ask_conninfo()
        with connecting():
            conn: C = self._plan.connection_class.connect(conninfo, **self._arguments(conninfo))
        try:
            self._admit(conn, _close_with)
            if self._configure is not None:
                with blaming("configure"):
                    answer = self._configure(conn)
                check_configured(answer)
            self._settle(conn)
            self._mark_clean(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def validate(self, resource: C, /) -> bool:
        """Send an empty query and see that it is answered."""
        with session_of(resource).unchanged():
            return hold(ping(), resource, self._plan.timeouts.validate)

    def reset(self, resource: C, /) -> None:
        """Clean the connection as its hygiene level says; the reference page lists what."""
        talk = self._cleaning(resource)
        if talk is None:
            return
        hold(talk, resource, self._plan.timeouts.reset)
        if self._level != "session":
            return
        if self._configure is not None:
            check_configured(self._configure(resource))
            self._settle(resource)
        if not self._mark_clean(resource):
            hold(forget_prepared(resource), resource, self._plan.timeouts.reset)
            session_of(resource).mark_clean()

    def destroy(self, resource: C, /) -> None:
        """Say goodbye to the server and close both descriptors.

        A thread that is still inside the driver is hung up on, and closed is when it is out.

        Raises:
            StillInUse: A COPY or a generator was kept: it is hung up, and closed when it is kept no longer.
        """
        try:
            with evicted(resource, patience(self._plan.timeouts)):
                resource.close()
        finally:
            session_of(resource).line.close()

    def _ask_conninfo(self) -> str:
        source = self._plan.conninfo
        if not callable(source):
            return source
        with blaming("the conninfo callable"):
            conninfo: str = source()
        return conninfo


def _close_with(conn: Any, line: Line) -> None:
    """Have a connection close our duplicate when it is closed itself: detached, nobody else would soon.

    The reference is weak, and the connection's class is the one that was asked for.
    """
    own, reference = type(conn).close, weakref.ref(conn)

    def close() -> None:
        try:
            if (alive := reference()) is not None:
                own(alive)
        finally:
            line.close()

    conn.close = close
