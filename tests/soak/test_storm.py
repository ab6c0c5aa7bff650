"""A minute of storm on each backend: a random fault every second, sixteen threads and sixteen tasks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults.grounds import Ground
from tests.faults.rig import FaultPool
from tests.faults.storm import Weather, ride_out
from tests.servers import Proxy, Server

SECONDS = 60.0


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_minute_of_storm_loses_nothing(
    ground: Ground,
    server: Server,
    proxies: list[Proxy],
    both: Callable[..., list[FaultPool]],
    hygiene: str,
) -> None:
    """Behaviours 1, 3, 37, 92 and 131."""
    weather = Weather(ground, server, proxies, seed=len(hygiene))
    pools = both(max_size=6, hygiene=hygiene)
    ride_out(pools, weather, SECONDS)
    for pool in pools:
        served = sum(call.served for call in pool.calls)
        failed = sum(call.error is not None for call in pool.calls)
        print(
            f"\n{pool.name}, {pool.shell.name}: {served} served, {failed} refused or broken, 0 wrong, 0 lost"
        )
