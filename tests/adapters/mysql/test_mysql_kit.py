"""The MySQL adapters pass the kit that every author's adapter is held to, at both levels that clean."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pymysql.err import OperationalError

from respool import Hygiene
from respool.testing import AdapterTests, AsyncAdapterTests
from respool_mysql import AsyncMysqlAdapter, MysqlAdapter
from tests.servers import Endpoint

PASSWORD = "kit-c4nary"
CREATED = (
    "DROP USER IF EXISTS 'kit'@'%'",
    f"CREATE USER 'kit'@'%' IDENTIFIED BY '{PASSWORD}'",
    "GRANT ALL ON respool.* TO 'kit'@'%'",
    "DROP TABLE IF EXISTS kit",
    "CREATE TABLE kit (id INT PRIMARY KEY, note INT) ENGINE=InnoDB",
    "INSERT INTO kit VALUES (1, 0)",
)
SOIL = {
    "session": (
        "SELECT GET_LOCK(CONCAT('kit', CONNECTION_ID()), 0)",
        "CREATE TEMPORARY TABLE soil (i INT)",
    ),
    "transaction": ("START TRANSACTION", "REPLACE INTO kit VALUES (CONNECTION_ID(), 0)"),
}


class _Backdoors:
    """Reaches the server past the adapter; what a lease left is looked at from outside."""

    secrets: ClassVar[tuple[str, ...]] = (PASSWORD,)
    rounds: ClassVar[int] = 10
    hygiene: ClassVar[Hygiene] = "session"
    endpoint: ClassVar[Endpoint]

    @pytest.fixture(autouse=True)
    def _reach(self, prepared: Endpoint) -> None:
        type(self).endpoint = prepared
        for statement in CREATED:
            self._tell(statement)

    @property
    def url(self) -> str:
        """The kit's own user, whose sessions can be counted."""
        return f"mysql://kit:{PASSWORD}@{self.endpoint.host}:{self.endpoint.port}/respool?autocommit=1"

    def _tell(self, statement: str) -> Any:
        adapter = MysqlAdapter(self.endpoint.url, connect={"autocommit": True}, hygiene="none")
        conn = adapter.create()
        try:
            with conn.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall()
        finally:
            adapter.destroy(conn)

    def _sessions(self) -> int:
        return int(self._tell("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'kit'")[0][0])

    def _is_clean(self, session: int) -> bool:
        if self.hygiene == "session":
            return self._tell(f"SELECT IS_USED_LOCK('kit{session}')")[0][0] is None
        try:
            self._tell(f"SELECT note FROM kit WHERE id = {session} FOR UPDATE NOWAIT")
        except OperationalError:
            return False
        return True


class TestMysqlSession(_Backdoors, AdapterTests[Any]):
    """PyMySQL at "session"."""

    @pytest.fixture
    def adapter(self, _reach: None) -> MysqlAdapter[Any]:
        return MysqlAdapter(self.url, hygiene=self.hygiene)

    def unreachable(self) -> MysqlAdapter[Any]:
        return MysqlAdapter(f"mysql://kit:{PASSWORD}@127.0.0.1:1/respool")

    def sever(self, resource: Any, /) -> None:
        self._tell(f"KILL {resource.thread_id()}")

    def count_open(self) -> int:
        return self._sessions()

    def soil(self, resource: Any, /) -> None:
        with resource.cursor() as cursor:
            for statement in SOIL[self.hygiene]:
                cursor.execute(statement)

    def is_clean(self, resource: Any, /) -> bool:
        return self._is_clean(resource.thread_id())

    def hang(self, resource: Any, /) -> None:
        resource.cursor().execute("SELECT SLEEP(30)")

    def use(self, resource: Any, /) -> None:
        with resource.cursor() as cursor:
            cursor.execute("SELECT note FROM kit")


class TestMysqlTransaction(TestMysqlSession):
    """PyMySQL at "transaction"."""

    hygiene = "transaction"


class TestAsyncMysqlSession(_Backdoors, AsyncAdapterTests[Any]):
    """aiomysql at "session"."""

    @pytest.fixture
    def adapter(self, _reach: None) -> AsyncMysqlAdapter:
        return AsyncMysqlAdapter(self.url, hygiene=self.hygiene)

    def unreachable(self) -> AsyncMysqlAdapter:
        return AsyncMysqlAdapter(f"mysql://kit:{PASSWORD}@127.0.0.1:1/respool")

    async def sever(self, resource: Any, /) -> None:
        self._tell(f"KILL {resource.server_thread_id[0]}")

    async def count_open(self) -> int:
        return self._sessions()

    async def soil(self, resource: Any, /) -> None:
        async with resource.cursor() as cursor:
            for statement in SOIL[self.hygiene]:
                await cursor.execute(statement)

    async def is_clean(self, resource: Any, /) -> bool:
        return self._is_clean(resource.server_thread_id[0])

    async def hang(self, resource: Any, /) -> None:
        await (await resource.cursor()).execute("SELECT SLEEP(30)")

    async def use(self, resource: Any, /) -> None:
        async with resource.cursor() as cursor:
            await cursor.execute("SELECT note FROM kit")


class TestAsyncMysqlTransaction(TestAsyncMysqlSession):
    """aiomysql at "transaction"."""

    hygiene = "transaction"
