"""The private names of the drivers that the adapters stand on; run on the oldest and the newest of each.

When one of these fails, a driver has changed: mend ``_private.py`` or ``_private_aio.py``, nothing else.
"""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from respool_sqlite import _private, _private_aio


@pytest.fixture
def conn() -> Iterator[sqlite3.Connection]:
    made = sqlite3.connect(":memory:")
    yield made
    made.close()


def test_sqlite3_shows_its_cursors_to_the_garbage_collector_until_python_3_14() -> None:
    assert (sys.version_info < (3, 15)) is _private.SHOWS_CURSORS
    assert _private._STATEMENT is not None


def test_the_last_lists_a_connection_refers_to_are_its_cursors_and_its_blobs(
    conn: sqlite3.Connection,
) -> None:
    conn.executescript("create table b (x blob); insert into b values (zeroblob(1));")
    cursor = conn.cursor()
    blob = conn.blobopen("b", "x", 1)
    *others, blobs = [found for found in gc.get_referents(conn) if type(found) is list]
    assert {weakref.ref} == {type(reference) for references in [*others, blobs] for reference in references}
    assert [blob] == [reference() for reference in blobs]
    for cursors in others:
        assert cursor in [reference() for reference in cursors]
    assert len(others) == _private.SHOWS_CURSORS
    blob.close()


def test_an_open_cursor_refers_to_its_connection(conn: sqlite3.Connection) -> None:
    """So it is found without a list."""
    cursor = conn.execute("select 1 union all select 2")
    assert cursor in [found for found in gc.get_referrers(conn) if isinstance(found, sqlite3.Cursor)]


def test_a_cursor_refers_to_a_statement_exactly_while_it_runs_one(conn: sqlite3.Connection) -> None:
    def runs_a_statement(cursor: sqlite3.Cursor) -> bool:
        return "Statement" in [type(found).__name__ for found in gc.get_referents(cursor)]

    cursor = conn.execute("select 1 union all select 2")
    assert runs_a_statement(cursor)
    cursor.fetchall()
    assert not runs_a_statement(cursor)


def test_aiosqlite_keeps_its_thread_its_queue_and_its_connection_where_we_look() -> None:
    async def look() -> None:
        conn = _private_aio.Connection(lambda: sqlite3.connect(":memory:", check_same_thread=False))
        thread = _private_aio.thread_of(conn)
        assert thread.daemon
        await conn
        assert isinstance(_private_aio.raw(conn), sqlite3.Connection)
        assert _private_aio.raw(conn) is conn._connection
        assert hasattr(conn._tx, "put_nowait")
        assert conn._running
        assert 4711 == await _private_aio.run(conn, lambda: 4711)
        assert 0 == conn.in_flight
        cursor = await conn.cursor()
        _private_aio.end_thread(conn)
        thread.join(10)
        assert not thread.is_alive()
        with pytest.raises(ValueError, match="no active connection"):
            _private_aio.raw(conn)
        with pytest.raises(ValueError, match="Connection closed"):
            await cursor.execute("select 1")

    asyncio.run(look())


def test_every_statement_of_aiosqlite_passes_execute() -> None:
    """`in_flight` counts there; a way around it would let a cancelled statement into the next lease."""

    async def look() -> None:
        conn = _private_aio.Connection(lambda: sqlite3.connect(":memory:", check_same_thread=False))
        await conn
        seen: list[Any] = []
        execute = conn._execute

        async def watched(*args: Any, **kwargs: Any) -> Any:
            seen.append(args[0])
            return await execute(*args, **kwargs)

        conn._execute = watched  # type: ignore[method-assign]  # to see it called
        cursor = await conn.execute("select 1")
        await cursor.fetchone()
        await cursor.close()
        await conn.commit()
        assert 4 == len(seen)
        del conn._execute
        _private_aio.end_thread(conn)

    asyncio.run(look())
