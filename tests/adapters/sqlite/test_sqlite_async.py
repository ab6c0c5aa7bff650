"""The same promises through aiosqlite, and what only asyncio can get wrong: cancellation, threads, exit."""

from __future__ import annotations

import asyncio
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

from respool import Fault, ResourceSpoiled
from respool_sqlite import AsyncSqliteAdapter, OpenError

Test = Callable[[AsyncSqliteAdapter], Awaitable[None]]

ENDLESS = "with recursive n(i) as (select started() union all select 1 from n) select count(*) from n"


def _run(test: Test, adapter: AsyncSqliteAdapter) -> None:
    """Run a test on a loop of its own, and see that no thread of a connection is left."""
    before = set(threading.enumerate())

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test(adapter)

    asyncio.run(bounded())
    deadline = time.monotonic() + 10
    while (left := set(threading.enumerate()) - before) and time.monotonic() < deadline:
        time.sleep(0.005)
    assert set() == left


async def _ask(conn: aiosqlite.Connection, sql: str) -> Any:
    rows = list(await conn.execute_fetchall(sql))
    return rows[0][0] if rows else None


async def _give_back(adapter: AsyncSqliteAdapter, conn: aiosqlite.Connection) -> bool:
    dirty = adapter.is_dirty(conn)
    if dirty:
        await adapter.reset(conn)
        assert not adapter.is_dirty(conn)
    return dirty


def test_a_connection_opens_in_wal_on_a_thread_that_holds_up_nobody(path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        assert isinstance(conn, aiosqlite.Connection)
        assert ("wal", 5000) == (
            await _ask(conn, "pragma journal_mode"),
            await _ask(conn, "pragma busy_timeout"),
        )
        assert adapter.probe(conn)
        assert not adapter.is_dirty(conn)
        assert await adapter.validate(conn)
        assert all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread())
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


SOILS: dict[str, Callable[[aiosqlite.Connection], Awaitable[object]]] = {
    "an open transaction": lambda c: c.execute("insert into t values (9)"),
    "a temporary table": lambda c: c.execute("create temp table soil (x)"),
    "a version of the temporary schema": lambda c: c.execute("pragma temp.user_version = 7"),
    "an attached database": lambda c: c.execute("attach ':memory:' as other"),
    "a pragma": lambda c: c.execute("pragma foreign_keys = on"),
    "a function": lambda c: c.create_function("soil", 1, abs),
    "a trace callback": lambda c: c.set_trace_callback(lambda _: None),
    "an unfinished statement": lambda c: _begin_reading(c),
    "a row factory": lambda c: _set_row_factory(c),
}
_kept: list[aiosqlite.Cursor] = []


async def _begin_reading(conn: aiosqlite.Connection) -> None:
    cursor = await conn.execute("select x from t")
    await cursor.fetchone()
    _kept.append(cursor)


async def _set_row_factory(conn: aiosqlite.Connection) -> None:
    conn.row_factory = sqlite3.Row


@pytest.mark.parametrize("what", SOILS)
def test_the_next_lease_does_not_see(what: str, path: Path) -> None:
    """Behaviours 88, 89."""

    async def look(conn: aiosqlite.Connection) -> object:
        temp = await _ask(conn, "select count(*) from sqlite_temp_master")
        count = await _ask(conn, "select count(*) from t")
        databases = len(list(await conn.execute_fetchall("pragma database_list")))
        pragmas = [await _ask(conn, f"pragma {name}") for name in ("foreign_keys", "temp.user_version")]
        return temp, count, databases, pragmas, conn.row_factory

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        await conn.executescript(
            "create table t (x); insert into t values (1), (2); create temp table soil (x);"
        )
        await _give_back(adapter, conn)
        fresh = await look(conn)
        assert not await _give_back(adapter, conn)
        for _ in range(2):
            await SOILS[what](conn)
            assert await _give_back(adapter, conn)
            assert fresh == await look(conn)
        _kept.clear()
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


