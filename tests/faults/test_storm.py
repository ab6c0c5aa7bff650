"""Sixteen threads and sixteen tasks in a storm: zero wrong results, zero lost resources, counts that add up.

A short one here; `tests/soak` has a minute of each. The account is drawn up where the pools are closed.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.grounds import Ground
from tests.faults.rig import FaultPool
from tests.faults.storm import Weather, ride_out
from tests.servers import Proxy, Server

SECONDS = 8.0


def test_a_storm_of_faults_loses_nothing(
    ground: Ground,
    server: Server,
    proxies: list[Proxy],
    both: Callable[..., list[FaultPool]],
) -> None:
    """Behaviours 1, 3, 37, 92 and 131."""
    weather = Weather(ground, server, proxies, seed=sum(map(ord, ground.kind)))
    ride_out(both(max_size=6), weather, SECONDS)
