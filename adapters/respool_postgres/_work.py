"""A small unit of work that reads and writes, for `respool load`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._driver import psycopg

__all__ = ["async_clear", "async_prepare", "async_work", "clear", "prepare", "work"]

_ROWS = 1000
"""Enough of them that workers seldom wait for each other's row lock."""

_MAKE = (
    "CREATE TABLE IF NOT EXISTS respool_load (id integer PRIMARY KEY, used bigint NOT NULL DEFAULT 0)",
    f"INSERT INTO respool_load (id) SELECT generate_series(1, {_ROWS}) ON CONFLICT DO NOTHING",
)
_DROP = ("SET LOCAL lock_timeout = '2s'", "DROP TABLE IF EXISTS respool_load")
"""A worker that hangs holds a lock on the table, and the end of a load does not wait for it."""
_READ = "SELECT used FROM respool_load WHERE id = %s"
_WRITE = "UPDATE respool_load SET used = used + 1 WHERE id = %s"


def prepare(conn: psycopg.Connection[Any]) -> None:
    """Make the table `respool_load` and its rows; may be repeated."""
    with conn.transaction():
        for statement in _MAKE:
            conn.execute(statement.encode())


def work(conn: psycopg.Connection[Any]) -> None:
    """Read one row and write it, in one transaction."""
    row = (random.randint(1, _ROWS),)
    with conn.transaction():
        conn.execute(_READ, row).fetchone()
        conn.execute(_WRITE, row)


def clear(conn: psycopg.Connection[Any]) -> None:
    """Drop the table."""
    with conn.transaction():
        for statement in _DROP:
            conn.execute(statement.encode())


async def async_prepare(conn: psycopg.AsyncConnection[Any]) -> None:
    """Make the table `respool_load` and its rows; may be repeated."""
    async with conn.transaction():
        for statement in _MAKE:
            await conn.execute(statement.encode())


async def async_work(conn: psycopg.AsyncConnection[Any]) -> None:
    """Read one row and write it, in one transaction."""
    row = (random.randint(1, _ROWS),)
    async with conn.transaction():
        await (await conn.execute(_READ, row)).fetchone()
        await conn.execute(_WRITE, row)


async def async_clear(conn: psycopg.AsyncConnection[Any]) -> None:
    """Drop the table."""
    async with conn.transaction():
        for statement in _DROP:
            await conn.execute(statement.encode())
