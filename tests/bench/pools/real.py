"""Pools of real connections for threads: a statement on the bare connection, and the same in a lease.

All with autocommit, and with the half of cleaning that costs no round trip (`hygiene="transaction"`), where a
pool can be told so. The peers are set up as their authors advise, so some send more: the table says it.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import attrs

from .base import load
from .limits import REFERENCE

__all__ = ["CLEANING", "LOOKING", "Contestant", "contestants", "plainest", "session_contestants", "unprobed"]

CLEANING = (
    "SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; CLOSE ALL; UNLISTEN *;"
    " SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES"
)
"""What `respool_postgres` cleans at "session", as a peer's callback can send it."""
LOOKING = f"{REFERENCE}, poll"
"""The plainest pool that sees a hang-up: the reference, and one system call."""


@attrs.frozen
class Contestant:
    """One pool on one backend."""

    name: str
    lease: Callable[[], AbstractContextManager[Any]]
    connection: Any
    """The connection that the pool of one hands out, for the bare statement."""
    statement: Callable[[Any], Any]
    close: Callable[[], Any]
    does: str = ""
    """Where it does more or less than the others."""
    look: Callable[[int], object] | None = None
    """The system call by which a hand-out of ours sees whether the server hung up."""

    def bare(self) -> None:
        """Run the statement on the connection itself."""
        self.statement(self.connection)

    def leased(self) -> None:
        """Run it in a lease."""
        with self.lease() as connection:
            self.statement(connection)


def contestants(backend: str, url: str, size: int) -> list[Contestant]:
    """Open all pools that there are for a backend."""
    return {"postgres": _postgres, "redis": _redis, "mysql": _mysql, "sqlite": _sqlite}[backend](url, size)


def plainest(ours: Contestant) -> list[Contestant]:
    """Lend our connection from a locked deque, without and with our look at the socket."""
    looks: dict[str, Callable[[int], object] | None] = {REFERENCE: None}
    if ours.look is not None:
        looks[LOOKING] = ours.look
    return [
        attrs.evolve(
            ours, name=name, lease=_Locked(ours.connection, look), close=lambda: None, does="no pool"
        )
        for name, look in looks.items()
    ]


class _Locked:
    """The reference as a context manager: a deque, and one Lock section on each side."""

    __slots__ = ("_free", "_lent", "_lock", "_look")

    def __init__(self, connection: Any, look: Callable[[int], object] | None) -> None:
        self._lock, self._free, self._look = Lock(), deque([connection]), look

    def __call__(self) -> _Locked:
        return self

    def __enter__(self) -> Any:
        with self._lock:
            connection = self._free.pop()
        self._lent = connection
        look = self._look
        if look is not None:
            look(0)
        return connection

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._free.append(self._lent)


def _select(connection: Any) -> Any:
    return connection.execute("select 1").fetchone()


def _select_by_cursor(connection: Any) -> Any:
    cursor = connection.cursor()
    cursor.execute("select 1")
    row = cursor.fetchone()
    cursor.close()
    return row


def _ours(pool: Any, statement: Callable[[Any], Any], does: str = "probes the socket") -> Contestant:
    connection = _peek(pool.acquire)
    look = pool._core.bound.glance_at(connection)
    return Contestant("respool", pool.acquire, connection, statement, pool.close, does, look)


def _peek(lease: Callable[[], AbstractContextManager[Any]]) -> Any:
    with lease() as connection:
        return connection


def _sqlalchemy(
    url: str, statement: Callable[[Any], Any], size: int, does: str, **options: Any
) -> Contestant:
    engine = load("sqlalchemy").create_engine(url, pool_size=size, max_overflow=0, **options)
    name = "SQLAlchemy, pre_ping" if options.get("pool_pre_ping") else "SQLAlchemy"

    def lease() -> AbstractContextManager[Any]:
        return closing(engine.raw_connection())

    return Contestant(name, lease, _raw(lease), statement, engine.dispose, does)


def _raw(lease: Callable[[], AbstractContextManager[Any]]) -> Any:
    with lease() as fairy:
        return fairy.dbapi_connection


def unprobed(whole: Any, base: type[Any]) -> Any:
    """Make an adapter that does all that `whole` does but look at the hand-out whether the server hung up."""
    adapter = type("Unprobed", (base,), {"create": lambda self: whole.create()})()
    for name in ("create", "validate", "reset", "destroy", "is_dirty", "abort", "classify"):
        setattr(adapter, name, getattr(whole, name))
    return adapter


