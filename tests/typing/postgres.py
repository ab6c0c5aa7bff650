"""What mypy must see of the Postgres helpers: row factories and connection classes show in the pool's type.

Checked, never run.
"""

from __future__ import annotations

from typing import Any, assert_type

import attrs
from psycopg import AsyncConnection, Connection, Cursor
from psycopg.rows import DictRow, TupleRow, class_row, dict_row, scalar_row

from respool import AsyncPool, Backend, Lease, Pool
from respool_postgres import (
    AsyncPostgresAdapter,
    PostgresAdapter,
    async_postgres_pool,
    backend,
    postgres_pool,
)


@attrs.frozen
class User:
    name: str


class Tenant(Connection[DictRow]):
    """A connection class of the user's own."""

    tenant: str


class AsyncTenant(AsyncConnection[DictRow]):
    tenant: str


def plain() -> None:
    pool = postgres_pool("postgresql://h/d", max_size=4)
    assert_type(pool, Pool[Connection[TupleRow]])
    assert_type(pool.acquire(), Lease[Connection[TupleRow]])
    with pool.acquire() as conn:
        assert_type(conn, Connection[TupleRow])
        assert_type(conn.execute("SELECT 1"), Cursor[TupleRow])


def with_row_factories() -> None:
    assert_type(postgres_pool("", row_factory=dict_row), Pool[Connection[DictRow]])
    assert_type(postgres_pool("", row_factory=scalar_row), Pool[Connection[Any]])
    users = postgres_pool("", row_factory=class_row(User), timeout=3, hygiene="transaction")
    assert_type(users, Pool[Connection[User]])
    with users.acquire() as conn:
        assert_type(conn.execute("SELECT 'a' AS name").fetchone(), User | None)


def with_a_class() -> None:
    def configure(conn: Tenant) -> None:
        assert_type(conn.tenant, str)

    pool = postgres_pool("", connection_class=Tenant, configure=configure)
    assert_type(pool, Pool[Tenant])
    with pool.acquire() as conn:
        assert_type(conn.execute("SELECT 1").fetchone(), DictRow | None)


def with_configure_and_a_callable() -> None:
    def configure(conn: Connection[DictRow]) -> None:
        conn.execute("SET work_mem = '8MB'")

    def conninfo() -> str:
        return "postgresql://h/d"

    pool = postgres_pool(conninfo, row_factory=dict_row, configure=configure)
    assert_type(pool, Pool[Connection[DictRow]])


def mistakes() -> None:
    postgres_pool("", row_factory=dict_row, connection_class=Tenant)  # type: ignore[call-overload]  # not both
    postgres_pool("", max_sise=3)  # type: ignore[call-overload]  # no such option
    postgres_pool("", hygiene="full")  # type: ignore[call-overload]  # no such level
    postgres_pool("", connection_class=AsyncTenant)  # type: ignore[type-var]  # the other colour


async def asynchronous() -> None:
    async def configure(conn: AsyncConnection[TupleRow]) -> None:
        await conn.execute("SET work_mem = '8MB'")

    async def conninfo() -> str:
        return "postgresql://h/d"

    pool = async_postgres_pool(conninfo, configure=configure)
    assert_type(pool, AsyncPool[AsyncConnection[TupleRow]])
    async with pool.acquire() as conn:
        assert_type(conn, AsyncConnection[TupleRow])
    assert_type(async_postgres_pool("", row_factory=dict_row), AsyncPool[AsyncConnection[DictRow]])
    assert_type(async_postgres_pool("", row_factory=class_row(User)), AsyncPool[AsyncConnection[User]])
    assert_type(async_postgres_pool("", connection_class=AsyncTenant), AsyncPool[AsyncTenant])


def adapters() -> None:
    assert_type(PostgresAdapter(""), PostgresAdapter[Connection[TupleRow]])
    assert_type(PostgresAdapter("", row_factory=dict_row), PostgresAdapter[Connection[DictRow]])
    assert_type(PostgresAdapter("", connection_class=Tenant), PostgresAdapter[Tenant])
    assert_type(Pool(PostgresAdapter("", row_factory=dict_row)), Pool[Connection[DictRow]])
    assert_type(AsyncPostgresAdapter(""), AsyncPostgresAdapter[AsyncConnection[TupleRow]])
    assert_type(
        AsyncPostgresAdapter("", row_factory=dict_row), AsyncPostgresAdapter[AsyncConnection[DictRow]]
    )
    assert_type(AsyncPostgresAdapter("", connection_class=AsyncTenant), AsyncPostgresAdapter[AsyncTenant])
    assert_type(backend, Backend)
