"""A million leases by 32 threads while everything fails now and then: nothing is lost."""

from __future__ import annotations

import pytest

from tests.shells.stress import Stress, descriptors, switching

LEASES = 1_000_000


@pytest.mark.parametrize("fairness", ["eventual", "strict"])
def test_a_million_leases_lose_nothing(fairness: str) -> None:
    before = descriptors()
    stress = Stress(threads=32, leases=LEASES, size=8, seed=1, rate=0.01, fairness=fairness)
    stress.run()
    stress.end()
    assert stress.served.total() == LEASES
    assert stress.served["served"] > 0.95 * LEASES
    assert before == descriptors()


def test_so_it_is_with_a_microsecond_between_switches() -> None:
    with switching(1e-6):
        stress = Stress(threads=32, leases=100_000, size=8, seed=2, rate=0.01)
        stress.run()
        stress.end()
