"""The cheaper levels of hygiene, ``configure``, custom classes, and memory."""

from __future__ import annotations

import gc
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from respool import Fault, ResourceSpoiled
from respool_sqlite import OpenError, SqliteAdapter
from tests.adapters.sqlite.hand import Hand, Watchful, ask, rows

HandOf = Callable[..., Hand]


def _refused(adapter: SqliteAdapter[Any]) -> OpenError:
    with pytest.raises(OpenError) as caught:
        adapter.destroy(adapter.create())
    return caught.value


# --- hygiene="transaction" and "none"


def test_transaction_rolls_back_and_leaves_the_rest(path: Path, hand: Hand, hand_of: HandOf) -> None:
    """Behaviour 89."""
    cheap = hand_of(path, hygiene="transaction")
    conn = cheap.lease()
    conn.execute("pragma foreign_keys = on")
    assert not cheap.give_back(conn), "settings are not this level's business"
    conn.execute("insert into t values (4)")
    unfinished = conn.execute("select x from t")
    assert cheap.give_back(conn)
    assert (3, 1) == (ask(conn, "select count(*) from t"), ask(conn, "pragma foreign_keys"))
    with pytest.raises(sqlite3.ProgrammingError):
        unfinished.fetchone()


def test_none_leaves_everything(path: Path, hand: Hand, hand_of: HandOf) -> None:
    lax = hand_of(path, hygiene="none")
    conn = lax.lease()
    conn.execute("insert into t values (4)")
    assert not lax.give_back(conn)
    lax.adapter.reset(conn)
    assert conn.in_transaction


@pytest.mark.parametrize("hygiene", ["transaction", "none"])
def test_the_cheaper_levels_watch_no_statement(hygiene: str, path: Path, hand_of: HandOf) -> None:
    conn = hand_of(path, hygiene=hygiene).lease()
    watchful = Watchful()
    conn.set_authorizer(watchful)
    conn.create_function("lower", 1, str.upper)
    conn.execute("select lower('a')").fetchall()
    assert sqlite3.SQLITE_FUNCTION in watchful.seen


# --- configure


def _configure(conn: sqlite3.Connection) -> None:
    conn.row_factory = sqlite3.Row
    conn.create_function("twice", 1, lambda x: 2 * x)
    conn.create_function("lower", 1, lambda _: "ours")
    conn.create_collation("odd", lambda a, b: 0)
    conn.execute("pragma foreign_keys = on")
    conn.execute("pragma case_sensitive_like = on")
    conn.execute("attach ':memory:' as side")
    conn.execute("create table side.s (x)")
    conn.execute("create temp table scratch (x)")
    conn.execute("insert into scratch values (1)")
    conn.set_trace_callback(None)
    conn.commit()


def _configured(conn: sqlite3.Connection) -> object:
    return (
        conn.row_factory,
        rows(conn, "select twice(2), lower('A'), 'a' like 'A'"),
        rows(conn, "select x from scratch"),
        rows(conn, "select * from side.s"),
        ask(conn, "pragma foreign_keys"),
        ask(conn, "select 'a' = 'b' collate odd"),
    )


@pytest.mark.parametrize(
    "soil",
    [
        lambda c: c.execute("insert into scratch values (2)"),
        lambda c: c.executescript("insert into scratch values (2)"),
        lambda c: c.executescript("drop table scratch"),
        lambda c: c.execute("detach side"),
        lambda c: c.execute("pragma foreign_keys = off"),
        lambda c: c.create_function("twice", 1, lambda x: 3 * x),
        lambda c: c.create_function("lower", 1, lambda _: "theirs"),
        lambda c: c.create_window_function("twice", 1, None),
        lambda c: setattr(c, "row_factory", None),
        lambda c: c.create_collation("odd", None),
    ],
)
def test_as_it_was_means_as_configure_left_it(
    soil: Callable[[Any], object], path: Path, hand_of: HandOf
) -> None:
    hand = hand_of(path, configure=_configure)
    conn = hand.lease()
    expected = _configured(conn)
    assert not hand.give_back(conn)
    for _ in range(2):
        soil(conn)
        assert hand.give_back(conn)
        assert expected == _configured(conn)


