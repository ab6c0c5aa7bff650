"""Through the pool: what a user sees of hygiene, liveness, credentials and types."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from respool import BackendError, PoolTimeout, Timeouts
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter, postgres_pool
from tests.servers import Endpoint, PostgresServer

CANARY = "pool-cAnArY"


def test_no_lease_sees_what_another_left(postgres_server: Endpoint) -> None:
    """Behaviour 89."""
    with postgres_pool(postgres_server.url, max_size=1) as pool:
        for _ in range(5):
            with pool.acquire(timeout=30) as conn:
                row = conn.execute("SELECT current_setting('work_mem'), to_regclass('soil')::text").fetchone()
                assert ("4MB", None) == row
                conn.execute("SET work_mem = '1MB'")
                conn.execute("CREATE TEMP TABLE soil (i int)")
                conn.commit()
        assert 1 == pool.stats().created


def test_leaving_a_lease_never_commits(
    postgres_server: Endpoint, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 89."""
    other.execute("CREATE TABLE IF NOT EXISTS uncommitted_by_lease (i int)")
    with postgres_pool(postgres_server.url, max_size=1) as pool:
        with pool.acquire() as conn:
            conn.execute("INSERT INTO uncommitted_by_lease VALUES (1)")
        with pool.acquire() as conn:
            assert (0,) == conn.execute("SELECT count(*) FROM uncommitted_by_lease").fetchone()


def test_rows_have_the_shape_that_was_asked_for(postgres_server: Endpoint) -> None:
    with postgres_pool(postgres_server.url, row_factory=dict_row) as pool, pool.acquire() as conn:
        assert {"one": 1} == conn.execute("SELECT 1 AS one").fetchone()


def test_a_connection_class_is_what_the_lease_gives(postgres_server: Endpoint) -> None:

    class Mine(psycopg.Connection[Any]):
        pass

    with postgres_pool(postgres_server.url, connection_class=Mine) as pool, pool.acquire() as conn:
        assert type(conn) is Mine


