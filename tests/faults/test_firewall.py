"""A firewall forgets idle connections without a word: nothing is refused, nothing answers."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pytest

from tests.faults.outage import outage_records
from tests.faults.rig import MARGIN, RECOVERY, FaultPool
from tests.servers import Proxy

MakePool = Callable[..., FaultPool]


def test_silently_dropped_connections_cost_one_caller_one_check(
    proxy: Proxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 84 and 85. Eight are dead; the first check that is not answered tells of all the others."""
    pool = make_pool(proxy, max_size=8, check_after=0, validate_timeout=1.0)
    pool.fill(8)
    proxy.drop_open()
    began = monotonic()
    callers = [pool.begin(timeout=20.0) for _ in range(8)]
    calls = [caller.result(30) for caller in callers]
    assert all(call.served for call in calls)
    # eight checks one after the other would take eight seconds
    assert monotonic() - began < pool.timeouts.validate + RECOVERY + MARGIN
    again = [pool.begin(timeout=20.0) for _ in range(8)]
    assert all(caller.result(30).served for caller in again)
    proxy.reset()  # the server's ends, which nobody told
    assert "outage began" not in [what for _, what in outage_records(caplog.records, pool.name)]


def test_one_caller_pays_and_the_next_goes_on(proxy: Proxy, make_pool: MakePool) -> None:
    """Behaviour 84. They come one after the other: only the first may be held up by a check."""
    pool = make_pool(proxy, max_size=6, check_after=0, validate_timeout=1.5)
    pool.fill(6)
    proxy.drop_open()
    first = pool.ask(timeout=20.0)
    assert first.served
    others = [pool.ask(timeout=20.0) for _ in range(5)]
    assert all(call.served for call in others)
    # each would pay 1.5 s if it had a check of its own to wait for
    assert sum(call.waited for call in others) < 5 * 1.5
    proxy.reset()  # the server's ends, which nobody told


def test_a_network_that_swallows_everything_for_a_while(proxy: Proxy, make_pool: MakePool) -> None:
    """Packets are gone for good: open connections and half-made ones never recover, new ones do."""
    pool = make_pool(proxy, max_size=4)
    with pool.callers(6) as crowd:
        crowd.served_after(0.0, 20)
        proxy.swallow()
        swallowed = monotonic()
        crowd.failed_after(swallowed)
        proxy.resume()
        resumed = monotonic()
        proxy.reset()  # whoever waits for an answer in a lease would wait for ever: no pool can end that
        first = crowd.served_after(resumed)
        crowd.served_after(first.ended, 20)
    pool.judge_errors()
    assert first.ended - resumed < RECOVERY + 2 * pool.timeouts.create + MARGIN
