"""One way to drive the blocking and the asynchronous adapter, so that each expectation is written once."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from respool_postgres import AsyncPostgresAdapter, PostgresAdapter


class Hand:
    """Makes adapters of one colour on one server, calls them, and puts away what it made."""

    def __init__(self, colour: str, url: str) -> None:
        self.colour = colour
        self.url = url
        self._runner = asyncio.Runner()
        self._runner.get_loop()  # now, and not when a test counts descriptors
        self.made: list[tuple[Any, Any]] = []

    def run(self, outcome: Any) -> Any:
        """Give a result, awaited where it needs to be."""
        if not inspect.isawaitable(outcome):
            return outcome

        async def awaited() -> Any:
            return await outcome

        return self._runner.run(awaited())

    def adapter(self, conninfo: Any = None, **options: Any) -> Any:
        """Make an adapter of this colour."""
        source = self.url if conninfo is None else conninfo
        if self.colour == "sync":
            return PostgresAdapter(source, **options)
        return AsyncPostgresAdapter(source, **options)

    def create(self, adapter: Any) -> Any:
        """Create, and remember to destroy."""
        conn = self.run(adapter.create())
        self.made.append((adapter, conn))
        return conn

    def lease(self, **options: Any) -> tuple[Any, Any]:
        """Make an adapter and one connection in autocommit."""
        adapter = self.adapter(connect={"autocommit": True, **options.pop("connect", {})}, **options)
        return adapter, self.create(adapter)

    def execute(self, conn: Any, statement: str, **how: Any) -> Any:
        """Run one statement; gives the cursor."""
        return self.run(conn.execute(statement, **how))

    def ask(self, conn: Any, question: str) -> Any:
        """Run a query and give its one value."""
        row = self.run(self.execute(conn, question).fetchone())
        return row[0]

    def configure(self, *statements: str, more: Callable[[Any], None] | None = None) -> Any:
        """Make a `configure` of this colour that runs statements and then something local."""

        def configure(conn: Any) -> None:
            for statement in statements:
                conn.execute(statement)
            if more is not None:
                more(conn)

        async def async_configure(conn: Any) -> None:
            for statement in statements:
                await conn.execute(statement)
            if more is not None:
                more(conn)

        return configure if self.colour == "sync" else async_configure

    def enter(self, context: Any) -> Any:
        """Enter a context manager of either colour and never leave it."""
        return context.__enter__() if self.colour == "sync" else self.run(context.__aenter__())

    def close(self) -> None:
        """Destroy what was created."""
        for adapter, conn in self.made:
            self.run(adapter.destroy(conn))
        self._runner.close()
