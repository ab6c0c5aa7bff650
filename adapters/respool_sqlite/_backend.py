"""The object behind the entry point ``sqlite``."""

from __future__ import annotations

import random
import sqlite3
from typing import TYPE_CHECKING, Any

from respool import Backend, ServerLimits

from ._adapter import SqliteAdapter
from ._connection import ask

if TYPE_CHECKING:
    import aiosqlite

__all__ = ["backend"]

_ROWS = 64
_CREATE = "create table if not exists respool_load (id integer primary key, hits integer not null)"
_DROP = "drop table respool_load"
_FILL = "insert or ignore into respool_load (id, hits) values (?, 0)"
# The write comes first: it waits for the lock, where a transaction that has read before is refused at once.
_WRITE = "update respool_load set hits = hits + 1 where id = ?"
_READ = "select hits from respool_load where id = ?"


def _make_async(url: str, **options: Any) -> Any:
    from ._async import AsyncSqliteAdapter

    return AsyncSqliteAdapter(url, **options)


def _some_row() -> int:
    return random.randrange(_ROWS)


def _prepare(conn: sqlite3.Connection) -> None:
    conn.execute(_CREATE)
    conn.executemany(_FILL, [(row,) for row in range(_ROWS)])
    conn.commit()


def _work(conn: sqlite3.Connection) -> None:
    row = (_some_row(),)
    conn.execute(_WRITE, row)
    conn.execute(_READ, row).fetchall()
    conn.commit()


def _clear(conn: sqlite3.Connection) -> None:
    conn.execute(_DROP)
    conn.commit()


async def _async_prepare(conn: aiosqlite.Connection) -> None:
    await conn.execute(_CREATE)
    await conn.executemany(_FILL, [(row,) for row in range(_ROWS)])
    await conn.commit()


async def _async_work(conn: aiosqlite.Connection) -> None:
    row = (_some_row(),)
    await conn.execute(_WRITE, row)
    await conn.execute_fetchall(_READ, row)
    await conn.commit()


async def _async_clear(conn: aiosqlite.Connection) -> None:
    await conn.execute(_DROP)
    await conn.commit()


def _limits(conn: sqlite3.Connection) -> ServerLimits:
    """Read what an embedded database has instead of a server's limits."""
    return ServerLimits(
        version=sqlite3.sqlite_version,
        product="SQLite",
        notes=tuple(_notes(str(ask(conn, "pragma journal_mode")), int(ask(conn, "pragma busy_timeout")))),
    )


def _notes(journal: str, busy_timeout: int) -> list[str]:
    notes = ["one connection at a time can write: more connections help readers only"]
    if journal == "wal":
        notes.append("journal mode wal: readers and the writer do not wait for each other")
    elif journal != "memory":
        notes.append(f"journal mode {journal}: a writer makes readers wait, WAL would not")
    if busy_timeout == 0:
        notes.append("no busy timeout: a locked database is an error at once")
    return notes


async def _async_limits(conn: aiosqlite.Connection) -> ServerLimits:
    from ._private_aio import raw, run

    return await run(conn, _limits, raw(conn))


backend = Backend(
    name="SQLite",
    adapter=SqliteAdapter,
    async_adapter=_make_async,
    prepare=_prepare,
    work=_work,
    async_prepare=_async_prepare,
    async_work=_async_work,
    clear=_clear,
    async_clear=_async_clear,
    limits=_limits,
    async_limits=_async_limits,
    driver="",
    async_driver="aiosqlite",
    extra="respool[async]",
)
