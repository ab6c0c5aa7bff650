"""MySQL and MariaDB under threads, through PyMySQL."""

from __future__ import annotations

import contextlib
import inspect
import ssl
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar, overload

from respool import (
    Adapter,
    Fault,
    Hygiene,
    ResourceSpoiled,
    Timeouts,
    check_configure,
    check_configured,
    check_hygiene,
    check_timeouts,
)

try:
    import pymysql
    from pymysql import err
    from pymysql.constants import CLIENT
    from pymysql.cursors import Cursor
except ImportError as missing:
    raise ImportError("respool_mysql needs the driver PyMySQL: pip install 'respool[mysql]'") from missing

from . import _private
from ._faults import UnsupportedServer, classify, left_create, unanswered
from ._login import Login, checked_cursorclass, login_from, ready, tls_context
from ._session import (
    INIT_CONNECT,
    MAX_UNREAD,
    Home,
    Record,
    check_step,
    check_version,
    close_wire,
    home_query,
    record_of,
    text_of,
    unread,
)
from ._wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Connection = pymysql.connections.Connection

__all__ = ["MysqlAdapter", "UnsupportedServer"]

CursorT = TypeVar("CursorT", bound=Cursor)

_OURS = {"self", "compress", "named_pipe", "db", "passwd", "defer_connect", "cursorclass", "binary_prefix"}
ALLOWED = frozenset(inspect.signature(pymysql.connections.Connection.__init__).parameters) - _OURS


class PooledConnection(pymysql.connections.Connection):
    """A PyMySQL connection that connects once, and never in clear text where TLS was asked for.

    A session that changed unseen is worse than an error.
    """

    # What every release asks, side by side and not among the fifty names of the driver's ``__dict__``.
    __slots__ = ("_next_seq_id", "_result", "server_status", "wire")

    record: Record | None = None
    wire: Wire | None
    """The record's, while it is open."""
    must_encrypt = False

    def connect(self, sock: Any = None) -> None:
        """Connect, the first time; ``ping(reconnect=True)`` ends here too."""
        if self.record is not None:
            raise err.OperationalError(2006, "a pooled connection never reconnects: discard the lease")
        super().connect(sock)

    def close(self) -> None:
        """Say goodbye and close both descriptors: nobody else does it for a connection that was detached."""
        try:
            super().close()
        finally:
            close_wire(self)

    def _request_authentication(self) -> None:
        # Before 1.2 PyMySQL goes on without TLS when the server offers none.
        offers: int = self.server_capabilities  # type: ignore[attr-defined]  # not in the stubs
        if self.must_encrypt and not offers & CLIENT.SSL:
            raise err.OperationalError(2026, "TLS was asked for and the server does not support it")
        super()._request_authentication()  # type: ignore[misc]  # not in the stubs

    def show_warnings(self) -> Any:
        """Read the warnings of the last statement; the driver keeps no result of this one."""
        with _private.answer(self):
            return super().show_warnings()  # type: ignore[no-untyped-call]  # so the stubs

    def set_character_set(self, charset: Any, collation: Any = None) -> None:
        """Set the character set of the session; the driver keeps no result of this either."""
        with _private.answer(self):
            super().set_character_set(charset, collation)

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        try:
            return super()._read_query_result(unbuffered)  # type: ignore[misc]  # not in the stubs
        except err.MySQLError as error:
            _private.refused(self, error)
            raise

    def _read_ok_packet(self) -> Any:
        # The answer to all that is no query: commit, rollback, begin, ping.
        try:
            found = super()._read_ok_packet()  # type: ignore[misc]  # not in the stubs
        except err.MySQLError as error:
            _private.refused(self, error)
            raise
        _private.answered(self)
        return found

    def _write_bytes(self, data: bytes) -> None:
        _private.sending(self, data)
        try:
            super()._write_bytes(data)  # type: ignore[misc]  # not in the stubs
        except BaseException:
            _private.sever(self)  # half a command is on the wire
            raise

    def _force_close(self) -> None:
        self.wire = None
        if self.record is not None:
            _private.closed(self)
        super()._force_close()  # type: ignore[misc]  # not in the stubs

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        # Without TLS options PyMySQL encrypts where the server can, and verifies nothing; for that it reads
        # all of the system's authorities at each connect: 60 ms of work where the login takes 1 ms.
        if sslp == {}:
            return tls_context()
        self.must_encrypt = True
        context: ssl.SSLContext = sslp
        return context


