"""Every private name of PyMySQL and aiomysql that the adapters use, and nothing else.

The two drivers share most of them, for aiomysql is PyMySQL with awaits. `NAMES` lists them all, including
those that the two `PooledConnection` classes override where they stand (`_sync`, `_aio`); a test holds the
list against the installed drivers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pymysql import err
from pymysql.connections import Connection

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Mapping

    from respool import Hygiene

    from ._wire import Wire

__all__ = ["ANSWERED", "COM_RESET_CONNECTION", "COM_SET_OPTION", "NAMES", "UNTOUCHED", "VOLATILE", "Asked"]

COM_RESET_CONNECTION = 0x1F
"""MySQL 5.7.3 and MariaDB 10.2.4; neither driver has a public call for it."""

COM_SET_OPTION = 0x1B

UNTOUCHED = 256
"""What `arm` puts into ``_next_seq_id``: a number that no packet can have.

Every command begins by setting the sequence number to 1, so as long as ours stands there nothing was sent.
That is the local knowledge that lets a clean return skip the reset.
"""

ANSWERED = 257
"""What stands there after an answer that was read to its end and of which the driver keeps no result."""

_OPEN = 0x0001
_AUTOCOMMIT = 0x0002
_DOUBT = 0x10000
"""Put into ``server_status`` by an answer that brings none; the protocol's own flags end below it."""
_EITHER = _OPEN | _AUTOCOMMIT | _DOUBT

NAMES = {
    "both": (
        "_execute_command",
        "_read_ok_packet",
        "_read_packet",
        "_read_query_result",
        "_result",
        "_next_seq_id",
    ),
    "result": ("unbuffered_active", "has_next", "_read_rowdata_packet_unbuffered"),
    "pymysql": ("_sock", "_read_timeout", "_write_timeout"),
    "pymysql's methods": ("_create_ssl_ctx", "_force_close", "_request_authentication", "_write_bytes"),
    "aiomysql": ("_writer", "_reader", "_connect", "_request_authentication", "_ssl_context"),
    "stream": ("_buffer", "eof_received"),
}

VOLATILE = frozenset(
    {
        "_affected_rows",
        "_auth_plugin_used",
        "_close_reason",
        "_closed",
        "_current_timeout",
        "_last_usage",
        "_next_seq_id",
        "_reader",
        "_result",
        "_rfile",
        "_sock",
        "_writer",
        "record",
        "server_status",
        "wire",
    }
)
"""Attributes of a connection that change with every command; all the others are the user's settings."""


def arm(connection: Any) -> None:
    """Mark that nothing was sent since now."""
    connection._next_seq_id = UNTOUCHED


def touched(connection: Any) -> bool:
    """Tell whether any command was sent since `arm`."""
    return bool(connection._next_seq_id != UNTOUCHED)


def half_read(connection: Any) -> bool:
    """Tell whether a command was sent whose answer was not read to its end.

    That happens when an exception strikes in between: a decoder that raises on one row, an interrupt. The
    rest of the answer would go to the next command. The drivers forget the last result when they send and
    keep the new one when they have read all of it; where they keep none, our connections put a mark that is
    no count of packets.
    """
    return connection._result is None and bool(connection._next_seq_id < UNTOUCHED)


def answered(connection: Any) -> None:
    """Mark the last answer as read, after a method of the driver that keeps no result."""
    connection._next_seq_id = ANSWERED


_DRIVERS_OWN = range(2000, 3000)


def refused(connection: Any, error: err.MySQLError) -> None:
    """Mark that the last answer was an error, which ends it, and after which nobody knows the status.

    An error packet carries no status flags: what a procedure did before it failed, a transaction it began
    or autocommit switched off, shows with the next answer that is no error.
    """
    if error.args and error.args[0] in _DRIVERS_OWN:
        return  # lost, or out of step: the server has not said that it is through
    connection._next_seq_id = ANSWERED
    connection.server_status |= _DOUBT


def closed(connection: Any) -> None:
    """Mark a PyMySQL connection that closes, so that a release, which asks for the status, asks no more."""
    connection.server_status |= _DOUBT
    if not touched(connection):
        connection._next_seq_id = ANSWERED


@contextmanager
def answer(connection: Any) -> Iterator[None]:
    """Mark how an answer ended that a method of the driver reads without keeping a result."""
    try:
        yield
    except err.MySQLError as error:
        refused(connection, error)
        raise
    answered(connection)


def in_doubt(connection: Any) -> bool:
    """Tell whether there may be an open transaction or an unread answer.

    With autocommit off and anything sent it says yes: after a duplicate key the status says "no
    transaction" though the row stays locked, and a result set does not update the status at all.
    """
    count = connection._next_seq_id
    if count == UNTOUCHED:
        return False
    if connection.server_status & _EITHER != _AUTOCOMMIT:
        return True
    result = connection._result
    if result is None:
        return bool(count != ANSWERED)
    return _incomplete(result)


def _incomplete(result: Any) -> bool:
    """Tell whether a result has more to read, or broke off with an error among its rows (None)."""
    return bool(result.has_next != 0)


def needs_rollback(connection: Any) -> bool:
    """Tell whether a connection whose results are all read may have an open transaction or a locked row."""
    return may_be_open(connection) or not connection.server_status & _AUTOCOMMIT


def may_be_open(connection: Any) -> bool:
    """Tell whether a connection whose results are all read says "in a transaction", or does not know."""
    result = connection._result
    broke_off = result is not None and _incomplete(result)
    return broke_off or bool(connection.server_status & (_OPEN | _DOUBT))


def forget_result(connection: Any) -> None:
    """Detach an unread result, so that a cursor collected later does not try to read it to its end."""
    result = connection._result
    if result is not None:
        result.unbuffered_active = False
        connection._result = None