def _postgres(url: str, size: int) -> list[Contestant]:
    from respool import Adapter, Pool
    from respool_postgres import PostgresAdapter, postgres_pool

    pooled = load("psycopg_pool").ConnectionPool
    options = {"kwargs": {"autocommit": True}, "min_size": size, "max_size": size, "open": True}
    plain = pooled(url, **options)
    checked = pooled(url, check=pooled.check_connection, **options)
    dialect = url.replace("postgresql:", "postgresql+psycopg:")
    ours = postgres_pool(url, max_size=size, hygiene="transaction", connect={"autocommit": True})
    adapter: Any = PostgresAdapter(url, hygiene="transaction", connect={"autocommit": True})
    blind = Pool(unprobed(adapter, Adapter), max_size=size)
    auto = {"isolation_level": "AUTOCOMMIT"}
    found = [
        _ours(ours, _select),
        Contestant(
            "respool, no probe", blind.acquire, _peek(blind.acquire), _select, blind.close,
            "no liveness check",
        ),
        Contestant(
            "psycopg_pool", plain.connection, _peek(plain.connection), _select, plain.close,
            "no liveness check",
        ),
        Contestant(
            "psycopg_pool, check", checked.connection, _peek(checked.connection), _select, checked.close,
            "a round trip each time",
        ),
    ]  # fmt: skip
    if "host=" not in url:  # SQLAlchemy's URLs are its own
        found.append(_sqlalchemy(dialect, _select_by_cursor, size, "no liveness check", **auto))
        found.append(
            _sqlalchemy(
                dialect, _select_by_cursor, size, "a round trip each time", pool_pre_ping=True, **auto
            )
        )
    return found


def session_contestants(url: str, size: int) -> list[Contestant]:
    """Open the pools of Postgres connections that can be told to clean the session after every lease."""
    from respool_postgres import postgres_pool

    def clean(connection: Any) -> None:
        connection.execute(CLEANING)

    peer = load("psycopg_pool").ConnectionPool(
        url, kwargs={"autocommit": True}, min_size=size, max_size=size, open=True, reset=clean
    )
    ours = postgres_pool(url, min_size=size, max_size=size, connect={"autocommit": True})
    ours.wait_ready()
    return [
        _ours(ours, _select),
        Contestant("psycopg_pool, reset", peer.connection, _peek(peer.connection), _select, peer.close),
    ]


def _redis(url: str, size: int) -> list[Contestant]:
    from respool_redis import redis_pool

    redis = load("redis")
    pool = redis.BlockingConnectionPool.from_url(url, max_connections=size + 1, timeout=30)
    client = redis.Redis(connection_pool=pool)
    single = redis.Redis(connection_pool=pool, single_connection_client=True)
    single.ping()

    def lease() -> AbstractContextManager[Any]:
        return _Borrowed(client)

    def ping(connection: Any) -> Any:
        return connection.ping()

    ours = redis_pool(url, max_size=size, hygiene="transaction")
    peer = Contestant("redis-py", lease, single, ping, pool.disconnect, "leases per command; cleans nothing")
    return [_ours(ours, ping), peer]


@attrs.frozen
class _Borrowed:
    """redis-py takes a connection out of its pool for each command by itself."""

    client: Any

    def __enter__(self) -> Any:
        return self.client

    def __exit__(self, *_: object) -> None: ...


def _mysql(url: str, size: int) -> list[Contestant]:
    from respool_mysql import mysql_pool

    parts = urlsplit(url)
    where = {"host": parts.hostname, "port": parts.port, "user": parts.username, "database": parts.path[1:]}
    pool = load("dbutils.pooled_db").PooledDB(
        load("pymysql"), maxcached=size, maxconnections=size, blocking=True, autocommit=True, **where
    )
    ours = mysql_pool(url, max_size=size, hygiene="transaction", connect={"autocommit": True})
    dialect = url.replace("mysql:", "mysql+pymysql:")
    auto = {"isolation_level": "AUTOCOMMIT", "pool_pre_ping": False}
    return [
        _ours(ours, _select_by_cursor),
        _sqlalchemy(dialect, _select_by_cursor, size, "no liveness check; rollback is a round trip", **auto),
        Contestant(
            "DBUtils", pool.connection, _steady(pool.connection), _select_by_cursor, pool.close,
            "ping and rollback are round trips",
        ),
    ]  # fmt: skip


def _steady(lease: Callable[[], AbstractContextManager[Any]]) -> Any:
    """Give the driver's connection out of DBUtils' two wrappers."""
    with lease() as connection:
        return connection._con._con


def _sqlite(url: str, size: int) -> list[Contestant]:
    from respool_sqlite import sqlite_pool

    def connect(*_: Any, **__: Any) -> sqlite3.Connection:
        made = sqlite3.connect(url, check_same_thread=False, isolation_level=None)
        made.execute("pragma journal_mode=wal")
        return made

    class Module:
        """sqlite3 with the settings above; DBUtils asks a module for its errors."""

        threadsafety = 2
        Error, OperationalError, InterfaceError = (
            sqlite3.Error,
            sqlite3.OperationalError,
            sqlite3.InterfaceError,
        )
        InternalError = sqlite3.InternalError

    Module.connect = staticmethod(connect)  # type: ignore[attr-defined]  # the class body cannot see it
    pool = load("dbutils.pooled_db").PooledDB(
        Module, maxcached=size, maxconnections=size, blocking=True, ping=0, reset=True
    )
    queue = load("sqlalchemy.pool").QueuePool
    ours = sqlite_pool(url, max_size=size, hygiene="transaction", connect={"isolation_level": None})
    return [
        _ours(ours, _select, "looks for its file once a second"),
        _sqlalchemy("sqlite://", _select_by_cursor, size, "", creator=connect, poolclass=queue),
        Contestant("DBUtils", pool.connection, _steady(pool.connection), _select_by_cursor, pool.close),
    ]
