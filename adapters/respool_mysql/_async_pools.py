"""`async_mysql_pool`: the short way to a pool of aiomysql connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from respool import Hygiene, PoolOptions, Timeouts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import aiomysql  # type: ignore[import-untyped]  # it ships no types, and there are no stubs

    from respool import AsyncPool

__all__ = ["async_mysql_pool"]


def async_mysql_pool(
    url: str,
    *,
    cursorclass: type[Any] | None = None,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[aiomysql.Connection], Awaitable[object]] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[aiomysql.Connection]:
    """Make an asyncio pool of aiomysql connections to MySQL or MariaDB.

    Args:
        url: ``mysql://user:password@host:port/database?charset=utf8mb4``.
        cursorclass: What ``connection.cursor()`` gives; one of aiomysql's.
        connect: The driver's arguments, which win over the URL; ``user`` and ``password`` may be callables
            that are asked at each create, plain or asynchronous.
        hygiene: ``"session"`` (no lease sees another's state), ``"transaction"`` (rollback) or ``"none"``.
        configure: Awaited with each new connection, and again after every reset of the session.
        **options: The pool's options.

    Returns:
        The pool; an asynchronous context manager that closes itself, and works without being one.

    Raises:
        ImportError: A driver is not installed; says what to install.
        TypeError: An unknown option or connect argument, or a wrong type.
        ValueError: A URL that cannot be read, or an option out of range.
    """
    from respool import AsyncPool

    from ._aio import AsyncMysqlAdapter

    given: dict[str, Any] = {} if cursorclass is None else {"cursorclass": cursorclass}
    adapter = AsyncMysqlAdapter(
        url,
        hygiene=hygiene,
        connect=connect,
        configure=configure,
        timeouts=Timeouts.of(options),
        **given,
    )
    return AsyncPool(adapter, **options)