def test_configure_runs_at_creation_and_after_a_reset_of_more_than_a_transaction(
    path: Path, hand_of: HandOf
) -> None:
    calls: list[sqlite3.Connection] = []
    hand = hand_of(path, configure=calls.append)
    conn = hand.lease()
    conn.execute("create table u (x)")
    conn.execute("insert into u values (1)")
    assert hand.give_back(conn)
    assert [conn] == calls
    conn.execute("pragma foreign_keys = on")
    assert hand.give_back(conn)
    assert [conn, conn] == calls


def test_a_reset_is_local_unless_the_users_configure_is_part_of_it(path: Path) -> None:
    assert SqliteAdapter(path).reset_is_local
    assert not SqliteAdapter(path, configure=print).reset_is_local


@pytest.mark.parametrize(
    ("configure", "says"),
    [
        (lambda c: c.no_such_method(), "AttributeError"),
        (lambda c: c.execute("select * from nowhere"), "OperationalError"),
        (lambda c: c.execute("insert into t values (4)"), "left a transaction open"),
    ],
)
def test_a_configure_that_fails_is_a_failed_create(
    configure: Callable[[Any], object], says: str, path: Path, hand: Hand
) -> None:
    """Behaviour 47."""
    made: list[sqlite3.Connection] = []

    def noted(conn: sqlite3.Connection) -> None:
        made.append(conn)
        configure(conn)

    error = _refused(SqliteAdapter(path, configure=noted))
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("select 1")
    assert says in str(error)
    assert str(path) in str(error)
    assert Fault.CONFIG is error.fault
    assert error.__cause__ is not None


def test_a_configure_that_meets_a_lock_is_worth_another_try(path: Path, hand: Hand) -> None:
    holder = hand.lease()
    holder.execute("begin immediate")
    configure = "insert into t values (4)"
    error = _refused(SqliteAdapter(path, connect={"timeout": 0.0}, configure=lambda c: c.execute(configure)))
    assert Fault.BACKEND_DOWN is error.fault


def test_a_configure_that_fails_after_a_lease_gives_the_connection_up(path: Path, hand_of: HandOf) -> None:
    runs: list[int] = []

    def only_once(_: sqlite3.Connection) -> None:
        runs.append(1)
        if len(runs) > 1:
            raise RuntimeError("again?")

    hand = hand_of(path, configure=only_once)
    conn = hand.lease()
    conn.execute("pragma foreign_keys = on")
    with pytest.raises(OpenError, match="configure failed"):
        hand.adapter.reset(conn)


# --- a class of the user's own