def test_a_connection_that_the_server_ended_is_never_handed_out(
    postgres_server: Endpoint, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 87."""
    with postgres_pool(postgres_server.url, max_size=1, hygiene="transaction", check_after=3600) as pool:
        for _ in range(3):
            with pool.acquire(timeout=30) as conn:
                conn.execute("SELECT 1")
                conn.commit()
                pid = conn.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])


def test_a_connection_left_beyond_repair_is_replaced(postgres_server: Endpoint) -> None:
    """Behaviours 88 and 89."""
    with postgres_pool(postgres_server.url, max_size=1) as pool:
        with pool.acquire(timeout=30) as conn:
            first = conn.info.backend_pid
            conn.autocommit = True
            conn.pgconn.send_query(b"SELECT pg_sleep(0)")
        with pool.acquire(timeout=30) as conn:
            assert first != conn.info.backend_pid


def test_run_tries_again_after_a_broken_resource_only(postgres_server: Endpoint) -> None:
    """Behaviour 91."""
    tries: list[int] = []

    def dies(conn: psycopg.Connection[Any]) -> None:
        tries.append(conn.info.backend_pid)
        if len(tries) == 1:
            conn.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def fails(conn: psycopg.Connection[Any]) -> None:
        tries.append(0)
        conn.execute("SELECT nonsense")

    with postgres_pool(postgres_server.url, max_size=2) as pool:
        pool.run(dies, attempts=2)
        assert 2 == len(set(tries))
        tries.clear()
        with pytest.raises(psycopg.errors.UndefinedColumn):
            pool.run(fails, attempts=3)
        assert [0] == tries


def test_an_unknown_database_fails_at_once_and_not_after_the_timeout(postgres_server: Endpoint) -> None:
    """Within the hang guard of this suite, that is: the timeout is longer."""
    url = f"postgresql://postgres:{CANARY}@{postgres_server.host}:{postgres_server.port}/nowhere"
    with postgres_pool(url, timeout=3600) as pool:
        with pytest.raises(BackendError) as caught, pool.acquire():
            pass
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)
        assert CANARY not in f"{caught.value} {pool!r} {pool.stats()}"


def test_a_frozen_server_costs_its_caller_the_timeout_and_names_the_phase(
    fresh_postgres: PostgresServer,
) -> None:
    with postgres_pool(fresh_postgres.url, create_timeout=2, destroy_timeout=1) as pool:
        fresh_postgres.freeze()
        with pytest.raises(PoolTimeout) as caught, pool.acquire(timeout=0.5):
            pass
        assert "create" == caught.value.phase
        fresh_postgres.thaw()


def test_refresh_rotates_credentials_without_an_error_to_any_caller(
    fresh_postgres: PostgresServer,
) -> None:
    """Behaviour 124. Each connection is ended by the adapter that made it."""
    with psycopg.connect(fresh_postgres.url, autocommit=True) as conn:
        conn.execute("CREATE ROLE one LOGIN; CREATE ROLE two LOGIN")
    urls = {role: fresh_postgres.url.replace("postgres@", f"{role}@") for role in ("one", "two")}
    done, seen = threading.Event(), set[Any]()

    def work(pool: Any) -> None:
        while not done.is_set():
            with pool.acquire(timeout=30) as conn:
                seen.add(conn.execute("SELECT current_user").fetchone())

    with postgres_pool(urls["one"], max_size=3) as pool:
        threads = [threading.Thread(target=work, args=[pool]) for _ in range(4)]
        for thread in threads:
            thread.start()
        with pool.acquire(timeout=30) as conn:
            assert ("one",) == conn.execute("SELECT current_user").fetchone()
        pool.refresh(PostgresAdapter(urls["two"])).wait(30)
        with pool.acquire(timeout=30) as conn:
            assert ("two",) == conn.execute("SELECT current_user").fetchone()
        done.set()
        for thread in threads:
            thread.join(30)
    assert {("one",), ("two",)} == seen


def test_a_dropped_pool_leaves_no_warning(postgres_server: Endpoint) -> None:
    """The suite turns warnings into errors: psycopg warns of connections that are collected open."""
    pool = postgres_pool(postgres_server.url, max_size=2)
    with pool.acquire() as conn:
        conn.execute("SELECT 1")
    del pool, conn
    gc.collect()


def test_many_threads_share_few_connections_and_each_reads_its_own(postgres_server: Endpoint) -> None:
    """Behaviour 3. A number that a lease sets is the one it reads, and nobody's afterwards."""
    wrong: list[object] = []

    def work(pool: Any, number: int) -> None:
        for turn in range(20):
            with pool.acquire(timeout=60) as conn:
                before = conn.execute("SELECT coalesce(current_setting('my.n', true), '')").fetchone()
                conn.execute(f"SET my.n = '{number}-{turn}'")
                conn.commit()
                after = conn.execute("SELECT current_setting('my.n')").fetchone()
            wrong.extend(row for row in (before, after) if row not in ((f"{number}-{turn}",), ("",)))

    with postgres_pool(postgres_server.url, max_size=3) as pool:
        threads = [threading.Thread(target=work, args=[pool, number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert [] == wrong
        stats = pool.stats()
        assert (0, 160) == (stats.in_use, stats.acquired)


def test_under_asyncio_no_lease_sees_what_another_left(postgres_server: Endpoint) -> None:
    """Behaviour 89. The same promises on the loop."""
    from respool_postgres import async_postgres_pool

    async def scenario() -> None:
        async with async_postgres_pool(postgres_server.url, max_size=2, row_factory=dict_row) as pool:

            async def work() -> None:
                async with pool.acquire(timeout=30) as conn:
                    cursor = await conn.execute("SELECT current_setting('work_mem') AS m")
                    assert {"m": "4MB"} == await cursor.fetchone()
                    await conn.execute("SET work_mem = '1MB'")
                    await conn.commit()

            await asyncio.gather(*(work() for _ in range(20)))
            assert pool.stats().created <= 2

    asyncio.run(scenario())


def test_a_cancelled_query_never_leaves_its_reply_to_the_next_lease(postgres_server: Endpoint) -> None:
    """Behaviour 91."""
    from respool_postgres import async_postgres_pool

    async def scenario() -> None:
        async with async_postgres_pool(postgres_server.url, max_size=1) as pool:
            for _ in range(3):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1), pool.acquire(timeout=30) as conn:
                        await conn.execute("SELECT 'wrong', pg_sleep(30)")
                async with pool.acquire(timeout=30) as conn:
                    assert ("right",) == await (await conn.execute("SELECT 'right'")).fetchone()

    asyncio.run(scenario())


def test_a_connect_that_gets_no_answer_hangs_up_though_its_error_is_kept(silent: socket.socket) -> None:
    """As the pool keeps the last one: the server would have one session more until the next error."""
    adapter = PostgresAdapter(_url_of(silent), timeouts=Timeouts(create=1.0))
    with pytest.raises(psycopg.OperationalError) as kept:
        adapter.create()
    _hears_the_end(silent)
    assert kept.value.__traceback__ is not None


def test_a_connect_that_is_cancelled_hangs_up_though_its_error_is_kept(silent: socket.socket) -> None:
    async def scenario() -> BaseException:
        create = asyncio.ensure_future(AsyncPostgresAdapter(_url_of(silent)).create())
        await asyncio.sleep(0.1)
        create.cancel()
        with pytest.raises(asyncio.CancelledError) as kept:
            await create
        _hears_the_end(silent)
        return kept.value

    assert asyncio.run(scenario()).__traceback__ is not None


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Listen, and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        yield server


def _url_of(server: socket.socket) -> str:
    return (
        f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nothing?sslmode=disable&gssencmode=disable"
    )


def _hears_the_end(server: socket.socket) -> None:
    client, _ = server.accept()
    with client:
        client.settimeout(2)
        while client.recv(1000):
            pass


def test_a_cancellation_that_the_driver_swallows_is_heard(postgres_server: Endpoint) -> None:
    """psycopg 3.2 loses one on Python 3.11 that comes together with the server's answer."""
    made: list[psycopg.AsyncConnection[Any]] = []

    class Deaf(psycopg.AsyncConnection[Any]):
        @classmethod
        async def connect(cls, *args: Any, **facts: Any) -> Any:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
            made.append(await super().connect(*args, **facts))
            return made[-1]

    async def scenario() -> None:
        adapter = AsyncPostgresAdapter(postgres_server.url, connection_class=Deaf)
        create = asyncio.ensure_future(adapter.create())
        await asyncio.sleep(0)
        create.cancel()
        with pytest.raises(asyncio.CancelledError):
            await create
        assert [True] == [conn.closed for conn in made]

    asyncio.run(scenario())
