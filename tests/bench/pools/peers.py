"""The peers for threads, each as its authors advise, around a resource that does nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

from .base import Driver, load
from .fakes import FakeDbapi, FakePsycopg, FakeRedis

__all__ = ["THREADS", "manager_of"]


class PsycopgPool(Driver):
    """psycopg_pool.ConnectionPool with a connection class that talks to nobody."""

    name = "psycopg_pool"
    lacks = "liveness check"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        logging.getLogger("psycopg.pool").setLevel(logging.WARNING)
        pool = load("psycopg_pool").ConnectionPool
        made = _connecting(FakePsycopg, create)
        self.pool = pool(connection_class=made, min_size=0, max_size=size, open=True, timeout=30)
        self.block, self.acquire, self.release = self.pool.connection, self.pool.getconn, self.pool.putconn

    def close(self) -> None:
        self.pool.close()


class SqlAlchemy(Driver):
    """sqlalchemy.pool.QueuePool, reset off."""

    name = "SQLAlchemy QueuePool"
    lacks = "liveness check, lifetime, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        def connect() -> FakeDbapi:
            create()
            return FakeDbapi()

        pool = load("sqlalchemy.pool").QueuePool
        self.pool = pool(connect, pool_size=size, max_overflow=0, reset_on_return=None)
        self.acquire = connect_ = self.pool.connect
        self.block = lambda: closing(connect_())
        self.release = _close

    def close(self) -> None:
        self.pool.dispose()


class RedisPy(Driver):
    """redis.BlockingConnectionPool with a connection class that talks to nobody."""

    name = "redis-py BlockingConnectionPool"
    lacks = "lifetime, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        class Connection(FakeRedis):
            def __init__(self, **options: Any) -> None:
                super().__init__(**options)
                create()

        pool = load("redis").BlockingConnectionPool
        self.pool = pool(max_connections=size, timeout=30, connection_class=Connection)
        self.acquire, self.release = self.pool.get_connection, self.pool.release

    def close(self) -> None:
        self.pool.disconnect()


class DbUtils(Driver):
    """dbutils.pooled_db.PooledDB, ping and reset off."""

    name = "DBUtils PooledDB"
    lacks = "timeout, lifetime, liveness check, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        class Module(FakeDbapi):
            def __init__(self) -> None:
                create()

        self.pool = load("dbutils.pooled_db").PooledDB(
            Module, maxcached=size, maxconnections=size, blocking=True, ping=0, reset=False
        )
        self.block = self.acquire = self.pool.connection
        self.release = _close

    def close(self) -> None:
        self.pool.close()


class Generic(Driver):
    """generic_connection_pool.threading.ConnectionPool."""

    name = "generic-connection-pool"
    lacks = "fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        module = load("generic_connection_pool.threading")
        manager = manager_of(module.BaseConnectionManager, create)
        self.pool = module.ConnectionPool(
            manager, acquire_timeout=30.0, min_idle=size, max_size=size, total_max_size=size,
            idle_timeout=600.0, max_lifetime=3600.0, background_collector=True,
        )  # fmt: skip
        self.block = partial(self.pool.connection, 0)
        self.acquire = partial(self.pool.acquire, 0)
        self.release = lambda resource: self.pool.release(resource, 0)

    def close(self) -> None:
        self.pool.close()


class Pond(Driver):
    """pond.Pond. It bounds nothing and never waits: an empty pond makes one more."""

    name = "pondpond"
    lacks = "bound, waiting, timeout, lifetime, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        module = load("pond")
        self.pool = module.Pond(borrowed_timeout=60, time_between_eviction_runs=-1)
        self.pool.register(_factory(module, create)(pooled_maxsize=size), name="bench")
        self.acquire = partial(self.pool.borrow, name="bench")
        self.release = partial(self.pool.recycle, name="bench")


class ConnPool(Driver):
    """connpool.ConnectionPool."""

    name = "connpool"
    lacks = "fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        module = load("connpool")
        self.pool = module.ConnectionPool.from_callables(
            create, close=_ignore, config=module.PoolConfig(max_size=size)
        )
        self.pool.open()
        self.block, self.acquire, self.release = self.pool.connection, self.pool.acquire, self.pool.release

    def close(self) -> None:
        self.pool.close()


def _ignore(resource: object) -> None:
    """Close nothing."""


def _close(resource: Any) -> None:
    resource.close()


def _connecting(kind: type[FakePsycopg], create: Callable[[], Any]) -> type[FakePsycopg]:
    """Give the connection class whose connect makes one of `create` along the way."""

    class Connecting(kind):  # type: ignore[misc, valid-type]  # a class out of a variable
        @classmethod
        def connect(cls, *_: Any, **__: Any) -> Any:
            create()
            return cls()

    return Connecting


def manager_of(base: Any, create: Callable[[], Any], *, asynchronous: bool = False) -> Any:
    """Give generic-connection-pool's manager, for its blocking or its asyncio pool."""

    class Manager(base):  # type: ignore[misc]  # the peer has no types here
        def create(self, endpoint: Any, timeout: float | None = None) -> Any:
            return create()

        def dispose(self, endpoint: Any, conn: Any, timeout: float | None = None) -> None: ...

    class AsyncManager(base):  # type: ignore[misc]  # the peer has no types here
        async def create(self, endpoint: Any, timeout: float | None = None) -> Any:
            made = create()
            return await made if hasattr(made, "__await__") else made

        async def dispose(self, endpoint: Any, conn: Any, timeout: float | None = None) -> None: ...

    return AsyncManager() if asynchronous else Manager()


def _factory(module: Any, create: Callable[[], Any]) -> Any:
    class Factory(module.PooledObjectFactory):  # type: ignore[misc]  # the peer has no types here
        def createInstance(self) -> Any:  # noqa: N802  # the peer's own name
            return module.PooledObject(create())

        def destroy(self, pooled_object: Any) -> None: ...

        def reset(self, pooled_object: Any, **_: Any) -> Any:
            return pooled_object

        def validate(self, pooled_object: Any) -> bool:
            return True

    return Factory


THREADS: tuple[type[Driver], ...] = (PsycopgPool, SqlAlchemy, RedisPy, DbUtils, Generic, Pond, ConnPool)
