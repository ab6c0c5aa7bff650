"""The typed helpers: a pool of psycopg connections in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from psycopg import AsyncConnection, Connection
from typing_extensions import TypeVar, Unpack

from respool import AsyncPool, Hygiene, Pool, PoolOptions, Timeouts

from ._adapter import PostgresAdapter
from ._async_adapter import AsyncPostgresAdapter, Conninfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from psycopg.rows import AsyncRowFactory, Row, RowFactory, TupleRow

__all__ = ["async_postgres_pool", "postgres_pool"]

C = TypeVar("C", bound=Connection[Any])
A = TypeVar("A", bound=AsyncConnection[Any])


@overload
def postgres_pool(
    conninfo: str | Callable[[], str] = "",
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Connection[TupleRow]], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Connection[TupleRow]]: ...


@overload
def postgres_pool(
    conninfo: str | Callable[[], str] = "",
    *,
    row_factory: RowFactory[Row],
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Connection[Row]], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Connection[Row]]: ...


@overload
def postgres_pool(
    conninfo: str | Callable[[], str] = "",
    *,
    connection_class: type[C],
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[C], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[C]: ...


def postgres_pool(
    conninfo: str | Callable[[], str] = "",
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Any], object] | None = None,
    row_factory: RowFactory[Any] | None = None,
    connection_class: type[Any] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Any]:
    """Make a pool of psycopg connections.

    Args:
        conninfo: A conninfo string or URL, or a callable that gives one at every create.
        connect: More arguments for ``Connection.connect``.
        hygiene: ``"session"`` (no lease sees another's state), ``"transaction"`` or ``"none"``.
        configure: Called with each connection after create and after every session reset.
        row_factory: Gives rows another shape; shows in the type.
        connection_class: A subclass of ``psycopg.Connection``, instead of a row factory.
        **options: The pool's options.

    Returns:
        A pool; the server is not asked before the first connection is needed.

    Raises:
        ValueError: For a conninfo that cannot be read, or an option out of range.
        TypeError: For an unknown option or argument, or a class and a row factory at once.
    """
    arguments: dict[str, Any] = {"row_factory": row_factory, "connection_class": connection_class}
    adapter: PostgresAdapter[Any] = PostgresAdapter(
        conninfo,
        connect=connect,
        hygiene=hygiene,
        configure=configure,
        timeouts=Timeouts.of(options),
        **arguments,
    )
    return Pool(adapter, **options)


@overload
def async_postgres_pool(
    conninfo: Conninfo = "",
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[AsyncConnection[TupleRow]], Awaitable[object]] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[AsyncConnection[TupleRow]]: ...


@overload
def async_postgres_pool(
    conninfo: Conninfo = "",
    *,
    row_factory: AsyncRowFactory[Row],
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[AsyncConnection[Row]], Awaitable[object]] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[AsyncConnection[Row]]: ...


@overload
def async_postgres_pool(
    conninfo: Conninfo = "",
    *,
    connection_class: type[A],
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[A], Awaitable[object]] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[A]: ...


def async_postgres_pool(
    conninfo: Conninfo = "",
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Any], Awaitable[object]] | None = None,
    row_factory: AsyncRowFactory[Any] | None = None,
    connection_class: type[Any] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[Any]:
    """Make a pool of psycopg's asynchronous connections; the arguments are those of `postgres_pool`.

    ``conninfo`` may be a coroutine function, and ``configure`` must be one.
    """
    arguments: dict[str, Any] = {"row_factory": row_factory, "connection_class": connection_class}
    adapter: AsyncPostgresAdapter[Any] = AsyncPostgresAdapter(
        conninfo,
        connect=connect,
        hygiene=hygiene,
        configure=configure,
        timeouts=Timeouts.of(options),
        **arguments,
    )
    return AsyncPool(adapter, **options)
