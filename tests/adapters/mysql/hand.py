"""Drives the MySQL adapters of both colours."""

from __future__ import annotations

from typing import Any

import aiomysql
import pymysql
import pymysql.cursors

from respool_mysql import AsyncMysqlAdapter, MysqlAdapter
from tests.adapters.coloured_hand import ColouredHand


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
