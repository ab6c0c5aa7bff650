"""MySQL and MariaDB under asyncio, through aiomysql."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

from respool import (
    AsyncAdapter,
    Fault,
    Hygiene,
    ResourceSpoiled,
    Timeouts,
    check_configure,
    check_hygiene,
    check_timeouts,
)

try:
    import aiomysql  # type: ignore[import-untyped]  # it ships no types, and there are no stubs
    from pymysql import err
except ImportError as missing:
    raise ImportError(
        "respool_mysql needs the drivers aiomysql and PyMySQL for asyncio: pip install 'respool[mysql,async]'"
    ) from missing

from . import _private
from ._faults import classify, left_create, unanswered
from ._login import Login, checked_cursorclass, login_from, ready
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
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["AsyncMysqlAdapter"]

_OURS = {"self", "loop", "db", "cursorclass"}
# `database`, `collation` and the TLS files are translated below, the same names as for PyMySQL.
_TRANSLATED = {
    "database",
    "collation",
    "ssl_ca",
    "ssl_cert",
    "ssl_key",
    "ssl_key_password",
    "ssl_verify_cert",
    "ssl_verify_identity",
    "ssl_disabled",
}
ALLOWED = frozenset(inspect.signature(aiomysql.Connection.__init__).parameters) - _OURS | _TRANSLATED
_CLIENT_SSL = 0x0800


class PooledConnection(aiomysql.Connection):  # type: ignore[misc]  # untyped base
    """An aiomysql connection that connects once, and never in clear text where TLS was asked for."""

    record: Record | None = None
    collation: str | None = None
    _writer: Any = None
    """The driver's finalizer asks for it, also of a connection whose file of options could not be read."""

    async def _connect(self) -> None:
        if self.record is not None:
            raise err.OperationalError(2006, "a pooled connection never reconnects: discard the lease")
        await super()._connect()

    def close(self) -> None:
        """Close both descriptors: nobody else does it for a connection that was detached."""
        try:
            super().close()
        except RuntimeError:
            self._writer = None  # its loop is closed: the transport closes the socket when it is collected
        close_wire(self)

    async def _request_authentication(self) -> None:
        # aiomysql goes on without TLS when the server offers none; PyMySQL refuses, and so do we.
        if self._ssl_context and not self.server_capabilities & _CLIENT_SSL:
            raise err.OperationalError(2026, "TLS was asked for and the server does not support it")
        await super()._request_authentication()
        # As PyMySQL does, and before the init command: a server may ignore the collation of the login.
        await self.query(
            f"SET NAMES {self.charset}" + (f" COLLATE {self.collation}" if self.collation else "")
        )

    async def show_warnings(self) -> Any:
        """Read the warnings of the last statement; the driver keeps no result of this one."""
        with _private.answer(self):
            return await super().show_warnings()

    async def set_charset(self, charset: Any) -> None:
        """Set the character set of the session; the driver keeps no result of this either."""
        with _private.answer(self):
            await super().set_charset(charset)

    async def _read_query_result(self, unbuffered: bool = False) -> None:
        try:
            await super()._read_query_result(unbuffered)
        except err.MySQLError as error:
            _private.refused(self, error)
            raise

    async def _read_ok_packet(self) -> Any:
        # The answer to all that is no query: commit, rollback, begin, ping.
        try:
            found = await super()._read_ok_packet()
        except err.MySQLError as error:
            _private.refused(self, error)
            raise
        _private.answered(self)
        return found


