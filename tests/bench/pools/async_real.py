"""Pools of real connections for asyncio, set up as `real` sets up those for threads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import attrs

from .base import load
from .real import CLEANING, unprobed

__all__ = ["AsyncContestant", "async_contestants", "async_session_contestants"]

Lease = Callable[[], AbstractAsyncContextManager[Any]]
Statement = Callable[[Any], Awaitable[Any]]


@attrs.frozen
class AsyncContestant:
    """One pool on one backend."""

    name: str
    lease: Lease
    connection: Any
    statement: Statement
    close: Callable[[], Any]
    does: str = ""

    async def bare(self) -> None:
        """Run the statement on the connection itself."""
        await self.statement(self.connection)

    async def leased(self) -> None:
        """Run it in a lease."""
        async with self.lease() as connection:
            await self.statement(connection)


async def async_contestants(backend: str, url: str, size: int) -> list[AsyncContestant]:
    """Open all pools that there are for a backend."""
    makers = {"postgres": _postgres, "redis": _redis, "mysql": _mysql, "sqlite": _sqlite}
    return await makers[backend](url, size)


async def _contestant(
    name: str, lease: Lease, statement: Statement, close: Callable[[], Any], does: str
) -> AsyncContestant:
    async with lease() as connection:
        await statement(connection)
    return AsyncContestant(name, lease, connection, statement, close, does)


async def _fetch(connection: Any) -> Any:
    return await (await connection.execute("select 1")).fetchone()


async def _postgres(url: str, size: int) -> list[AsyncContestant]:
    from respool import AsyncAdapter, AsyncPool
    from respool_postgres import AsyncPostgresAdapter, async_postgres_pool

    async def fetch_value(connection: Any) -> Any:
        return await connection.fetchval("select 1")

    ours = async_postgres_pool(url, max_size=size, hygiene="transaction", connect={"autocommit": True})
    adapter: Any = AsyncPostgresAdapter(url, hygiene="transaction", connect={"autocommit": True})
    blind: Any = AsyncPool(unprobed(adapter, AsyncAdapter), max_size=size)
    peer = load("psycopg_pool").AsyncConnectionPool(
        url, kwargs={"autocommit": True}, min_size=size, max_size=size, open=False
    )
    await peer.open()
    other = await load("asyncpg").create_pool(
        url if "://" in url else None, min_size=size, max_size=size, **_asyncpg(url)
    )
    return [
        await _contestant("respool", ours.acquire, _fetch, ours.close, "probes the socket"),
        await _contestant("respool, no probe", blind.acquire, _fetch, blind.close, "no liveness check"),
        await _contestant("psycopg_pool", peer.connection, _fetch, peer.close, "no liveness check"),
        await _asyncpg_contestant(other, fetch_value),
    ]


async def async_session_contestants(url: str, size: int) -> list[AsyncContestant]:
    """Open the pools of Postgres connections that can be told to clean the session after every lease."""
    from respool_postgres import async_postgres_pool

    async def fetch_value(connection: Any) -> Any:
        return await connection.fetchval("select 1")

    async def clean(connection: Any) -> None:
        await connection.execute(CLEANING)

    ours = async_postgres_pool(url, min_size=size, max_size=size, connect={"autocommit": True})
    peer = load("psycopg_pool").AsyncConnectionPool(
        url, kwargs={"autocommit": True}, min_size=size, max_size=size, open=False, reset=clean
    )
    await peer.open()
    other = await load("asyncpg").create_pool(url, min_size=size, max_size=size)
    return [
        await _contestant("respool", ours.acquire, _fetch, ours.close, ""),
        await _contestant("psycopg_pool, reset", peer.connection, _fetch, peer.close, ""),
        await _asyncpg_contestant(other, fetch_value),
    ]


async def _asyncpg_contestant(pool: Any, statement: Statement) -> AsyncContestant:
    """asyncpg hands out a proxy that dies with the lease: the bare statement goes to what is behind it."""
    async with pool.acquire() as proxy:
        connection = proxy._con
    return AsyncContestant(
        "asyncpg", pool.acquire, connection, statement, pool.close, "reset is a round trip"
    )


def _asyncpg(url: str) -> dict[str, Any]:
    """Translate a conninfo for the driver that reads URLs only."""
    if "://" in url:
        return {}
    words = dict(word.split("=", 1) for word in url.split())
    return {
        "host": words["host"],
        "port": int(words["port"]),
        "user": words["user"],
        "database": words["dbname"],
    }


async def _redis(url: str, size: int) -> list[AsyncContestant]:
    from respool_redis import async_redis_pool

    async def ping(connection: Any) -> Any:
        return await connection.ping()

    redis = load("redis.asyncio")
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=size + 1, timeout=30)
    client = redis.Redis(connection_pool=pool)
    single = redis.Redis(connection_pool=pool, single_connection_client=True)
    await single.ping()

    async def close() -> None:
        await single.aclose()
        await pool.disconnect()

    ours = async_redis_pool(url, max_size=size, hygiene="transaction")
    does = "leases per command; cleans nothing"
    return [
        await _contestant("respool", ours.acquire, ping, ours.close, "probes the socket"),
        AsyncContestant("redis-py", lambda: _Borrowed(client), single, ping, close, does),
    ]


@attrs.frozen
class _Borrowed:
    """redis-py takes a connection out of its pool for each command by itself."""

    client: Any

    async def __aenter__(self) -> Any:
        return self.client

    async def __aexit__(self, *_: object) -> None: ...


async def _mysql(url: str, size: int) -> list[AsyncContestant]:
    from respool_mysql import async_mysql_pool

    async def fetch(connection: Any) -> Any:
        async with connection.cursor() as cursor:
            await cursor.execute("select 1")
            return await cursor.fetchone()

    parts = urlsplit(url)
    peer = await load("aiomysql").create_pool(
        host=parts.hostname, port=parts.port, user=parts.username, db=parts.path[1:],
        minsize=size, maxsize=size, autocommit=True, pool_recycle=3600,
    )  # fmt: skip

    async def close() -> None:
        peer.close()
        await peer.wait_closed()

    ours = async_mysql_pool(url, max_size=size, hygiene="transaction", connect={"autocommit": True})
    return [
        await _contestant("respool", ours.acquire, fetch, ours.close, "probes the socket"),
        await _contestant("aiomysql", peer.acquire, fetch, close, "reads the stream's end of file"),
    ]


async def _sqlite(url: str, size: int) -> list[AsyncContestant]:
    from respool_sqlite import async_sqlite_pool

    aiosqlite = load("aiosqlite")

    async def connect() -> Any:
        return await aiosqlite.connect(url, isolation_level=None)

    peer = load("aiosqlitepool").SQLiteConnectionPool(connect, pool_size=size)
    ours = async_sqlite_pool(url, max_size=size, hygiene="transaction", connect={"isolation_level": None})
    return [
        await _contestant("respool", ours.acquire, _fetch, ours.close, ""),
        await _contestant(
            "aiosqlitepool", peer.connection, _fetch, peer.close, "a statement and a rollback each time"
        ),
    ]
