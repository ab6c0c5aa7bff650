"""What errors mean: as a real server says them, and those that a server here cannot be made to say."""

from __future__ import annotations

import re
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import psycopg
import pytest
from psycopg import errors

from respool import Fault
from respool_postgres._faults import classify
from tests.adapters.postgres.hand import Hand
from tests.servers import PostgresServer, ServerRoom


@pytest.fixture(scope="module")
def strict(server_room: ServerRoom) -> Iterator[PostgresServer]:
    """A server with passwords and three connections, one of them for superusers."""
    with server_room.postgres(
        "max_connections=4", "superuser_reserved_connections=3", "max_wal_senders=0"
    ) as server:
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("CREATE ROLE app LOGIN PASSWORD 'right'")
            conn.execute("CREATE ROLE locked NOLOGIN PASSWORD 'right'")
            conn.execute("CREATE DATABASE closed ALLOW_CONNECTIONS false")
        hba = server.directory / "data" / "pg_hba.conf"
        hba.write_text(
            "host all postgres all trust\nhost postgres,closed,nowhere app,locked all scram-sha-256\n"
        )
        with psycopg.connect(server.url, autocommit=True) as conn:
            conn.execute("SELECT pg_reload_conf()")
        yield server


CONNECTS = {
    "wrong password": ("app:wrong@{address}/postgres", Fault.CONFIG, "password authentication failed"),
    "no password": ("app@{address}/postgres", Fault.CONFIG, "no password supplied"),
    "unknown user": ("nobody:x@{address}/postgres", Fault.CONFIG, "nobody"),
    "may not log in": ("locked:right@{address}/postgres", Fault.CONFIG, "not permitted to log in"),
    "unknown database": ("app:right@{address}/nowhere", Fault.CONFIG, 'database "nowhere" does not exist'),
    "closed database": ("app:right@{address}/closed", Fault.CONFIG, "not currently accepting connections"),
    "no entry in pg_hba.conf": ("app:right@{address}/template1", Fault.CONFIG, "no pg_hba.conf entry"),
    "no TLS": ("app:right@{address}/postgres?sslmode=require", Fault.CONFIG, "does not support SSL"),
    "a bad sslmode": ("app:right@{address}/postgres?sslmode=maybe", Fault.CONFIG, "invalid sslmode value"),
    "no such version of TLS": (
        "app:right@{address}/postgres?ssl_min_protocol_version=maybe",
        Fault.CONFIG,
        'invalid "?ssl_min_protocol_version"? value',
    ),
    "a range of versions without any": (
        "app:right@{address}/postgres?ssl_min_protocol_version=TLSv1.3&ssl_max_protocol_version=TLSv1.2",
        Fault.CONFIG,
        "invalid SSL protocol version range",
    ),
    "GSSAPI without a ticket": (
        "app:right@{address}/postgres?gssencmode=require",
        Fault.CONFIG,
        "GSSAPI encryption required|invalid gssencmode value",
    ),
    "more hosts than addresses": (
        "app:right@a,b,c/postgres?hostaddr=127.0.0.1",
        Fault.CONFIG,
        "could not match 3 host names",
    ),
    "more ports than hosts": (
        "app:right@{address}/postgres?host=127.0.0.1&port=1,2",
        Fault.CONFIG,
        "could not match 2 port numbers",
    ),
    "a path that no socket can have": (
        "app:right@/postgres?host=/" + 120 * "x",
        Fault.CONFIG,
        "is too long",
    ),
    "a bad setting": (
        "app:right@{address}/postgres?options=-c%20nonsense%3D1",
        Fault.CONFIG,
        "unrecognized configuration parameter",
    ),
    "a bad word among the settings": (
        "app:right@{address}/postgres?options=nonsense",
        Fault.CONFIG,
        "invalid command-line argument",
    ),
    "a time that no socket takes": (
        "app:right@{address}/postgres?keepalives_idle=-1",
        Fault.CONFIG,
        "setsockopt.* failed",
    ),
    "nobody listens": ("app:right@127.0.0.1:1/postgres", Fault.BACKEND_DOWN, "refused"),
    "no such host": ("app:right@nowhere.invalid/postgres", Fault.BACKEND_DOWN, "nowhere.invalid|not known"),
    "one host refuses, the other names the mistake": (
        "app:wrong@127.0.0.1:1,{address}/postgres",
        Fault.CONFIG,
        "password authentication failed",
    ),
}


@pytest.mark.parametrize("case", CONNECTS)
def test_a_failed_connect_is_told_by_its_text(hand: Hand, strict: PostgresServer, case: str) -> None:
    """No SQLSTATE comes with it."""
    rest, fault, text = CONNECTS[case]
    url = "postgresql://" + rest.format(address=f"{strict.host}:{strict.port}")
    adapter = hand.adapter(url)
    failure = refusal(hand, adapter)
    assert re.search(text, str(failure))
    assert fault == adapter.classify(failure)
    assert "right" not in str(failure)


