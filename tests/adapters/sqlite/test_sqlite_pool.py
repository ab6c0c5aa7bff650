"""Through a pool: the helper, what a lease does and does not do, trouble with the file, many threads."""

from __future__ import annotations

import gc
import os
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from respool import BackendError, Pool, PoolTimeout
from respool_sqlite import OpenError, SqliteAdapter, sqlite_pool
from tests.adapters.sqlite.hand import ask


@pytest.fixture
def pool(path: Path) -> Iterator[Pool[sqlite3.Connection]]:
    """A pool of one connection: every lease gets what the one before it had."""
    with sqlite_pool(path, max_size=1, timeout=10) as pool:
        with pool.acquire() as conn:
            conn.execute("create table t (x integer)")
            conn.execute("insert into t values (1), (2), (3)")
            conn.commit()
        yield pool


def test_the_ten_lines_of_the_readme(path: Path) -> None:
    with sqlite_pool(path, max_size=8) as pool, pool.acquire() as conn:
        assert isinstance(conn, sqlite3.Connection)
        assert (1,) == conn.execute("select 1").fetchone()


def test_leaving_a_lease_never_commits(pool: Pool[sqlite3.Connection]) -> None:
    with pool.acquire() as conn:
        conn.execute("delete from t")
    with pool.acquire() as conn:
        assert not conn.in_transaction
        assert 3 == ask(conn, "select count(*) from t")


def test_a_dirty_connection_never_poisons_the_next_user(pool: Pool[sqlite3.Connection]) -> None:
    """Behaviours 88, 89: the same connection, as good as new."""
    with pool.acquire() as conn:
        first = id(conn)
        conn.row_factory = sqlite3.Row
        conn.execute("pragma foreign_keys = on")
        conn.execute("create temp table t (x)")
        conn.execute("attach ':memory:' as other")
        conn.create_function("soil", 0, lambda: 1)
        kept = conn.execute("select * from main.t")
    with pool.acquire() as conn:
        assert first == id(conn)
        assert (0, None, 3) == (
            ask(conn, "pragma foreign_keys"),
            conn.row_factory,
            ask(conn, "select count(*) from t"),
        )
        with pytest.raises(sqlite3.OperationalError, match="no such function"):
            ask(conn, "select soil()")
    with pytest.raises(sqlite3.ProgrammingError):
        kept.fetchall()


def test_a_connection_that_cannot_be_cleaned_is_replaced(pool: Pool[sqlite3.Connection]) -> None:
    with pool.acquire() as conn:
        conn.create_function("lower", 1, lambda _: "soiled")
    with pool.acquire() as conn:
        assert "clean" == ask(conn, "select lower('CLEAN')")
    assert 2 == pool.stats().created


def test_a_connection_that_its_holder_closed_is_replaced(pool: Pool[sqlite3.Connection]) -> None:
    """Behaviour 90."""
    with pool.acquire() as conn:
        conn.close()
    with pool.acquire() as conn:
        assert 3 == ask(conn, "select count(*) from t")


def test_an_error_of_the_users_own_leaves_the_connection_in_the_pool_and_clean(
    pool: Pool[sqlite3.Connection],
) -> None:
    """Behaviour 91."""
    for statement in ("insert into t values (1", "insert into nowhere values (1)"):
        with pytest.raises(sqlite3.OperationalError), pool.acquire() as conn:  # noqa: PT012  # as users write it
            conn.execute("delete from t")
            conn.execute(statement)
    with pool.acquire() as conn:
        assert 3 == ask(conn, "select count(*) from t")
    assert 1 == pool.stats().created


def test_a_path_that_cannot_be_opened_fails_at_once_and_names_it(tmp_path: Path) -> None:
    """Behaviour 46: no 30 s wait."""
    with sqlite_pool(tmp_path, timeout=20) as pool:
        with pytest.raises(BackendError) as caught:
            pool.acquire()
        assert isinstance(caught.value.__cause__, OpenError)
        assert "it is a folder" in str(caught.value.__cause__)


