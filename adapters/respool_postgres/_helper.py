"""The typed helper: a pool of psycopg's blocking connections in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar, Unpack

from respool import Hygiene, Pool, PoolOptions, Timeouts

from ._adapter import PostgresAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from psycopg import Connection
    from psycopg.rows import Row, RowFactory, TupleRow

__all__ = ["postgres_pool"]

C = TypeVar("C", bound="Connection[Any]")


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
