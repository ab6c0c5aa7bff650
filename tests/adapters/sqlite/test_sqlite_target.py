"""Paths, URLs as SQLAlchemy reads them, the driver's own URIs, and what is refused."""

from __future__ import annotations

import math
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from respool_sqlite import AsyncSqliteAdapter, SqliteAdapter
from respool_sqlite._target import target_of


@pytest.mark.parametrize(
    ("database", "path"),
    [
        ("app.db", "app.db"),
        ("./sub/app.db", "sub/app.db"),
        (Path("app.db"), "app.db"),
        ("/srv/app.db", "/srv/app.db"),
        ("sqlite:///relative.db", "relative.db"),
        ("sqlite:///sub/relative.db", "sub/relative.db"),
        ("sqlite:////srv/absolute.db", "/srv/absolute.db"),
        ("sqlite:///odd%20name.db", "odd%20name.db"),
        ("sqlite:///app.db?mode=ro", "app.db"),
        ("sqlite:////srv/a b#c.db?mode=rw", "/srv/a b#c.db"),
        ("sqlite:///file:app.db?mode=ro&uri=true", "app.db"),
        ("file:app.db", "app.db"),
        ("file:/srv/app%20one.db?mode=ro", "/srv/app one.db"),
        ("file:///srv/app.db", "/srv/app.db"),
        ("file://localhost/srv/app.db", "/srv/app.db"),
    ],
)
def test_a_database_is_a_path_a_url_or_a_uri(database: str | Path, path: str) -> None:
    assert os.path.abspath(path) == target_of(database).path


