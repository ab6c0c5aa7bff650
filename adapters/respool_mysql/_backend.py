"""The object behind the entry points `mysql` and `mariadb`; loads no driver before it is asked to."""

from __future__ import annotations

import random
from typing import Any

from respool import Backend, ServerLimits

__all__ = ["backend"]

_ROWS = 64
_CREATE = (
    "CREATE TABLE IF NOT EXISTS respool_load (id INT PRIMARY KEY, hits BIGINT NOT NULL, note VARCHAR(64))"
)
# No IGNORE and a look before the CREATE: aiomysql makes a Python warning of every note the server sends.
_EXISTS = (
    "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'respool_load'"
)
_FILL = (
    "INSERT INTO respool_load (id, hits) VALUES "
    + ", ".join(f"({n}, 0)" for n in range(_ROWS))
    + " ON DUPLICATE KEY UPDATE hits = hits"
)
# A worker that hangs holds a lock on the table, and the end of a load does not wait for it.
_DROP = ("SET SESSION lock_wait_timeout = 2", "DROP TABLE respool_load")
# Without the lock MariaDB 11.6 and later refuse the write (1020) where another worker has been in between.
_READ = "SELECT hits, note FROM respool_load WHERE id = %s FOR UPDATE"
_WRITE = "UPDATE respool_load SET hits = hits + 1 WHERE id = %s"

_VARIABLES = "SELECT @@version, @@max_connections, @@max_user_connections, @@wait_timeout"
_COMMENT = "select @@version_comment limit 1"
"""To the letter what ProxySQL answers by itself; of any other wording the server behind it is asked."""
_CONNECTED = "SHOW GLOBAL STATUS LIKE 'Threads_connected'"
_NO_DATABASE = "the default work needs a table: name a database, mysql://host/DATABASE"


def _adapter(url: str, **options: Any) -> Any:
    from ._sync import MysqlAdapter

    return MysqlAdapter(url, **options)


def _async_adapter(url: str, **options: Any) -> Any:
    from ._aio import AsyncMysqlAdapter

    return AsyncMysqlAdapter(url, **options)


def prepare(connection: Any) -> None:
    """Make the small table that `work` uses.

    Raises:
        ValueError: The connection has no database.
    """
    if not connection.db:
        raise ValueError(_NO_DATABASE)
    with connection.cursor() as cursor:
        if not cursor.execute(_EXISTS):
            cursor.execute(_CREATE)
        cursor.execute(_FILL)
    connection.commit()


def work(connection: Any) -> None:
    """Read one row, write it, commit."""
    row = _any_row()
    with connection.cursor() as cursor:
        cursor.execute(_READ, (row,))
        cursor.fetchall()
        cursor.execute(_WRITE, (row,))
    connection.commit()


def clear(connection: Any) -> None:
    """Drop the table."""
    with connection.cursor() as cursor:
        for statement in _DROP:
            cursor.execute(statement)


async def async_prepare(connection: Any) -> None:
    """Do what `prepare` does, on aiomysql."""
    if not connection.db:
        raise ValueError(_NO_DATABASE)
    async with connection.cursor() as cursor:
        if not await cursor.execute(_EXISTS):
            await cursor.execute(_CREATE)
        await cursor.execute(_FILL)
    await connection.commit()


async def async_work(connection: Any) -> None:
    """Do what `work` does, on aiomysql."""
    row = _any_row()
    async with connection.cursor() as cursor:
        await cursor.execute(_READ, (row,))
        await cursor.fetchall()
        await cursor.execute(_WRITE, (row,))
    await connection.commit()


async def async_clear(connection: Any) -> None:
    """Do what `clear` does, on aiomysql."""
    async with connection.cursor() as cursor:
        for statement in _DROP:
            await cursor.execute(statement)


def limits(connection: Any) -> ServerLimits:
    """Read the server's own limits."""
    from pymysql.cursors import Cursor

    with connection.cursor(Cursor) as cursor:
        cursor.execute(_VARIABLES)
        variables = cursor.fetchone()
        cursor.execute(_COMMENT)
        comment = cursor.fetchone()
        cursor.execute(_CONNECTED)
        return _limits(variables, comment, cursor.fetchone())


async def async_limits(connection: Any) -> ServerLimits:
    """Read the server's own limits, on aiomysql."""
    from aiomysql import Cursor  # type: ignore[import-untyped]  # no stubs exist

    async with connection.cursor(Cursor) as cursor:
        await cursor.execute(_VARIABLES)
        variables = await cursor.fetchone()
        await cursor.execute(_COMMENT)
        comment = await cursor.fetchone()
        await cursor.execute(_CONNECTED)
        return _limits(variables, comment, await cursor.fetchone())


def _any_row() -> int:
    return random.randrange(_ROWS)


def _limits(
    variables: tuple[Any, ...], comment: tuple[str], connected: tuple[Any, ...] | None
) -> ServerLimits:
    version, everyone, mine, idle = variables
    # What one account may have is the nearer limit, where there is one.
    most = min(int(everyone), int(mine)) if int(mine) else int(everyone)
    return ServerLimits(
        version=version,
        product="MariaDB" if "mariadb" in f"{version} {comment[0]}".lower() else "MySQL",
        max_connections=most,
        used_connections=int(connected[1]) if connected else None,
        idle_limit=float(idle),
        notes=tuple(_notes(comment[0], int(mine))),
    )


def _notes(comment: str, mine: int) -> list[str]:
    notes = []
    if "proxysql" in comment.lower():
        notes.append(
            "behind ProxySQL: the limits are those of the server behind it, and sessions at the proxy may "
            "end sooner; it may give every statement another server session: use hygiene='transaction'"
        )
    if mine:
        notes.append(f"this account may have {mine} connections (max_user_connections)")
    return notes


backend = Backend(
    name="MySQL",
    adapter=_adapter,
    async_adapter=_async_adapter,
    prepare=prepare,
    work=work,
    async_prepare=async_prepare,
    async_work=async_work,
    clear=clear,
    async_clear=async_clear,
    limits=limits,
    async_limits=async_limits,
    driver="PyMySQL",
    async_driver="aiomysql",
    extra="respool[mysql]",
)
