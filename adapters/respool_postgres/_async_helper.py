"""The typed helper: a pool of psycopg's asynchronous connections in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar, Unpack

from respool import AsyncPool, Hygiene, PoolOptions, Timeouts

from ._async_adapter import AsyncPostgresAdapter, Conninfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from psycopg import AsyncConnection
    from psycopg.rows import AsyncRowFactory, Row, TupleRow

__all__ = ["async_postgres_pool"]

A = TypeVar("A", bound="AsyncConnection[Any]")


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
