"""The whole server is away for a while: killed, frozen, restarted, out of reach."""

from __future__ import annotations

import signal
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from respool import PoolTimeout
from tests.faults.grounds import Ground
from tests.faults.rig import FaultPool, eventually, outage_records, sit_out
from tests.servers import Proxy, Server

AWAY = 2.0
"""How long the outage lasts here, s; 20 and 70 s in the soak."""
ONCE = [("WARNING", "outage began"), ("INFO", "outage ended")]

MakePool = Callable[..., FaultPool]


def test_a_killed_server_that_comes_back(
    server: Server, proxy: Proxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 38, 43, 44 and 45. The proxy counts the attempts: it accepts though nobody is behind it."""
    pool = make_pool(proxy, max_size=8)
    outage = sit_out(pool, server.kill, server.start, AWAY)
    assert 1 <= outage.busiest_second(proxy.accepted_at) <= 4
    assert ONCE == outage_records(caplog.records, pool.name)


def test_a_server_that_is_restarted(
    server: Server, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(server, max_size=4)
    sit_out(pool, server.stop, server.start, 0.3)
    assert outage_records(caplog.records, pool.name) in ([], ONCE)


def test_a_server_that_freezes(
    server: Server, proxy: Proxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 9, 48 and 84. Whoever has a lease waits for the server; everybody else has an answer."""
    pool = make_pool(proxy, max_size=4)
    outage = sit_out(pool, server.freeze, server.thaw, 3.0)
    told = outage_records(caplog.records, pool.name)
    assert told.count(ONCE[0]) == told.count(ONCE[1]) <= 1
    assert outage.busiest_second(proxy.accepted_at) <= 4


def test_a_frozen_server_and_a_pool_that_has_nothing_open(server: Server, make_pool: MakePool) -> None:
    """Behaviour 9."""
    pool = make_pool(server, max_size=4)
    server.freeze()
    call = pool.ask(timeout=1.5)
    server.thaw()
    assert isinstance(call.error, PoolTimeout)
    assert ("create", True) == (call.error.phase, call.error.__cause__ is not None)
    assert pool.ask().served


def test_a_port_that_refuses(
    server: Server, proxy: Proxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    pool = make_pool(proxy, max_size=4)

    def refuse() -> None:
        proxy.refuse()
        proxy.reset()

    sit_out(pool, refuse, proxy.accept, AWAY)
    assert ONCE == outage_records(caplog.records, pool.name)


def test_refused_callers_are_told_phase_and_cause(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 36."""
    pool = make_pool(proxy, max_size=4)
    proxy.refuse()
    call = pool.ask(timeout=0.5)
    assert isinstance(call.error, PoolTimeout)
    assert "create" == call.error.phase
    assert type(call.error.__cause__).__name__ in str(call.error)
    proxy.accept()
    assert pool.ask().served


def test_a_network_that_hangs(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 84."""
    pool = make_pool(proxy, max_size=4)
    sit_out(pool, proxy.hang, proxy.resume, AWAY)


def test_a_network_that_hangs_and_then_resets(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    pool = make_pool(proxy, max_size=4)

    def back() -> None:
        proxy.reset()
        proxy.resume()

    sit_out(pool, proxy.hang, back, AWAY)


def test_every_connection_reset_at_once(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    pool = make_pool(proxy, max_size=4)
    with pool.callers() as crowd:
        for _ in range(5):
            crowd.served_after(monotonic(), 20)
            proxy.reset()
        crowd.served_after(monotonic(), 20)
    pool.judge_errors()


def test_a_slow_network(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    pool = make_pool(proxy, max_size=4)
    proxy.delay(connect=0.1, chunk=0.01)
    with pool.callers(timeout=10.0) as crowd:
        crowd.served_after(monotonic(), 20)
    proxy.delay()
    assert [] == [call.error for call in crowd.calls if call.error is not None]


def test_a_login_slower_than_create_timeout(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 49. Creates that are given up come back later and are destroyed then."""
    pool = make_pool(proxy, max_size=2)
    proxy.delay(connect=1.6)
    call = pool.ask(timeout=2.5)
    proxy.delay()
    assert isinstance(call.error, PoolTimeout)
    assert ("create", True) == (call.error.phase, call.error.__cause__ is not None)
    assert pool.ask().served


def test_a_login_that_gets_no_word(server: Server, proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 48. The proxy accepts and says nothing; who holds a lease, and the next one, are not hurt."""
    pool = make_pool(proxy, max_size=4)
    pool.fill(1)
    proxy.hang_new()
    lease = pool.acquire()
    waiting = pool.begin(timeout=10.0)
    eventually(lambda: pool.stats().creating, "a create that hangs")
    pool.release(lease)
    assert waiting.result(10).served
    proxy.resume()


def test_a_server_that_shuts_down_orderly_while_sessions_go_on(
    ground: Ground, server: Any, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Postgres refuses newcomers with 57P03 and lets sessions finish; the others just end."""
    pool = make_pool(server, max_size=2)
    lease = pool.acquire()
    server._process.send_signal(signal.SIGTERM)
    if ground.kind == "postgres":
        call = pool.ask(timeout=1.0)
        assert isinstance(call.error, PoolTimeout)
        assert "create" == call.error.phase
        assert "shutting down" in str(call.error)
        assert 7 == pool.with_held(lease, lambda resource: ground.ask(resource, 7))
    pool.release(lease)
    server.stop(signal.SIGINT)  # Postgres would wait for the idle sessions; the others have ended by now
    assert isinstance(pool.ask(timeout=0.5).error, PoolTimeout)
    server.start()
    assert pool.ask().served
    assert ONCE == outage_records(caplog.records, pool.name)
