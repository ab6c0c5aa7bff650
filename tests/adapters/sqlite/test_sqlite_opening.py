"""Opening: WAL where it can be, and an error that names the database, the reason and the remedy."""

from __future__ import annotations

import os
import pickle
import resource
import sqlite3
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest

from respool import Fault, Timeouts
from respool_sqlite import OpenError, SqliteAdapter, _adapter, _opening
from tests.adapters.sqlite.hand import Hand, ask

HandOf = Callable[..., Hand]

_NOBODY = 65534


def _refused(adapter: SqliteAdapter[Any]) -> OpenError:
    with pytest.raises(OpenError) as caught:
        adapter.destroy(adapter.create())
    return caught.value


def test_an_open_error_can_be_pickled_with_its_fault() -> None:
    told = OpenError("cannot open database 'x'", Fault.BACKEND_DOWN)
    again = pickle.loads(pickle.dumps(told))
    assert (OpenError, str(told), told.fault) == (type(again), str(again), again.fault)


@pytest.fixture
def other(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection to the same file, in rollback-journal mode."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("create table t (x)")
    yield conn
    conn.close()


def test_a_file_opens_in_wal_mode_with_a_busy_timeout(path: Path, hand_of: HandOf) -> None:
    conn = hand_of(path).lease()
    assert ("wal", 5000) == (ask(conn, "pragma journal_mode"), ask(conn, "pragma busy_timeout"))


def test_the_busy_timeout_is_never_longer_than_a_create_may_take(path: Path, hand_of: HandOf) -> None:
    conn = hand_of(path, timeouts=Timeouts(create=2.0)).lease()
    assert 2000 == ask(conn, "pragma busy_timeout")


def test_the_users_own_timeout_wins(path: Path, hand_of: HandOf) -> None:
    assert 7000 == ask(hand_of(path, connect={"timeout": 7.0}).lease(), "pragma busy_timeout")
    assert 3000 == ask(hand_of(f"sqlite:///{path}?timeout=3").lease(), "pragma busy_timeout")


def test_the_drivers_transaction_mode_is_left_alone(path: Path, hand_of: HandOf) -> None:
    assert hand_of(path).lease().isolation_level == ""
    assert hand_of(path, connect={"isolation_level": "IMMEDIATE"}).lease().isolation_level == "IMMEDIATE"
    assert hand_of(path, connect={"isolation_level": None}).lease().isolation_level is None


@pytest.mark.skipif(sys.version_info < (3, 12), reason="autocommit came with Python 3.12")
@pytest.mark.parametrize("autocommit", [True, False])
def test_either_autocommit_mode_works(autocommit: bool, path: Path, hand_of: HandOf) -> None:
    hand = hand_of(path, connect={"autocommit": autocommit})
    conn = hand.lease()
    assert ("wal", autocommit) == (ask(conn, "pragma journal_mode"), conn.autocommit)
    conn.execute("create table t (x)")
    conn.commit()
    conn.execute("pragma foreign_keys = on")
    conn.execute("create temp table soil (x)")
    hand.adapter.reset(conn)
    assert (0, autocommit) == (ask(conn, "pragma foreign_keys"), conn.autocommit)
    assert 0 == ask(conn, "select count(*) from sqlite_temp_master")
    assert 1 == ask(conn, "select count(*) from sqlite_master where name = 't'")


def test_many_may_open_a_new_file_at_once(path: Path, hand_of: HandOf) -> None:
    hand = hand_of(path)
    together = threading.Barrier(8)

    def open_one() -> str:
        together.wait(10)
        return str(ask(hand.lease(), "pragma journal_mode"))

    with ThreadPoolExecutor(8) as threads:
        assert ["wal"] * 8 == [done.result(20) for done in [threads.submit(open_one) for _ in range(8)]]


def test_wal_false_leaves_the_journal_mode_alone(path: Path, hand_of: HandOf) -> None:
    assert "delete" == ask(hand_of(path, wal=False).lease(), "pragma journal_mode")
    assert "delete" == ask(hand_of(f"sqlite:///{path}?wal=false").lease(), "pragma journal_mode")


def test_a_connection_made_in_one_thread_works_in_another(hand: Hand) -> None:
    conn = hand.lease()
    with ThreadPoolExecutor(1) as threads:
        assert 3 == threads.submit(ask, conn, "select count(*) from t").result(10)


@pytest.mark.parametrize("query", ["mode=ro", "immutable=1"])
def test_a_database_opened_read_only_works_without_wal(
    query: str, path: Path, hand_of: HandOf, other: sqlite3.Connection
) -> None:
    hand = hand_of(f"sqlite:///{path}?{query}")
    conn = hand.lease()
    assert 0 == ask(conn, "select count(*) from t")
    with pytest.raises(sqlite3.OperationalError) as caught:
        conn.execute("insert into t values (1)")
    assert Fault.BENIGN is hand.adapter.classify(caught.value)
    hand.give_back(conn)
    assert hand.adapter.validate(conn)


def _open_and_tell(path: Path, wal: bool | None) -> str:
    adapter = SqliteAdapter(path, wal=wal)
    try:
        conn = adapter.create()
    except OpenError as exc:
        return f"{exc.fault.name}: {exc}"
    told = f"{ask(conn, 'pragma journal_mode')} {ask(conn, 'select count(*) from t')}"
    adapter.destroy(conn)
    return told


def _as_nobody(path: Path, wal: bool | None = None) -> str:
    """Do it as a user whom permissions bind: the tests may run as root, whom they do not."""
    for folder in [path.parent, *path.parent.parents]:
        if folder.name.startswith(("pytest-", "popen-")):
            folder.chmod(0o755)
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # 3.12 on forking beside threads; this child is brief
        child = os.fork()
    if child == 0:
        _tell_and_exit(path, wal, writing)
    os.close(writing)
    with os.fdopen(reading) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


def _tell_and_exit(path: Path, wal: bool | None, writing: int) -> NoReturn:
    try:
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
        os.write(writing, _open_and_tell(path, wal).encode())
    except BaseException as exc:
        os.write(writing, repr(exc).encode())
    finally:
        os._exit(0)


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
class TestPermissions:
    def test_a_read_only_file_works_without_wal(self, path: Path, other: sqlite3.Connection) -> None:
        path.chmod(0o444)
        path.parent.chmod(0o555)
        assert "delete 0" == _as_nobody(path)

    def test_a_read_only_file_cannot_have_wal(self, path: Path, other: sqlite3.Connection) -> None:
        path.chmod(0o444)
        path.parent.chmod(0o777)
        said = _as_nobody(path, wal=True)
        assert said.startswith("CONFIG")
        assert said.endswith("cannot be put into WAL mode, it cannot be written: leave out wal=True")

    @pytest.mark.parametrize("wal", [None, True, False])
    def test_a_read_only_file_that_is_in_wal_says_how_to_read_it(self, path: Path, wal: bool | None) -> None:
        conn = sqlite3.connect(path)
        conn.execute("pragma journal_mode = wal")
        conn.execute("create table if not exists t (x)")
        conn.close()
        path.chmod(0o444)
        path.parent.chmod(0o555)
        said = _as_nobody(path, wal)
        assert said.startswith("CONFIG")
        assert "it is in WAL mode, and to read that SQLite writes beside it, which it cannot; " in said
        assert "?immutable=1" in said

    def test_a_file_that_may_not_be_read_says_so(self, path: Path, other: sqlite3.Connection) -> None:
        path.chmod(0)
        path.parent.chmod(0o755)
        assert "no permission to read it" in _as_nobody(path)

    def test_a_folder_that_may_not_be_written_says_so(self, path: Path, other: sqlite3.Connection) -> None:
        path.parent.chmod(0o555)
        told = "there is no such file, and its folder cannot be written; check the path"
        assert told in _as_nobody(path.parent / "new.db")


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    error = _refused(SqliteAdapter(tmp_path))
    assert f"cannot open database {str(tmp_path)!r}: it is a folder; give the path of a file in it" == str(
        error
    )
    assert Fault.CONFIG is error.fault
    assert isinstance(error.__cause__, sqlite3.OperationalError)
    assert sqlite3.SQLITE_CANTOPEN == error.sqlite_errorcode & 0xFF


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    error = _refused(SqliteAdapter(tmp_path / "nowhere" / "app.db"))
    assert f"the folder {str(tmp_path / 'nowhere')!r} does not exist" in str(error)
    assert Fault.CONFIG is error.fault


def test_a_vfs_that_there_is_not_is_said_to_be_none() -> None:
    error = _refused(SqliteAdapter("file:app.db?vfs=nowhere"))
    assert "this SQLite knows no vfs of that name" in str(error)
    assert Fault.CONFIG is error.fault


@pytest.mark.parametrize("mode", ["ro", "rw"])
def test_a_mode_that_makes_no_file_says_that_there_is_none(mode: str, path: Path) -> None:
    error = _refused(SqliteAdapter(f"file:{path}?mode={mode}"))
    assert "does not exist" in str(error)
    assert not path.exists()


def test_a_file_that_is_no_database_says_so(path: Path) -> None:
    path.write_bytes(b"certainly no database, but long enough to be read as one\n" * 20)
    for wal in (None, True, False):
        error = _refused(SqliteAdapter(path, wal=wal))
        assert "no SQLite database" in str(error)
        assert Fault.CONFIG is error.fault


def test_a_database_locked_by_others_says_so_and_is_worth_another_try(
    path: Path, other: sqlite3.Connection, hand_of: HandOf
) -> None:
    hand = hand_of(path, connect={"timeout": 0.05})
    other.execute("begin exclusive")
    error = _refused(hand.adapter)
    assert "another connection holds a lock on it" in str(error)
    assert Fault.BACKEND_DOWN is error.fault
    other.execute("rollback")
    assert "wal" == ask(hand.lease(), "pragma journal_mode")


def test_opening_waits_for_a_writer_before_it_switches_to_wal(
    path: Path, other: sqlite3.Connection, hand_of: HandOf
) -> None:
    other.execute("begin immediate")
    hand = hand_of(path, connect={"timeout": 30.0})
    with ThreadPoolExecutor(1) as threads:
        opening = threads.submit(hand.lease)
        other.execute("insert into t values (1)")
        other.execute("commit")
        assert "wal" == ask(opening.result(30), "pragma journal_mode")


def test_a_full_database_leaves_the_connection_as_good_as_it_was(hand: Hand) -> None:
    conn = hand.lease()
    conn.execute(f"pragma max_page_count = {ask(conn, 'pragma page_count') + 1}").fetchall()
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        conn.executemany("insert into t values (randomblob(1000))", [()] * 100)
    assert Fault.BENIGN is hand.adapter.classify(caught.value)
    assert hand.give_back(conn)
    conn.executemany("insert into t values (randomblob(1000))", [()] * 100)
    conn.commit()
    assert 103 == ask(conn, "select count(*) from t")


def _take_descriptors(taken: list[int]) -> None:
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return


def test_too_many_open_files_is_a_lack_of_capacity(hand: Hand) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        _take_descriptors(taken)
        error = _refused(hand.adapter)
    finally:
        for number in taken:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert "too many open files" in str(error)
    assert Fault.CAPACITY is error.fault


def test_a_deleted_database_is_noticed_and_never_comes_back_empty(path: Path, hand: Hand) -> None:
    conn = hand.lease()
    assert hand.adapter.probe(conn)
    path.unlink()
    error = _refused(hand.adapter)
    assert "has been deleted since this pool first opened it" in str(error)
    assert Fault.CONFIG is error.fault
    assert not path.exists()
    with pytest.raises(OpenError, match="deleted or replaced") as caught:
        hand.adapter.validate(conn)
    assert Fault.RESOURCE_BROKEN is hand.adapter.classify(caught.value)


def test_probe_notices_a_deleted_database_at_its_next_look(
    path: Path, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    conn = hand.lease()
    assert hand.adapter.probe(conn), "which looks, and is good for a second"
    path.unlink()
    assert hand.adapter.probe(conn)
    for module in (_adapter, _opening):
        monkeypatch.setattr(module, "monotonic", lambda: 1e12)
    assert not hand.adapter.probe(conn)


def test_a_replaced_database_is_noticed_and_opened_anew(path: Path, tmp_path: Path, hand: Hand) -> None:
    old, also_old = hand.lease(), hand.lease()
    with sqlite3.connect(tmp_path / "next.db") as successor:
        successor.execute("create table successor (x)")
    successor.close()
    os.replace(tmp_path / "next.db", path)
    new = hand.lease()
    assert "successor" == ask(new, "select name from sqlite_master")
    assert [False, False, True] == [hand.adapter.probe(conn) for conn in (old, also_old, new)]
    assert hand.adapter.validate(new)
    for conn in (old, also_old):
        with pytest.raises(OpenError, match="deleted or replaced"):
            hand.adapter.validate(conn)


def test_a_connection_given_up_closes_what_its_cursors_kept_open(path: Path, hand: Hand) -> None:
    conn = hand.lease()
    kept = conn.execute("select x from t")
    hand.destroy(conn)
    opened = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)]
    assert [] == [name for name in opened if name.startswith(str(path))]
    del kept


def _is_link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


def test_abort_ends_a_running_statement_and_the_connection_lives_on(hand: Hand) -> None:
    conn = hand.lease()
    started = threading.Event()
    conn.create_function("started", 0, started.set)
    endless = "with recursive n(i) as (select started() union all select 1 from n) select count(*) from n"
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(ask, conn, endless)
        assert started.wait(10)
        hand.adapter.abort(conn)
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            running.result(10)
    hand.give_back(conn)
    assert hand.adapter.validate(conn)


def test_abort_of_a_closed_connection_does_nothing(hand: Hand) -> None:
    conn = hand.lease()
    conn.close()
    hand.adapter.abort(conn)
