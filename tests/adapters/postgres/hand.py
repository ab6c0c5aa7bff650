"""Drives the Postgres adapters of both colours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from respool_postgres import AsyncPostgresAdapter, PostgresAdapter
from tests.adapters.coloured_hand import ColouredHand


class Hand(ColouredHand):
    """Adapters and connections of one colour."""

    kinds = (PostgresAdapter, AsyncPostgresAdapter)

    def lease(self, source: Any = None, **options: Any) -> tuple[Any, Any]:
        """Make an adapter and one connection in autocommit."""
        connect = {"autocommit": True, **options.pop("connect", {})}
        adapter = self.adapter(source, connect=connect, **options)
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