def test_a_locked_database_is_tried_until_the_timeout_and_then_served(path: Path) -> None:
    """Behaviours 38, 40."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.executescript("create table t (x); begin exclusive;")
        with sqlite_pool(path, connect={"timeout": 0.02}, max_size=1) as pool:
            with pytest.raises(PoolTimeout) as caught:
                pool.acquire(timeout=0.3)
            assert "OpenError" in str(caught.value)
            assert "holds a lock" in str(caught.value.__cause__)
            other.execute("rollback")
            with pool.acquire(timeout=20) as conn:
                assert 0 == ask(conn, "select count(*) from t")


def test_a_database_deleted_while_in_use_is_an_error_and_serves_again_when_it_is_back(
    path: Path, tmp_path: Path
) -> None:
    with sqlite_pool(path, max_size=1, check_after=0.0) as pool:
        with pool.acquire() as conn:
            conn.execute("create table t (x)")
            conn.execute("pragma wal_checkpoint(truncate)").fetchall()
        os.rename(path, tmp_path / "aside.db")
        with pytest.raises(BackendError, match=r"deleted|OpenError") as caught:
            pool.acquire(timeout=20)
        assert "has been deleted since this pool first opened it" in str(caught.value.__cause__)
        assert not path.exists()
        os.rename(tmp_path / "aside.db", path)
        with pool.acquire(timeout=20) as conn:
            assert 0 == ask(conn, "select count(*) from t")


def test_run_tries_again_on_another_connection_only_when_the_first_broke(
    pool: Pool[sqlite3.Connection],
) -> None:
    tries: list[int] = []

    def work(conn: sqlite3.Connection) -> Any:
        tries.append(id(conn))
        if len(tries) == 1:
            conn.close()
        return ask(conn, "select count(*) from t")

    assert 3 == pool.run(work, attempts=2)
    assert 2 == len(tries)
    with pytest.raises(sqlite3.OperationalError):
        pool.run(lambda conn: ask(conn, "select * from nowhere"), attempts=3)


def test_memory_is_one_database_for_the_pools_life() -> None:
    with sqlite_pool(":memory:", max_size=4) as pool:
        with pool.acquire() as conn:
            conn.executescript("create table t (x); insert into t values (1);")
        pool.refresh().wait(10)
        leases = [pool.acquire() for _ in range(4)]
        assert [1] * 4 == [ask(lease.resource, "select count(*) from t") for lease in leases]
        for lease in leases:
            lease.release()


def test_a_dropped_pool_in_memory_leaves_nothing(path: Path) -> None:
    """Behaviour 116: the anchor goes with the adapter."""
    adapter = SqliteAdapter(":memory:")
    gone = weakref.ref(adapter)
    pool = Pool(adapter)
    with pool.acquire() as conn:
        conn.execute("create table t (x)")
    pool.close()
    del adapter, pool, conn
    gc.collect()
    assert gone() is None


def test_many_threads_write_through_few_connections(path: Path) -> None:
    """Behaviours 1, 3. Each commits; nothing is lost, nobody meets another's transaction."""
    with sqlite_pool(path, max_size=3, connect={"timeout": 30.0, "isolation_level": "IMMEDIATE"}) as pool:
        with pool.acquire() as conn:
            conn.execute("create table t (x integer)")
            conn.commit()

        def write(number: int) -> None:
            for _ in range(10):
                with pool.acquire() as conn:
                    assert not conn.in_transaction
                    conn.execute("insert into t values (?)", (number,))
                    if number % 2:
                        conn.commit()

        with ThreadPoolExecutor(8) as threads:
            for done in [threads.submit(write, number) for number in range(8)]:
                done.result(60)
        with pool.acquire() as conn:
            assert [(1, 10), (3, 10), (5, 10), (7, 10)] == conn.execute(
                "select x, count(*) from t group by x order by x"
            ).fetchall()
        assert pool.stats().created <= 3


def test_a_reader_does_not_wait_for_a_writer(path: Path) -> None:
    """What WAL is for."""
    with sqlite_pool(path, max_size=2) as pool, pool.acquire() as writer, pool.acquire() as reader:
        writer.executescript("create table t (x); begin immediate; insert into t values (1);")
        assert 0 == ask(reader, "select count(*) from t")


def test_an_option_is_checked_before_anything_is_opened(path: Path) -> None:
    with pytest.raises(TypeError, match="did you mean 'max_size'"):
        sqlite_pool(path, max_sise=4)  # type: ignore[call-overload]  # the mistake under test
    with pytest.raises(ValueError, match="max_size is -1"):
        sqlite_pool(path, max_size=-1)
    assert not path.exists()


def test_close_leaves_no_thread_and_no_descriptor(path: Path) -> None:
    """Behaviour 116."""
    pool = sqlite_pool(path, max_size=4)
    leases = [pool.acquire() for _ in range(4)]
    cursor = leases[0].resource.execute("select 1 union select 2")
    for lease in leases:
        lease.release()
    assert pool.close()
    del cursor
    left = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    assert [] == [name for name in left if pool.name in name]
    assert [] == _descriptors_of(path)


def _descriptors_of(path: Path) -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            name = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if name.startswith(str(path)):
            found.append(name)
    return found


_LEFT_OPEN = """
import sys
from respool_sqlite import sqlite_pool
pools = [sqlite_pool(sys.argv[1]), sqlite_pool(":memory:")]
leases = [pool.acquire() for pool in pools]
print("the end")
"""


def test_a_pool_left_open_does_not_hold_up_the_interpreters_end(path: Path) -> None:
    """Behaviour 117."""
    done = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "the end\n", "") == (done.returncode, done.stdout, done.stderr)
