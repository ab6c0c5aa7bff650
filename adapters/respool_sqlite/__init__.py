"""SQLite for respool: the standard library's ``sqlite3`` under threads, aiosqlite under asyncio.

Importing this package loads nothing but the standard library's driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._adapter import SqliteAdapter
from ._backend import backend
from ._errors import OpenError
from ._pools import async_sqlite_pool, sqlite_pool

if TYPE_CHECKING:
    from ._async import AsyncSqliteAdapter

__all__ = [
    "AsyncSqliteAdapter",
    "OpenError",
    "SqliteAdapter",
    "async_sqlite_pool",
    "backend",
    "sqlite_pool",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load what needs aiosqlite when it is first asked for (PEP 562)."""
        if name != "AsyncSqliteAdapter":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from ._async import AsyncSqliteAdapter

        return AsyncSqliteAdapter
