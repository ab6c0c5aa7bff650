"""A dead connection is known for free, a hung one can be ended, and every call has its bound."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import socket
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from respool import (
    Adapter,
    Fault,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsGlance,
    SupportsProbe,
    Timeouts,
)
from respool._bound_adapter import bind_adapter
from tests.adapters.postgres.hand import Hand
from tests.servers import Endpoint, PostgresServer, Proxy


def _readable(conn: Any) -> None:
    """Wait until the server's word has arrived."""
    found = select.select([conn.pgconn.socket], [], [], 30)[0]
    assert found, "nothing came from the server"


def _until_refused(adapter: Any, conn: Any) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        adapter.probe(conn)


def test_both_adapters_have_every_ability(hand: Hand) -> None:
    adapter = hand.adapter()
    for ability in (SupportsProbe, SupportsGlance, SupportsDirty, SupportsAbort, SupportsClassify):
        assert isinstance(adapter, ability)
    assert bind_adapter(adapter, Adapter).glance, (
        "the probe and the dirty test are those that it was written for"
    )
    assert "postgres" == adapter.kind


def test_a_live_idle_connection_passes_the_probe(hand: Hand) -> None:
    """Behaviour 87."""
    adapter, conn = hand.lease()
    assert adapter.probe(conn)
    assert hand.run(adapter.validate(conn))
    assert adapter.probe(conn)


def test_a_connection_that_the_server_ended_fails_the_probe(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 87. Without a round trip."""
    adapter, conn = hand.lease()
    other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
    with pytest.raises(ConnectionError) as caught:
        _until_refused(adapter, conn)
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)
    assert adapter.glance(conn)(0)


def test_a_notification_is_suspect_and_validate_finds_the_connection_alive(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 87. A NOTIFY is not death."""
    adapter, conn = hand.lease(configure=hand.configure("LISTEN news"))
    other.execute("NOTIFY news")
    _readable(conn)
    assert adapter.probe(conn) is False
    assert hand.run(adapter.validate(conn))
    assert adapter.probe(conn) is True


def test_validate_raises_for_a_session_that_was_killed(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    adapter, conn = hand.lease()
    other.execute("SELECT pg_terminate_backend(%s)", [conn.info.backend_pid])
    _readable(conn)
    with pytest.raises(psycopg.OperationalError) as caught:
        hand.run(adapter.validate(conn))
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)


@pytest.mark.parametrize("phase", ["validate", "reset"])
def test_a_silent_wire_ends_validate_and_reset_within_their_time(
    hand: Hand, phase: str, proxy_to: Callable[[Endpoint], Proxy], postgres_server: Endpoint
) -> None:
    """Behaviours 84 and 93. And the verdict makes the older idle ones suspect."""
    proxy = proxy_to(postgres_server)
    url = f"postgresql://postgres@{proxy.host}:{proxy.port}/postgres"
    adapter = hand.adapter(url, timeouts=Timeouts(validate=0.2, reset=0.2))
    conn = hand.create(adapter)
    proxy.hang()
    with pytest.raises(Exception, match=r"no answer within 0\.2 s") as caught:
        hand.run(getattr(adapter, phase)(conn))
    assert Fault.BACKEND_DOWN == adapter.classify(caught.value)


def _fill(conn: Any) -> None:
    """Leave no room on the wire, with messages that the server reads and does not answer."""
    flush = b"H\x00\x00\x00\x04"
    with socket.socket(fileno=os.dup(conn.pgconn.socket)) as wire, contextlib.suppress(BlockingIOError):
        wire.setblocking(False)
        rest = b""
        while True:
            rest = rest or 1000 * flush
            rest = rest[wire.send(rest) :]


@pytest.mark.parametrize("phase", ["validate", "reset"])
def test_a_wire_that_takes_no_more_is_waited_for_within_the_time(
    hand: Hand, phase: str, fresh_postgres: PostgresServer
) -> None:
    short, long = (
        hand.adapter(fresh_postgres.url, timeouts=Timeouts(validate=t, reset=t)) for t in (0.2, 60)
    )
    conn, patient = hand.create(short), hand.create(long)
    fresh_postgres.freeze()
    _fill(conn)
    _fill(patient)
    with pytest.raises(Exception, match=r"no answer within 0\.2 s"):
        hand.run(getattr(short, phase)(conn))
    thaw = threading.Timer(0.3, fresh_postgres.thaw)
    thaw.start()
    hand.run(getattr(long, phase)(patient))
    thaw.join()
    assert long.probe(patient)


def test_abort_ends_a_call_that_hangs(hand: Hand) -> None:
    """From another thread, while the driver waits for the server."""
    adapter, conn = hand.lease()
    aborter = threading.Timer(0.2, adapter.abort, [conn])
    aborter.start()
    with pytest.raises(psycopg.OperationalError) as caught:
        hand.execute(conn, "SELECT pg_sleep(60)")
    aborter.join()
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)
    adapter.abort(conn)  # of one that is dead already: nothing