async def _set_attributes(conn: Any) -> None:
    conn.tenant = "alice"
    conn.color = "red"
    conn.execute_fetchall = lambda *_: "hijacked"
    conn._execute = None  # what a reset itself goes through
    del conn.mark


async def _mark(conn: Any) -> None:
    conn.color, conn.mark = "blue", "configured"


@pytest.mark.parametrize("more", ["", "pragma foreign_keys = on"])
def test_the_next_lease_finds_the_attributes_as_configure_left_them(more: str, path: Path) -> None:
    """Behaviour 89. The plain driver's connection takes no attributes; aiosqlite's does."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn: Any = await adapter.create()
        assert not adapter.is_dirty(conn)
        for _ in range(2):
            await conn.execute(more)
            await _set_attributes(conn)
            assert await _give_back(adapter, conn)
            assert ("blue", "configured") == (conn.color, conn.mark)
            assert not hasattr(conn, "tenant")
            assert 1 == await _ask(conn, "select 1")
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path, configure=_mark))


def test_a_connection_whose_attributes_were_set_and_that_was_stopped_is_given_up(path: Path) -> None:
    """Behaviour 90. Put back as they were, the attributes would say that its thread still runs."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn: Any = await adapter.create()
        conn.tenant = "alice"
        conn._running = False  # what aiosqlite's close does first
        assert adapter.is_dirty(conn)
        with pytest.raises(ValueError, match="Connection closed") as caught:
            await adapter.reset(conn)
        assert Fault.RESOURCE_BROKEN is adapter.classify(caught.value)
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


@pytest.mark.parametrize("hygiene", ["transaction", "none"])
def test_attributes_stay_at_the_cheaper_levels(hygiene: Any, path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn: Any = await adapter.create()
        conn.tenant = "alice"
        assert not adapter.is_dirty(conn)
        assert "alice" == conn.tenant
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path, hygiene=hygiene))


async def _lock(conn: aiosqlite.Connection) -> None:
    await conn.executescript(
        "pragma locking_mode = exclusive; create table t (x); pragma locking_mode = normal"
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(lambda c: c.create_function("lower", 1, str.upper), "builtin function lower"), (_lock, "locking_mode")],
)
def test_what_cannot_be_undone_gives_the_connection_up(
    spoil: Callable[[aiosqlite.Connection], Awaitable[None]], reason: str, path: Path
) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        await spoil(conn)
        with pytest.raises(ResourceSpoiled, match=reason):
            await adapter.reset(conn)
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


@pytest.mark.parametrize("hygiene", ["session", "transaction", "none"])
def test_a_cancelled_statement_is_ended_before_the_next_lease(hygiene: Any, path: Path) -> None:
    """aiosqlite stops waiting when its task is cancelled, and the statement goes on on its thread."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        started = threading.Event()
        await conn.create_function("started", 0, started.set)
        asked = asyncio.ensure_future(conn.execute_fetchall(ENDLESS))
        assert await asyncio.to_thread(started.wait, 10)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert adapter.is_dirty(conn)
        await adapter.reset(conn)
        assert not adapter.is_dirty(conn)
        assert 1 == await _ask(conn, "select 1")
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path, hygiene=hygiene))


def test_a_write_that_was_cancelled_before_it_began_is_rolled_back(path: Path) -> None:
    """It is queued, runs after its task is gone, and opens a transaction that nobody would ever end."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        await conn.execute("create table t (x)")
        release = threading.Event()
        await conn.create_function("held", 0, lambda: release.wait(10))
        holding = asyncio.ensure_future(conn.execute_fetchall("select held()"))
        writing = asyncio.ensure_future(_insert(conn))
        await asyncio.sleep(0)
        holding.cancel()
        writing.cancel()
        await asyncio.gather(holding, writing, return_exceptions=True)
        assert adapter.is_dirty(conn), "though no transaction is open yet"
        asyncio.get_running_loop().call_later(0.01, release.set)
        await adapter.reset(conn)
        assert not conn.in_transaction
        assert 0 == await _ask(conn, "select count(*) from t")
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


