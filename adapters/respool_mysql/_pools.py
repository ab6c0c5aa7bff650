"""`mysql_pool`: the short way to a pool whose type shows the cursor class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from typing_extensions import Unpack

from respool import Hygiene, PoolOptions, Timeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pymysql.connections import Connection
    from pymysql.cursors import Cursor

    from respool import Pool

__all__ = ["mysql_pool"]

CursorT = TypeVar("CursorT", bound="Cursor")


@overload
def mysql_pool(
    url: str,
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Connection[Cursor]], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Connection[Cursor]]: ...


@overload
def mysql_pool(
    url: str,
    *,
    cursorclass: type[CursorT],
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Connection[CursorT]], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Connection[CursorT]]: ...


def mysql_pool(
    url: str,
    *,
    cursorclass: type[Any] | None = None,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Callable[[Any], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[Any]:
    """Make a pool of PyMySQL connections to MySQL or MariaDB.

    Args:
        url: ``mysql://user:password@host:port/database?charset=utf8mb4``.
        cursorclass: What ``connection.cursor()`` gives; shows in the pool's type.
        connect: PyMySQL's own arguments, which win over the URL; ``user`` and ``password`` may be callables
            that are asked at each create.
        hygiene: ``"session"`` (no lease sees another's state), ``"transaction"`` (rollback) or ``"none"``.
        configure: Called with each new connection, and again after every reset of the session.
        **options: The pool's options; the four ``*_timeout`` are handed to the driver as well.

    Returns:
        The pool; a context manager that closes itself, and works without being one.

    Raises:
        ImportError: PyMySQL is not installed; says what to install.
        TypeError: An unknown option or connect argument, or a wrong type.
        ValueError: A URL that cannot be read, or an option out of range.
    """
    from respool import Pool

    from ._sync import MysqlAdapter

    given: dict[str, Any] = {} if cursorclass is None else {"cursorclass": cursorclass}
    adapter: MysqlAdapter[Any] = MysqlAdapter(
        url,
        hygiene=hygiene,
        connect=connect,
        configure=configure,
        timeouts=Timeouts.of(options),
        **given,
    )
    return Pool(adapter, **options)
