"""What mypy must see of the SQLite helpers: a custom class shows in the pool's type. Checked, never run."""

from __future__ import annotations

import sqlite3
from typing import assert_type

import aiosqlite

from respool import AsyncPool, Backend, Lease, Pool
from respool_sqlite import AsyncSqliteAdapter, SqliteAdapter, async_sqlite_pool, backend, sqlite_pool


class Mine(sqlite3.Connection):
    def answer(self) -> int:
        return 42


def plain() -> None:
    pool = sqlite_pool("app.db", max_size=4)
    assert_type(pool, Pool[sqlite3.Connection])
    assert_type(pool.acquire(), Lease[sqlite3.Connection])
    with pool.acquire() as conn:
        assert_type(conn, sqlite3.Connection)


def with_a_class() -> None:
    def configure(conn: Mine) -> None:
        assert_type(conn.answer(), int)

    pool = sqlite_pool("app.db", factory=Mine, configure=configure)
    assert_type(pool, Pool[Mine])
    with pool.acquire() as conn:
        assert_type(conn.answer(), int)


async def asynchronous() -> None:
    async def configure(conn: aiosqlite.Connection) -> None:
        await conn.execute("pragma foreign_keys = on")

    pool = async_sqlite_pool("app.db", configure=configure, max_size=4)
    assert_type(pool, AsyncPool[aiosqlite.Connection])
    async with pool.acquire() as conn:
        assert_type(conn, aiosqlite.Connection)


def adapters() -> None:
    assert_type(SqliteAdapter("app.db"), SqliteAdapter[sqlite3.Connection])
    assert_type(SqliteAdapter("app.db", factory=Mine), SqliteAdapter[Mine])
    assert_type(SqliteAdapter("app.db", factory=Mine).create(), Mine)
    assert_type(Pool(SqliteAdapter("app.db")), Pool[sqlite3.Connection])
    assert_type(AsyncPool(AsyncSqliteAdapter("app.db")), AsyncPool[aiosqlite.Connection])
    assert_type(backend, Backend)


def mistakes() -> None:
    sqlite_pool("app.db", max_sise=4)  # type: ignore[call-overload]
    sqlite_pool("app.db", factory=int)  # type: ignore[type-var]
    sqlite_pool("app.db", hygiene="thorough")  # type: ignore[call-overload]
    async_sqlite_pool("app.db", configure=print)  # type: ignore[arg-type]
