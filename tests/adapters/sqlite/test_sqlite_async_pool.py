"""Through an `AsyncPool`: what a lease leaves, what cancellation leaves, what close leaves."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from respool import AsyncPool, BackendError, PoolTimeout
from respool_sqlite import async_sqlite_pool

Test = Callable[[AsyncPool[aiosqlite.Connection]], Awaitable[None]]

ENDLESS = "with recursive n(i) as (select 1 union all select 1 from n) select count(*) from n"


def _run(test: Test, database: str | Path, **options: Any) -> None:
    """Run a test with a pool, and see that neither thread nor task is left."""
    before = set(threading.enumerate())

    async def bounded() -> None:
        async with asyncio.timeout(60), async_sqlite_pool(database, **options) as pool:
            await test(pool)
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(bounded())
    deadline = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert set() == left


async def _ask(conn: aiosqlite.Connection, sql: str) -> Any:
    rows = list(await conn.execute_fetchall(sql))
    return rows[0][0] if rows else None


async def _prepare(pool: AsyncPool[aiosqlite.Connection]) -> None:
    async with pool.acquire() as conn:
        await conn.executescript("create table t (x integer); insert into t values (1), (2), (3);")


def test_a_dirty_connection_never_poisons_the_next_user(path: Path) -> None:
    """Behaviours 88, 89."""

    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        await _prepare(pool)
        async with pool.acquire() as conn:
            first = id(conn)
            await conn.execute("delete from t")
            await conn.execute("pragma cache_size = 7")
            conn.row_factory = sqlite3.Row
        async with pool.acquire() as conn:
            assert first == id(conn)
            assert (3, -2000) == (
                await _ask(conn, "select count(*) from t"),
                await _ask(conn, "pragma cache_size"),
            )
            assert conn.row_factory is None

    _run(test, path, max_size=1)


def test_a_cancelled_query_never_reaches_the_next_user(path: Path) -> None:
    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        await _prepare(pool)

        async def hang() -> None:
            async with pool.acquire() as conn:
                await conn.execute("delete from t")
                await conn.execute_fetchall(ENDLESS)

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hang(), 0.05)
        async with pool.acquire() as conn:
            assert 3 == await _ask(conn, "select count(*) from t")

    _run(test, path, max_size=1)


def test_a_storm_of_cancellations_loses_nothing(path: Path) -> None:
    """Behaviours 27, 28, 30."""
    seed = random.Random(4711)

    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        await _prepare(pool)

        async def use() -> None:
            async with pool.acquire() as conn:
                assert not conn.in_transaction
                await conn.execute("insert into t values (9)")
                await conn.execute_fetchall("select * from t")

        for _ in range(40):
            tasks = [asyncio.ensure_future(use()) for _ in range(6)]
            for _ in range(seed.randrange(20)):
                await asyncio.sleep(0)
            for task in seed.sample(tasks, 3):
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(r, asyncio.CancelledError | None) for r in results), results
        async with pool.acquire() as conn:
            assert 3 == await _ask(conn, "select count(*) from t")
        assert 0 == pool.stats().in_use

    _run(test, path, max_size=2, connect={"timeout": 30.0})


def test_a_configure_past_its_time_leaves_no_statement_at_work(path: Path) -> None:
    """Not even the next one in its queue, which an interrupt comes too early for."""
    before = threading.active_count()

    async def slow(conn: aiosqlite.Connection) -> None:
        await asyncio.gather(conn.execute_fetchall(ENDLESS), conn.execute_fetchall(ENDLESS))

    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=1)
        assert 1 >= threading.active_count() - before
        assert await pool.close()
        assert before == threading.active_count()

    _run(test, path, configure=slow, create_timeout=0.05, max_creating=1)


def test_a_path_that_cannot_be_opened_fails_at_once_and_names_it(tmp_path: Path) -> None:
    """Behaviour 46."""

    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        with pytest.raises(BackendError) as caught:
            await pool.acquire()
        assert "it is a folder" in str(caught.value.__cause__)

    _run(test, tmp_path, timeout=20)


_LEFT_OPEN = """
import asyncio, sys
from respool_sqlite import async_sqlite_pool

async def main():
    global lease
    lease = await async_sqlite_pool(sys.argv[1]).acquire()

asyncio.run(main())
print("the end")
"""


def test_a_pool_left_open_does_not_hold_up_the_interpreters_end(path: Path) -> None:
    """Behaviour 117."""
    done = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "the end\n", "") == (done.returncode, done.stdout, done.stderr)


def test_memory_is_one_database_for_the_pools_life() -> None:
    async def test(pool: AsyncPool[aiosqlite.Connection]) -> None:
        await _prepare(pool)
        leases = [await pool.acquire() for _ in range(3)]
        assert [3] * 3 == [await _ask(lease.resource, "select count(*) from t") for lease in leases]
        for lease in leases:
            lease.release()

    _run(test, ":memory:", max_size=3)
