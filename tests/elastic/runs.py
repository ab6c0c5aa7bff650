"""Run a case on respool and on the models of its peers."""

from __future__ import annotations

import random
from typing import Any

from respool.simulation import Result, simulate
from respool.simulation._world import World
from tests.elastic.peers import MODELS, Peer
from tests.elastic.workloads import Case

MAXIMUM = 20


def run_respool(case: Case, seed: int, **options: Any) -> Result:
    """Run the engine with its defaults at a maximum of 20."""
    return simulate(case.workload, backend=case.backend, seed=seed, **{"max_size": MAXIMUM, **options})


def run_peer(case: Case, seed: int, model: type[Peer], least: int, most: int, idle: float) -> Result:
    """Run one model with these settings, on the very same callers."""
    world = World(case.workload, case.backend, random.Random(seed))
    world.run(model(world, least, most, idle))
    return world.tally.result(case.name, seed)


def run_default_peer(case: Case, seed: int, name: str) -> Result:
    """Run one model with the settings of the table."""
    return run_peer(case, seed, *MODELS[name])
