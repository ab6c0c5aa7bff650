"""What is behind the URL schemes ``postgres`` and ``postgresql``; imports no driver until it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool import Backend, ServerLimits

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection

    from ._adapter import PostgresAdapter
    from ._async_adapter import AsyncPostgresAdapter

__all__ = ["backend"]


def _adapter(url: str, **options: Any) -> PostgresAdapter[Any]:
    from ._adapter import PostgresAdapter

    return PostgresAdapter(url, **options)


def _async_adapter(url: str, **options: Any) -> AsyncPostgresAdapter[Any]:
    from ._async_adapter import AsyncPostgresAdapter

    return AsyncPostgresAdapter(url, **options)


def _prepare(conn: Connection[Any]) -> None:
    from . import _work

    _work.prepare(conn)


def _do_work(conn: Connection[Any]) -> None:
    from . import _work

    _work.work(conn)


def _clear(conn: Connection[Any]) -> None:
    from . import _work

    _work.clear(conn)


async def _async_prepare(conn: AsyncConnection[Any]) -> None:
    from . import _work

    await _work.async_prepare(conn)


async def _async_work(conn: AsyncConnection[Any]) -> None:
    from . import _work

    await _work.async_work(conn)


async def _async_clear(conn: AsyncConnection[Any]) -> None:
    from . import _work

    await _work.async_clear(conn)


def _read_limits(conn: Connection[Any]) -> ServerLimits:
    from . import _limits

    return _limits.limits(conn)


async def _async_read_limits(conn: AsyncConnection[Any]) -> ServerLimits:
    from . import _limits

    return await _limits.async_limits(conn)


backend = Backend(
    name="Postgres",
    adapter=_adapter,
    async_adapter=_async_adapter,
    prepare=_prepare,
    work=_do_work,
    async_prepare=_async_prepare,
    async_work=_async_work,
    clear=_clear,
    async_clear=_async_clear,
    limits=_read_limits,
    async_limits=_async_read_limits,
    driver="psycopg[binary]",
    async_driver="psycopg[binary]",
    extra="respool[postgres]",
)
