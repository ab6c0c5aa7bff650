"""What goes wrong for pools, in virtual time: a backend that is overloaded, or gone, or has too few places.

The tests hold the engine to it on a few seeds; the table shows it beside the models of its peers on others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import fmean

import attrs

from respool import Fixed
from respool.simulation import (
    Contention,
    Exponential,
    FlashCrowd,
    Outage,
    Poisson,
    Result,
    Retries,
    SimulatedBackend,
    Workload,
)
from tests.elastic.peers import MODELS
from tests.elastic.runs import run_peer, run_respool
from tests.elastic.workloads import Case

__all__ = [
    "OVERLOAD",
    "PEAK",
    "SURGE_ENDS",
    "first_lease",
    "most_in_a_second",
    "outage",
    "still_failing",
    "troubles",
]

LAW = Contention(0.02, 0.0098)
PEAK = 10
"""So many leases at once get the most done under `LAW`."""
CAPACITY = PEAK / (0.02 * LAW.factor(PEAK))
SURGE_ENDS = 92.0
OVERLOAD = Case(
    Workload(
        arrivals=FlashCrowd(rate=0.4 * CAPACITY, peak=1.5 * CAPACITY, start=60, rise=1, stay=30, fall=1),
        hold=Exponential(0.02),
        duration=120,
        timeout=1.0,
        retries=Retries(attempts=4, pause=Exponential(0.5)),
        name="overload",
    ),
    SimulatedBackend(contention=LAW),
    seeds=(31, 32, 33, 34, 35, 36),
)
"""A surge of half as much again as the backend can bear, whose callers come back when refused."""
OUTAGE_BEGINS = 60.0

Run = Callable[[Case, int], Result]


def outage(length: float) -> Case:
    """Give a steady load on a backend that is gone for so many seconds."""
    over = OUTAGE_BEGINS + length
    return Case(
        Workload(
            arrivals=Poisson(50),
            hold=Exponential(0.02),
            duration=over + 80,
            timeout=5.0,
            name=f"outage of {length:g} s",
        ),
        SimulatedBackend(outages=(Outage(OUTAGE_BEGINS, over),)),
        seeds=(41, 42, 43),
    )


def _load(share: float, timeout: float = 1.0) -> Case:
    """Give callers for so many times what ten resources can serve, who wait so long."""
    workload = Workload(
        arrivals=Poisson(100 * share),
        hold=Exponential(0.1),
        duration=120,
        timeout=timeout,
        name=f"load {share:.0%}",
    )
    return Case(workload, seeds=(51, 52, 53))


def still_failing(result: Result) -> float:
    """Say for how long after the surge somebody was refused, or waited in vain, s."""
    return max(0.0, max(result.refused, default=0.0) - SURGE_ENDS)


def first_lease(result: Result, over: float) -> float:
    """Say how long after the outage the first lease was granted, s."""
    return min((at for at in result.granted if at > over), default=float("inf")) - over


def most_in_a_second(times: Iterable[float]) -> int:
    """Count the creates of the busiest second."""
    starts = list(times)
    return max((sum(start <= at < start + 1.0 for at in starts) for start in starts), default=0)


# ---------------------------------------------------------------------- the table


@attrs.frozen
class Contestant:
    """A pool, and how it runs a case with so many resources at most."""

    name: str
    run: Callable[[Case, int, int], Result]


def contestants() -> list[Contestant]:
    """Give respool with its defaults, then the models of its peers."""

    def own(case: Case, seed: int, most: int) -> Result:
        return run_respool(case, seed, max_size=most)

    def modelled(name: str) -> Callable[[Case, int, int], Result]:
        model, least, _, idle = MODELS[name]
        return lambda case, seed, most: run_peer(case, seed, model, least, most, idle)

    return [Contestant("respool", own), *(Contestant(name, modelled(name)) for name in MODELS)]


def troubles(tell: Callable[[str], None] = lambda _: None) -> str:
    """Run everybody through everything and write the table."""
    cases = (OVERLOAD, outage(20.0), outage(70.0))
    best = _results(OVERLOAD, _best_fixed_size)
    head = ["pool"]
    head += [
        "overload: leases, of the best fixed size's",
        "worst seed",
        "callers fail until, after the surge",
    ]
    for case in cases[1:]:
        head += [f"{case.name}: first lease after it", "starts in its busiest second", "callers lost"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for pool in contestants():
        tell(f"{pool.name} in trouble")
        row = [pool.name, *_overload(pool, best)]
        for case in cases[1:]:
            row += _outage(pool, case)
        lines.append("| " + " | ".join(row) + " |")
    fixed = ["a fixed size of 10", "1.000", "1.000", _spread([still_failing(one) for one in best]), *[""] * 6]
    lines.append("| " + " | ".join(fixed) + " |")
    return "\n".join(lines) + "\n\n" + "\n".join(_admission()) + "\n"


def _best_fixed_size(case: Case, seed: int) -> Result:
    return run_respool(case, seed, max_size=PEAK, sizing=Fixed(PEAK))


def _results(case: Case, run: Run) -> list[Result]:
    return [run(case, seed) for seed in case.seeds]


def _overload(pool: Contestant, best: Sequence[Result]) -> list[str]:
    runs = _results(OVERLOAD, lambda case, seed: pool.run(case, seed, 3 * PEAK))
    shares = [len(run.waits) / len(other.waits) for run, other in zip(runs, best, strict=True)]
    whole = sum(len(run.waits) for run in runs) / sum(len(run.waits) for run in best)
    return [f"{whole:.3f}", f"{min(shares):.3f}", _spread([still_failing(run) for run in runs])]


def _outage(pool: Contestant, case: Case) -> list[str]:
    over = case.backend.outages[0].end
    runs = _results(case, lambda case, seed: pool.run(case, seed, 20))
    starts = [[at for at in run.create_starts if OUTAGE_BEGINS + 0.5 < at < over] for run in runs]
    return [
        _spread([first_lease(run, over) for run in runs]),
        str(max(most_in_a_second(times) for times in starts)),
        f"{fmean(run.lost for run in runs):,.0f}",
    ]


def _spread(seconds: Sequence[float]) -> str:
    least, most = f"{min(seconds):.2f}", f"{max(seconds):.2f}"
    return f"{least} s" if least == most else f"{least} to {most} s"


def _admission() -> list[str]:
    over, fits = (_results(_load(share), partial(run_respool, max_size=10)) for share in (1.3, 0.85))
    served = sum(run.served for run in over) / sum(run.calls for run in over)
    refused = sum(run.rejections for run in fits)
    return [
        f"- admission at 130 % load: {served:.0%} of the callers served within their second (at least 75 %); "
        f"at 85 %: {refused} of {sum(run.calls for run in fits):,} refused (none)"
    ]
