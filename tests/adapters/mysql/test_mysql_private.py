"""The private names of the drivers are still there, and the local knowledge built on them is true."""

from __future__ import annotations

from typing import Any

import aiomysql
import aiomysql.connection
import pymysql.connections
import pytest

from respool import Adapter, ResourceSpoiled
from respool._bound_adapter import bind_adapter
from respool_mysql import MysqlAdapter, _private
from tests.adapters.mysql.hand import Hand
from tests.shells.rig import eventually


def test_both_drivers_have_every_private_name(hand: Hand) -> None:
    _, conn = hand.lease()
    own = "pymysql" if hand.colour == "sync" else "aiomysql"
    for name in _private.NAMES["both"] + _private.NAMES[own]:
        assert hasattr(conn, name), name
    hand.execute(conn, "SELECT 1")
    for name in _private.NAMES["result"]:
        assert hasattr(conn._result, name), name
    if own == "pymysql":
        assert all(hasattr(conn, name) for name in _private.NAMES["pymysql's methods"])
    if own == "aiomysql":
        for name in _private.NAMES["stream"]:
            assert hasattr(conn._reader, name), name


@pytest.mark.parametrize("connection", [pymysql.connections.Connection, aiomysql.connection.Connection])
def test_a_ping_that_must_not_reconnect_can_be_told_so(connection: Any) -> None:
    assert "reconnect" in connection.ping.__code__.co_varnames


COMMANDS = {
    "a query": lambda hand, conn: hand.execute(conn, "SELECT 1"),
    "a query that fails": lambda hand, conn: hand.ask(conn, "SELEKT"),
    "a ping": lambda hand, conn: hand.run(conn.ping(reconnect=False)),
    "a commit": lambda hand, conn: hand.run(conn.commit()),
    "a rollback": lambda hand, conn: hand.run(conn.rollback()),
    "a begin": lambda hand, conn: hand.run(conn.begin()),
    "a database": lambda hand, conn: hand.run(conn.select_db("elsewhere")),
    "autocommit off": lambda hand, conn: hand.run(conn.autocommit(False)),
    "a long result": lambda hand, conn: hand.execute(conn, "SELECT n FROM numbers WHERE n <= 300"),
    "a long statement": lambda hand, conn: hand.execute(conn, f"SELECT '{'x' * 70_000}'"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_goes_unnoticed(hand: Hand, command: str) -> None:
    _, conn = hand.lease()
    assert not _private.touched(conn)
    COMMANDS[command](hand, conn)
    assert _private.touched(conn)


@pytest.mark.parametrize("autocommit", [True, False])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_release_at_the_level_transaction_asks_whether_all_is_certain(
    hand: Hand, command: str, autocommit: bool
) -> None:
    """The blocking adapter has the test written out: it is held to the other's."""
    adapter, conn = hand.lease(hygiene="transaction", connect={"autocommit": autocommit})
    assert not adapter.is_dirty(conn)
    COMMANDS[command](hand, conn)
    assert _private.in_doubt(conn) is adapter.is_dirty(conn)


def cut(hand: Hand, conn: Any) -> None:
    """Have the driver close its socket without a word."""
    if hand.colour == "sync":
        _private.sever(conn)
    else:
        conn.close()


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_release_finds_a_connection_that_was_closed(hand: Hand, hygiene: str) -> None:
    """A hand-out glances at the wire alone, and that may still be silent."""
    adapter, conn = hand.lease(hygiene=hygiene)
    conn.close()
    assert adapter.is_dirty(conn)
    adapter, conn = hand.lease(hygiene=hygiene)
    assert hand.ask(conn, "SELECT 1") == 1
    cut(hand, conn)
    assert adapter.is_dirty(conn)
    adapter, conn = hand.lease(hygiene=hygiene)
    cut(hand, conn)
    assert adapter.is_dirty(conn), "though nothing was sent"
    adapter, conn = hand.lease(hygiene=hygiene)
    hand.run(conn.commit())
    cut(hand, conn)
    assert adapter.is_dirty(conn), "though no result was kept"


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_connection_that_configure_closed_is_not_given_out(prepared: Any, hygiene: Any) -> None:
    adapter = MysqlAdapter(prepared.url, hygiene=hygiene, configure=lambda conn: conn.close())
    with pytest.raises(pymysql.err.InterfaceError):
        adapter.create()


def test_a_hand_out_glances_at_what_the_server_has_said(prepared: Any, other: Any) -> None:
    adapter = MysqlAdapter(prepared.url)
    assert bind_adapter(adapter, Adapter).glance
    conn: Any = adapter.create()
    look = adapter.glance(conn)
    assert look is not None
    assert not look(0)
    with other.cursor() as cursor:
        cursor.execute(f"KILL {conn.thread_id()}")
    eventually(lambda: look(0), "the server's last word")
    adapter.destroy(conn)


def test_where_nothing_is_cleaned_the_hand_out_probes(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="none")
    if hand.colour == "sync":
        assert adapter.glance(conn) is None
    conn.close()
    with pytest.raises(ResourceSpoiled):
        adapter.probe(conn)


def test_a_connection_that_closes_lets_go_of_its_wire(hand: Hand) -> None:
    """So that the hand-out, which looks at the wire alone, knows of it; aiomysql's writer is looked at."""
    adapter, conn = hand.lease()
    conn.close()
    with pytest.raises(ResourceSpoiled):
        adapter.probe(conn)
    assert hand.colour == "async" or conn.wire is None


@pytest.mark.parametrize("packets", [249, 250, 251, 252, 253, 254, 255, 256])
def test_no_length_of_a_result_brings_the_mark_back(hand: Hand, packets: int) -> None:
    """The driver counts packets modulo 256; the mark is a number that no count can have."""
    _, conn = hand.lease()
    hand.execute(conn, f"SELECT n FROM numbers WHERE n <= {packets}")
    assert _private.touched(conn)
