"""Plays the pool on one adapter: opens connections, gives them back, and closes what is left at the end."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from respool_sqlite import SqliteAdapter


class Hand:
    """One adapter and the connections that came out of it."""

    def __init__(self, database: str | Path, **options: Any) -> None:
        self.adapter: SqliteAdapter[Any] = SqliteAdapter(database, **options)
        self._open: list[Any] = []

    def lease(self) -> Any:
        """Open a connection, as a pool does for its first holder."""
        conn = self.adapter.create()
        self._open.append(conn)
        return conn

    def give_back(self, conn: Any) -> bool:
        """End a lease the way a pool does; True if the connection was dirty."""
        dirty = self.adapter.is_dirty(conn)
        if dirty:
            self.adapter.reset(conn)
            assert not self.adapter.is_dirty(conn), "clean after a reset"
        return dirty

    def destroy(self, conn: Any) -> None:
        self._open.remove(conn)
        self.adapter.destroy(conn)

    def close(self) -> None:
        for conn in self._open:
            self.adapter.destroy(conn)


class Watchful:
    """An authorizer that allows everything and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, action: int, *_: object) -> int:
        self.seen.append(action)
        return sqlite3.SQLITE_OK


def ask(conn: sqlite3.Connection, sql: str) -> Any:
    """Give the first column of the first row, whatever factories are set."""
    cursor = sqlite3.Cursor(conn)
    row = cursor.execute(sql).fetchone()
    cursor.close()
    return row[0] if row else None


def rows(conn: sqlite3.Connection, sql: str) -> list[tuple[Any, ...]]:
    cursor = sqlite3.Cursor(conn)
    found = cursor.execute(sql).fetchall()
    cursor.close()
    return found
