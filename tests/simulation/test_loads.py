"""How large the elastic pool lets itself become, in virtual time and with fixed seeds."""

from __future__ import annotations

import pytest

from respool.simulation import Constant, SimulatedBackend, Trace, Workload, simulate


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bursts_of_short_work_with_slow_connects_keep_the_pool_small(seed: int) -> None:
    """Behaviour 55: twenty callers of 2 ms every second; a connect takes 300 ms."""
    times = [float(second) for second in range(60) for _ in range(20)]
    workload = Workload(arrivals=Trace(times, [0.002] * len(times)), duration=70)
    result = simulate(workload, backend=SimulatedBackend(create=Constant(0.3)), seed=seed, max_size=20)
    assert len(times) == result.served
    assert result.peak_size <= 8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_saturated_pool_recovers_when_the_load_falls(seed: int) -> None:
    """Behaviour 60: ten seconds of twice what it can bear, then a tenth of it."""
    surge = [number / 400 for number in range(4000)]
    calm = [60 + number / 20 for number in range(800)]
    times = [*surge, *calm]
    workload = Workload(arrivals=Trace(times, [0.02] * len(times)), duration=110, timeout=120.0)
    result = simulate(workload, seed=seed, max_size=4, admission=None)
    assert len(times) == result.served
    late = sorted(result.waits)[: len(calm)]
    assert max(late) < 0.2
