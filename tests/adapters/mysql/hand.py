"""Drives the MySQL adapters of both colours."""

from __future__ import annotations

import functools
from typing import Any

import aiomysql
import pymysql
import pymysql.cursors
from pymysql.constants import SERVER_STATUS

from respool_mysql import AsyncMysqlAdapter, MysqlAdapter
from tests.adapters.coloured_hand import ColouredHand


def create_anew(cursor: Any, what: str, how: str = "") -> None:
    """Create a user or a table in the place of one that an earlier test has left."""
    cursor.execute(f"DROP {what.replace(' ', ' IF EXISTS ', 1)}")
    cursor.execute(f"CREATE {what} {how}".encode())


class Hand(ColouredHand):
    """Adapters and connections of one colour."""

    kinds = (MysqlAdapter, AsyncMysqlAdapter)

    def __init__(self, colour: str, url: str) -> None:
        super().__init__(colour, url)
        self.cursors: Any = pymysql.cursors if colour == "sync" else aiomysql

    def lease(self, url: str | None = None, **options: Any) -> tuple[Any, Any]:
        """Make an adapter and one connection, in autocommit unless told otherwise."""
        connect = {"autocommit": True, **options.pop("connect", {})}
        adapter = self.adapter(url, connect=connect, **options)
        return adapter, self.create(adapter)

    def cursor(self, conn: Any, kind: Any = None) -> Any:
        """Give a cursor of a class, or of the connection's own."""
        return self.run(conn.cursor(kind) if kind else conn.cursor())

    def execute(self, conn: Any, statement: str) -> Any:
        """Run one statement on a plain cursor and read all of it."""
        cursor = self.cursor(conn, self.cursors.Cursor)
        self.run(cursor.execute(statement))
        rows = self.run(cursor.fetchall())
        self.run(cursor.close())
        return rows

    def ask(self, conn: Any, question: str) -> Any:
        """Run a query and give its one value; the error's number where it fails."""
        try:
            return self.execute(conn, question)[0][0]
        except pymysql.err.MySQLError as refused:
            return f"error {refused.args[0]}"

    def is_in_transaction(self, conn: Any) -> bool:
        """Ask the server, which says so behind the answer to any statement."""
        self.execute(conn, "SELECT 1")
        return bool(conn.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)

    @functools.cached_property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, not MySQL itself."""
        adapter = self.adapter(hygiene="none")
        conn = self.run(adapter.create())
        version = self.ask(conn, "SELECT VERSION()")
        self.run(adapter.destroy(conn))
        return "MariaDB" in version

    def configure(self, *statements: str, more: Any = None) -> Any:
        """Make a `configure` of this colour that runs statements and then something local."""

        def configure(conn: Any) -> None:
            with conn.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            if more is not None:
                more(conn)

        async def async_configure(conn: Any) -> None:
            async with conn.cursor() as cursor:
                for statement in statements:
                    await cursor.execute(statement)
            if more is not None:
                more(conn)

        return configure if self.colour == "sync" else async_configure
