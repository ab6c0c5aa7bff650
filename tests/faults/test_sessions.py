"""One session fails, the server is well: killed, frozen, or read-only after a failover."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import pytest

from respool import Fault
from tests.faults.grounds import Ground
from tests.faults.outage import outage_records
from tests.faults.rig import FaultPool, eventually
from tests.servers import Server

MakePool = Callable[..., FaultPool]


def test_a_session_killed_while_idle_is_never_handed_out(
    ground: Ground, server: Server, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 3 and 87. No error reaches anybody, and no round trip was made to know."""
    pool = make_pool(server, max_size=3, check_after=3600.0)
    for _ in range(3):
        pool.fill(2)
        ground.end_sessions(server)
        eventually(lambda: not ground.sessions(server), "the end of the sessions")
        assert pool.ask().served
    assert [] == outage_records(caplog.records, pool.name)


def test_a_session_killed_in_its_lease_is_given_up(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviour 91. The holder hears of it from the driver; nobody else does."""
    pool = make_pool(server, max_size=2)
    lease = pool.acquire()
    session = pool.with_held(lease, ground.session_of)
    ground.end_session(server, session)
    eventually(lambda: session not in ground.sessions(server), "the end of the session")
    with pytest.raises(Exception, match=r".") as caught:
        pool.with_held(lease, lambda resource: ground.ask(resource, 7))
    assert pool.adapter.classify(caught.value) in (Fault.RESOURCE_BROKEN, Fault.BACKEND_DOWN)
    pool.release(lease)
    assert pool.ask().served
    assert session not in [pool.do(ground.session_of) for _ in range(3)]


def test_sessions_killed_under_load(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """Behaviour 92."""
    pool = make_pool(server, max_size=4)
    with pool.callers(8, timeout=5.0) as crowd:
        for _ in range(6):
            crowd.served_after(monotonic(), 20)
            ground.end_sessions(server)
        crowd.served_after(monotonic(), 20)
    pool.judge_errors()


def test_run_tries_again_after_a_killed_session(ground: Ground, server: Server, make_pool: MakePool) -> None:
    """Behaviour 91. On another session, and the result is right."""
    pool = make_pool(server, max_size=2)
    sessions: list[int] = []

    def work(resource: Any) -> Generator[Any, Any, int]:
        sessions.append((yield from ground.session_of(resource)))
        if len(sessions) == 1:
            ground.end_session(server, sessions[0])
            eventually(lambda: sessions[0] not in ground.sessions(server), "the end of the session")
        return (yield from ground.ask(resource, 42))

    assert 42 == pool.run(work, attempts=2)
    assert 2 == len(set(sessions))


def test_run_never_tries_again_after_any_other_error(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviour 91."""
    pool = make_pool(server, max_size=2)
    tries: list[int] = []

    def fail(resource: Any) -> Generator[Any, Any, Any]:
        tries.append(1)
        return (yield from ground.fail(resource))

    def slip(resource: Any) -> Generator[Any, Any, Any]:
        tries.append(1)
        yield from ground.ask(resource, 1)
        raise ConnectionResetError("the user's own, from somewhere else")

    for work in (fail, slip):
        tries.clear()
        with pytest.raises(Exception, match=r"."):
            pool.run(work, attempts=5)
        assert [1] == tries


def test_run_gives_up_after_its_last_attempt(ground: Ground, server: Server, make_pool: MakePool) -> None:
    pool = make_pool(server, max_size=2)
    tries: list[int] = []

    def work(resource: Any) -> Generator[Any, Any, int]:
        tries.append((yield from ground.session_of(resource)))
        ground.end_session(server, tries[-1])
        eventually(lambda: tries[-1] not in ground.sessions(server), "the end of the session")
        return (yield from ground.ask(resource, 42))

    with pytest.raises(Exception, match=r".") as caught:
        pool.run(work, attempts=2)
    assert Fault.RESOURCE_BROKEN is pool.adapter.classify(caught.value)
    assert 2 == len(set(tries)) == len(tries)


@pytest.mark.parametrize("ground", ["postgres"], indirect=True)
def test_one_frozen_backend_process_hurts_its_holder_alone(
    ground: Ground, server: Server, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 85. Its reset hangs on release, and others are served."""
    pool = make_pool(server, max_size=3)
    lease = pool.acquire()
    process = pool.with_held(lease, ground.session_of)
    os.kill(process, signal.SIGSTOP)
    try:
        pool.release(lease)
        with pool.callers(4, timeout=10.0) as crowd:
            crowd.served_after(monotonic(), 50)
            eventually(lambda: pool.stats().destroyed, "its end")
        assert [] == [call.error for call in crowd.calls if call.error is not None]
    finally:
        os.kill(process, signal.SIGCONT)


@pytest.mark.parametrize("ground", ["postgres"], indirect=True)
def test_one_frozen_backend_process_that_is_idle_costs_one_check(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviour 84."""
    pool = make_pool(server, max_size=2, check_after=0)
    pool.fill(1)
    process = pool.do(ground.session_of)
    pool.quiet()
    os.kill(process, signal.SIGSTOP)
    try:
        call = pool.ask(timeout=10.0)
        assert call.served
        assert pool.do(ground.session_of) != process
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def read_only(ground: Ground, server: Any) -> Iterator[None]:
    """Make the server what a primary is after a failover: it answers, and takes no writes."""
    turn: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "postgres": (
            lambda: ground.set_default(server, "on"),  # type: ignore[attr-defined]  # the one of Postgres
            lambda: ground.set_default(server, "off"),  # type: ignore[attr-defined]  # the one of Postgres
        ),
        "mysql": (
            lambda: ground._do(server, "SET GLOBAL read_only = 1"),  # type: ignore[attr-defined]
            lambda: ground._do(server, "SET GLOBAL read_only = 0"),  # type: ignore[attr-defined]
        ),
        "redis": (
            lambda: ground.follow(server, "127.0.0.1", "1"),  # type: ignore[attr-defined]
            lambda: ground.follow(server, "NO", "ONE"),  # type: ignore[attr-defined]
        ),
    }
    on, off = turn[ground.kind]
    on()
    try:
        yield
    finally:
        off()


def test_a_server_gone_read_only_after_a_failover(
    ground: Ground, server: Server, make_pool: MakePool
) -> None:
    """Behaviour 91. Each session that a write fails on is given up: the next login may find the primary."""
    pool = make_pool(server, max_size=2)
    pool.do(lambda resource: ground.write(resource, 1))
    before = pool.do(ground.session_of)
    with read_only(ground, server):
        with pytest.raises(Exception, match=r".") as caught:
            pool.do(lambda resource: ground.write(resource, 2))
        assert Fault.RESOURCE_BROKEN is pool.adapter.classify(caught.value)
    assert before != pool.do(ground.session_of)
    pool.run(lambda resource: ground.write(resource, 3), attempts=2)
    assert pool.stats().destroyed["broken"] >= 1