class MysqlAdapter(_private.Asked, Adapter["Connection[CursorT]"], Generic[CursorT]):
    """Makes, checks, cleans and ends PyMySQL connections.

    Args:
        url: ``mysql://user:password@host:port/database?charset=utf8mb4``; see the reference page.
        hygiene: How thoroughly a lease is cleaned up after.
        connect: PyMySQL's own arguments, which win over the URL. ``user`` and ``password`` may be
            callables, asked at each create, from the creating thread.
        configure: Called with each new connection, and again after every reset of the session.
        cursorclass: What ``connection.cursor()`` gives.
        timeouts: Seconds per adapter call; the reading and writing of the driver is bounded by them too.

    Raises:
        TypeError: For an unknown argument in ``connect``, or a wrong type.
        ValueError: For a URL that cannot be read, an unknown level, or TLS files that cannot be read.
    """

    kind = "mysql"
    noun = "connection"

    @overload
    def __init__(
        self: MysqlAdapter[Cursor],
        url: str,
        *,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[Connection[Cursor]], object] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    @overload
    def __init__(
        self,
        url: str,
        *,
        cursorclass: type[CursorT],
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[Connection[CursorT]], object] | None = None,
        timeouts: Timeouts = ...,
    ) -> None: ...

    def __init__(
        self,
        url: str,
        *,
        cursorclass: type[Any] = Cursor,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[Any], object] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        self.login: Login = login_from(url, connect, ALLOWED, "PyMySQL")
        check_hygiene(hygiene)
        self.hygiene: Hygiene = hygiene
        self._cursorclass = checked_cursorclass(cursorclass, Cursor)
        check_configure(configure)
        self._configure = configure
        check_timeouts(timeouts)
        self._timeouts = timeouts

    def __repr__(self) -> str:
        return f"MysqlAdapter({str(self.login)!r}, hygiene={self.hygiene!r})"

    def create(self) -> Connection[CursorT]:
        """Connect, log in, configure; a server that accepts and then is silent is an error in time."""
        try:
            connection: Connection[CursorT] = self._connected()
        except Exception as lost:
            silent = unanswered(lost, self.login.host)
            if silent is not None:
                raise silent from lost
            left_create(lost)
            raise
        return connection

    def validate(self, resource: Connection[CursorT], /) -> bool:
        """Ping, never reconnecting."""
        check_step(resource)
        untouched = not _private.touched(resource)
        with bounded(resource, self._timeouts.validate):
            resource.ping(reconnect=False)
        if untouched:
            _private.arm(resource)
        return True

    def reset(self, resource: Connection[CursorT], /) -> None:
        """Clean up as the level says; raises where the connection cannot be made what it was."""
        if self.hygiene == "none":
            return
        if _private.socket_of(resource) is None:
            raise ResourceSpoiled("the connection was closed during its lease")
        check_step(resource)
        if self.hygiene == "session":
            record_of(resource).restore(resource)
        if _private.touched(resource):
            with bounded(resource, self._timeouts.reset):
                self._clean(resource)
            _private.arm(resource)

    def destroy(self, resource: Connection[CursorT], /) -> None:
        """Say goodbye within the time limit and close both descriptors."""
        _private.forget_result(resource)
        try:
            if resource.open:
                _private.set_timeouts(resource, self._timeouts.destroy, self._timeouts.destroy)
                resource.close()
        finally:
            close_wire(resource)

    def abort(self, resource: Connection[CursorT], /) -> None:
        """Shut the socket, so that a hung call ends; from any thread."""
        record_of(resource).wire.cut()

    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault behind an exception of the driver, by its number."""
        return classify(exc)

    def _refuse(self, resource: Any) -> NoReturn:
        """Say why it is not handed out."""
        check_step(resource)
        raise ResourceSpoiled("the connection was closed")

    def _is_changed(self, resource: Any) -> bool:
        """Tell whether anything was sent, or set on the connection, where the level wants to know."""
        if self.hygiene == "none":
            return False
        lost = _private.socket_of(resource) is None
        return lost or _private.touched(resource) or record_of(resource).differs(resource)

    def _connected(self) -> Any:
        limit = self._timeouts.create
        arguments = ready({**self.login.fixed, **self.login.asked()}, ALLOWED)
        arguments["cursorclass"] = self._cursorclass
        # PyMySQL's connect_timeout ends with the TCP connect: a frozen server accepts and says nothing.
        arguments.update(read_timeout=limit, write_timeout=limit)
        arguments["connect_timeout"] = min(limit, arguments.get("connect_timeout", limit))
        connection: Any = PooledConnection(**arguments)
        connection.wire = Wire(_private.socket_of(connection).fileno())
        connection.record = Record(wire=connection.wire)
        try:
            self._settle(connection)
        except BaseException:
            self.destroy(connection)
            raise
        return connection

    def _settle(self, connection: Any) -> None:
        """Look round while everything is new, configure, and remember."""
        record = record_of(connection)
        if self.hygiene == "session":
            check_version(connection.server_version)
            record.home = look(connection)
            record.init_connect = look_up(connection)
        elif self.hygiene == "transaction" and connection.autocommit_mode is None:
            connection.ping(reconnect=False)  # what the server chose shows in an answer that the driver reads
        self._configured(connection)
        record.autocommit = connection.get_autocommit()
        own = self.login.fixed
        _private.set_timeouts(connection, own.get("read_timeout"), own.get("write_timeout"))
        record.remember(connection)
        _private.arm(connection)

    def _clean(self, connection: Any) -> None:
        if self.hygiene == "transaction":
            self._end_transaction(connection)
            connection.autocommit(record_of(connection).autocommit)
            return
        self._read_rest(connection)
        if _private.may_be_open(connection):
            # The reset ends a transaction too, but says "ok" where XA PREPARE has bound the session: InnoDB
            # refuses it everything from then on. A rollback fails there, and the connection is given up.
            connection.rollback()
        _private.reset_connection(connection)
        self._initialised(connection, record_of(connection).init_connect)
        self._go_home(connection, record_of(connection).must_home())
        self._configured(connection)

    def _read_rest(self, connection: Any) -> None:
        if not _private.read_rest(connection, MAX_UNREAD):
            raise unread()

    def _end_transaction(self, connection: Any) -> None:
        self._read_rest(connection)
        if _private.needs_rollback(connection):
            connection.rollback()

    def _initialised(self, connection: Any, init_connect: str | None) -> None:
        """Run what the server runs at a login, and not after a reset; several statements it may be."""
        if init_connect is None:
            return
        with connection.cursor(Cursor) as cursor:
            several = ";" in init_connect and not connection.client_flag & CLIENT.MULTI_STATEMENTS
            if several:
                _private.take_several(connection, True)
            cursor.execute(init_connect)
            self._end_transaction(connection)
            if several:
                _private.take_several(connection, False)

    def _go_home(self, connection: Any, home: Home) -> None:
        with connection.cursor(Cursor) as cursor:
            for statement in home.from_here(look(connection)):
                cursor.execute(statement)
            if connection.init_command is not None:
                cursor.execute(connection.init_command)
                self._end_transaction(connection)
                if connection.autocommit_mode is not None:  # as at the login: it has the last word
                    connection.autocommit(connection.autocommit_mode)

    def _configured(self, connection: Any) -> None:
        if self._configure is not None:
            check_configured(self._configure(connection))
            self._end_transaction(connection)


def look_up(connection: Any) -> str | None:
    """Read what the server runs at each login of this user; None too where a proxy will not say."""
    with connection.cursor(Cursor) as cursor:
        try:
            cursor.execute(INIT_CONNECT)
        except err.MySQLError:
            if not connection.open:
                raise
            return None
        found: str | None = text_of((cursor.fetchone())[0])
        return found


def look(connection: Any) -> Home:
    """Read what a reset of the session keeps."""
    with connection.cursor(Cursor) as cursor:
        cursor.execute(home_query(connection.server_version))
        return Home.of(cursor.fetchone())


@contextlib.contextmanager
def bounded(connection: Any, seconds: float) -> Iterator[None]:
    """Let no read or write take longer, whatever the user's own limits are."""
    before = _private.timeouts_of(connection)
    _private.set_timeouts(connection, *(seconds if own is None else min(own, seconds) for own in before))
    try:
        yield
    finally:
        _private.set_timeouts(connection, *before)
