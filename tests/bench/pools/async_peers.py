"""The peers for asyncio, each as its authors advise, around a resource that does nothing.

asyncpg and aiomysql take no stand-in for a connection: they lease real ones, made for their servers, and
their calls send nothing (asyncpg's reset query is switched off).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from .base import AsyncDriver, Missing, Resource, load
from .fakes import AsyncFakePsycopg, AsyncFakeRedis, AsyncFakeSqlite, FakeDbapi
from .peers import manager_of

__all__ = ["ASYNC", "REAL"]


class PsycopgPool(AsyncDriver):
    """psycopg_pool.AsyncConnectionPool with a connection class that talks to nobody."""

    name = "psycopg_pool"
    lacks = "liveness check"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        class Connecting(AsyncFakePsycopg):
            @classmethod
            async def connect(cls, *_: Any, **__: Any) -> Any:
                await _made(create)
                return cls()

        logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
        pool = load("psycopg_pool").AsyncConnectionPool
        self.pool = pool(connection_class=Connecting, min_size=0, max_size=size, open=False, timeout=60)
        await self.pool.open()
        self.block, self.acquire, self.release = self.pool.connection, self.pool.getconn, self.pool.putconn

    async def close(self) -> None:
        await self.pool.close()


class SqlAlchemy(AsyncDriver):
    """sqlalchemy.pool.AsyncAdaptedQueuePool, entered through a greenlet as AsyncEngine does; reset off."""

    name = "SQLAlchemy AsyncAdaptedQueuePool"
    lacks = "liveness check, lifetime"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        util = load("sqlalchemy.util")

        def connect() -> FakeDbapi:
            util.await_only(_made(create))
            return FakeDbapi()

        pool = load("sqlalchemy.pool").AsyncAdaptedQueuePool
        self.pool = pool(connect, pool_size=size, max_overflow=0, reset_on_return=None, timeout=60)
        spawn = util.greenlet_spawn
        self.acquire = partial(spawn, self.pool.connect)
        self.release = lambda fairy: spawn(fairy.close)

    async def close(self) -> None:
        await load("sqlalchemy.util").greenlet_spawn(self.pool.dispose)


class RedisPy(AsyncDriver):
    """redis.asyncio.BlockingConnectionPool with a connection class that talks to nobody."""

    name = "redis-py BlockingConnectionPool"
    lacks = "lifetime"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        class Connection(AsyncFakeRedis):
            made = False

            async def connect(self) -> None:
                if not self.made:
                    self.made = True
                    await _made(create)

        pool = load("redis.asyncio").BlockingConnectionPool
        self.pool = pool(max_connections=size, timeout=60, connection_class=Connection)
        self.acquire, self.release = self.pool.get_connection, self.pool.release


class Generic(AsyncDriver):
    """generic_connection_pool.asyncio.ConnectionPool."""

    name = "generic-connection-pool"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        module = load("generic_connection_pool.asyncio")
        manager = manager_of(module.BaseConnectionManager, create, asynchronous=True)
        self.pool = module.ConnectionPool(
            manager, acquire_timeout=60.0, min_idle=size, max_size=size, total_max_size=size,
            idle_timeout=600.0, max_lifetime=3600.0, background_collector=True,
        )  # fmt: skip
        self.block = partial(self.pool.connection, 0)
        self.acquire = partial(self.pool.acquire, 0)
        self.release = lambda resource: self.pool.release(resource, 0)

    async def close(self) -> None:
        await self.pool.close()


class ConnPool(AsyncDriver):
    """connpool.AsyncConnectionPool."""

    name = "connpool"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        module = load("connpool")
        config = module.PoolConfig(max_size=size, acquire_timeout=60.0)
        self.pool = module.AsyncConnectionPool.from_callables(create, close=_ignore, config=config)
        await self.pool.open()
        self.block, self.acquire, self.release = self.pool.connection, self.pool.acquire, self.pool.release

    async def close(self) -> None:
        await self.pool.close()


class AsyncioConnectionPool(AsyncDriver):
    """asyncio_connection_pool.ConnectionPool."""

    name = "asyncio-connection-pool"
    lacks = "timeout, lifetime"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        module = load("asyncio_connection_pool")

        class Strategy(module.ConnectionStrategy):  # type: ignore[misc, name-defined]  # loaded by name
            async def make_connection(self) -> Any:
                return await _made(create)

            def connection_is_closed(self, conn: Any) -> bool:
                return False

            async def close_connection(self, conn: Any) -> None: ...

        self.pool = module.ConnectionPool(strategy=Strategy(), max_size=size)
        self.block = self.pool.get_connection

    async def cycle(self, inside: Callable[[], Any]) -> None:
        async with self.pool.get_connection():
            await inside()

    async def pairs(self, count: int) -> float:
        return await self.blocks(count)


class AioSqlitePool(AsyncDriver):
    """aiosqlitepool: ``SELECT 1`` at each hand-out and a rollback at each return, here for nothing."""

    name = "aiosqlitepool"
    lacks = "lifetime"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        async def connect() -> AsyncFakeSqlite:
            await _made(create)
            return AsyncFakeSqlite()

        self.pool = load("aiosqlitepool").SQLiteConnectionPool(
            connect, pool_size=size, acquisition_timeout=60
        )
        self.block = self.pool.connection

    async def cycle(self, inside: Callable[[], Any]) -> None:
        async with self.pool.connection():
            await inside()

    async def pairs(self, count: int) -> float:
        return await self.blocks(count)

    async def close(self) -> None:
        await self.pool.close()


class AsyncPg(AsyncDriver):
    """asyncpg.Pool on its own connections, whose reset sends nothing."""

    name = "asyncpg"
    lacks = "liveness check"
    url = ""

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        if not self.url:
            raise Missing("needs Postgres")
        asyncpg = load("asyncpg")

        class Silent(asyncpg.Connection):  # type: ignore[misc, name-defined]  # loaded by name
            def get_reset_query(self) -> str:
                return ""

        self.pool = await asyncpg.create_pool(self.url, min_size=1, max_size=size, connection_class=Silent)
        self.block, self.acquire, self.release = self.pool.acquire, self.pool.acquire, self.pool.release

    async def close(self) -> None:
        await self.pool.close()


class AioMysql(AsyncDriver):
    """aiomysql.Pool on its own connections."""

    name = "aiomysql"
    lacks = "timeout"
    url = ""

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        if not self.url:
            raise Missing("needs MariaDB")
        parts = urlsplit(self.url)
        self.pool = await load("aiomysql").create_pool(
            host=parts.hostname, port=parts.port, user=parts.username, password=parts.password or "",
            db=parts.path[1:], minsize=1, maxsize=size, autocommit=True, pool_recycle=3600,
        )  # fmt: skip
        self.block, self.acquire, self.release = self.pool.acquire, self.pool.acquire, self._release
        self.plain_release = False

    async def _release(self, connection: Any) -> None:
        await self.pool.release(connection)

    async def close(self) -> None:
        self.pool.close()
        await self.pool.wait_closed()


def _ignore(resource: object) -> None:
    """Close nothing."""


async def _made(create: Callable[[], Any]) -> Any:
    made = create()
    return await made if asyncio.iscoroutine(made) else made


ASYNC: tuple[type[AsyncDriver], ...] = (
    PsycopgPool, SqlAlchemy, RedisPy, Generic, ConnPool, AsyncioConnectionPool, AioSqlitePool,
)  # fmt: skip
REAL: dict[str, type[AsyncPg] | type[AioMysql]] = {"postgres": AsyncPg, "mysql": AioMysql}
"""By the server that each of them needs."""