async def _insert(conn: aiosqlite.Connection) -> None:
    await conn.execute("insert into t values (1)")


def test_a_statement_that_fails_leaves_nothing_in_flight(path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        with pytest.raises(sqlite3.OperationalError) as caught:
            await conn.execute("select * from nowhere")
        assert Fault.BENIGN is adapter.classify(caught.value)
        assert not adapter.is_dirty(conn)
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


def test_a_cancelled_create_leaves_no_connection_and_no_thread(path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        for steps in range(6):
            creating = asyncio.ensure_future(adapter.create())
            for _ in range(steps):
                await asyncio.sleep(0)
            creating.cancel()
            (made,) = await asyncio.gather(creating, return_exceptions=True)
            if isinstance(made, aiosqlite.Connection):
                await adapter.destroy(made)

    _run(test, AsyncSqliteAdapter(path))


@pytest.mark.parametrize("where", ["opening", "configure"])
@pytest.mark.parametrize("given_up", [True, False])
def test_a_create_that_is_given_up_comes_back_with_its_thread(
    where: str, given_up: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the pool counts it till then; at the loop's end, which comes without a message, nobody waits."""
    entered, gate = threading.Event(), threading.Event()

    def hang() -> bool:
        entered.set()
        return gate.wait(20)

    def opening() -> sqlite3.Connection:
        made = original()
        opened.append(made)
        if where == "opening":
            hang()
        return made

    async def configure(conn: aiosqlite.Connection) -> None:
        if where == "configure":
            await conn.create_function("hang", 0, hang)
            await conn.execute_fetchall("select hang()")

    async def test(adapter: AsyncSqliteAdapter) -> None:
        creating = asyncio.ensure_future(adapter.create())
        assert await asyncio.to_thread(entered.wait, 10)
        creating.cancel("respool: it took too long" if given_up else None)
        await asyncio.wait([creating], timeout=0.1)
        assert given_up is not creating.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await creating
        if given_up:
            assert not [t for t in threading.enumerate() if "connection_worker" in t.name]
            _check_closed(opened[0])

    opened: list[sqlite3.Connection] = []
    adapter = AsyncSqliteAdapter(path, configure=configure)
    original = adapter._workshop.open
    monkeypatch.setattr(adapter._workshop, "open", opening)
    _run(test, adapter)
    _check_closed(opened[0])


def _check_closed(driver: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        driver.execute("select 1")


def test_a_connection_that_its_holder_closed_is_broken(path: Path) -> None:
    """Behaviour 90."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        cursor = await conn.cursor()
        await conn.close()
        for user, says in ((conn, "no active connection"), (cursor, "Connection closed")):
            with pytest.raises(ValueError, match=says) as caught:
                await user.execute("select 1")
            assert Fault.RESOURCE_BROKEN is adapter.classify(caught.value)
        for look in (adapter.is_dirty, adapter.probe):
            with pytest.raises(ValueError, match="no active connection"):
                look(conn)
        with pytest.raises(ValueError, match="no active connection"):
            await adapter.reset(conn)
        adapter.abort(conn)
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


def test_the_users_own_value_error_is_benign(path: Path) -> None:
    assert Fault.BENIGN is AsyncSqliteAdapter(path).classify(ValueError("mine"))


def test_abort_ends_a_running_statement(path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        started = asyncio.Event()
        loop = asyncio.get_running_loop()
        await conn.create_function("started", 0, lambda: int(bool(loop.call_soon_threadsafe(started.set))))
        asked = asyncio.ensure_future(conn.execute_fetchall(ENDLESS))
        await started.wait()
        adapter.abort(conn)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            await asked
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path))


def test_abort_after_the_loop_is_closed_ends_connection_and_thread(path: Path) -> None:
    adapter = AsyncSqliteAdapter(path)
    before = set(threading.enumerate())
    conn = asyncio.run(adapter.create())
    adapter.abort(conn)
    deadline = time.monotonic() + 10
    while set(threading.enumerate()) - before and time.monotonic() < deadline:
        time.sleep(0.005)
    assert before >= set(threading.enumerate())
    with pytest.raises(ValueError, match="no active connection"):
        adapter.probe(conn)


async def _configure(conn: aiosqlite.Connection) -> None:
    conn.row_factory = sqlite3.Row
    await conn.execute("pragma foreign_keys = on")
    await conn.execute("create temp table scratch (x)")


def test_as_it_was_means_as_configure_left_it(path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        conn = await adapter.create()
        assert not adapter.is_dirty(conn)
        await conn.execute("pragma foreign_keys = off")
        await conn.execute("drop table scratch")
        assert await _give_back(adapter, conn)
        assert (1, 0) == (
            await _ask(conn, "pragma foreign_keys"),
            await _ask(conn, "select count(*) from scratch"),
        )
        assert sqlite3.Row is conn.row_factory
        await adapter.destroy(conn)

    _run(test, AsyncSqliteAdapter(path, configure=_configure))


async def _leave_a_transaction_open(conn: aiosqlite.Connection) -> None:
    await conn.execute("create table if not exists u (x)")
    await conn.execute("insert into u values (1)")


def test_a_configure_that_fails_is_a_failed_create(path: Path) -> None:
    """Behaviour 47."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        with pytest.raises(OpenError, match="left a transaction open") as caught:
            await adapter.create()
        assert Fault.CONFIG is caught.value.fault

    _run(test, AsyncSqliteAdapter(path, configure=_leave_a_transaction_open))


async def _close(conn: aiosqlite.Connection) -> None:
    await conn.close()


async def _stop(conn: aiosqlite.Connection) -> None:
    conn.stop()  # before aiosqlite 0.22 there is none, which fails as well


@pytest.mark.parametrize("configure", [_close, _stop])
def test_a_create_whose_configure_ends_the_connection_fails_at_once(configure: Any, path: Path) -> None:
    """Not every time did it: it went on waiting for a thread that had been told to stop, and had."""

    async def test(adapter: AsyncSqliteAdapter) -> None:
        for _ in range(50):
            with pytest.raises(OpenError, match="configure failed"):
                await asyncio.wait_for(adapter.create(), 5)

    _run(test, AsyncSqliteAdapter(path, configure=configure))


def test_a_plain_configure_is_refused_when_the_adapter_is_made(path: Path) -> None:
    with pytest.raises(TypeError, match="async def"):
        AsyncSqliteAdapter(path, configure=print)  # type: ignore[arg-type]  # the mistake under test


def test_opening_explains_itself_as_under_threads(tmp_path: Path) -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        with pytest.raises(OpenError, match="it is a folder") as caught:
            await adapter.create()
        assert Fault.CONFIG is adapter.classify(caught.value)

    _run(test, AsyncSqliteAdapter(tmp_path))


def test_memory_is_one_database_for_all_connections() -> None:
    async def test(adapter: AsyncSqliteAdapter) -> None:
        first, second = await adapter.create(), await adapter.create()
        await first.executescript("create table t (x); insert into t values (1);")
        assert 1 == await _ask(second, "select count(*) from t")
        await adapter.destroy(first)
        await adapter.destroy(second)

    _run(test, AsyncSqliteAdapter(":memory:"))


_LEFT_OPEN = """
import asyncio, sys
from respool_sqlite import AsyncSqliteAdapter
adapter = AsyncSqliteAdapter(sys.argv[1])
kept = asyncio.run(adapter.create())
print("the end")
"""


def test_a_connection_left_open_does_not_hold_up_the_interpreters_end(path: Path) -> None:
    """Behaviour 117."""
    done = subprocess.run(
        [sys.executable, "-c", _LEFT_OPEN, str(path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (0, "the end\n", "") == (done.returncode, done.stdout, done.stderr)


def test_importing_the_package_loads_no_aiosqlite() -> None:
    code = "import sys, respool_sqlite; print('aiosqlite' in sys.modules, 'asyncio' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert "False False\n" == done.stdout
