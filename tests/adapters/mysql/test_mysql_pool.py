"""The helpers: a pool of MySQL connections, from one line, under threads and asyncio."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
import warnings
from typing import Any

import aiomysql
import pytest
from pymysql.cursors import DictCursor

from respool import BackendError, PoolTimeout
from respool_mysql import async_mysql_pool, mysql_pool
from tests.servers import Endpoint, MysqlServer

AUTOCOMMIT = {"autocommit": True}


def _ask(conn: Any, question: str) -> Any:
    with conn.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


async def _ask_async(conn: Any, question: str) -> Any:
    async with conn.cursor() as cursor:
        await cursor.execute(question)
        return (await cursor.fetchone())[0]


def test_a_pool_in_one_line(prepared: Endpoint) -> None:
    with mysql_pool(prepared.url, max_size=2) as pool, pool.acquire() as conn:
        assert "one" == _ask(conn, "SELECT note FROM kept WHERE id = 1")


def test_no_lease_sees_what_another_left(prepared: Endpoint) -> None:
    """Behaviour 89."""
    with mysql_pool(prepared.url, max_size=1, connect=AUTOCOMMIT) as pool:
        with pool.acquire() as conn:
            session = conn.thread_id()
            _ask(conn, "SELECT GET_LOCK('soil', 0)")
            with conn.cursor() as cursor:
                cursor.execute("SET @soil = 1, sql_mode = ''")
                cursor.execute("USE elsewhere")
        with pool.acquire() as conn:
            assert session == conn.thread_id()
            assert (None, None, "respool") == tuple(
                _ask(conn, f"SELECT {what}") for what in ("@soil", "IS_USED_LOCK('soil')", "DATABASE()")
            )


def test_a_lease_that_cannot_be_cleaned_is_replaced(prepared: Endpoint) -> None:
    """Behaviour 88."""
    with mysql_pool(prepared.url.rpartition("/")[0], max_size=1, connect=AUTOCOMMIT) as pool:
        with pool.acquire() as conn:
            session = conn.thread_id()
            conn.select_db("elsewhere")
        with pool.acquire() as conn:
            assert session != conn.thread_id()
            assert _ask(conn, "SELECT DATABASE()") is None


def test_the_cursor_class_and_configure_are_those_of_every_lease(prepared: Endpoint) -> None:
    def configure(conn: Any) -> None:
        with conn.cursor() as cursor:
            cursor.execute("SET @tenant = 'a'")

    with mysql_pool(prepared.url, max_size=1, cursorclass=DictCursor, configure=configure) as pool:
        for _ in range(2):
            with pool.acquire() as conn, conn.cursor() as cursor:
                cursor.execute("SELECT @tenant AS tenant")
                assert {"tenant": "a"} == cursor.fetchone()


def test_a_killed_idle_connection_is_never_handed_out(prepared: Endpoint, other: Any) -> None:
    """Behaviour 87."""
    with mysql_pool(prepared.url, max_size=1, connect=AUTOCOMMIT) as pool:
        with pool.acquire() as conn:
            session = conn.thread_id()
        with other.cursor() as cursor:
            cursor.execute(f"KILL {session}")
            while cursor.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", (session,)):
                time.sleep(0.005)
        with pool.acquire() as conn:
            assert 1 == _ask(conn, "SELECT 1")


def test_a_wrong_password_fails_at_once_and_keeps_it_secret(prepared: Endpoint) -> None:
    """Not after the timeout of 30 s."""
    url = f"mysql://nobody:s3cret@{prepared.host}:{prepared.port}/respool"
    with mysql_pool(url) as pool, pytest.raises(BackendError) as refused:
        pool.acquire()
    assert "s3cret" not in f"{refused.value} {refused.value.__cause__!r} {pool!r}"
    assert 1045 == refused.value.__cause__.args[0]  # type: ignore[union-attr]  # it has one


def test_a_frozen_server_costs_a_caller_its_timeout_at_most(fresh_mysql: MysqlServer) -> None:
    with mysql_pool(fresh_mysql.url, create_timeout=0.3) as pool:
        fresh_mysql.freeze()
        with pytest.raises(PoolTimeout) as late:
            pool.acquire(timeout=1.0)
        assert "create" == late.value.phase
        fresh_mysql.thaw()
        with pool.acquire(timeout=20.0) as conn:
            assert 1 == _ask(conn, "SELECT 1")


def test_an_unknown_option_is_refused(prepared: Endpoint) -> None:
    with pytest.raises(TypeError, match="max_size"):
        mysql_pool(prepared.url, max_sise=4)  # type: ignore[call-overload]


def test_an_async_pool_in_one_line(prepared: Endpoint) -> None:
    async def main() -> None:
        async with async_mysql_pool(prepared.url, max_size=2) as pool, pool.acquire() as conn:
            assert "one" == await _ask_async(conn, "SELECT note FROM kept WHERE id = 1")

    asyncio.run(main())


def test_no_async_lease_sees_what_another_left(prepared: Endpoint) -> None:
    """Behaviour 89."""

    async def main() -> None:
        async with async_mysql_pool(prepared.url, max_size=1, connect=AUTOCOMMIT) as pool:
            async with pool.acquire() as conn:
                session = await _ask_async(conn, "SELECT CONNECTION_ID()")
                await _ask_async(conn, "SELECT GET_LOCK('soil', 0)")
                await conn.select_db("elsewhere")
            async with pool.acquire() as conn:
                assert session == await _ask_async(conn, "SELECT CONNECTION_ID()")
                assert await _ask_async(conn, "SELECT IS_USED_LOCK('soil')") is None
                assert "respool" == await _ask_async(conn, "SELECT DATABASE()")

    asyncio.run(main())


def test_a_cancelled_query_never_leaves_its_answer_to_the_next_lease(prepared: Endpoint) -> None:
    """Behaviour 91. The connection is replaced: what the server still sends belongs to nobody."""

    async def main() -> None:
        async with async_mysql_pool(prepared.url, max_size=1, connect=AUTOCOMMIT) as pool:
            with pytest.raises(TimeoutError):
                async with pool.acquire() as conn, asyncio.timeout(0.1):
                    await _ask_async(conn, "SELECT SLEEP(1)")
            async with pool.acquire() as conn:
                assert 42 == await _ask_async(conn, "SELECT 42")

    asyncio.run(main())


def test_an_async_pool_has_its_cursor_class_too(prepared: Endpoint) -> None:
    async def main() -> None:
        pool = async_mysql_pool(prepared.url, cursorclass=aiomysql.DictCursor)
        async with pool, pool.acquire() as conn, conn.cursor() as cursor:
            await cursor.execute("SELECT 1 AS one")
            assert {"one": 1} == await cursor.fetchone()

    asyncio.run(main())


def test_a_pool_dropped_after_its_loop_was_closed_leaves_no_traceback(
    prepared: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behaviour 116."""
    raised: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda each: raised.append(each.exc_value))

    async def main() -> Any:
        pool = async_mysql_pool(prepared.url)
        return pool, await pool.acquire()

    pool, lease = asyncio.run(main())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        del pool, lease
        gc.collect()
    assert "was never closed and its event loop is" in str(told[0].message)
    assert [] == raised