def refusal(hand: Hand, adapter: Any) -> psycopg.OperationalError:
    """Why connecting fails, once the backend of the attempt before has left the server's one free slot."""
    for _ in range(100):
        with pytest.raises(psycopg.OperationalError) as caught:
            hand.run(adapter.create())
        if "connection slots" not in str(caught.value):
            return caught.value
        sleep(0.05)
    raise AssertionError("the slot does not become free")


def test_a_full_server_is_no_outage(hand: Hand, strict: PostgresServer) -> None:
    """Neither the last slots nor the ones for administrators."""
    adapter = hand.adapter(f"postgresql://app:right@{strict.host}:{strict.port}/postgres")
    hand.create(adapter)
    with pytest.raises(psycopg.OperationalError, match="remaining connection slots") as caught:
        hand.run(adapter.create())
    assert Fault.CAPACITY == adapter.classify(caught.value)
    above = [psycopg.connect(strict.url) for _ in range(3)]
    with pytest.raises(psycopg.OperationalError, match="too many clients") as caught:
        hand.run(hand.adapter(strict.url).create())
    assert Fault.CAPACITY == adapter.classify(caught.value)
    for conn in above:
        conn.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SELECT 1 / 0", Fault.BENIGN),
        ("SELECT nonsense", Fault.BENIGN),
        ("syntax error", Fault.BENIGN),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Fault.RESOURCE_BROKEN),
        ("BEGIN READ ONLY; CREATE TABLE unwritten (i int)", Fault.RESOURCE_BROKEN),
        ("SET statement_timeout = 1; SELECT pg_sleep(60)", Fault.BENIGN),
        ("DO $$BEGIN RAISE SQLSTATE '08006'; END$$", Fault.BENIGN),
        ("DO $$BEGIN RAISE SQLSTATE '57P01'; END$$", Fault.BENIGN),
    ],
)
def test_an_error_inside_a_lease_is_told_by_sqlstate_and_severity(
    hand: Hand, statement: str, fault: Fault
) -> None:
    """Behaviour 91. dblink raises class 08 of its own connections, which says nothing of this one."""
    adapter, conn = hand.lease()
    with pytest.raises(psycopg.Error) as caught:
        hand.execute(conn, statement)
    assert fault == adapter.classify(caught.value)


def test_a_session_that_idled_too_long_is_broken(hand: Hand) -> None:
    adapter, conn = hand.lease()
    hand.execute(conn, "SET idle_session_timeout = 1")
    assert select.select([conn.pgconn.socket], [], [], 30)[0]
    with pytest.raises(psycopg.OperationalError) as caught:
        hand.execute(conn, "SELECT 1")
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)


def test_a_closed_connection_is_broken(hand: Hand) -> None:
    """Behaviour 91."""
    adapter, conn = hand.lease()
    hand.run(conn.close())
    with pytest.raises(psycopg.OperationalError, match="the connection is closed") as caught:
        hand.execute(conn, "SELECT 1")
    assert Fault.RESOURCE_BROKEN == adapter.classify(caught.value)


@pytest.mark.parametrize(
    ("exc", "fault"),
    [
        (errors.AdminShutdown("by hand"), Fault.RESOURCE_BROKEN),
        (errors.CannotConnectNow("by hand"), Fault.BACKEND_DOWN),
        (errors.TooManyConnections("by hand"), Fault.CAPACITY),
        (errors.InvalidPassword("by hand"), Fault.CONFIG),
        (errors.ReadOnlySqlTransaction("by hand"), Fault.RESOURCE_BROKEN),
        (errors.UniqueViolation("by hand"), Fault.BENIGN),
        (errors.ConnectionTimeout("connection timeout expired"), Fault.BACKEND_DOWN),
        (psycopg.OperationalError("server closed the connection unexpectedly"), Fault.RESOURCE_BROKEN),
        (psycopg.OperationalError("consuming input failed: SSL SYSCALL error"), Fault.RESOURCE_BROKEN),
        (psycopg.InterfaceError("the connection is closed"), Fault.RESOURCE_BROKEN),
        (psycopg.InterfaceError("the cursor is closed"), Fault.BENIGN),
        (psycopg.ProgrammingError("the query has 2 placeholders but 1 parameters were passed"), Fault.BENIGN),
        (psycopg.ProgrammingError('missing "=" after "x" in connection info string'), Fault.CONFIG),
        (
            psycopg.OperationalError("connection failed: FATAL:  the database system is starting up"),
            Fault.BACKEND_DOWN,
        ),
        (
            psycopg.OperationalError("connection failed: FATAL:  the database system is shutting down"),
            Fault.BACKEND_DOWN,
        ),
        (psycopg.OperationalError("connection failed: SSL error: tlsv1 alert unknown ca"), Fault.CONFIG),
        (
            psycopg.OperationalError("connection failed: SSL error: unexpected eof while reading"),
            Fault.BACKEND_DOWN,
        ),
        (
            psycopg.OperationalError('connection is bad: weak sslmode "disable" may not be used'),
            Fault.CONFIG,
        ),
        (psycopg.OperationalError("connection failed: FATAL:  die Uhr geht falsch"), Fault.BACKEND_DOWN),
        (
            psycopg.OperationalError(
                "connection failed: ERROR:  no more connections allowed (max_client_conn)"
            ),
            Fault.CAPACITY,
        ),
        (psycopg.OperationalError("connection failed: FATAL:  no such database: x"), Fault.CONFIG),
        (psycopg.OperationalError("connection failed: session is read-only"), Fault.BACKEND_DOWN),
        (ValueError("the user's"), Fault.BENIGN),
        (OSError("the user's"), Fault.BENIGN),
        (KeyboardInterrupt(), Fault.BENIGN),
    ],
)
def test_the_verdict_on_errors_that_are_rare(exc: BaseException, fault: Fault) -> None:
    assert fault == classify(exc)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body