class Counting(sqlite3.Connection):
    """Registers, hooks and counts in its own way, as a framework's class does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.statements: list[str] = []
        self.row_factory = sqlite3.Row
        self.create_function("answer", 0, lambda: 42)
        self.set_trace_callback(self.statements.append)
        self.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 1)

    def rollback(self) -> None:
        raise AssertionError("the adapter uses the driver's own")


def test_a_custom_class_is_what_the_holder_gets_and_its_own_state_stays(path: Path, hand_of: HandOf) -> None:
    hand = hand_of(path, factory=Counting)
    conn = hand.lease()
    assert isinstance(conn, Counting)
    assert not hand.adapter.is_dirty(conn)
    conn.row_factory = None
    conn.set_trace_callback(None)
    conn.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    conn.create_function("question", 0, lambda: 0)
    conn.execute("create table u (x)")
    conn.execute("insert into u values (1)")
    assert hand.give_back(conn)
    before = len(conn.statements)
    assert 42 == ask(conn, "select answer()")
    assert before + 1 == len(conn.statements)
    assert [sqlite3.Row, 1] == [conn.row_factory, conn.getlimit(sqlite3.SQLITE_LIMIT_ATTACHED)]
    with pytest.raises(sqlite3.OperationalError, match="no such function"):
        ask(conn, "select question()")


def test_what_a_custom_class_registers_itself_cannot_be_overridden_unnoticed(
    path: Path, hand_of: HandOf
) -> None:
    hand = hand_of(path, factory=Counting)
    conn = hand.lease()
    conn.create_function("answer", 0, lambda: 41)
    with pytest.raises(ResourceSpoiled, match="answer"):
        hand.adapter.reset(conn)


def test_a_class_that_cannot_be_used_is_refused_when_the_adapter_is_made(path: Path) -> None:
    class Slotted(sqlite3.Connection):
        __slots__ = ("tag",)

    with pytest.raises(TypeError, match=r"Slotted cannot be combined.*__slots__"):
        SqliteAdapter(path, factory=Slotted)
    with pytest.raises(TypeError, match=r"subclass of sqlite3\.Connection"):
        SqliteAdapter(path, factory=dict)  # type: ignore[type-var]  # the mistake under test
    with pytest.raises(TypeError, match=r"subclass of sqlite3\.Connection"):
        SqliteAdapter(path, factory=sqlite3.connect)  # type: ignore[call-overload]  # the mistake under test


# --- one database in memory


@pytest.mark.parametrize("database", [":memory:", "sqlite://"])
def test_memory_is_one_database_for_all_connections(database: str, hand_of: HandOf) -> None:
    hand = hand_of(database)
    first, second = hand.lease(), hand.lease()
    first.execute("create table t (x)")
    first.execute("insert into t values (1)")
    first.commit()
    assert 1 == ask(second, "select count(*) from t")


def test_memory_outlives_its_connections_but_not_its_adapter(hand_of: HandOf) -> None:
    hand = hand_of(":memory:")
    conn = hand.lease()
    conn.execute("create table t (x)")
    hand.destroy(conn)
    conn = hand.lease()
    assert 0 == ask(conn, "select count(*) from t")
    hand.destroy(conn)
    uri = hand.adapter._opener._database  # newer versions of SQLite keep it to themselves
    assert 1 == _count_tables(uri)
    hand.adapter = SqliteAdapter(":memory:")
    gc.collect()
    assert 0 == _count_tables(uri)


def _count_tables(uri: str) -> int:
    conn = sqlite3.connect(uri, uri=True)
    try:
        return int(ask(conn, "select count(*) from sqlite_master"))
    finally:
        conn.close()


def test_memory_is_refused_where_sqlite_could_not_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 5))
    with pytest.raises(sqlite3.NotSupportedError, match=r"needs SQLite 3\.36.*use a file"):
        SqliteAdapter(":memory:")


def test_two_adapters_in_memory_share_nothing(hand_of: HandOf) -> None:
    one, two = hand_of(":memory:"), hand_of(":memory:")
    one.lease().execute("create table t (x)")
    assert 0 == ask(two.lease(), "select count(*) from sqlite_master")


def _write(conn: Any, trying: threading.Event) -> None:
    trying.set()
    conn.execute("insert into t values (1)")
    conn.commit()


def test_memory_waits_for_a_lock_as_a_file_does(hand_of: HandOf) -> None:
    """The shared cache would fail at once, whatever the busy timeout."""
    hand = hand_of(":memory:", connect={"timeout": 30.0})
    writer, other = hand.lease(), hand.lease()
    writer.execute("create table t (x)")
    writer.execute("begin immediate")
    trying = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(_write, other, trying)
        assert trying.wait(10)
        assert not waiting.done()
        writer.rollback()
        waiting.result(30)
    assert 1 == ask(writer, "select count(*) from t")


def test_memory_is_cleaned_like_a_file(hand_of: HandOf) -> None:
    hand = hand_of(":memory:")
    conn = hand.lease()
    conn.execute("create table t (x)")
    conn.execute("insert into t values (1)")
    conn.execute("create temp table soil (x)")
    conn.execute("pragma foreign_keys = on")
    assert hand.give_back(conn)
    assert [0, 0, 0] == [
        ask(conn, "select count(*) from t"),
        ask(conn, "select count(*) from sqlite_temp_master"),
        ask(conn, "pragma foreign_keys"),
    ]
    assert hand.adapter.probe(conn)
    assert hand.adapter.validate(conn)
