"""Logins that fail: wrong, refused for want of room, rotated, or made while the server comes up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from time import monotonic
from typing import Any

import psycopg
import pytest

from respool import BackendError, PoolTimeout
from tests.faults.grounds import CANARY, Ground
from tests.faults.outage import outage_records
from tests.faults.rig import MARGIN, FaultPool, background, eventually
from tests.servers import PostgresServer, Server, ServerRoom

MakePool = Callable[..., FaultPool]
NEXT = CANARY + "-2"


@pytest.fixture(scope="module")
def crowded(ground: Ground, server_room: ServerRoom) -> Iterator[Server]:
    """Give a server where only few can log in."""
    with ground.server(server_room, *ground.crowded) as server:
        ground.furnish(server)
        yield server


def fails_at_once(pool: FaultPool) -> BaseException:
    call = pool.ask(timeout=60.0)
    assert isinstance(call.error, BackendError)
    assert call.waited < MARGIN * 2
    assert call.error.__cause__ is not None
    assert type(call.error.__cause__).__name__ in str(call.error)
    return call.error


def take_all(pool: FaultPool) -> list[Any]:
    """Lease until there is no more to be had."""
    held = []
    while True:
        try:
            held.append(pool.acquire(timeout=1.0))
        except PoolTimeout:
            return held


def test_a_wrong_password_fails_at_once(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """Behaviour 46."""
    fails_at_once(make_pool(ground.url(server, password=CANARY + "!"), max_size=4))


def test_an_unknown_database_fails_at_once(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """Behaviour 46."""
    unknown = "99" if ground.kind == "redis" else "nowhere"
    fails_at_once(make_pool(ground.url(server, database=unknown), max_size=4))


def test_a_pool_that_waits_to_be_ready_fails_at_once(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviours 46 and 51."""
    pool = make_pool(ground.url(server, password=CANARY + "!"), min_size=2, max_size=4)
    with pytest.raises(BackendError):
        pool.shell.wait(lambda: pool.raw.wait_ready(60.0))


def test_too_many_connections_is_no_outage(
    ground: Ground, crowded: Server, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 36. The pool lives with what it got, and callers share it."""
    pool = make_pool(crowded, crowded, min_size=20, max_size=20)  # for these callers a few might do
    with pool.callers(24, timeout=20.0) as crowd:
        first = crowd.served_after(0.0)
        refused = eventually(lambda: pool.stats().create_failures, "a refusal")
        crowd.served_after(monotonic(), 100)
    assert first.served
    assert refused
    assert [] == [call.error for call in crowd.calls if call.error is not None]
    stats = pool.stats()
    assert 1 <= stats.ceiling <= ground.few
    assert [("WARNING", "capacity reached")] == outage_records(caplog.records, pool.name)


def test_a_full_server_and_a_pool_with_nothing(
    ground: Ground, crowded: Server, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """The other pool has every place: this one tells its callers why, and takes the first that is free."""
    greedy = make_pool(crowded, crowded, max_size=20)
    held = take_all(greedy)
    modest = make_pool(crowded, crowded, max_size=2)
    call = modest.ask(timeout=1.0)
    assert isinstance(call.error, PoolTimeout)
    assert ("create", True) == (call.error.phase, call.error.__cause__ is not None)
    waiting = modest.begin(timeout=20.0)
    for lease in held:
        greedy.shell.plain(lease.discard)
    assert waiting.result(30).served
    assert [("WARNING", "capacity reached")] == outage_records(caplog.records, modest.name)


def test_a_restart_with_other_credentials(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """The old ones fail at once, and `refresh` brings the new ones."""
    pool = make_pool(server, max_size=4)
    assert pool.ask().served
    try:
        ground.set_password(server, NEXT)
        server.restart()
        fails_at_once(pool)
        pool.refresh(pool.adapter_for(ground.url(server, password=NEXT)))
        assert pool.ask().served
    finally:
        ground.set_password(server, CANARY)


def test_credentials_from_a_callable_are_asked_at_each_create(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """After a restart with other credentials nobody has to do anything."""
    asked: list[int] = []
    current = CANARY

    def token() -> str:
        asked.append(1)
        return current

    pool = make_pool(server, max_size=2, credentials=token)
    assert pool.ask().served
    before = len(asked)
    try:
        current = NEXT
        ground.set_password(server, NEXT)
        server.restart()
        eventually(lambda: pool.ask(timeout=2.0).served, "an answer")
        assert len(asked) > before
    finally:
        ground.set_password(server, CANARY)


def test_refresh_rotates_credentials_without_an_error_to_any_caller(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviour 124."""
    pool = make_pool(server, max_size=4)
    try:
        with pool.callers(8, timeout=20.0) as crowd:
            crowd.served_after(0.0, 20)
            done = pool.refresh(pool.adapter_for(ground.url(server, password=CANARY)))
            assert done(20.0)
            crowd.served_after(monotonic(), 20)
            ground.set_password(server, NEXT)
            # a create between the two would fail: a real rotation lets both passwords in for a while
            done = pool.refresh(pool.adapter_for(ground.url(server, password=NEXT)))
            assert done(20.0)
            crowd.served_after(monotonic(), 20)
    finally:
        ground.set_password(server, CANARY)
    assert [] == [call.error for call in crowd.calls if call.error is not None]


def test_a_server_that_starts_up(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """Callers who come before the server wait for it."""
    pool = make_pool(server, max_size=4)
    server.stop()
    waiting = [pool.begin(timeout=20.0) for _ in range(6)]
    eventually(lambda: pool.stats().create_failures, "a failed create")
    server.start()
    assert all(future.result(30).served for future in waiting)


class HalfAwake(PostgresServer):
    """A Postgres that listens and says that it is not accepting connections yet."""

    def answers(self) -> bool:
        return (self.directory / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("ground", ["postgres"], indirect=True)
def test_a_postgres_that_is_not_accepting_connections_yet(
    ground: Ground, server_room: ServerRoom, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """A standby without hot_standby says 57P03 for as long as it is one."""
    with ground.server(server_room) as server:
        ground.furnish(server)
        server.stop()
        signal_file = server.directory / "data" / "standby.signal"
        signal_file.touch()
        sleeper = HalfAwake(server.directory, "hot_standby=off")
        sleeper.port = server.port
        pool = make_pool(server, server, max_size=4)
        sleeper.start()
        call = pool.ask(timeout=1.5)
        sleeper.stop()
        signal_file.unlink()
        assert isinstance(call.error, PoolTimeout)
        assert "create" == call.error.phase
        assert isinstance(call.error.__cause__, psycopg.OperationalError)
        server.start()
        assert pool.ask().served
        pool.end()
    assert [("WARNING", "outage began"), ("INFO", "outage ended")] == outage_records(
        caplog.records, pool.name
    )


@pytest.mark.parametrize("ground", ["redis"], indirect=True)
def test_a_redis_that_is_loading(
    ground: Ground, server_room: ServerRoom, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers -LOADING to everything until its data is there."""
    settings = ("--enable-debug-command", "yes", "--loading-process-events-interval-bytes", "1024")
    with ground.server(server_room, *settings, "--key-load-delay", "300") as server:
        ground.furnish(server)
        with ground._hand(server) as client:  # type: ignore[attr-defined]  # the one of Redis
            client.execute_command("DEBUG", "POPULATE", "4000", "key", "100")
            client.save()
        server.stop()
        pool = make_pool(server, server, max_size=4)
        started: Future[Any] = background(server.start)
        call = pool.ask(timeout=20.0)
        started.result(60)
        assert call.served
        assert any("LOADING" in r.getMessage().upper() for r in caplog.records)
        pool.end()
