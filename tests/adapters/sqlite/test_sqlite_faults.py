"""What SQLite's errors mean to a pool."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respool import Fault
from tests.adapters.sqlite.hand import Hand

BENIGN: dict[str, Callable[[Any], object]] = {
    "a syntax error": lambda c: c.execute("selec 1"),
    "a missing table": lambda c: c.execute("select * from nowhere"),
    "a broken constraint": lambda c: c.execute("insert into t values (1), (null)"),
    "a wrong number of parameters": lambda c: c.execute("select ?", ()),
    "a closed cursor": lambda c: _use_closed_cursor(c),
    "an error of the user's own": lambda c: int("no number"),
}


def _use_closed_cursor(conn: Any) -> None:
    cursor = conn.cursor()
    cursor.close()
    cursor.fetchone()


@pytest.mark.parametrize("what", BENIGN)
def test_it_says_nothing_about_the_connection(what: str, hand: Hand) -> None:
    """Behaviour 91."""
    conn = hand.lease()
    conn.execute("create unique index only_once on t (x)")
    with pytest.raises(Exception) as caught:  # noqa: PT011  # each of another kind
        BENIGN[what](conn)
    assert Fault.BENIGN is hand.adapter.classify(caught.value)


def test_a_lock_held_by_others_says_nothing_about_the_connection(path: Path, hand: Hand) -> None:
    conn, other = hand.lease(), hand.lease()
    conn.execute("pragma busy_timeout = 0")
    other.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked") as caught:
        conn.execute("insert into t values (1)")
    assert Fault.BENIGN is hand.adapter.classify(caught.value)


def test_a_closed_connection_is_broken(hand: Hand) -> None:
    conn = hand.lease()
    conn.close()
    with pytest.raises(sqlite3.ProgrammingError) as caught:
        conn.execute("select 1")
    assert Fault.RESOURCE_BROKEN is hand.adapter.classify(caught.value)


def test_a_damaged_file_breaks_the_connection(path: Path, hand: Hand) -> None:
    conn = hand.lease()
    conn.executemany("insert into t values (?)", [(n,) for n in range(5000)])
    conn.commit()
    conn.execute("pragma wal_checkpoint(truncate)").fetchall()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    fresh = hand.lease()
    with pytest.raises(sqlite3.DatabaseError) as caught:
        fresh.execute("select sum(x) from t").fetchall()
    assert Fault.RESOURCE_BROKEN is hand.adapter.classify(caught.value)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("SQLITE_IOERR_SHORT_READ", Fault.RESOURCE_BROKEN),
        ("SQLITE_READONLY_DBMOVED", Fault.RESOURCE_BROKEN),
        ("SQLITE_CANTOPEN_FULLPATH", Fault.RESOURCE_BROKEN),
        ("SQLITE_NOTADB", Fault.RESOURCE_BROKEN),
        ("SQLITE_READONLY", Fault.BENIGN),
        ("SQLITE_FULL", Fault.BENIGN),
        ("SQLITE_BUSY_SNAPSHOT", Fault.BENIGN),
        ("SQLITE_INTERRUPT", Fault.BENIGN),
    ],
)
def test_a_code_has_its_fault(name: str, fault: Fault, hand: Hand) -> None:
    """Codes that no test can provoke on demand: an exception as the driver would build it."""
    error = sqlite3.OperationalError("as the driver says it")
    error.sqlite_errorcode = getattr(sqlite3, name)
    assert fault is hand.adapter.classify(error)
