"""The workloads: one set to tune on, one to judge by, fixed before anything was tuned.

The hold-out set has other parameters *and* other seeds. Every maximum is 20, every create 50 ms unless said
otherwise.
"""

from __future__ import annotations

import csv
import os
from datetime import datetime
from pathlib import Path

import attrs

from respool.simulation import (
    Batches,
    Brownout,
    Bursts,
    Diurnal,
    Exponential,
    FlashCrowd,
    Lognormal,
    OnOff,
    Poisson,
    SimulatedBackend,
    Trace,
    Workload,
)

__all__ = ["HOLD_OUT", "TRAINING", "Case"]

TRACE = "RESPOOL_TEST_TRACE"
"""Names a CSV file with TIMESTAMP and GeneratedTokens: a real trace, used where it is present."""


@attrs.frozen
class Case:
    """A workload, its backend, and the seeds it runs under."""

    workload: Workload
    backend: SimulatedBackend = attrs.field(factory=SimulatedBackend)
    seeds: tuple[int, ...] = (1, 2)

    @property
    def name(self) -> str:
        """The workload's name."""
        return self.workload.name


def real_trace(faster: float) -> list[Workload]:
    """Read the real trace, if there is one: 4 ms and 1 ms per generated token."""
    path = os.environ.get(TRACE, "")
    if not path or not Path(path).exists():
        return []
    with Path(path).open() as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in rows]
    at = sorted((time - times[0]).total_seconds() for time in times)
    holds = [0.004 + 0.001 * int(row["GeneratedTokens"]) for row in rows]
    return [Workload(arrivals=Trace(at, holds, faster), duration=at[-1] / faster + 1, name="real trace")]


TRAINING = [
    Case(Workload(arrivals=Poisson(150), hold=Exponential(0.02), duration=600, name="steady")),
    Case(Workload(arrivals=Bursts(20, 250, 20, 4), hold=Lognormal(0.02, 1.0), duration=900, name="MMPP")),
    Case(
        Workload(
            arrivals=Bursts(15, 220, 50, 5), hold=Lognormal(0.025, 1.1), duration=1200, name="rare bursts"
        )
    ),
    Case(
        Workload(arrivals=Diurnal(120, 0.8, 600), hold=Lognormal(0.025, 1.0), duration=1200, name="diurnal")
    ),
    Case(
        Workload(
            arrivals=FlashCrowd(rate=20, peak=400, start=120, rise=1, stay=30, fall=10),
            hold=Exponential(0.02),
            duration=600,
            name="flash",
        )
    ),
    Case(Workload(arrivals=OnOff(200, 20, 60), hold=Exponential(0.02), duration=800, name="on/off")),
    Case(Workload(arrivals=Batches(3000, 5), hold=Exponential(0.001), duration=60, name="Redis-like")),
    Case(
        Workload(arrivals=Poisson(100), hold=Lognormal(0.03, 1.5), duration=600, name="slow connects"),
        SimulatedBackend(create=Lognormal(0.5, 0.5)),
    ),
    Case(
        Workload(arrivals=Poisson(120), hold=Exponential(0.02), duration=600, name="brown-out"),
        SimulatedBackend(brownouts=(Brownout(200, 230, 3.0),)),
    ),
]

HOLD_OUT = [
    Case(
        Workload(arrivals=Poisson(95), hold=Lognormal(0.035, 0.8), duration=700, name="steady"),
        seeds=(11, 12),
    ),
    Case(
        Workload(arrivals=Bursts(12, 180, 35, 6), hold=Lognormal(0.03, 1.2), duration=900, name="MMPP"),
        seeds=(13, 14),
    ),
    Case(
        Workload(arrivals=Diurnal(90, 0.9, 900), hold=Exponential(0.03), duration=1800, name="diurnal"),
        seeds=(15, 16),
    ),
    Case(
        Workload(
            arrivals=FlashCrowd(rate=30, peak=300, start=200, rise=2, stay=45, fall=15),
            hold=Lognormal(0.025, 1.0),
            duration=700,
            name="flash",
        ),
        seeds=(17, 18),
    ),
    Case(
        Workload(arrivals=OnOff(150, 30, 90), hold=Lognormal(0.03, 0.7), duration=960, name="on/off"),
        seeds=(19, 20),
    ),
    Case(
        Workload(arrivals=Batches(2500, 8), hold=Lognormal(0.0012, 0.5), duration=80, name="Redis-like"),
        seeds=(21, 22),
    ),
    Case(
        Workload(arrivals=Poisson(140), hold=Exponential(0.022), duration=700, name="slow connects"),
        SimulatedBackend(create=Lognormal(0.4, 0.8)),
        seeds=(23, 24),
    ),
    Case(
        Workload(arrivals=Poisson(90), hold=Lognormal(0.025, 1.0), duration=700, name="brown-out"),
        SimulatedBackend(brownouts=(Brownout(300, 340, 2.5),)),
        seeds=(25, 26),
    ),
]
HOLD_OUT += [Case(workload, seeds=(27,)) for workload in real_trace(2.0)]
TRAINING += [Case(workload, seeds=(3,)) for workload in real_trace(1.0)]