@pytest.mark.parametrize("database", [":memory:", "sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_memory_has_four_spellings(database: str) -> None:
    assert target_of(database).memory


def test_a_relative_path_stays_the_same_file_after_a_chdir(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    adapter = SqliteAdapter("app.db")
    monkeypatch.chdir(tmp_path / "elsewhere")
    adapter.destroy(adapter.create())
    assert ["app.db"] == [file.name for file in tmp_path.glob("**/*.db")]


def test_a_url_carries_arguments_of_the_driver() -> None:
    target = target_of("sqlite:///app.db?timeout=2.5&isolation_level=IMMEDIATE&detect_types=1&wal=false")
    assert {"timeout": 2.5, "isolation_level": "IMMEDIATE", "detect_types": 1, "wal": False} == target.options


@pytest.mark.parametrize(
    ("database", "says"),
    [
        ("", "':memory:' for one in memory"),
        ("file:app.db?key=secret\0", "a character 0 in it"),
        ("file::memory:", "own database"),
        ("file:x?mode=memory", "own database"),
        ("file:x?vfs=memdb", "own database"),
        ("sqlite:///x?vfs=memdb", "own database"),
        ("postgresql://localhost/app", "postgresql: is no SQLite URL"),
        ("sqlite:app.db", "needs // after the scheme"),
        ("sqlite:/app.db", "needs // after the scheme"),
        ("sqlite://app.db", "no host"),
        ("sqlite://somebody:secret@host/app.db", "no host"),
        ("file://host/app.db", "no host"),
        ("sqlite://?mode=ro", "takes no mode"),
        ("sqlite:///app.db?tmeout=3", "did you mean 'timeout'"),
        ("sqlite:///app.db?anything=3", "known are"),
        ("sqlite:///app.db?timeout=soon", "must be a number"),
        ("sqlite:///app.db?wal=perhaps", "must be true or false"),
        ("sqlite:///app.db?cached_statements=many", "must be an int"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(database: str, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("?", r"\?")) as caught:
        target_of(database)
    assert "secret" not in str(caught.value)


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        target_of(42)  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(TypeError, match="str or a path"):
        target_of(b"app.db")  # type: ignore[arg-type]  # the mistake under test


@pytest.mark.parametrize("options", [{"wal": True}, {"connect": {"wal": True}}])
@pytest.mark.parametrize(
    "database", [":memory:", "sqlite://", "file:app.db?mode=ro", "file:app.db?immutable=1"]
)
def test_wal_is_refused_where_it_cannot_be(database: str, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"wal is True, but database .* leave it out"):
        SqliteAdapter(database, **options)  # type: ignore[call-overload]  # as a user's dict would


def test_wal_may_be_asked_for_in_the_url() -> None:
    with pytest.raises(ValueError, match="wal is True"):
        SqliteAdapter("sqlite://?wal=true")


@pytest.mark.parametrize(
    ("connect", "error", "says"),
    [
        ({"timout": 3}, TypeError, "did you mean 'timeout'"),
        ({"password": "secret"}, TypeError, "it takes cached_statements"),
        ({"factory": object}, TypeError, "give it as factory="),
        ({"check_same_thread": True}, ValueError, "must be False"),
        ({"timeout": -1}, ValueError, "timeout is -1, it must be a number of seconds from 0"),
        ({"timeout": math.nan}, ValueError, "timeout is nan, it must be a number of seconds from 0"),
        ({"timeout": math.inf}, ValueError, "timeout is inf, it must be a number of seconds from 0"),
        ({"timeout": 2**31}, ValueError, "timeout is 2147483648, it must be a number of seconds from 0"),
        ({"timeout": "5"}, TypeError, "timeout is '5', it must be a number of seconds"),
        ({"timeout": None}, TypeError, "timeout is None, it must be a number of seconds"),
        ({"timeout": True}, TypeError, "timeout is True, it must be a number of seconds"),
        ({"cached_statements": -5}, ValueError, "cached_statements is -5, it must be an int from 0 to"),
        ({"cached_statements": 2**31}, ValueError, "cached_statements is 2147483648, it must be an int from"),
        ({"cached_statements": "5"}, TypeError, "cached_statements is '5', it must be an int"),
        ({"detect_types": 10**30}, ValueError, "detect_types is 10{30}, it must be an int from 0 to"),
        ({"detect_types": None}, TypeError, "detect_types is None, it must be an int"),
        ({"isolation_level": "BANANA"}, ValueError, "isolation_level is 'BANANA', .* 'IMMEDIATE'"),
        ({"isolation_level": 5}, TypeError, "isolation_level is 5, it must be a str or None"),
        ({"wal": "yes"}, TypeError, "wal is 'yes', it must be True, False or None"),
    ],
)
def test_an_unfit_argument_is_refused_at_once(
    connect: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as caught:
        SqliteAdapter("app.db", connect=connect)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("kind", [SqliteAdapter, AsyncSqliteAdapter])
@pytest.mark.parametrize("wal", ["yes", 1, 0])
def test_a_wal_that_is_no_bool_is_refused_at_once(kind: Any, wal: Any) -> None:
    with pytest.raises(TypeError, match=f"wal is {wal!r}, it must be True, False or None"):
        kind("app.db", wal=wal)


@pytest.mark.parametrize("level", [None, "", "immediate"])
def test_what_the_driver_takes_is_taken(level: str | None) -> None:
    SqliteAdapter("app.db", connect={"isolation_level": level, "timeout": 0}, wal=False)


def test_arguments_that_suit_a_pool_reach_the_driver(tmp_path: Path) -> None:
    options = {
        "detect_types": sqlite3.PARSE_DECLTYPES,
        "cached_statements": 0,
        "check_same_thread": False,
        "uri": True,
    }
    sqlite3.register_converter("loud", bytes.upper)
    adapter = SqliteAdapter(tmp_path / "app.db", connect=options)
    conn = adapter.create()
    conn.execute("create table t (word loud)")
    conn.execute("insert into t values ('quiet')")
    assert (b"QUIET",) == conn.execute("select word from t").fetchone()
    adapter.destroy(conn)


@pytest.mark.parametrize(
    "database",
    [
        "file::memory:?cache=shared",
        "file:x?mode=memory&cache=shared",
        "file:/respool-x?vfs=memdb",
        "file:x?vfs=memdb&cache=shared",
    ],
)
def test_memory_that_the_user_shares_is_shared(database: str) -> None:
    """As SQLite's documents have it; it ends with the last connection."""
    adapter = SqliteAdapter(database)
    one, other = adapter.create(), adapter.create()
    one.execute("create table t (n)")
    assert [] == other.execute("select * from t").fetchall()
    assert adapter.probe(one)
    assert adapter.validate(other)
    adapter.destroy(one)
    adapter.destroy(other)
    again = adapter.create()
    assert (0,) == again.execute("select count(*) from sqlite_master").fetchone()
    adapter.destroy(again)


@pytest.mark.parametrize("database", ["file:app.db?{}", "sqlite:///app.db?{}"])
@pytest.mark.parametrize(
    ("parameter", "says"),
    [
        ("mode=banana", "mode of the SQLite database is 'banana', it must be one of ro, rw, rwc, memory"),
        ("mode=", "mode of the SQLite database is ''"),
        ("cache=banana", "cache of the SQLite database is 'banana', it must be one of private, shared"),
        ("immutable=perhaps", "immutable of the SQLite database is 'perhaps', it must be one of 0, false"),
        ("nolock=2", "nolock of the SQLite database is '2', it must be one of 0, false"),
        ("psow=", "psow of the SQLite database is ''"),
        ("modeof=/nowhere", "modeof of the SQLite database is '/nowhere', it must be a file that exists"),
    ],
)
def test_a_word_that_sqlite_does_not_know_is_refused_at_once(
    database: str, parameter: str, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        SqliteAdapter(database.format(parameter))


@pytest.mark.parametrize(("word", "read_only"), [("1", True), ("YES", True), ("0", False), ("No", False)])
def test_a_yes_or_no_in_a_uri_means_what_sqlite_takes_it_for(word: str, read_only: bool) -> None:
    assert read_only is target_of(f"file:app.db?immutable={word}").read_only


def test_an_unfit_level_or_callback_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="hygiene is 'clean'"):
        SqliteAdapter("app.db", hygiene="clean")  # type: ignore[call-overload]  # the mistake under test
    with pytest.raises(TypeError, match="configure"):
        SqliteAdapter("app.db", configure="pragma")  # type: ignore[call-overload]  # the mistake under test


def test_neither_repr_nor_error_shows_the_parameters_of_a_uri() -> None:
    adapter = SqliteAdapter("file:/nowhere/app.db?mode=rw&key=secret")
    with pytest.raises(Exception, match="/nowhere") as caught:
        adapter.create()
    assert "secret" not in repr(adapter) + str(caught.value)
