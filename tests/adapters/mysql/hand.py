"""One way to drive the blocking and the asynchronous adapter, so that each expectation is written once."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import aiomysql
import pymysql
import pymysql.cursors

from respool_mysql import AsyncMysqlAdapter, MysqlAdapter


class Hand:
    """Makes adapters of one colour on one server, calls them, and puts away what it made."""

    def __init__(self, colour: str, url: str) -> None:
        self.colour = colour
        self.url = url
        self.cursors: Any = pymysql.cursors if colour == "sync" else aiomysql
        self._runner = asyncio.Runner()
        self._open: list[tuple[Any, Any]] = []

    def run(self, outcome: Any) -> Any:
        """Give a result, awaited where it needs to be."""
        if not inspect.isawaitable(outcome):
            return outcome

        async def awaited() -> Any:
            return await outcome

        return self._runner.run(awaited())

    def adapter(self, url: str | None = None, **options: Any) -> Any:
        """Make an adapter of this colour."""
        kind: Any = MysqlAdapter if self.colour == "sync" else AsyncMysqlAdapter
        return kind(url or self.url, **options)

    def create(self, adapter: Any) -> Any:
        """Create, and remember to destroy."""
        conn = self.run(adapter.create())
        self._open.append((adapter, conn))
        return conn

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

    def put_away(self) -> None:
        """Destroy what was created."""
        while self._open:
            adapter, conn = self._open.pop()
            self.run(adapter.destroy(conn))

    def close(self) -> None:
        """Destroy what was created, and end the loop."""
        self.put_away()
        self._runner.close()
