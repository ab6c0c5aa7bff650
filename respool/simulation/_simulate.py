"""`simulate`: one workload, one backend, one set of pool options, in virtual time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Unpack

from .._config import PoolOptions, settings_from
from .._scrub import quoted
from ._shell import EnginePool
from ._world import World
from .backends import SimulatedBackend
from .workload import Workload

if TYPE_CHECKING:
    from ._tally import Result

__all__ = ["checked", "simulate"]


def simulate(
    workload: Workload,
    *,
    backend: SimulatedBackend | None = None,
    seed: int = 0,
    **options: Unpack[PoolOptions],
) -> Result:
    """Run a workload against a pool in virtual time, with the engine that runs in production.

    The same seed gives the same run. The pool starts 60 s before the first arrival, so that what opens
    without demand (``min_size``, `Fixed`) is open by then.

    Args:
        workload: Who comes, how long they hold, how long they wait; its ``timeout`` is the pool's.
        backend: What creates take, and what crowding, brown-outs and outages do; default: creates of 50 ms.
        seed: For every draw.
        **options: The options of a `Pool`.

    Returns:
        Waits, failures, creates, cost and the series of the run.

    Raises:
        TypeError: An unknown option or a value of the wrong type.
        ValueError: A value out of range.
    """
    backend = checked(workload, backend)
    if not isinstance(seed, int):
        raise TypeError(f"seed is {quoted(seed)}, it must be an int")
    settings = settings_from(options, default_name=lambda: workload.name or "simulated")
    world = World(workload, backend, random.Random(seed))
    world.run(EnginePool(world, settings))
    return world.tally.result(workload.name or settings.name, seed)


def checked(workload: object, backend: SimulatedBackend | None) -> SimulatedBackend:
    """Refuse what is no workload or no backend; give the backend, or the default one."""
    if not isinstance(workload, Workload):
        raise TypeError(f"workload is {quoted(workload)}, it must be a Workload")
    backend = SimulatedBackend() if backend is None else backend
    if not isinstance(backend, SimulatedBackend):
        raise TypeError(f"backend is {quoted(backend)}, it must be a SimulatedBackend")
    return backend
