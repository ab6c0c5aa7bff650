"""The public face, what is behind the URL schemes, and the driver's private names."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import psycopg
import pytest

import respool_postgres
from respool import Backend
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter, backend
from tests.adapters.postgres.hand import Hand
from tests.servers import ServerRoom


def test_every_public_name_is_there() -> None:
    assert sorted(respool_postgres.__all__) == respool_postgres.__all__
    for name in respool_postgres.__all__:
        assert hasattr(respool_postgres, name)
        assert name in dir(respool_postgres)
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        respool_postgres.nonsense  # noqa: B018 - it is the access that fails


def test_both_schemes_lead_to_the_backend() -> None:
    found = {entry.name: entry for entry in entry_points(group="respool.adapters")}
    assert backend is found["postgres"].load()
    assert backend is found["postgresql"].load()
    assert isinstance(backend, Backend)


WITHOUT_DRIVER = """
import sys
sys.modules["psycopg"] = None
from respool_postgres import backend
assert "respool[postgres]" == backend.extra
import respool_postgres
for use in (lambda: backend.adapter("postgresql://h/d"), lambda: respool_postgres.postgres_pool):
    try:
        use()
    except ImportError as exc:
        assert "pip install 'respool[postgres]'" in str(exc), exc
    else:
        raise AssertionError("no error")
"""


def test_without_the_driver_the_backend_is_listed_and_its_use_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_DRIVER], capture_output=True, text=True, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)


def test_listing_the_backend_imports_no_driver() -> None:
    code = "import sys; from respool_postgres import backend; assert 'psycopg' not in sys.modules"
    assert 0 == subprocess.run([sys.executable, "-c", code], timeout=60).returncode


def test_the_backend_makes_both_adapters_and_refuses_unknown_options() -> None:
    assert backend.adapter is not None
    assert backend.async_adapter is not None
    assert isinstance(backend.adapter("postgres://me@h/d", hygiene="none"), PostgresAdapter)
    assert isinstance(backend.async_adapter("postgresql://me@h/d"), AsyncPostgresAdapter)
    with pytest.raises(TypeError, match="hygene"):
        backend.adapter("postgres://h/d", hygene="none")
    with pytest.raises(ValueError, match="cannot read the conninfo"):
        backend.async_adapter("postgres://h:x/d")


def _of(hand: Hand, name: str) -> Any:
    return getattr(backend, name if hand.colour == "sync" else f"async_{name}")


@pytest.mark.parametrize("autocommit", [False, True])
def test_the_default_work_reads_and_writes_and_commits(
    hand: Hand, other: psycopg.Connection[tuple[Any, ...]], autocommit: bool
) -> None:
    other.execute("DROP TABLE IF EXISTS respool_load")
    conn = hand.create(hand.adapter(connect={"autocommit": autocommit}))
    for _ in range(2):
        hand.run(_of(hand, "prepare")(conn))
    for _ in range(5):
        hand.run(_of(hand, "work")(conn))
    assert 0 == conn.info.transaction_status
    assert (1000, 5) == other.execute("SELECT count(*), sum(used) FROM respool_load").fetchone()


def test_the_servers_limits_are_read(hand: Hand) -> None:
    _, conn = hand.lease(connect={"options": "-c idle_session_timeout=90s"})
    found = hand.run(_of(hand, "limits")(conn))
    assert "PostgreSQL" == found.product
    assert int(found.version.split(".")[0]) == conn.info.server_version // 10000
    assert found.max_connections == int(hand.ask(conn, "SHOW max_connections")) - 3
    assert 1 <= found.used_connections < found.max_connections
    assert 90.0 == found.idle_limit
    assert ("3 of 200 connections are reserved for administrators",) == found.notes
    assert 0 == conn.info.transaction_status


def test_no_idle_limit_is_none(hand: Hand) -> None:
    """The server says 0 for it."""
    conn = hand.create(hand.adapter())
    assert hand.run(_of(hand, "limits")(conn)).idle_limit is None


def test_a_standby_and_a_limit_of_idle_transactions_are_noted(hand: Hand, server_room: ServerRoom) -> None:
    server = server_room.postgres("idle_in_transaction_session_timeout=7s")
    (server.directory / "data" / "standby.signal").touch()
    with server:
        conn = hand.create(hand.adapter(server.url))
        notes = hand.run(_of(hand, "limits")(conn)).notes
        hand.put_away()
    assert "a transaction that idles for 7 s ends the session" in notes
    assert "the server is a standby: it reads only" in notes


PRIVATE = {
    "connection": (
        "_adapters _autocommit _begin_statement _deferrable _isolation_level _read_only _notice_handlers"
        " _notify_handlers _num_transactions _tpc _pipeline _prepared lock"
    ),
    "prepared": "_names _counts _to_flush",
    "adapters": "_dumpers _dumpers_by_oid _loaders types",
    "types": "_registry",
}


def test_the_drivers_private_names_are_where_we_look_for_them(hand: Hand) -> None:
    """Run on the oldest and the newest supported driver."""
    _, conn = hand.lease()
    places = {
        "connection": conn,
        "prepared": conn._prepared,
        "adapters": conn.adapters,
        "types": conn.adapters.types,
    }
    missing = [
        f"{place}.{name}"
        for place, names in PRIVATE.items()
        for name in names.split()
        if not hasattr(places[place], name)
    ]
    assert [] == missing


def test_private_names_are_used_in_one_module_only() -> None:
    names = {name for names in PRIVATE.values() for name in names.split() if name.startswith("_")}
    folder = Path(respool_postgres.__file__).parent
    used = {
        (path.name, name)
        for path in folder.glob("*.py")
        if path.name != "_private.py"
        for name in names
        if f".{name}" in path.read_text()
    }
    assert set() == used


def test_every_attribute_of_the_drivers_is_known_for_one(hand: Hand) -> None:
    """Else it would be put back as if it were one of a class of the user's."""
    from respool_postgres._private import _OF_THE_DRIVER

    _, conn = hand.lease()
    assert set() == set(vars(conn)) - _OF_THE_DRIVER