def test_abort_after_the_holder_closed_the_connection_hits_nobody_else(hand: Hand) -> None:
    """The kernel gives a closed descriptor's number to the next that asks for one."""
    adapter, conn = hand.lease()
    hand.run(conn.close())
    _, innocent = hand.lease()
    adapter.abort(conn)
    assert 1 == hand.ask(innocent, "SELECT 1")


def test_destroy_closes_both_descriptors(hand: Hand) -> None:
    gc.collect()
    before = _descriptors()
    adapter = hand.adapter()
    conn = hand.run(adapter.create())
    assert before < _descriptors()
    hand.run(adapter.destroy(conn))
    hand.run(adapter.destroy(conn))
    assert before == _descriptors()


def test_a_detached_connection_takes_its_descriptors_with_it(hand: Hand) -> None:
    """When it is closed, and not only when it is forgotten; nothing keeps it from being forgotten, either."""
    gc.collect()
    before = _descriptors()
    conn = hand.run(hand.adapter().create())
    hand.run(conn.close())
    assert before == _descriptors()
    conn = hand.run(hand.adapter().create())
    reference = weakref.ref(conn)
    del conn
    assert reference() is None
    assert before == _descriptors()


def test_a_connection_that_was_closed_behind_the_pools_back_is_dead(hand: Hand) -> None:
    """Though its descriptor's number is somebody else's by now."""
    adapter, conn = hand.lease()
    look = adapter.glance(conn)
    hand.run(conn.close())
    hand.lease()
    assert look(0)
    with pytest.raises(ConnectionError):
        adapter.probe(conn)


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_failing_configure_leaves_no_connection_behind(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 47."""
    adapter = hand.adapter(
        configure=hand.configure("SELECT nonsense"), connect={"application_name": f"left {hand.colour}"}
    )
    with pytest.raises(Exception, match="configure failed with UndefinedColumn") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)
    deadline = time.monotonic() + 30
    question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    while other.execute(question, [f"left {hand.colour}"]).fetchone() != (0,):
        assert time.monotonic() < deadline, "the connection is still open"


def test_a_configure_that_leaves_a_transaction_open_is_told_so(hand: Hand) -> None:
    adapter = hand.adapter(configure=hand.configure("SELECT 1"))
    with pytest.raises(Exception, match="left a transaction open") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (lambda conn: conn.pgconn.send_query(b"SELECT 1"), "a query or COPY is unfinished"),
        (lambda conn: conn.pgconn.enter_pipeline_mode(), "in pipeline mode"),
    ],
)
def test_a_configure_that_leaves_more_than_that_is_told_what(
    hand: Hand, more: Callable[[Any], None], said: str
) -> None:
    adapter = hand.adapter(configure=hand.configure(more=more))
    with pytest.raises(Exception, match=f"after configure: .*{said}") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)


def test_a_configure_that_closes_the_connection_is_told_so(hand: Hand) -> None:
    def close(conn: Any) -> None:
        conn.close()

    async def close_async(conn: Any) -> None:
        await conn.close()

    adapter = hand.adapter(configure=close if hand.colour == "sync" else close_async)
    with pytest.raises(Exception, match="configure has closed the connection") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)


def test_a_connection_that_is_lost_in_configure_is_no_fault_of_it(hand: Hand) -> None:
    def lose(conn: Any) -> None:
        conn.pgconn.finish()

    adapter = hand.adapter(configure=hand.configure(more=lose))
    with pytest.raises(ConnectionError, match="lost in configure") as caught:
        hand.run(adapter.create())
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)


def test_each_create_asks_for_the_credentials_anew(hand: Hand) -> None:
    """Rotating tokens."""
    asked: list[int] = []

    def conninfo() -> str:
        asked.append(1)
        return hand.url

    async def async_conninfo() -> str:
        return conninfo()

    for source in (conninfo,) if hand.colour == "sync" else (conninfo, async_conninfo):
        adapter = hand.adapter(source)
        for _ in range(2):
            assert 1 == hand.ask(hand.create(adapter), "SELECT 1")
    assert (2 if hand.colour == "sync" else 4) == len(asked)


def test_a_unix_socket_does_as_well(hand: Hand, fresh_postgres: PostgresServer) -> None:
    """Behaviour 87. Where nobody counts what was sent, so that every return is dirty."""
    where = f"host={fresh_postgres.directory} port={fresh_postgres.port} user=postgres dbname=postgres"
    adapter, conn = hand.lease(where)
    for _ in range(2):
        assert adapter.probe(conn)
        assert adapter.is_dirty(conn)
        hand.execute(conn, "SET work_mem = '1MB'")
        hand.run(adapter.reset(conn))
    assert "4MB" == hand.ask(conn, "SHOW work_mem")
    fresh_postgres.kill()
    with pytest.raises(ConnectionError):
        _until_refused(adapter, conn)


def test_errors_of_a_frozen_server_name_the_fault(hand: Hand, fresh_postgres: PostgresServer) -> None:
    """The driver itself gives up connecting: two seconds are its least."""
    adapter = hand.adapter(fresh_postgres.url, timeouts=Timeouts(create=1))
    fresh_postgres.freeze()
    with pytest.raises(psycopg.OperationalError) as caught:
        hand.run(adapter.create())
    assert Fault.BACKEND_DOWN == adapter.classify(caught.value)
