"""A dead connection is seen without a round trip; a silent server costs no more than the time limit."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any

import pymysql
import pytest

from respool import Fault, Timeouts
from respool_mysql import MysqlAdapter
from tests.adapters.mysql.hand import Hand
from tests.servers import MysqlServer

GUARD = 20.0
SHORT = Timeouts(create=0.5, validate=0.5, reset=0.5, destroy=0.5)


def _until(look: Any) -> None:
    deadline = time.monotonic() + GUARD
    while not look():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def _dead(adapter: Any, conn: Any) -> bool:
    try:
        return not adapter.probe(conn)
    except Exception:
        return True


def _kill(other: Any, hand: Hand, conn: Any) -> None:
    victim = hand.ask(conn, "SELECT CONNECTION_ID()")
    with other.cursor() as cursor:
        cursor.execute(f"KILL {victim}")


def test_an_idle_connection_looks_alive_and_answers(hand: Hand) -> None:
    adapter, conn = hand.lease()
    assert adapter.probe(conn)
    assert hand.run(adapter.validate(conn))


def test_a_killed_session_is_seen_without_a_round_trip(hand: Hand, other: Any) -> None:
    """Behaviour 87. The loop need not even have run in between."""
    adapter, conn = hand.lease()
    _kill(other, hand, conn)
    _until(lambda: _dead(adapter, conn))
    with pytest.raises(pymysql.err.MySQLError) as lost:
        hand.run(adapter.validate(conn))
    assert Fault.RESOURCE_BROKEN is adapter.classify(lost.value)


def test_bytes_on_an_idle_connection_are_suspect(hand: Hand) -> None:
    """Behaviour 87. Nobody has asked anything: what comes can only be bad news; the full check decides."""
    adapter, conn = hand.lease()
    sock = conn._sock if hand.colour == "sync" else None
    if sock is not None:
        sock.sendall(b"\x01\x00\x00\x00\x0e")  # a ping whose answer nobody awaits
    else:
        conn._writer.write(b"\x01\x00\x00\x00\x0e")
    _until(lambda: _dead(adapter, conn))


def test_a_frozen_server_costs_the_create_timeout_and_says_so(hand: Hand, fresh_mysql: MysqlServer) -> None:
    """It accepts, and then says nothing: the connect timeout of the driver is over by then."""
    adapter = hand.adapter(fresh_mysql.url, timeouts=SHORT)
    fresh_mysql.freeze()
    with pytest.raises(pymysql.err.OperationalError, match="Can't connect") as silent:
        hand.create(adapter)
    fresh_mysql.thaw()
    assert Fault.BACKEND_DOWN is adapter.classify(silent.value)


def test_a_frozen_server_ends_validate_reset_and_destroy_in_time(
    hand: Hand, fresh_mysql: MysqlServer
) -> None:
    """Behaviours 84 and 106."""
    adapter, conn = hand.lease(fresh_mysql.url, timeouts=SHORT)
    second = hand.create(adapter)
    third = hand.create(adapter)
    hand.execute(second, "SELECT 1")
    fresh_mysql.freeze()
    with pytest.raises((pymysql.err.OperationalError, TimeoutError)):
        hand.run(adapter.validate(conn))
    with pytest.raises((pymysql.err.OperationalError, TimeoutError)):
        hand.run(adapter.reset(second))
    hand.run(adapter.destroy(third))
    fresh_mysql.thaw()


def test_the_limits_are_the_users_own_again_after_each_call(prepared: Any) -> None:
    """PyMySQL has limits of its own, which ours must not outlast; aiomysql has none."""
    adapter = MysqlAdapter(prepared.url, connect={"read_timeout": 77.0})
    conn: Any = adapter.create()
    assert (77.0, None) == (conn._read_timeout, conn._write_timeout)
    for call in (adapter.validate, adapter.reset):
        conn.cursor().execute("SELECT 1")
        call(conn)
        assert (77.0, None) == (conn._read_timeout, conn._write_timeout)
    adapter.destroy(conn)


def test_abort_ends_a_call_that_hangs(prepared: Any) -> None:
    """From another thread, on a descriptor of our own."""
    adapter = MysqlAdapter(prepared.url)
    conn = adapter.create()
    ended: list[BaseException] = []

    def hang() -> None:
        try:
            conn.cursor().execute("SELECT SLEEP(60)")
        except pymysql.err.MySQLError as lost:
            ended.append(lost)

    hanging = threading.Thread(target=hang, daemon=True)
    hanging.start()
    _until(lambda: _is_sleeping(prepared))
    adapter.abort(conn)
    hanging.join(GUARD)
    adapter.destroy(conn)
    assert Fault.RESOURCE_BROKEN is adapter.classify(ended[0])
    adapter.abort(conn)


def _is_sleeping(prepared: Any) -> bool:
    adapter = MysqlAdapter(prepared.url, hygiene="none")
    conn = adapter.create()
    with conn.cursor() as cursor:
        found = cursor.execute("SELECT 1 FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'")
    adapter.destroy(conn)
    return bool(found)


def test_abort_ends_a_call_that_hangs_under_asyncio(prepared: Any) -> None:
    hand = Hand("async", prepared.url)
    adapter, conn = hand.lease()
    aborter = threading.Thread(target=lambda: (_until(lambda: _is_sleeping(prepared)), adapter.abort(conn)))
    aborter.start()
    with pytest.raises(pymysql.err.MySQLError):
        hand.execute(conn, "SELECT SLEEP(60)")
    aborter.join(GUARD)
    hand.close()


def test_a_destroyed_connection_leaves_neither_session_nor_descriptor(hand: Hand, other: Any) -> None:
    adapter = hand.adapter()
    before = len(os.listdir("/proc/self/fd"))
    conn = hand.run(adapter.create())
    session = hand.ask(conn, "SELECT CONNECTION_ID()")
    hand.run(adapter.destroy(conn))
    _until(lambda: not _has_session(other, session))
    # The runner's loop keeps three of its own from its first use on.
    assert len(os.listdir("/proc/self/fd")) in (before, before + 3)


def _has_session(other: Any, session: int) -> bool:
    with other.cursor() as cursor:
        return bool(cursor.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", (session,)))


def test_a_detached_connection_that_is_closed_is_closed_for_the_server(hand: Hand, other: Any) -> None:
    """Our descriptor holds the socket open as the driver's does, and aiomysql's close says no goodbye."""
    hand.run(asyncio.sleep(0))  # the runner's loop has descriptors of its own from its first use on
    _, conn = hand.lease()
    session = hand.ask(conn, "SELECT CONNECTION_ID()")
    descriptors = len(os.listdir("/proc/self/fd"))
    hand.run(_closed(conn))
    assert descriptors - 2 == len(os.listdir("/proc/self/fd"))
    _until(lambda: not _has_session(other, session))


async def _closed(conn: Any) -> None:
    conn.close()
    await asyncio.sleep(0)  # asyncio closes its descriptor in the next round


def test_a_detached_connection_gives_its_second_descriptor_back_when_it_is_collected(prepared: Any) -> None:
    """Behaviour 100. Nobody tells an adapter that a connection was taken out of the pool and dropped."""
    adapter = MysqlAdapter(prepared.url)
    before = len(os.listdir("/proc/self/fd"))
    conn: Any = adapter.create()
    del conn
    _until(lambda: len(os.listdir("/proc/self/fd")) == before)
