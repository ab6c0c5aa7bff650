"""Every mix of good, failing, slow and hung adapter methods: 256 pools per shell, all at work at once."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from respool import PoolClosed, PoolError
from respool.testing import ScriptedError, never, slow
from tests.shells.rig import Pending, Rig, RigPool

STEPS: dict[str, Any] = {"ok": None, "error": ScriptedError("no"), "slow": slow(0.02), "never": never()}
METHODS = ("create", "validate", "reset", "destroy")


def scripts(steps: tuple[str, ...]) -> dict[str, Any]:
    """Script every call of every method alike."""

    def always(step: Any) -> Any:
        return lambda call: step

    return {method: always(STEPS[step]) for method, step in zip(METHODS, steps, strict=True)}


def make(rig: Rig, steps: tuple[str, ...]) -> RigPool:
    """Make a pool whose every phase is short, and whose every hand-out is checked."""
    phases = dict.fromkeys([f"{method}_timeout" for method in METHODS], 0.1)
    adapter = rig.adapter(**scripts(steps))
    return rig.pool(adapter, max_size=2, max_creating=2, check_after=0, name="-".join(steps), **phases)


def answered(pool: RigPool, caller: Pending) -> bool:
    """Wait for one caller's answer, whatever it is; a lease is given back."""
    error = caller.error()
    if error is None:
        caller.result().release()
    else:
        assert isinstance(error, PoolError), (pool.raw, error)
    pool.check()
    return error is None


@pytest.mark.parametrize("create", STEPS)
def test_no_mix_of_faults_loses_a_place_or_breaks_the_contract(rig: Rig, create: str) -> None:
    """Behaviours 34 and 114: each caller gets an answer, close ends, each resource is destroyed once."""
    mixes = [(create, *rest) for rest in product(STEPS, repeat=3)]
    pools = [make(rig, steps) for steps in mixes]
    for _ in range(3):
        callers = [(pool, pool.begin(timeout=0.3)) for pool in pools for _ in range(3)]
        served = [answered(pool, caller) for pool, caller in callers]
        assert not any(served) if create in ("error", "never") else any(served)
    for pool in pools:
        assert pool.stats().size <= 2
        pool.adapter.release_all()
    for pool in pools:
        assert pool.close(10.0)
        pool.check()
        assert 0 == pool.adapter.open
        with pytest.raises(PoolClosed):
            pool.acquire()
