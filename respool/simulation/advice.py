"""From a workload to advice: the curve of wait against cost, what-if runs, a recommendation in a sentence.

Advice is behaviour: everything here comes from runs of the engine that a pool runs on.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs

from .._config import check_count
from .._scrub import quoted
from .._sizing import Elastic, Fixed
from ._simulate import checked, simulate
from ._tally import Result
from .arrivals import Arrivals, ClosedLoop, Trace
from .backends import Brownout, Contention, Outage, SimulatedBackend
from .workload import Workload

__all__ = ["Case", "Faster", "Point", "Recommendation", "curve", "recommend", "what_if"]

HEADROOM = 1.5
ALWAYS = 1e9
"""Longer than any run, s."""
TOLERANCE = 1.25
"""A p99 wait within so many times the target counts as reached: between two runs it differs that much."""


@attrs.frozen
class Faster:
    """An arrival process in which everything happens so many times as fast."""

    arrivals: Arrivals
    factor: float

    def times(self, rng: random.Random) -> Iterator[float]:
        """Yield the arrivals, moved together."""
        return (at / self.factor for at in self.arrivals.times(rng))


@attrs.frozen
class Point:
    """One setting of the pool, over all seeds: medians, times in seconds."""

    setting: str
    """``max_size=4`` or ``target_wait=0.01``."""
    value: float
    p99_wait: float
    resource_seconds: float
    failed: float
    """The share of asks that timed out, were refused, or were failed by the backend."""
    creates: float
    peak_size: float
    results: tuple[Result, ...] = attrs.field(repr=False)


@attrs.frozen
class Case:
    """One what-if: its name and what came of it."""

    name: str
    point: Point


@attrs.frozen
class Recommendation:
    """What to set, why, and how sure that is."""

    text: str
    options: dict[str, Any]
    confidence: float
    """The share of runs (seeds and what-ifs that a larger pool can serve) in which the target was kept."""
    feasible: bool
    """Whether any maximum serves the workload within the target."""


def curve(
    workload: Workload,
    *,
    backend: SimulatedBackend | None = None,
    sizes: Iterable[int] = (),
    target_waits: Iterable[float] = (),
    max_size: int = 64,
    seeds: Sequence[int] = (1, 2, 3),
    progress: Callable[[], object] = lambda: None,
) -> list[Point]:
    """Run the workload at fixed sizes and at target waits.

    Args:
        workload: The load.
        backend: What creates and contention cost; default: creates of 50 ms.
        sizes: Fixed sizes to try.
        target_waits: Values of `Elastic.target_wait` to try, s, with ``max_size`` as the cap.
        max_size: The cap of the elastic runs.
        seeds: One run per seed and setting; the medians are reported.
        progress: Called after each run.
    """
    _checked_runs(workload, backend, seeds, progress)
    points = [
        _point(f"max_size={n}", n, workload, backend, seeds, progress, max_size=n, sizing=Fixed())
        for n in sizes
    ]
    for wait in target_waits:
        options: dict[str, Any] = {"max_size": max_size, "sizing": Elastic(target_wait=wait)}
        points.append(_point(f"target_wait={wait:g}", wait, workload, backend, seeds, progress, **options))
    return points


def what_if(
    workload: Workload,
    *,
    backend: SimulatedBackend | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    progress: Callable[[], object] = lambda: None,
    **options: Any,
) -> list[Case]:
    """Run the workload as it is, with more arrivals, on a slower backend, and through an outage of 30 s."""
    backend = _checked_runs(workload, backend, seeds, progress)
    middle = workload.duration / 2
    outage = (*backend.outages, Outage(middle, middle + 30.0))
    slow = (*backend.brownouts, Brownout(0.0, ALWAYS, 2.0))
    cases = {
        "as it is": (workload, backend),
        "arrivals x 1.5": (_busier(workload, 1.5), backend),
        "arrivals x 2": (_busier(workload, 2.0), backend),
        "backend twice as slow": (workload, attrs.evolve(backend, brownouts=slow)),
        "30 s outage": (workload, attrs.evolve(backend, outages=outage)),
    }
    return [
        Case(name, _point(name, 0.0, load, world, seeds, progress, **options))
        for name, (load, world) in cases.items()
    ]


def recommend(
    workload: Workload,
    *,
    backend: SimulatedBackend | None = None,
    target_wait: float = 0.010,
    most: int = 256,
    seeds: Sequence[int] = (1, 2, 3),
    progress: Callable[[], object] = lambda: None,
) -> Recommendation:
    """Find the smallest maximum that serves 1.5 times the workload within the target, and say it.

    The headroom is free: an elastic pool opens no more than the load needs, the maximum only bounds it.
    """
    backend = _checked_runs(workload, backend, seeds, progress)
    check_count("most", most, 1)
    sizing = Elastic(target_wait=target_wait)
    busier = _busier(workload, HEADROOM)

    def at(max_size: int) -> Point:
        options: dict[str, Any] = {"max_size": max_size, "sizing": sizing}
        return _point("", 0.0, busier, backend, seeds, progress, **options)

    size, point = _smallest(at, target_wait, most)
    if point is None:
        return _hopeless(workload, backend, target_wait, most, seeds[0])
    cases = what_if(workload, backend=backend, seeds=seeds, progress=progress, max_size=size, sizing=sizing)
    runs = [result for case in cases[:2] for result in case.point.results]
    kept = sum(_keeps(result, target_wait) for result in runs) / len(runs)
    now = cases[0].point
    text = (
        f"max_size={size} with target_wait={target_wait:g} gives a p99 wait of {now.p99_wait * 1e3:.3g} ms "
        f"for {now.resource_seconds:.0f} resource-seconds (peak {now.peak_size:.0f}), and "
        f"{point.p99_wait * 1e3:.3g} ms at {HEADROOM:g} times the arrivals; "
        f"the target was kept in {kept:.0%} of {len(runs)} runs"
    )
    return Recommendation(text, {"max_size": size, "sizing": sizing}, kept, feasible=True)


def _checked_runs(
    workload: Workload, backend: SimulatedBackend | None, seeds: object, progress: object
) -> SimulatedBackend:
    """Refuse what would fail in the middle of the runs, or after the last one; give the backend."""
    if not isinstance(seeds, Sequence) or not all(isinstance(seed, int) for seed in seeds):
        raise TypeError(f"seeds is {quoted(seeds)}, it must be a sequence of int")
    if not seeds:
        raise ValueError(f"seeds is {quoted(seeds)}, it must hold at least one")
    if not callable(progress):
        raise TypeError(f"progress is {quoted(progress)}, it must be callable without arguments")
    return checked(workload, backend)


def _point(
    setting: str,
    value: float,
    workload: Workload,
    backend: SimulatedBackend | None,
    seeds: Sequence[int],
    progress: Callable[[], object],
    **options: Any,
) -> Point:
    results = []
    for seed in seeds:
        results.append(simulate(workload, backend=backend, seed=seed, **options))
        progress()

    def middle(of: Callable[[Result], float]) -> float:
        return statistics.median(of(result) for result in results)

    return Point(
        setting=setting,
        value=value,
        p99_wait=middle(lambda r: r.p99_wait),
        resource_seconds=middle(lambda r: r.resource_seconds),
        failed=middle(_failed),
        creates=middle(lambda r: r.creates),
        peak_size=middle(lambda r: r.peak_size),
        results=tuple(results),
    )


def _failed(result: Result) -> float:
    failed = result.timeouts + result.rejections + result.errors
    return failed / max(1, result.served + failed)


def _keeps(result: Result, target_wait: float) -> bool:
    return result.p99_wait <= TOLERANCE * target_wait and not result.timeouts and not result.rejections


def _smallest(at: Callable[[int], Point], target_wait: float, most: int) -> tuple[int, Point | None]:
    """Double until the target is kept, then halve the gap."""

    def kept(point: Point) -> bool:
        return all(_keeps(result, target_wait) for result in point.results)

    below, size = 0, 1
    best: Point | None = None
    while best is None and size <= most:
        point = at(size)
        if kept(point):
            best = point
        else:
            below, size = size, size * 2
    while best is not None and size - below > 1:
        middle = (below + size) // 2
        point = at(middle)
        if kept(point):
            size, best = middle, point
        else:
            below = middle
    return size, best


def _hopeless(
    workload: Workload, backend: SimulatedBackend, target_wait: float, most: int, seed: int
) -> Recommendation:
    """Say that no maximum serves the workload with its headroom, and what would."""
    contention = backend.contention or Contention()
    best = min(most, round(contention.peak())) if contention.beta else most
    busy = _busy(_busier(workload, HEADROOM), seed)
    if busy < best / contention.factor(best):
        why = (
            "its bursts come faster than resources can be made: a longer target_wait or a min_size would help"
        )
    elif contention == Contention():
        why = (
            f"{HEADROOM:g} times its arrivals keep {busy:.3g} in use on average: a larger maximum would help"
        )
    else:
        why = f"its throughput peaks at {best} at once: a faster backend or fewer arrivals would help"
    text = f"no max_size up to {most} keeps the p99 wait of {workload.name or 'this workload'} within "
    return Recommendation(f"{text}{target_wait * 1e3:g} ms: {why}", {}, 0.0, feasible=False)


def _busy(workload: Workload, seed: int) -> float:
    """Give how many are in use on average where nobody waits and the backend is not contended."""
    if isinstance(workload.arrivals, ClosedLoop):
        assert workload.hold is not None, "a closed loop carries no holds"
        held, thought = workload.hold.mean, workload.arrivals.think.mean
        return workload.arrivals.callers * held / (held + thought)
    return sum(hold for _, hold in workload.pairs(random.Random(seed))) / workload.duration


def _busier(workload: Workload, factor: float) -> Workload:
    if isinstance(workload.arrivals, ClosedLoop):
        callers = max(1, round(workload.arrivals.callers * factor))
        return attrs.evolve(workload, arrivals=attrs.evolve(workload.arrivals, callers=callers))
    if isinstance(workload.arrivals, Trace):  # which may carry the holds
        trace = attrs.evolve(workload.arrivals, faster=workload.arrivals.faster * factor)
        return attrs.evolve(workload, arrivals=trace, duration=workload.duration / factor)
    return attrs.evolve(workload, arrivals=Faster(workload.arrivals, factor))
