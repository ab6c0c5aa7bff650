"""Behind a real pgbouncer: what the page says of it, and what its own refusals mean."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from respool import Fault
from respool_postgres import postgres_pool
from respool_postgres._backend import backend
from tests.adapters.postgres.hand import Hand
from tests.servers import Endpoint, PgbouncerServer, PostgresServer, ServerRoom

BY_TRANSACTION = ("pool_mode=transaction", "default_pool_size=2", "server_round_robin=1")
UNPREPARED = {"prepare_threshold": None}


@pytest.fixture
def bouncer(server_room: ServerRoom, postgres_server: Endpoint) -> Iterator[PgbouncerServer]:
    """One that pools by transaction, on two sessions of the shared server, in turns."""
    with server_room.pgbouncer(postgres_server, *BY_TRANSACTION) as bouncer:
        yield bouncer


def _lease(hand: Hand, bouncer: PgbouncerServer) -> tuple[Any, Any]:
    return hand.lease(bouncer.url, hygiene="transaction", connect=UNPREPARED)


def _open_both(hand: Hand, bouncer: PgbouncerServer, conn: Any) -> None:
    """Have it open its second session, which it does when the first is in a transaction."""
    adapter, holder = _lease(hand, bouncer)
    hand.execute(holder, "BEGIN")
    hand.execute(conn, "SELECT 1")
    hand.run(adapter.reset(holder))


def test_the_doctor_is_told_of_a_proxy_and_of_one_that_pools_by_transaction(
    hand: Hand, bouncer: PgbouncerServer
) -> None:
    read = backend.limits if hand.colour == "sync" else backend.async_limits
    assert read is not None
    _, conn = _lease(hand, bouncer)
    proxy, *more = hand.run(read(conn)).notes
    assert "a proxy such as pgbouncer" in proxy
    assert "another server session" not in str(more), "it has one alone so far, which nobody can tell"
    _open_both(hand, bouncer, conn)
    proxy, turns, *_ = hand.run(read(conn)).notes
    assert "a proxy such as pgbouncer" in proxy
    assert "another server session" in turns


def test_what_a_lease_left_open_is_rolled_back_on_the_session_it_is_on(
    hand: Hand, bouncer: PgbouncerServer, other: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Behaviour 89. The proxy gives the session to others as soon as its transaction has ended."""
    other.execute("DROP TABLE IF EXISTS behind")
    other.execute("CREATE TABLE behind (n INT)")
    adapter, conn = _lease(hand, bouncer)
    _open_both(hand, bouncer, conn)
    for number in range(4):
        hand.execute(conn, "BEGIN")
        hand.execute(conn, f"INSERT INTO behind VALUES ({number})")
        assert adapter.is_dirty(conn)
        hand.run(adapter.reset(conn))
        assert not adapter.is_dirty(conn)
        assert adapter.probe(conn)
    assert [] == other.execute("SELECT * FROM behind").fetchall()
    other.execute("DROP TABLE behind")


def test_threads_on_fewer_sessions_than_connections_get_their_own_answers(bouncer: PgbouncerServer) -> None:
    wrong: list[object] = []
    options: dict[str, Any] = {"hygiene": "transaction", "connect": {**UNPREPARED, "autocommit": True}}
    with postgres_pool(bouncer.url, max_size=6, **options) as pool:

        def work(number: int) -> None:
            for turn in range(50):
                asked = number * 1000 + turn
                with pool.acquire() as conn:
                    row = conn.execute("SELECT %s::int", (asked,)).fetchone()
                if row != (asked,):
                    wrong.append((asked, row))

        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 400 == pool.stats().acquired
    assert [] == wrong


def test_no_room_at_the_proxy_is_no_outage(
    hand: Hand, server_room: ServerRoom, postgres_server: Endpoint
) -> None:
    with server_room.pgbouncer(postgres_server, "max_client_conn=1") as bouncer:
        adapter, _ = hand.lease(bouncer.url)
        with pytest.raises(psycopg.OperationalError, match="no more connections allowed") as full:
            hand.create(adapter)
        assert Fault.CAPACITY is adapter.classify(full.value)
        hand.put_away()


def test_an_unknown_database_behind_the_proxy_is_a_matter_of_configuration(
    hand: Hand, bouncer: PgbouncerServer
) -> None:
    adapter = hand.adapter(bouncer.url.replace("/postgres", "/nowhere"), connect=UNPREPARED)
    with pytest.raises(psycopg.OperationalError) as refused:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(refused.value), str(refused.value)


def test_a_proxy_that_is_killed_is_seen_at_the_next_hand_out(hand: Hand, bouncer: PgbouncerServer) -> None:
    """Behaviour 87."""
    adapter, conn = _lease(hand, bouncer)
    assert adapter.probe(conn)
    bouncer.kill()
    with pytest.raises(ConnectionError):
        adapter.probe(conn)
    with pytest.raises(psycopg.OperationalError) as down:
        hand.create(adapter)
    assert Fault.BACKEND_DOWN is adapter.classify(down.value)
    bouncer.start()
    assert 1 == hand.ask(hand.create(adapter), "SELECT 1")


def test_a_server_that_restarts_behind_the_proxy_costs_no_connection_to_it(
    hand: Hand, server_room: ServerRoom, fresh_postgres: PostgresServer
) -> None:
    with server_room.pgbouncer(fresh_postgres, *BY_TRANSACTION) as bouncer:
        adapter, conn = _lease(hand, bouncer)
        assert 1 == hand.ask(conn, "SELECT 1")
        fresh_postgres.restart()
        assert adapter.probe(conn)
        assert hand.run(adapter.validate(conn))
        assert 2 == hand.ask(conn, "SELECT 2")
        hand.put_away()


def test_a_transaction_whose_server_died_behind_the_proxy_breaks_the_connection(
    hand: Hand, server_room: ServerRoom, fresh_postgres: PostgresServer
) -> None:
    with server_room.pgbouncer(fresh_postgres, *BY_TRANSACTION) as bouncer:
        adapter, conn = _lease(hand, bouncer)
        hand.execute(conn, "BEGIN")
        fresh_postgres.kill()
        with pytest.raises(psycopg.Error) as broken:
            hand.ask(conn, "SELECT 1")
        assert Fault.RESOURCE_BROKEN is adapter.classify(broken.value), repr(broken.value)
        hand.put_away()
