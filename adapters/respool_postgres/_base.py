"""What the blocking and the asynchronous adapter share: their settings, and the abilities that never wait."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from respool import (
    Fault,
    Hygiene,
    ResourceSpoiled,
    Timeouts,
    check_connect,
    check_hygiene,
    check_timeouts,
)

from . import _conninfo
from ._faults import ServerHungUp, SetupError, UnfitServer, classify, is_mistake
from ._hygiene import clean_session, end_transaction, refuse_busy, reported
from ._line import Line
from ._private import Adaptations, Releases, Snapshot, driver_owned
from ._session import Session, session_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ._talk import Talk

__all__ = ["Common", "Plan", "blaming", "connecting", "plan"]

_OLDEST = 120_000
"""The oldest server that is known to do all that a session reset asks: 12."""


@attrs.frozen(kw_only=True)
class Plan:
    """How connections are made and cleaned; checked once, when the adapter is made."""

    conninfo: str | Callable[[], Any] = attrs.field(repr=False)
    connection_class: type[Any]
    arguments: Mapping[str, Any] = attrs.field(repr=False)
    hygiene: Hygiene
    timeouts: Timeouts


def plan(
    conninfo: str | Callable[[], Any],
    hygiene: Hygiene,
    connect: Mapping[str, Any] | None,
    classes: tuple[type[Any], type[Any] | None, Any],
    timeouts: Timeouts,
) -> Plan:
    """Check an adapter's arguments; `classes` are the driver's class, the user's and the row factory.

    Raises:
        TypeError: For a class and a row factory at once, an unknown driver argument, a wrong type.
        ValueError: For a conninfo that libpq cannot read, or an unknown hygiene level.
    """
    driver_class, connection_class, row_factory = classes
    if connection_class is not None and row_factory is not None:
        raise TypeError(
            "give a connection_class or a row_factory, not both: a class can set its own row factory"
        )
    if connection_class is not None and not _is_class_of(connection_class, driver_class):
        raise TypeError(
            f"connection_class is {connection_class!r}, it must be a subclass of {_name(driver_class)}"
        )
    check_hygiene(hygiene)
    check_connect(connect)
    check_timeouts(timeouts)
    arguments = dict(connect or {})
    _conninfo.check_arguments(arguments)
    if row_factory is not None:
        if not callable(row_factory):
            raise TypeError(f"row_factory is {row_factory!r}, it must be callable with one cursor")
        arguments["row_factory"] = row_factory
    if not callable(conninfo):
        _conninfo.read(conninfo)
    return Plan(
        conninfo=conninfo,
        connection_class=connection_class or driver_class,
        arguments=arguments,
        hygiene=hygiene,
        timeouts=timeouts,
    )


class Common(Releases):
    """The abilities, and the halves of create and reset that are the same in both colours."""

    kind = "postgres"
    noun = "connection"
    _plan: Plan

    def probe(self, resource: Any, /) -> bool:
        """Look whether the server has hung up or has something to say; one `poll`, no round trip."""
        session: Session = resource._respool  # not through a function: runs at every hand-out
        poll = session.poll  # a name of its own: before Python 3.12 `session.poll(0)` is not specialised
        found = poll(0)
        return not found or session.line.judge(found)

    def glance(self, resource: Any, /) -> Callable[[int], object]:
        """Give the bare `poll`: while it finds nothing there is nothing to judge."""
        return session_of(resource).poll

    def abort(self, resource: Any, /) -> None:
        """End a call that hangs, by shutting the wire down beside the driver; `destroy` still follows."""
        session_of(resource).line.hang_up()

    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault that an exception stands for; the SQLSTATE decides where there is one."""
        return classify(exc)

    def __repr__(self) -> str:
        source = self._plan.conninfo
        where = "a conninfo asked for at each create" if callable(source) else _address(source, self._plan)
        return f"<{type(self).__name__} {where}, hygiene={self._plan.hygiene!r}>"

    def _arguments(self, conninfo: str) -> dict[str, Any]:
        """Give what connect is called with beside the conninfo: the user's arguments, then our defaults."""
        given = self._plan.arguments
        parameters = {**_conninfo.read(conninfo), **given}
        return {**_conninfo.defaults(parameters, self._plan.timeouts), **given}

    def _admit(self, conn: Any, close_with: Callable[[Any, Line], None]) -> None:
        """Begin to look after a connection that was just made; ``close_with`` has it close the line as well.

        Raises:
            UnfitServer: It leads to something that is no Postgres 12 or later.
        """
        version = conn.pgconn.server_version
        if version < _OLDEST:
            said = conn.info.parameter_status("server_version") or "unknown"
            raise UnfitServer(f"the server's version is {said}, respool_postgres needs Postgres 12 or later")
        session = Session(Line(conn.pgconn.socket))
        conn._respool = session
        driver_owned(conn)
        close_with(conn, session.line)
        if self._level == "session":
            session.before = Snapshot.of(conn)

    def _settle(self, conn: Any) -> None:
        """Take note of a connection as it is after `configure`.

        Raises:
            SetupError: `configure` has closed it, or left something open.
            ServerHungUp: It was lost meanwhile.
        """
        if conn.broken:
            raise ServerHungUp("the connection was lost in configure")
        if conn.closed:
            raise SetupError("configure has closed the connection")
        try:
            in_transaction = refuse_busy(conn)
        except ResourceSpoiled as exc:
            raise SetupError(f"after configure: {exc}") from None
        if in_transaction:
            raise SetupError("configure has left a transaction open: end it with commit(), or use autocommit")
        if self._level == "session":
            session = session_of(conn)
            session.adaptations = Adaptations.of(conn)
            session.after_configure = Snapshot.of(conn)

    def _mark_clean(self, conn: Any) -> bool:
        """Note that a connection is as the next lease shall find it.

        Returns:
            Whether the settings by which statements are read are what they were the last time; `configure` or
            the server's administrator may have chosen others.
        """
        session = session_of(conn)
        session.mark_clean()
        before, session.home = session.home, reported(conn)
        return before == session.home

    def _is_changed(self, conn: Any) -> bool:
        """Tell whether anything was sent, or the Python side is another than after `configure`.

        Ends a trace, of which libpq does not tell whether there is one; that is as cheap as a look would be.
        """
        conn.pgconn.untrace()
        session = session_of(conn)
        return (
            not session.is_untouched()
            or not session.after_configure.holds(conn)
            or session.adaptations.changed(conn)
        )

    def _cleaning(self, conn: Any) -> Talk[None] | None:
        """Give the talk that cleans a connection; None at "none".

        Raises:
            ResourceSpoiled: It cannot be cleaned.
        """
        if conn.pgconn.status:
            raise ResourceSpoiled("it is closed")
        if self._level == "none":
            return None
        if self._level == "transaction":
            return end_transaction(conn)
        session = session_of(conn)
        if session.adaptations.changed(conn):
            raise ResourceSpoiled("type adapters were registered on it, which cannot be undone")
        return clean_session(conn, session)


@contextmanager
def blaming(culprit: str) -> Iterator[None]:
    """Turn a mistake in the user's callable into an error that waiting cannot mend."""
    try:
        yield
    except Exception as exc:
        if is_mistake(exc):
            raise SetupError(f"{culprit} failed with {type(exc).__name__}") from exc
        raise


@contextmanager
def connecting() -> Iterator[None]:
    """Have a connect that fails, or is cancelled, hang up.

    What it has begun is a local of psycopg's. It would stay open, and a session of the server with it, for as
    long as somebody keeps the error; the pool keeps the last one.
    """
    try:
        yield
    except BaseException as exc:
        traceback.clear_frames(exc.__traceback__)
        raise


def _address(conninfo: str, plan: Plan) -> str:
    given = {name: value for name, value in plan.arguments.items() if value is not None}
    return _conninfo.address({**_conninfo.read(conninfo), **given})


def _is_class_of(candidate: object, base: type[Any]) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, base)


def _name(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
