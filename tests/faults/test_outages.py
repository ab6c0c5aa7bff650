"""The whole server is away for a while: killed, frozen, restarted, out of reach.

The long ones hit a pool of each shell at the same time. The lengths here are short; `tests/soak` has 20 and
70 s.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest

from respool import PoolTimeout
from tests.faults.grounds import Ground
from tests.faults.outage import judge_reports, sit_out
from tests.faults.rig import FaultPool, eventually
from tests.servers import Proxy, Server

AWAY = 1.3
"""How long most outages last here, s."""
BRIEFLY = 0.8

MakePool = Callable[..., FaultPool]
Both = Callable[..., list[FaultPool]]


def test_a_killed_server_that_comes_back(
    server: Server, proxies: list[Proxy], both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 38, 43, 44 and 45. The proxy counts what comes: it accepts though nobody is behind it."""
    pools = both(max_size=8)
    outage = sit_out(pools, server.kill, server.start, AWAY)
    outage.judge_starts(least=1)
    outage.judge_connections(pools, [proxy.accepted_at for proxy in proxies])
    outage.judge_reports(pools, caplog.records)


def test_a_server_that_is_restarted(server: Server, both: Both, caplog: pytest.LogCaptureFixture) -> None:
    pools = both(max_size=4)
    outage = sit_out(pools, server.stop, server.start, 0.3)
    outage.judge_reports(pools, caplog.records, least=0)


def test_a_server_that_freezes(
    server: Server, proxies: list[Proxy], both: Both, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 9, 48 and 84. Whoever has a lease waits for the server; everybody else has an answer."""
    pools = both(max_size=4)
    outage = sit_out(pools, server.freeze, server.thaw, 2.0)
    outage.judge_starts()
    outage.judge_connections(pools, [proxy.accepted_at for proxy in proxies])
    outage.judge_reports(pools, caplog.records, least=0)


def test_a_frozen_server_and_a_pool_that_has_nothing_open(server: Server, both: Both) -> None:
    """Behaviours 9 and 36. The error names phase and cause though nothing has failed yet."""
    pools = both(max_size=4)
    server.freeze()
    callers = [pool.begin(timeout=0.6) for pool in pools]
    errors = [caller.result(30).error for caller in callers]
    server.thaw()
    for error in errors:
        assert isinstance(error, PoolTimeout)
        assert ("create", True) == (error.phase, error.__cause__ is not None)
    assert all(pool.ask().served for pool in pools)


def test_a_port_that_refuses(proxies: list[Proxy], both: Both, caplog: pytest.LogCaptureFixture) -> None:
    pools = both(max_size=4)

    def refuse() -> None:
        for proxy in proxies:
            proxy.refuse()
            proxy.reset()

    outage = sit_out(pools, refuse, lambda: [proxy.accept() for proxy in proxies], BRIEFLY)
    outage.judge_starts()
    outage.judge_reports(pools, caplog.records)


def test_refused_callers_are_told_phase_and_cause(proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 36."""
    pool = make_pool(proxy, max_size=4)
    proxy.refuse()
    call = pool.ask(timeout=0.3)
    assert isinstance(call.error, PoolTimeout)
    assert "create" == call.error.phase
    assert type(call.error.__cause__).__name__ in str(call.error)
    proxy.accept()
    assert pool.ask().served


def test_a_network_that_hangs(proxies: list[Proxy], both: Both) -> None:
    """Behaviour 84."""
    hang, resume = (lambda: [p.hang() for p in proxies]), (lambda: [p.resume() for p in proxies])
    sit_out(both(max_size=4), hang, resume, AWAY)


def test_a_network_that_hangs_and_then_resets(proxies: list[Proxy], both: Both) -> None:
    def back() -> None:
        for proxy in proxies:
            proxy.reset()
            proxy.resume()

    sit_out(both(max_size=4), lambda: [proxy.hang() for proxy in proxies], back, BRIEFLY)


def test_every_connection_reset_at_once(proxy: Proxy, make_pool: MakePool) -> None:
    pool = make_pool(proxy, max_size=4)
    with pool.callers(timeout=10.0) as crowd:
        for _ in range(5):
            crowd.served_after(monotonic(), 20)
            proxy.reset()
        crowd.served_after(monotonic(), 20)
    pool.judge_errors()


def test_a_slow_network(proxies: list[Proxy], both: Both) -> None:
    pools = both(max_size=4)
    for proxy in proxies:
        proxy.delay(connect=0.1, chunk=0.005)
    for pool in pools:
        with pool.callers(timeout=20.0) as crowd:
            crowd.served_after(monotonic(), 10)
        assert [] == [call.error for call in crowd.calls if call.error is not None]
    for proxy in proxies:
        proxy.delay()


def test_a_login_slower_than_create_timeout(proxies: list[Proxy], both: Both) -> None:
    """Behaviour 49. Creates that are given up come back later and are destroyed then."""
    pools = both(max_size=2)
    for proxy in proxies:
        proxy.delay(connect=1.4)
    callers = [pool.begin(timeout=1.6) for pool in pools]
    errors = [caller.result(30).error for caller in callers]
    for proxy in proxies:
        proxy.delay()
    for error in errors:
        assert isinstance(error, PoolTimeout)
        assert ("create", True) == (error.phase, error.__cause__ is not None)
    assert all(pool.ask().served for pool in pools)


def test_a_login_that_gets_no_word(proxy: Proxy, make_pool: MakePool) -> None:
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
    began = monotonic()
    server._process.send_signal(signal.SIGTERM)
    if ground.kind == "postgres":
        call = pool.ask(timeout=0.5)
        assert isinstance(call.error, PoolTimeout)
        assert "create" == call.error.phase
        assert "shutting down" in str(call.error)
        assert 7 == pool.with_held(lease, lambda resource: ground.ask(resource, 7))
    pool.release(lease)
    server.stop(signal.SIGINT)  # Postgres would wait for the idle sessions; the others have ended by now
    assert isinstance(pool.ask(timeout=0.3).error, PoolTimeout)
    over = monotonic()
    server.start()
    assert pool.ask().served
    judge_reports(caplog.records, pool.name, began, over, least=1)
