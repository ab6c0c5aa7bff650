"""`sqlite_pool` and `async_sqlite_pool`: the short way to a pool with the right type."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Unpack

from respool import Hygiene, PoolOptions, Timeouts

from ._adapter import SqliteAdapter

if TYPE_CHECKING:
    import aiosqlite

    from respool import AsyncPool, Pool

__all__ = ["async_sqlite_pool", "sqlite_pool"]

C = TypeVar("C", bound=sqlite3.Connection)


@overload
def sqlite_pool(
    database: str | os.PathLike[str],
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[sqlite3.Connection], object] | None = None,
    factory: None = None,
    wal: bool | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[sqlite3.Connection]: ...
@overload
def sqlite_pool(
    database: str | os.PathLike[str],
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[C], object] | None = None,
    factory: type[C],
    wal: bool | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[C]: ...
def sqlite_pool(
    database: str | os.PathLike[str],
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Any], object] | None = None,
    factory: type[Any] | None = None,
    wal: bool | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Any]:
    """Make a pool of `sqlite3.Connection` objects.

    Args:
        database: A path, ``":memory:"`` (one database that the whole pool shares), a URL such as
            ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``sqlite://``, or a ``file:`` URI.
        connect: Further arguments of `sqlite3.connect`: ``timeout`` (how long to wait for a lock, 5 s unless
            given), ``isolation_level``, ``detect_types``, ``autocommit`` (Python 3.12) and so on.
        hygiene: ``"session"`` (no lease sees what another left), ``"transaction"`` (rollback) or ``"none"``.
        configure: Called with each new connection, and again after each reset that had to undo more than a
            transaction. Must be repeatable and must commit what it does.
        factory: A subclass of `sqlite3.Connection`; shows in the pool's type.
        wal: None switches a file to WAL mode where it can, True insists, False leaves the mode alone.
        **options: The pool's options.

    Returns:
        The pool; a context manager that closes itself, and works without being one.

    Raises:
        TypeError: For an unknown option or argument, or a value of the wrong type.
        ValueError: For a URL that cannot be read, a value out of range, or options in contradiction.
    """
    from respool import Pool

    adapter: SqliteAdapter[Any] = SqliteAdapter(
        database,
        hygiene=hygiene,
        connect=connect,
        configure=configure,
        factory=sqlite3.Connection if factory is None else factory,
        wal=wal,
        timeouts=Timeouts.of(options),
    )
    return Pool(adapter, **options)


def async_sqlite_pool(
    database: str | os.PathLike[str],
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[aiosqlite.Connection], Awaitable[object]] | None = None,
    wal: bool | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[aiosqlite.Connection]:
    """Make an asyncio pool of `aiosqlite.Connection` objects.

    Args:
        database: As for `sqlite_pool`.
        connect: As for `sqlite_pool`.
        hygiene: As for `sqlite_pool`.
        configure: Awaited with each new connection, and again after each reset that had to undo more than a
            transaction. Must be repeatable and must commit what it does.
        wal: As for `sqlite_pool`.
        **options: The pool's options.

    Returns:
        The pool; an asynchronous context manager that closes itself, and works without being one.

    Raises:
        ImportError: aiosqlite is not installed; says what to install.
        TypeError: For an unknown option or argument, or a value of the wrong type.
        ValueError: For a URL that cannot be read, a value out of range, or options in contradiction.
    """
    from respool import AsyncPool

    from ._async import AsyncSqliteAdapter

    adapter = AsyncSqliteAdapter(
        database,
        hygiene=hygiene,
        connect=connect,
        configure=configure,
        wal=wal,
        timeouts=Timeouts.of(options),
    )
    return AsyncPool(adapter, **options)
