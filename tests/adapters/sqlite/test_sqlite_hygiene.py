"""Nothing that a lease leaves behind is there for the next one, at hygiene "session"."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respool_sqlite import _private
from tests.adapters.sqlite.hand import Hand, Watchful, ask, rows

Soil = Callable[[Any], object]
Look = Callable[[Any], object]


def _sql(*statements: str) -> Soil:
    def soil(conn: Any) -> None:
        for statement in statements:
            conn.execute(statement)

    return soil


def _attribute(name: str, value: Any) -> tuple[Soil, Look]:
    return (lambda conn: setattr(conn, name, value)), (lambda conn: getattr(conn, name))


def _pragma(name: str, value: object) -> tuple[Soil, Look]:
    return _sql(f"PRAGMA {name} = {value}"), (lambda conn: ask(conn, f"PRAGMA {name}"))


def _works(sql: str) -> Look:
    """Tell whether a statement runs, or with which error it does not."""

    def look(conn: Any) -> object:
        try:
            return rows(conn, sql)
        except sqlite3.Error as exc:
            return str(exc)

    return look


class _Total:
    def step(self, value: int) -> None: ...

    def inverse(self, value: int) -> None: ...

    def value(self) -> int:
        return 7

    def finalize(self) -> int:
        return 7


def _forbid_everything(*_: object) -> int:
    return sqlite3.SQLITE_DENY


def _stop_everything() -> int:
    return 1


def _soil_everything(conn: Any) -> None:
    conn.execute("insert into t values (9)")
    conn.execute("attach ':memory:' as other")
    conn.execute("create temp table t (x)")
    conn.execute("pragma query_only = on")
    conn.row_factory = sqlite3.Row
    conn.create_function("soil", 1, abs)
    conn.set_authorizer(_forbid_everything)
    conn.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 10)


def _databases(conn: Any) -> object:
    return {row[1] for row in rows(conn, "pragma database_list")} - {"temp"}


_TEMP = _works("select count(*) from sqlite_temp_master")
_T = _works("select x from t order by x")

SOILS: dict[str, tuple[Soil, Look]] = {
    "an open transaction": (_sql("insert into t values (9)"), _T),
    "an explicit transaction": (_sql("BEGIN IMMEDIATE", "insert into t values (9)"), _T),
    "an open savepoint": (_sql("SAVEPOINT here", "insert into t values (9)"), _T),
    "a transaction that has only read": (_sql("BEGIN", "select * from t"), lambda conn: conn.in_transaction),
    "a temporary table": (_sql("create temp table soil (x)", "insert into soil values (1)"), _TEMP),
    "a temporary table with rows, committed": (
        lambda conn: conn.executescript("create temp table soil (x); insert into soil values (1)"),
        _TEMP,
    ),
    "a temporary table that hides a real one": (_sql("create temp table t (x)"), _T),
    "a temporary table with autoincrement": (
        _sql("create temp table soil (x integer primary key autoincrement)"),
        _TEMP,
    ),
    "a temporary virtual table": (_sql("create virtual table temp.soil using rtree(a, b, c)"), _TEMP),
    "a version of the temporary schema": _pragma("temp.user_version", 7),
    "an application's mark on the temporary schema": _pragma("TEMP.application_id", 7),
    "a temporary view": (_sql("create temp view t as select 9 as x"), _T),
    "a temporary trigger": (
        _sql("create temp trigger soil after insert on t begin delete from t; end"),
        _TEMP,
    ),
    "an attached database": (_sql("attach ':memory:' as other"), _databases),
    "an attached database with an odd name": (_sql("""attach ':memory:' as "a ""b'; c" """), _databases),
    "an attached database that is open in a transaction": (
        _sql("attach ':memory:' as other", "create table other.o (x)", "insert into other.o values (1)"),
        _databases,
    ),
    "a pragma that turns checks on": _pragma("foreign_keys", "on"),
    "a pragma by another spelling": (_sql("pragma FOREIGN_KEYS(1)"), lambda c: ask(c, "pragma foreign_keys")),
    "a pragma of the main schema": (
        _sql("pragma main.synchronous = 0"),
        lambda c: ask(c, "pragma synchronous"),
    ),
    "a smaller cache": _pragma("cache_size", 7),
    "a busy timeout": _pragma("busy_timeout", 1),
    "a database made read-only": _pragma("query_only", "on"),
    "a limit of the file's size": _pragma("max_page_count", 100),
    "a writable schema": _pragma("writable_schema", "on"),
    "a memory map": _pragma("mmap_size", 65536),
    "another place for temporary objects": _pragma("temp_store", "memory"),
    "a checkpoint interval": _pragma("wal_autocheckpoint", 1),
    "unsynchronised writes": _pragma("synchronous", "off"),
    "uncommitted reads": _pragma("read_uncommitted", "on"),
    "deferred foreign keys": _pragma("defer_foreign_keys", "on"),
    "a row factory": _attribute("row_factory", sqlite3.Row),
    "a row factory that fails": _attribute("row_factory", lambda *_: 1 / 0),
    "a text factory": _attribute("text_factory", bytes),
    "an isolation level": _attribute("isolation_level", "IMMEDIATE"),
    "no isolation level": _attribute("isolation_level", None),
    "a function": (lambda c: c.create_function("soil", 1, abs), _works("select soil(-1)")),
    "a function of two arities": (
        lambda c: [c.create_function("soil", n, lambda *_: 1) for n in (0, -1)],
        _works("select soil(), soil(1)"),
    ),
    "a deterministic function": (
        lambda c: c.create_function("soil", 1, abs, deterministic=True),
        _works("select soil(-1)"),
    ),
    "an aggregate": (lambda c: c.create_aggregate("soil", 1, _Total), _works("select soil(x) from t")),
    "a window function": (
        lambda c: c.create_window_function("soil", 1, _Total),
        _works("select soil(x) over () from t"),
    ),
    "a collation": (
        lambda c: c.create_collation("soil", lambda a, b: 0),
        _works("select x from t order by x collate soil"),
    ),
    "an authorizer": (lambda c: c.set_authorizer(_forbid_everything), _works("select 4711")),
    "a progress handler": (lambda c: c.set_progress_handler(_stop_everything, 1), _T),
    "a trace callback": (lambda c: c.set_trace_callback(c.log.append), lambda c: len(c.log)),
    "a limit": (
        lambda c: c.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 20),
        lambda c: c.getlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH),
    ),
    "everything at once": (
        _soil_everything,
        lambda c: (_T(c), _databases(c), c.row_factory, ask(c, "pragma query_only")),
    ),
}
if hasattr(sqlite3.Connection, "enable_load_extension"):
    SOILS["extensions allowed"] = (
        lambda c: c.enable_load_extension(True),
        _works("select load_extension('nowhere')"),
    )
if sys.version_info >= (3, 12):
    SOILS["autocommit"] = _attribute("autocommit", True)
    SOILS["an explicit transaction beside autocommit"] = (
        lambda c: (setattr(c, "autocommit", True), c.execute("begin"), c.execute("insert into t values (9)")),
        lambda c: (_T(c), c.autocommit, c.in_transaction),
    )
    SOILS["transactions always open"] = (
        lambda c: (setattr(c, "autocommit", False), c.execute("insert into t values (9)")),
        lambda c: (_T(c), c.autocommit, c.in_transaction),
    )
    SOILS["a setting of the library"] = (
        lambda c: c.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY, True),
        lambda c: (c.getconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_FKEY), ask(c, "pragma foreign_keys")),
    )


class _Logging(sqlite3.Connection):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.log: list[str] = []


@pytest.mark.parametrize("what", SOILS)
def test_the_next_lease_does_not_see(what: str, path: Path, hand_of: Callable[..., Hand], hand: Hand) -> None:
    """Behaviours 88, 89. Twice: statements out of the driver's cache are noticed as well."""
    soil, look = SOILS[what]
    hand = hand_of(path, factory=_Logging)
    conn = hand.lease()
    fresh = look(conn)
    assert not hand.give_back(conn), "looking alone makes nothing dirty"
    for _ in range(2):
        soil(conn)
        assert hand.give_back(conn), "noticed"
        assert look(conn) == fresh