def sever(connection: Any) -> None:
    """Close PyMySQL's socket without a word."""
    connection._force_close()


def sending(connection: Any, data: bytes) -> None:
    """Mark that a command is on its way, before it is: an interrupt may strike right after it.

    A packet that continues a command has the number that is counted; 0 among them, for LOAD DATA LOCAL sends
    more than 256. A command begins with 0 whatever the count; where that is 0 too, it says "half read" as it
    stands, because the driver has let go of the last result.
    """
    if data[3] != connection._next_seq_id:
        connection._next_seq_id = 1


# PyMySQL -----------------------------------------------------------------------------------------------


def socket_of(connection: Any) -> Any:
    """Give PyMySQL's socket; None once it is closed."""
    return connection._sock


class Asked(ABC):
    """Mixed into the blocking adapter: what every hand-out and every release asks, each in one function.

    A call more is felt in a lease, and so is an attribute that has a default in its class, as ``_sock`` has:
    `PooledConnection` keeps its ``wire`` beside it, which is None as soon as ``_sock`` is.
    """

    hygiene: Hygiene

    def probe(self, resource: Any, /) -> bool:
        """Look at the socket without a round trip."""
        if resource._result is not None or resource._next_seq_id >= UNTOUCHED:  # not `half_read`
            wire: Wire | None = resource.wire
            if wire is not None:
                poll = wire.poll  # a name of its own: before Python 3.12 `wire.poll(0)` is not specialised
                return not poll(0) or wire.quiet()
        return self._refuse(resource)

    def glance(self, resource: Any, /) -> Callable[[int], object] | None:
        """Give the `poll` itself: `is_dirty` sees all else that `probe` looks at, but at the level "none"."""
        return None if self.hygiene == "none" else resource.wire.poll

    def is_dirty(self, resource: Any, /) -> bool:
        """Tell locally whether `reset` has any work, or will find a connection that was closed."""
        if self.hygiene != "transaction":
            return self._is_changed(resource)
        count = resource._next_seq_id  # from here on `in_doubt`, which a connection that closes is too
        if count == UNTOUCHED:
            return False
        if resource.server_status & _EITHER != _AUTOCOMMIT:
            return True
        result = resource._result
        if result is None:
            dirty: bool = count != ANSWERED
            return dirty
        more: bool = result.has_next != 0
        return more

    @abstractmethod
    def _refuse(self, resource: Any) -> bool:
        """Raise what says why it is not handed out."""

    @abstractmethod
    def _is_changed(self, resource: Any) -> bool:
        """Tell whether anything was sent, or set on the connection, where the level wants to know."""


def tls_of(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Build what PyMySQL builds from its ``ssl={...}``, without a connection: the method asks none."""
    build: Any = Connection._create_ssl_ctx  # type: ignore[attr-defined]  # not in the stubs
    context: ssl.SSLContext = build(None, options)
    return context


def timeouts_of(connection: Any) -> tuple[float | None, float | None]:
    """Give PyMySQL's read and write timeouts."""
    return connection._read_timeout, connection._write_timeout


def set_timeouts(connection: Any, read: float | None, write: float | None) -> None:
    """Set PyMySQL's timeouts; it hands them to the socket before its next read and write."""
    connection._read_timeout, connection._write_timeout = read, write


def reset_connection(connection: Any) -> None:
    """Send COM_RESET_CONNECTION and read its answer."""
    connection._execute_command(COM_RESET_CONNECTION, b"")
    connection._read_ok_packet()


def take_several(connection: Any, several: bool) -> None:
    """Let the server take several statements in one command, or no longer (COM_SET_OPTION)."""
    with answer(connection):
        connection._execute_command(COM_SET_OPTION, b"\x00\x00" if several else b"\x01\x00")
        connection._read_packet()


def read_rest(connection: Any, limit: int) -> bool:
    """Read what is left of the last result; False when there are more than ``limit`` rows and sets."""
    while (result := connection._result) is not None:
        while result._read_rowdata_packet_unbuffered() is not None:
            limit -= 1
            if limit < 0:
                return False
        if not result.has_next:
            break
        limit -= 1
        connection._read_query_result(unbuffered=True)
    return limit >= 0


# aiomysql ----------------------------------------------------------------------------------------------


def writer_of(connection: Any) -> Any:
    """Give aiomysql's stream writer; None once it is closed."""
    return connection._writer


def live_wire_async(connection: Any) -> Wire | None:
    """Give the wire of an aiomysql connection that is open and in step."""
    open_ = connection._writer is not None
    return connection.record.wire if open_ and not half_read(connection) else None


def descriptor_of(connection: Any) -> int:
    """Give the number of aiomysql's socket."""
    number: int = connection._writer.get_extra_info("socket").fileno()
    return number


def is_quiet(connection: Any) -> bool:
    """Tell whether aiomysql's stream holds neither bytes nor an end that the loop has read already."""
    reader = connection._reader
    return not (reader._buffer or reader.eof_received)


async def open_connection(connection: Any) -> None:
    """Connect an aiomysql connection that was only constructed."""
    await connection._connect()


async def reset_connection_async(connection: Any) -> None:
    """Send COM_RESET_CONNECTION and read its answer."""
    await connection._execute_command(COM_RESET_CONNECTION, b"")
    await connection._read_ok_packet()


async def read_rest_async(connection: Any, limit: int) -> bool:
    """Read what is left of the last result; False when there are more than ``limit`` rows and sets."""
    while (result := connection._result) is not None:
        while await result._read_rowdata_packet_unbuffered() is not None:
            limit -= 1
            if limit < 0:
                return False
        if not result.has_next:
            break
        limit -= 1
        await connection._read_query_result(unbuffered=True)
    return limit >= 0
