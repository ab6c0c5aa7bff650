"""What cannot be undone is noticed, and the connection is given up with a reason."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respool import Pool, ResourceSpoiled
from respool_sqlite import SqliteAdapter
from tests.adapters.sqlite.hand import Hand, ask

SPOILS: dict[str, tuple[Callable[[Any], object], str]] = {
    "an overridden builtin": (lambda c: c.create_function("lower", 1, str.upper), "builtin function lower"),
    "a builtin overridden for another arity": (lambda c: c.create_function("LOWER", 3, max), "LOWER"),
    "an overridden builtin aggregate": (
        lambda c: c.create_aggregate("sum", 1, type("A", (), {"step": print, "finalize": print})),
        "builtin function sum",
    ),
    "a removed builtin": (lambda c: c.create_function("upper", 1, None), "builtin function upper"),
    "an overridden collation": (lambda c: c.create_collation("NOCASE", lambda a, b: 0), "collation NOCASE"),
    "a pragma that cannot be read": (
        lambda c: c.execute("pragma case_sensitive_like = 1"),
        "case_sensitive_like",
    ),
    "a pragma of another schema": (lambda c: c.execute("pragma temp.cache_size = 7"), "cache_size"),
    "a pragma nobody knows": (lambda c: c.execute("pragma tomorrow = 1"), "tomorrow"),
    "a page size": (lambda c: c.execute("pragma page_size = 8192"), "page_size"),
    "an exclusive locking mode": (lambda c: c.execute("pragma locking_mode = exclusive"), "locking_mode"),
    "an exclusive locking mode that was set back": (lambda c: _lock(c), "locking_mode was set to exclusive"),
    "another journal mode": (lambda c: c.execute("pragma journal_mode = delete"), "journal_mode"),
    "a database replaced in memory": (lambda c: c.deserialize(c.serialize()), "deserialize"),
}


def _lock(conn: sqlite3.Connection) -> None:
    """Set both modes: "normal" lets the locks go only when the file is next read, by whomever that may be."""
    conn.execute("pragma main.locking_mode = 'EXCLUSIVE'")
    conn.execute("insert into t values (4)")
    conn.commit()
    conn.execute("pragma locking_mode = normal")


@pytest.mark.parametrize("what", SPOILS)
def test_a_connection_is_given_up_after(what: str, hand: Hand) -> None:
    """Behaviour 88."""
    spoil, reason = SPOILS[what]
    conn = hand.lease()
    spoil(conn)
    assert hand.adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match=reason):
        hand.adapter.reset(conn)


def test_a_connection_that_its_holder_closed_is_given_up(hand: Hand) -> None:
    """Behaviour 90."""
    conn = hand.lease()
    conn.close()
    with pytest.raises(sqlite3.ProgrammingError):
        hand.adapter.is_dirty(conn)
    with pytest.raises((ResourceSpoiled, sqlite3.ProgrammingError)):
        hand.adapter.reset(conn)
    with pytest.raises(sqlite3.ProgrammingError):
        hand.adapter.probe(conn)


def test_a_journal_mode_that_was_only_asked_for_again_is_no_reason(hand: Hand) -> None:
    """Many programs send it at every start of work."""
    conn = hand.lease()
    conn.execute("pragma journal_mode = wal").fetchall()
    assert hand.give_back(conn)


def test_a_locking_mode_that_was_only_asked_for_again_is_no_reason(hand: Hand) -> None:
    conn = hand.lease()
    conn.execute("pragma locking_mode = normal").fetchall()
    assert hand.give_back(conn)


def test_a_lock_held_for_good_does_not_outlive_its_lease(path: Path, hand: Hand) -> None:
    with Pool(SqliteAdapter(path), max_size=1) as pool:
        with pool.acquire() as conn:
            _lock(conn)
        other = sqlite3.connect(path, timeout=5)
        assert (4,) == other.execute("select count(*) from t").fetchone()
        other.close()
    assert {"reset failed": 1} == dict(pool.stats().destroyed)


def test_a_function_may_be_registered_again_by_every_lease(hand: Hand) -> None:
    conn = hand.lease()
    for _ in range(3):
        conn.create_function("Soil", 1, abs)
        conn.create_function("soil", 1, abs)
        conn.create_collation("soiled", lambda a, b: 0)
        assert ask(conn, "select soil(-1)") == 1
        assert hand.give_back(conn)


def test_a_builtin_overridden_beside_the_one_that_configure_overrode_is_noticed(
    path: Path, hand_of: Callable[..., Hand]
) -> None:
    """Behaviour 88. The one of configure is made again; under the lease's there was a builtin."""
    hand = hand_of(path, configure=lambda c: c.create_function("substr", 2, lambda *_: "ours"))
    conn = hand.lease()
    conn.create_function("SUBSTR", 2, lambda *_: "theirs")
    assert hand.give_back(conn)
    assert "ours" == ask(conn, "select substr('abc', 1)")
    conn.create_function("substr", 3, lambda *_: "theirs")
    with pytest.raises(ResourceSpoiled, match="builtin function substr"):
        hand.adapter.reset(conn)


def test_a_function_beside_one_of_configure_is_no_reason(path: Path, hand_of: Callable[..., Hand]) -> None:
    hand = hand_of(path, configure=lambda c: c.create_function("soil", 1, abs))
    conn = hand.lease()
    for _ in range(2):
        conn.create_function("soil", 2, max)
        assert hand.give_back(conn)
        assert 1 == ask(conn, "select soil(-1)")
        with pytest.raises(sqlite3.OperationalError):
            ask(conn, "select soil(1, 2)")


def test_a_name_forbidden_to_look_up_counts_as_a_builtin(hand: Hand) -> None:
    conn = hand.lease()
    conn.set_authorizer(lambda *_: sqlite3.SQLITE_DENY)
    conn.create_function("soil", 1, abs)
    with pytest.raises(ResourceSpoiled, match="soil"):
        hand.adapter.reset(conn)


def test_every_pragma_of_this_sqlite_has_its_place(path: Path) -> None:
    """A new SQLite that brings new pragmas fails here, and until then they cost the connection."""
    from respool_sqlite._record import HARMLESS, KEPT, RESTORED

    given_up = {
        "auto_vacuum",
        "case_sensitive_like",
        "default_cache_size",
        "encoding",
        "hard_heap_limit",
        "page_size",
        "schema_version",
        "soft_heap_limit",
        "temp_store_directory",
    }
    only_read = {
        "collation_list",
        "compile_options",
        "data_version",
        "database_list",
        "freelist_count",
        "function_list",
        "module_list",
        "page_count",
        "pragma_list",
        "shrink_memory",
    }
    conn = sqlite3.connect(path)
    try:
        known = {row[0] for row in conn.execute("select name from pragma_pragma_list")}
    finally:
        conn.close()
    placed = HARMLESS.union(KEPT, RESTORED, given_up, only_read)
    assert set() == known - placed