@pytest.fixture(params=["listed", "hidden"])
def _cursors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver keeps a list of its cursors, or none."""
    if request.param == "hidden":
        monkeypatch.setattr(_private, "SHOWS_CURSORS", False)
        monkeypatch.setattr(_private, "_LISTS", 1)
    elif not _private.SHOWS_CURSORS:
        pytest.skip("this driver keeps no list of its cursors")


unfinished = pytest.mark.usefixtures("_cursors")


@unfinished
@pytest.mark.parametrize("sql", ["select x from t order by x", "update t set x = x returning x"])
def test_an_unfinished_statement_holds_no_snapshot_over_the_lease(sql: str, hand: Hand) -> None:
    conn, other = hand.lease(), hand.lease()
    cursor = conn.execute(sql)
    assert cursor.fetchone() is not None
    assert hand.give_back(conn)
    other.execute("insert into t values (4)")
    other.commit()
    assert ask(conn, "select count(*) from t") == 4
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()


@unfinished
def test_a_statement_that_was_read_to_its_end_leaves_the_connection_clean(hand: Hand) -> None:
    conn = hand.lease()
    cursors = [conn.execute("select x from t") for _ in range(300)]
    for cursor in cursors:
        cursor.fetchall()
    assert not hand.give_back(conn)
    assert not hand.give_back(conn), "though all of the cursors still live"


@unfinished
def test_an_unfinished_statement_is_found_among_many_cursors(hand: Hand) -> None:
    conn = hand.lease()
    for _ in range(450):  # the driver rebuilds its list every 200
        conn.execute("select 1").fetchall()
        assert not hand.adapter.is_dirty(conn)
    cursor = conn.execute("select x from t")
    for _ in range(450):
        conn.execute("select 1").fetchall()
    assert hand.give_back(conn)
    with pytest.raises(sqlite3.ProgrammingError):
        cursor.fetchone()


@unfinished
def test_an_open_blob_is_closed(hand: Hand) -> None:
    conn = hand.lease()
    conn.execute("create table b (x blob)")
    conn.execute("insert into b values (zeroblob(10))")
    conn.commit()
    blob = conn.blobopen("b", "x", 1)
    assert hand.give_back(conn)
    with pytest.raises(sqlite3.ProgrammingError):
        blob.read()
    assert not hand.give_back(conn), "a closed blob that somebody still refers to is no dirt"


@unfinished
def test_a_lease_that_only_reads_and_writes_is_clean(hand: Hand) -> None:
    conn = hand.lease()
    conn.execute("insert into t values (4)")
    conn.commit()
    with conn:
        conn.executemany("insert into t values (?)", [(5,), (6,)])
    conn.executescript("create table u (x); drop table u;")
    conn.execute("pragma table_info(t)").fetchall()
    conn.execute("pragma user_version = 3")
    conn.execute("pragma wal_checkpoint(passive)").fetchall()
    conn.execute("pragma foreign_keys").fetchall()
    conn.execute("vacuum")
    assert ask(conn, "select count(*) from t") == 6
    hand.give_back(conn)
    assert not hand.give_back(conn)


def test_a_connection_takes_no_attributes_like_the_drivers_own(hand: Hand) -> None:
    with pytest.raises(AttributeError):
        hand.lease().tag = "mine"


def test_the_holders_authorizer_is_asked_and_the_watcher_still_notices(hand: Hand) -> None:
    conn = hand.lease()
    watchful = Watchful()
    conn.set_authorizer(watchful)
    conn.execute("pragma foreign_keys = on")
    assert sqlite3.SQLITE_PRAGMA in watchful.seen
    conn.set_authorizer(None)
    conn.execute("pragma cache_size = 5")
    assert hand.give_back(conn)
    assert (0, -2000) == (ask(conn, "pragma foreign_keys"), ask(conn, "pragma cache_size"))
    assert 1 == len(watchful.seen), "the holder's authorizer went with its lease"