@pytest.fixture
def ancient() -> Iterator[int]:
    """The first words of a server that nobody can install any more, on a port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            client.sendall(
                _message(b"R", struct.pack("!i", 0))
                + _message(b"S", b"server_version\x0011.22\0")
                + _message(b"K", struct.pack("!ii", 1, 1))
                + _message(b"Z", b"I")
            )
            client.recv(4096)

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(30)
    listener.close()


def test_a_server_that_is_too_old_is_named(hand: Hand, ancient: int) -> None:
    adapter = hand.adapter(f"postgresql://me@127.0.0.1:{ancient}/db?sslmode=disable&gssencmode=disable")
    with pytest.raises(
        Exception, match=r"version is 11\.22, respool_postgres needs Postgres 12 or later"
    ) as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)


def _fails(exc: Exception) -> Callable[[], str]:
    def conninfo() -> str:
        raise exc

    return conninfo


def _fault(hand: Hand, adapter: Any) -> Fault:
    """Create, and have what it raises classified."""
    try:
        hand.create(adapter)
    except Exception as exc:
        verdict: Fault = adapter.classify(exc)
        return verdict
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    "exc",
    [
        KeyError("TOKEN"),
        IndexError(),
        AssertionError(),
        NameError(),
        NotImplementedError(),
        psycopg.ProgrammingError("the query has 2 placeholders but 1 parameters were passed"),
        psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes"),
        psycopg.InterfaceError("the cursor is closed"),
    ],
)
def test_a_bug_in_a_callable_of_the_users_is_no_outage(hand: Hand, exc: Exception) -> None:
    """Waiting for the caller's whole timeout would not mend it."""
    assert Fault.CONFIG == _fault(hand, hand.adapter(_fails(exc)))

    def more(_: object) -> None:
        raise exc

    assert Fault.CONFIG == _fault(hand, hand.adapter(configure=hand.configure(more=more)))


def test_a_credentials_callable_that_cannot_reach_its_vault_is_tried_again(hand: Hand) -> None:
    for exc in (OSError("unreachable"), TimeoutError(), RuntimeError("sealed")):
        assert Fault.BENIGN == _fault(hand, hand.adapter(_fails(exc)))
    lost = psycopg.OperationalError(
        "connection failed: Connection refused"
    )  # where a server keeps the tokens
    assert Fault.BACKEND_DOWN == _fault(hand, hand.adapter(_fails(lost)))


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("SET work_mem = 'abc'", Fault.CONFIG),
        ("SET nonsense = 1", Fault.CONFIG),
        ("SELECT 1 / 0", Fault.CONFIG),
        ("DO $$BEGIN RAISE EXCEPTION 'no'; END$$", Fault.CONFIG),
        ("SET ROLE nobody", Fault.CONFIG),
        ("SET statement_timeout = 1; SELECT pg_sleep(60)", Fault.BENIGN),
        ("DO $$BEGIN RAISE SQLSTATE '40P01'; END$$", Fault.BENIGN),
        ("DO $$BEGIN RAISE SQLSTATE '55P03'; END$$", Fault.BENIGN),
        ("DO $$BEGIN RAISE SQLSTATE '57P03'; END$$", Fault.BENIGN),
        ("DO $$BEGIN RAISE unique_violation; END$$", Fault.BENIGN),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Fault.RESOURCE_BROKEN),
    ],
)
def test_a_configure_that_the_server_refuses_will_be_refused_again(
    hand: Hand, statement: str, fault: Fault
) -> None:
    """But for what passes: a deadlock, a timeout, a server that goes away."""
    adapter = hand.adapter(configure=hand.configure(statement), connect={"autocommit": True})
    assert fault == _fault(hand, adapter)
