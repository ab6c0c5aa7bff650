"""Both adapters pass the conformance kit that any adapter gets, with every back door given."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from respool.testing import AdapterTests, AsyncAdapterTests
from respool_sqlite import AsyncSqliteAdapter, SqliteAdapter

ENDLESS = "with recursive n(i) as (select 1 union all select 1 from n) select count(*) from n"
SOIL = "create temp table soil (x); begin; create table if not exists dirt (x);"
LOOK = "select (select count(*) from sqlite_temp_master) + (select count(*) from sqlite_master)"


def _count_open(path: Path) -> int:
    """Ask the system how many descriptors of the file there are.

    Right when none is open: as long as one connection holds a lock, SQLite keeps the descriptors of those
    that were closed, because closing one would drop the whole process's locks.
    """
    folder, count = "/proc/self/fd", 0
    for number in os.listdir(folder):
        try:
            count += os.readlink(f"{folder}/{number}") == str(path)
        except OSError:  # the descriptor of the listing itself
            continue
    return count


class TestSqliteKit(AdapterTests[sqlite3.Connection]):
    """The blocking kit, on a file."""

    @pytest.fixture
    def adapter(self, path: Path) -> SqliteAdapter:
        self.path = path
        return SqliteAdapter(path)

    def sever(self, conn: sqlite3.Connection, /) -> None:
        sqlite3.Connection.close(conn)

    def soil(self, conn: sqlite3.Connection, /) -> None:
        conn.executescript(SOIL)

    def is_clean(self, conn: sqlite3.Connection, /) -> bool:
        return not conn.in_transaction and conn.execute(LOOK).fetchone() == (0,)

    def count_open(self) -> int:
        return _count_open(self.path)

    def unreachable(self) -> SqliteAdapter:
        return SqliteAdapter(self.path / "no" / "folder.db")

    def hang(self, conn: sqlite3.Connection, /) -> None:
        conn.execute(ENDLESS).fetchone()

    def use(self, conn: sqlite3.Connection, /) -> None:
        conn.execute("select 1").fetchone()


class TestSqliteMemoryKit(AdapterTests[sqlite3.Connection]):
    """The blocking kit, in memory."""

    @pytest.fixture
    def adapter(self) -> SqliteAdapter:
        return SqliteAdapter(":memory:")

    def sever(self, conn: sqlite3.Connection, /) -> None:
        sqlite3.Connection.close(conn)

    def soil(self, conn: sqlite3.Connection, /) -> None:
        conn.execute("pragma foreign_keys = on")
        conn.row_factory = sqlite3.Row

    def is_clean(self, conn: sqlite3.Connection, /) -> bool:
        return conn.row_factory is None and conn.execute("pragma foreign_keys").fetchone() == (0,)

    def hang(self, conn: sqlite3.Connection, /) -> None:
        conn.execute(ENDLESS).fetchone()


class TestAsyncSqliteKit(AsyncAdapterTests[aiosqlite.Connection]):
    """The asynchronous kit, on a file."""

    @pytest.fixture
    def adapter(self, path: Path) -> AsyncSqliteAdapter:
        self.path = path
        return AsyncSqliteAdapter(path)

    async def sever(self, conn: Any, /) -> None:
        await conn.close()

    async def soil(self, conn: aiosqlite.Connection, /) -> None:
        await conn.executescript(SOIL)

    async def is_clean(self, conn: aiosqlite.Connection, /) -> bool:
        rows = list(await conn.execute_fetchall(LOOK))
        return not conn.in_transaction and [(0,)] == rows

    async def count_open(self) -> int:
        return _count_open(self.path)

    def unreachable(self) -> AsyncSqliteAdapter:
        return AsyncSqliteAdapter(self.path / "no" / "folder.db")

    async def hang(self, conn: aiosqlite.Connection, /) -> None:
        await conn.execute_fetchall(ENDLESS)

    async def use(self, conn: aiosqlite.Connection, /) -> None:
        await conn.execute("select 1")
