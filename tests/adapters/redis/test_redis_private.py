"""The private names of redis-py that the adapter relies on, by name, and the book it keeps."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
import redis.asyncio.connection
import redis.connection

from respool_redis import _ledger
from respool_redis._ledger import BROKEN, FOREIGN, MULTI, SESSION, SUBSCRIBED, WATCH, Ledger, effect_of

if TYPE_CHECKING:
    from tests.servers import Endpoint


def test_a_blocking_connection_has_the_names_we_use(redis_server: Endpoint) -> None:
    """`_sock`, `_connect`, `_parser` with `_reader` (hiredis) or `_buffer._buffer`, a BytesIO."""
    connection: Any = redis.connection.Connection(host=redis_server.host, port=redis_server.port)
    assert connection._sock is None
    connection.connect()
    assert isinstance(connection._sock, socket.socket)
    parser = connection._parser
    assert callable(parser._reader.has_data if hasattr(parser, "_reader") else parser._buffer._buffer.tell)
    connection.disconnect()


def test_an_asyncio_connection_has_the_names_we_use(redis_server: Endpoint) -> None:
    """`_connect`, `_writer`, `_parser` with `_reader` or `_buffer`; the `_buffer` and `_eof` of `_reader`."""

    async def main() -> None:
        connection: Any = redis.asyncio.connection.Connection(host=redis_server.host, port=redis_server.port)
        await connection.connect()
        assert connection._writer.get_extra_info("socket").fileno() > 0
        assert isinstance(connection._reader._buffer, bytearray)
        assert connection._reader._eof is False
        parser = connection._parser
        assert callable(parser._reader.has_data) if hasattr(parser, "_reader") else parser._buffer == b""
        await connection.disconnect()

    asyncio.run(main())


@pytest.mark.parametrize("module", [redis.connection, redis.asyncio.connection])
def test_the_methods_that_we_override_are_there(module: Any) -> None:
    connection, pool = module.Connection, module.ConnectionPool
    for name in ("_connect", "connect", "disconnect", "pack_commands", "send_command", "read_response"):
        assert callable(getattr(connection, name))
    assert "check_health" in inspect.signature(connection.send_packed_command).parameters
    for name in ("get_connection", "release", "make_connection", "disconnect", "get_encoder"):
        assert callable(getattr(pool, name))
    assert callable(redis.connection.parse_url)


@pytest.mark.parametrize(
    ("command", "notes"),
    [
        (("GET", "k"), 0),
        (("get", "k"), 0),
        ((b"GET", "k"), 0),
        ((bytearray(b"GET"), "k"), 0),
        (("MULTI",), MULTI),
        ((b"multi",), MULTI),
        ((bytearray(b"MULTI"),), MULTI),
        (("WATCH", "k"), WATCH),
        (("SSUBSCRIBE", "c"), SUBSCRIBED),
        (("CLIENT", "ID"), 0),
        (("CLIENT LIST",), 0),
        (("CLIENT", b"setname", "x"), SESSION),
        (("client setname", "x"), SESSION),
        (("CLIENT",), FOREIGN),
        (("CLIENT", "SOMETHING-NEW"), FOREIGN),
        (("SCRIPT", "LOAD", "return 1"), 0),
        (("SCRIPT", "DEBUG", "YES"), BROKEN),
        (("MONITOR",), BROKEN),
        (("",), 0),
    ],
)
def test_a_command_is_noted_by_what_it_does(command: Any, notes: int) -> None:
    ledger = Ledger(threading.Lock())
    for _ in range(2):  # the second time from the memo
        ledger.note(command)
        assert notes == ledger.notes


def test_exec_discard_and_unwatch_clear_what_they_end() -> None:
    ledger = Ledger(threading.Lock())
    ledger.note_all([("WATCH", "k"), ("MULTI",), ("SELECT", 3), ("EXEC",)])
    assert (SESSION, 4) == (ledger.notes, ledger.packed)
    assert effect_of(("UNWATCH",)) == (0, WATCH)


def test_the_memo_of_harmless_commands_is_bounded() -> None:
    for number in range(_ledger._HARMLESS_LIMIT + 10):
        effect_of((f"NO.SUCH.{number}",))
    assert len(_ledger._harmless) <= _ledger._HARMLESS_LIMIT