class AsyncMysqlAdapter(AsyncAdapter["aiomysql.Connection"]):
    """Makes, checks, cleans and ends aiomysql connections; the arguments are those of `MysqlAdapter`.

    Args:
        url: ``mysql://user:password@host:port/database?charset=utf8mb4``; see the reference page.
        hygiene: How thoroughly a lease is cleaned up after.
        connect: The driver's arguments, which win over the URL. ``user`` and ``password`` may be callables,
            asked at each create; what they give is awaited where it can be.
        configure: Awaited with each new connection, and again after every reset of the session.
        cursorclass: What ``connection.cursor()`` gives.
        timeouts: Seconds per adapter call.

    Raises:
        TypeError: For an unknown argument in ``connect``, or a wrong type.
        ValueError: For a URL that cannot be read, an unknown level, or TLS files that cannot be read.
    """

    kind = "mysql"
    noun = "connection"

    def __init__(
        self,
        url: str,
        *,
        cursorclass: type[Any] = aiomysql.Cursor,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[aiomysql.Connection], Awaitable[object]] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        self.login: Login = login_from(url, connect, ALLOWED, "aiomysql")
        check_hygiene(hygiene)
        self.hygiene: Hygiene = hygiene
        self._cursorclass = checked_cursorclass(cursorclass, aiomysql.Cursor)
        check_configure(configure, plain=False, asynchronous=True)
        self._configure = configure
        check_timeouts(timeouts)
        self._timeouts = timeouts

    def __repr__(self) -> str:
        return f"AsyncMysqlAdapter({str(self.login)!r}, hygiene={self.hygiene!r})"

    async def create(self) -> aiomysql.Connection:
        """Connect, log in, configure; a server that accepts and then is silent is an error in time."""
        limit = asyncio.timeout(self._timeouts.create)
        connection: Any = None
        try:
            connection = PooledConnection(**await self._arguments())
            connection.collation = self.login.fixed.get("collation")
            async with limit:
                await _private.open_connection(connection)
                connection.record = Record(wire=Wire(_private.descriptor_of(connection)))
                await self._settle(connection)
        except Exception as lost:
            await self._end(connection)
            silent = unanswered(lost, self.login.host, late=limit.expired())
            if silent is not None:
                raise silent from lost
            left_create(lost)
            raise
        except BaseException:
            await self._end(connection)
            raise
        return connection

    async def validate(self, resource: aiomysql.Connection, /) -> bool:
        """Ping, never reconnecting."""
        check_step(resource)
        untouched = not _private.touched(resource)
        async with asyncio.timeout(self._timeouts.validate):
            await resource.ping(reconnect=False)
        if untouched:
            _private.arm(resource)
        return True

    async def reset(self, resource: aiomysql.Connection, /) -> None:
        """Clean up as the level says; raises where the connection cannot be made what it was."""
        if self.hygiene == "none":
            return
        if _private.writer_of(resource) is None:
            raise ResourceSpoiled("the connection was closed during its lease")
        check_step(resource)
        if self.hygiene == "session":
            record_of(resource).restore(resource)
        if _private.touched(resource):
            async with asyncio.timeout(self._timeouts.reset):
                await self._clean(resource)
            _private.arm(resource)

    async def destroy(self, resource: aiomysql.Connection, /) -> None:
        """Say goodbye within the time limit and close both descriptors."""
        _private.forget_result(resource)
        await self._end(resource)

    def probe(self, resource: aiomysql.Connection, /) -> bool:
        """Look at the socket, and at what the loop has read of it already, without a round trip."""
        wire = _private.live_wire_async(resource)
        if wire is not None:
            return wire.quiet() and _private.is_quiet(resource)
        check_step(resource)
        raise ResourceSpoiled("the connection was closed")

    def is_dirty(self, resource: aiomysql.Connection, /) -> bool:
        """Tell locally whether `reset` has any work."""
        if self.hygiene == "none":
            return False
        if _private.writer_of(resource) is None:
            return True
        if self.hygiene == "transaction":
            return _private.in_doubt(resource)
        return _private.touched(resource) or record_of(resource).differs(resource)

    def abort(self, resource: aiomysql.Connection, /) -> None:
        """Shut the socket; what remains when the loop is gone."""
        record_of(resource).wire.cut()

    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault behind an exception of the driver, by its number."""
        return classify(exc)

    async def _end(self, connection: Any) -> None:
        if connection is None:
            return
        writer = _private.writer_of(connection)
        try:
            async with asyncio.timeout(self._timeouts.destroy):
                await connection.ensure_closed()
                if writer is not None:
                    await writer.wait_closed()
        except (OSError, RuntimeError):
            pass  # the goodbye is a courtesy, and the time limit is an OSError too
        finally:
            connection.close()
            if writer is not None:
                writer.transport.abort()

    async def _arguments(self) -> dict[str, Any]:
        """Translate PyMySQL's names into aiomysql's, and ask for fresh credentials."""
        arguments = dict(self.login.fixed)
        for name, answer in self.login.asked().items():
            arguments[name] = await answer if inspect.isawaitable(answer) else answer
        arguments = {"host": "localhost", **ready(arguments, ALLOWED), "cursorclass": self._cursorclass}
        arguments["db"] = arguments.pop("database", None)
        arguments.pop("collation", None)  # the connection is told
        arguments.pop("ssl_disabled", None)
        if isinstance(arguments.get("sql_mode"), str):
            arguments["sql_mode"] = "'" + arguments["sql_mode"].replace("'", "''") + "'"  # sent as it is
        return arguments

    async def _settle(self, connection: Any) -> None:
        """Look round while everything is new, configure, and remember."""
        record = record_of(connection)
        if self.hygiene == "session":
            check_version(connection.server_version)
            record.home = await look(connection)
            record.init_connect = await look_up(connection)
        elif self.hygiene == "transaction" and connection.autocommit_mode is None:
            await connection.ping(reconnect=False)  # what the server chose shows in an answer
        await self._configured(connection)
        record.autocommit = connection.get_autocommit()
        record.remember(connection)
        # aiomysql hands the same tables of encoders and decoders to every connection: give this one its own.
        record.restore(connection)
        _private.arm(connection)

    async def _clean(self, connection: Any) -> None:
        if self.hygiene == "transaction":
            await self._end_transaction(connection)
            await connection.autocommit(record_of(connection).autocommit)
            return
        await self._read_rest(connection)
        if _private.may_be_open(connection):
            # The reset ends a transaction too, but says "ok" where XA PREPARE has bound the session: InnoDB
            # refuses it everything from then on. A rollback fails there, and the connection is given up.
            await connection.rollback()
        await _private.reset_connection_async(connection)
        await self._initialised(connection, record_of(connection).init_connect)
        await self._go_home(connection, record_of(connection).must_home())
        await self._configured(connection)

    async def _read_rest(self, connection: Any) -> None:
        if not await _private.read_rest_async(connection, MAX_UNREAD):
            raise unread()

    async def _end_transaction(self, connection: Any) -> None:
        await self._read_rest(connection)
        if _private.needs_rollback(connection):
            await connection.rollback()

    async def _initialised(self, connection: Any, init_connect: str | None) -> None:
        """Run what the server runs at a login, and not after a reset; several statements it may be."""
        if init_connect is None:
            return
        async with connection.cursor(aiomysql.Cursor) as cursor:
            await cursor.execute(init_connect)
            await self._end_transaction(connection)

    async def _go_home(self, connection: Any, home: Home) -> None:
        now = await look(connection)
        async with connection.cursor(aiomysql.Cursor) as cursor:
            for statement in home.from_here(now):
                await cursor.execute(statement)
            if connection.init_command is not None:
                await cursor.execute(connection.init_command)
                await self._end_transaction(connection)
                if connection.autocommit_mode is not None:  # as at the login: it has the last word
                    await connection.autocommit(connection.autocommit_mode)

    async def _configured(self, connection: Any) -> None:
        if self._configure is not None:
            await self._configure(connection)
            await self._end_transaction(connection)


async def look_up(connection: Any) -> str | None:
    """Read what the server runs at each login of this user; None too where a proxy will not say."""
    async with connection.cursor(aiomysql.Cursor) as cursor:
        try:
            await cursor.execute(INIT_CONNECT)
        except err.MySQLError:
            if connection.closed:
                raise
            return None
        found: str | None = text_of((await cursor.fetchone())[0])
        return found


async def look(connection: Any) -> Home:
    """Read what a reset of the session keeps."""
    async with connection.cursor(aiomysql.Cursor) as cursor:
        await cursor.execute(home_query(connection.server_version))
        return Home.of(await cursor.fetchone())
