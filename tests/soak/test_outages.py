"""Outages of 20 and 70 seconds: soon served again, gently knocked at meanwhile, told once.

Run with `-s` to see the measured times.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.grounds import Ground
from tests.faults.outage import Outage, sit_out
from tests.faults.rig import RECOVERY, FaultPool
from tests.servers import Proxy, Server

LENGTHS = [20.0, 70.0]

Both = Callable[..., list[FaultPool]]


def tell(what: str, ground: Ground, seconds: float, outage: Outage) -> None:
    rates = [outage.busiest_second(gate.in_outage(outage.struck)) for gate in outage.gates]
    print(
        f"\n{ground.kind}, {what} for {seconds:.0f} s: first answer after {outage.back_after:.2f} s "
        f"(promised: {RECOVERY} s and one create), starts in the busiest second {rates}"
    )


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_killed_server(
    ground: Ground,
    server: Server,
    proxies: list[Proxy],
    both: Both,
    caplog: pytest.LogCaptureFixture,
    seconds: float,
) -> None:
    """Behaviours 38, 43, 44, 45 and 58."""
    pools = both(max_size=8)
    outage = sit_out(pools, server.kill, server.start, seconds, callers=16, timeout=2.0)
    tell("killed", ground, seconds, outage)
    outage.judge_starts(least=1)
    outage.judge_connections(pools, [proxy.accepted_at for proxy in proxies])
    outage.judge_reports(pools, caplog.records)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_port_that_refuses(
    ground: Ground, proxies: list[Proxy], both: Both, caplog: pytest.LogCaptureFixture, seconds: float
) -> None:
    pools = both(max_size=8)

    def refuse() -> None:
        for proxy in proxies:
            proxy.refuse()
            proxy.reset()

    outage = sit_out(pools, refuse, lambda: [p.accept() for p in proxies], seconds, callers=16, timeout=2.0)
    tell("refused", ground, seconds, outage)
    outage.judge_starts(least=1)
    outage.judge_reports(pools, caplog.records)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_a_frozen_server(
    ground: Ground,
    server: Server,
    proxies: list[Proxy],
    both: Both,
    caplog: pytest.LogCaptureFixture,
    seconds: float,
) -> None:
    """Behaviours 9, 48 and 84."""
    pools = both(max_size=8)
    outage = sit_out(pools, server.freeze, server.thaw, seconds, callers=16, timeout=2.0)
    tell("frozen", ground, seconds, outage)
    outage.judge_starts()
    outage.judge_connections(pools, [proxy.accepted_at for proxy in proxies])
    outage.judge_reports(pools, caplog.records, least=0)


@pytest.mark.parametrize("seconds", LENGTHS)
def test_packets_silently_dropped(ground: Ground, proxies: list[Proxy], both: Both, seconds: float) -> None:
    """Behaviour 84. What was sent is gone: half-made logins must run into their timeout first."""
    pools = both(max_size=8)

    def back() -> None:
        for proxy in proxies:
            proxy.resume()
            proxy.reset()  # who waits for an answer in a lease would wait for ever: no pool can end that

    swallow = lambda: [proxy.swallow() for proxy in proxies]  # noqa: E731
    outage = sit_out(pools, swallow, back, seconds, callers=16, timeout=2.0)
    tell("dropped", ground, seconds, outage)
    outage.judge_starts()
    outage.judge_connections(pools, [proxy.accepted_at for proxy in proxies])
