"""Both adapters pass the conformance kit, with every back door given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import psycopg
import pytest

from respool import Hygiene
from respool.testing import AdapterTests, AsyncAdapterTests
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter
from tests.servers import Endpoint

PASSWORD = "kit-cAnArY"
NOWHERE = f"postgresql://postgres:{PASSWORD}@127.0.0.1:1/postgres"

SOIL = {
    "session": ["SELECT pg_advisory_lock(pg_backend_pid())", "SELECT pg_advisory_lock(1 / 0)"],
    "transaction": ["BEGIN", "SELECT pg_advisory_xact_lock(pg_backend_pid())"],
}
TRACES = """
SELECT count(*) FILTER (WHERE state <> 'idle')
    + (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = %(pid)s)
FROM pg_stat_activity WHERE pid = %(pid)s
"""
"""Asked from outside: the kit looks whether a resource is clean and then whether it was used."""


class _Backdoors:
    """What both colours look at from outside."""

    hygiene: ClassVar[Hygiene] = "session"
    secrets: ClassVar[Sequence[str]] = (PASSWORD,)
    rounds: ClassVar[int] = 10
    server: Endpoint

    @pytest.fixture(autouse=True)
    def _server(self, postgres_server: Endpoint) -> None:
        type(self).server = postgres_server

    def _options(self) -> dict[str, Any]:
        name = type(self).__name__
        return {
            "hygiene": self.hygiene,
            "connect": {
                "autocommit": True,
                "application_name": name,
                "password": PASSWORD,
                # or the server would not notice an aborted client in the middle of pg_sleep
                "options": "-c client_connection_check_interval=50",
            },
        }

    def _is_clean(self, conn: psycopg.BaseConnection[Any]) -> bool:
        return bool(self._outside(TRACES, pid=conn.info.backend_pid) == 0)

    def _outside(self, question: str, **values: object) -> Any:
        with psycopg.connect(self.server.url, autocommit=True) as conn:
            row = conn.execute(question, values).fetchone()
        return row and row[0]

    def _terminate(self, conn: psycopg.BaseConnection[Any]) -> None:
        self._outside("SELECT pg_terminate_backend(%(pid)s, 10000)", pid=conn.info.backend_pid)

    def _count(self) -> int:
        question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %(name)s"
        return int(self._outside(question, name=type(self).__name__))


class TestPostgres(_Backdoors, AdapterTests[psycopg.Connection[Any]]):
    """The blocking adapter, at "session"."""

    @pytest.fixture
    def adapter(self, postgres_server: Endpoint) -> PostgresAdapter[Any]:
        return PostgresAdapter(postgres_server.url, **self._options())

    def unreachable(self) -> PostgresAdapter[Any]:
        return PostgresAdapter(NOWHERE)

    def sever(self, resource: psycopg.Connection[Any], /) -> None:
        self._terminate(resource)

    def count_open(self) -> int:
        return self._count()

    def soil(self, resource: psycopg.Connection[Any], /) -> None:
        for statement in SOIL[self.hygiene]:
            try:
                resource.execute(statement.encode())
            except psycopg.DataError:
                pass

    def is_clean(self, resource: psycopg.Connection[Any], /) -> bool:
        return self._is_clean(resource)

    def hang(self, resource: psycopg.Connection[Any], /) -> None:
        resource.execute("SELECT pg_sleep(600)")

    def use(self, resource: psycopg.Connection[Any], /) -> None:
        resource.execute("SELECT 1")


class TestPostgresTransaction(TestPostgres):
    """The blocking adapter, at "transaction"."""

    hygiene = "transaction"


class TestAsyncPostgres(_Backdoors, AsyncAdapterTests[psycopg.AsyncConnection[Any]]):
    """The asynchronous adapter, at "session"."""

    @pytest.fixture
    def adapter(self, postgres_server: Endpoint) -> AsyncPostgresAdapter[Any]:
        return AsyncPostgresAdapter(postgres_server.url, **self._options())

    def unreachable(self) -> AsyncPostgresAdapter[Any]:
        return AsyncPostgresAdapter(NOWHERE)

    async def sever(self, resource: psycopg.AsyncConnection[Any], /) -> None:
        self._terminate(resource)

    async def count_open(self) -> int:
        return self._count()

    async def soil(self, resource: psycopg.AsyncConnection[Any], /) -> None:
        for statement in SOIL[self.hygiene]:
            try:
                await resource.execute(statement.encode())
            except psycopg.DataError:
                pass

    async def is_clean(self, resource: psycopg.AsyncConnection[Any], /) -> bool:
        return self._is_clean(resource)

    async def hang(self, resource: psycopg.AsyncConnection[Any], /) -> None:
        await resource.execute("SELECT pg_sleep(600)")

    async def use(self, resource: psycopg.AsyncConnection[Any], /) -> None:
        await resource.execute("SELECT 1")


class TestAsyncPostgresTransaction(TestAsyncPostgres):
    """The asynchronous adapter, at "transaction"."""

    hygiene = "transaction"
