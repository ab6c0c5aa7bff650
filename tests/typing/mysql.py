"""What mypy must see of the MySQL helpers: the cursor class shows in the pool's type. Checked, never run."""

from __future__ import annotations

from typing import Any, assert_type

from pymysql.connections import Connection
from pymysql.cursors import Cursor, DictCursor, SSCursor

from respool import Backend, Lease, Pool
from respool_mysql import MysqlAdapter, backend, mysql_pool


def plain() -> None:
    pool = mysql_pool("mysql://h/db", max_size=4)
    assert_type(pool, Pool[Connection[Cursor]])
    assert_type(pool.acquire(), Lease[Connection[Cursor]])
    with pool.acquire() as conn:
        assert_type(conn, Connection[Cursor])
        assert_type(conn.cursor(), Cursor)


def with_a_cursor_class() -> None:
    pool = mysql_pool("mysql://h/db", cursorclass=DictCursor)
    assert_type(pool, Pool[Connection[DictCursor]])
    with pool.acquire() as conn:
        assert_type(conn.cursor(), DictCursor)
        assert_type(conn.cursor().fetchone(), dict[str, Any] | None)


def with_configure() -> None:
    def configure(conn: Connection[SSCursor]) -> None:
        assert_type(conn.cursor(), SSCursor)

    pool = mysql_pool("mysql://h/db", cursorclass=SSCursor, configure=configure)
    assert_type(pool, Pool[Connection[SSCursor]])


def adapters() -> None:
    assert_type(MysqlAdapter("mysql://h"), MysqlAdapter[Cursor])
    assert_type(MysqlAdapter("mysql://h", cursorclass=DictCursor), MysqlAdapter[DictCursor])
    assert_type(MysqlAdapter("mysql://h", cursorclass=DictCursor).create(), Connection[DictCursor])
    assert_type(Pool(MysqlAdapter("mysql://h")), Pool[Connection[Cursor]])
    assert_type(backend, Backend)


def mistakes() -> None:
    mysql_pool("mysql://h", max_sise=4)  # type: ignore[call-overload]
    mysql_pool("mysql://h", cursorclass=int)  # type: ignore[type-var]
    mysql_pool("mysql://h", hygiene="thorough")  # type: ignore[call-overload]
