"""Threads that want more than there is: throughput, waits, and whether everybody gets a share."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable
from time import perf_counter, sleep

import attrs

from ._result import Bounds, Table
from ._samples import jain, quantile
from .pools.base import Driver, Missing
from .pools.limits import Lifo
from .pools.ours import THREADS as OURS
from .pools.peers import DbUtils, PsycopgPool, RedisPy, SqlAlchemy

__all__ = ["Contest", "contended", "run_contest"]

POOLS: tuple[type[Driver], ...] = (*OURS, PsycopgPool, SqlAlchemy, RedisPy, DbUtils, Lifo)
COLUMNS = (
    "pool", "threads", "resources", "held", "cycles/s", "p50, ms", "p99, ms", "p99.9, ms", "longest wait, ms",
    "Jain",
)  # fmt: skip
WARM_UP = 0.4
"""Seconds between the first cycle of the last thread and the begin of the measurement."""
HOLDS = {"0": 0.0, "20 us": 20e-6, "1 ms": 1e-3}


@attrs.frozen
class Contest:
    """What one pool did in one combination."""

    rate: float
    waits: list[float]
    """Seconds, ordered."""
    shares: list[int]

    @property
    def fairness(self) -> float:
        """Jain's index over the threads' cycles."""
        return jain(self.shares)


def contended(bounds: Bounds, *, quick: bool = False) -> list[Table]:
    """Run every combination of threads, resources and hold times on every pool that can wait."""
    notes: list[str] = []
    rows = []
    for threads in (64,) if quick else (4, 16, 64):
        for size in (4,) if quick else (1, 4, 16):
            if size >= threads:
                continue
            for held in HOLDS:
                for kind in POOLS:
                    try:
                        done = run_contest(kind, threads, size, HOLDS[held], bounds.seconds)
                    except Missing as missing:
                        notes.append(f"{kind.name}: {missing}")
                        continue
                    rows.append(_row(kind.name, threads, size, held, done))
    notes = sorted(set(notes))
    notes.append(
        "waits are those of all acquires, the last ones included, which end after the others have left"
    )
    return [Table("contended", "Threads that contend", COLUMNS, tuple(rows), tuple(notes))]


def _row(name: str, threads: int, size: int, held: str, done: Contest) -> tuple[float | str, ...]:
    waits = [1000 * quantile(done.waits, part) for part in (0.5, 0.99, 0.999, 1.0)]
    return (name, threads, size, held, done.rate, *waits, done.fairness)


def run_contest(kind: type[Driver], threads: int, size: int, held: float, seconds: float) -> Contest:
    """Let so many threads go at one pool for so many seconds; all of them start together."""
    driver = kind(size)
    _warm(driver, size)
    start = threading.Barrier(threads + 1)
    over = threading.Event()
    begun: list[None] = []
    waits = [array("d") for _ in range(threads)]
    hold = _holder(held)
    crew = [
        threading.Thread(target=_work, args=(driver, start, begun, over, waits[at], hold), daemon=True)
        for at in range(threads)
    ]
    for each in crew:
        each.start()
    start.wait()
    _all_begin(begun, threads)
    sleep(WARM_UP)
    began, before = perf_counter(), [len(own) for own in waits]
    sleep(seconds)
    shares = [len(own) - first for own, first in zip(waits, before, strict=True)]
    took = perf_counter() - began
    over.set()
    for each in crew:
        each.join(30)
    driver.close()
    seen = sorted(wait for own, first in zip(waits, before, strict=True) for wait in own[first:])
    return Contest(sum(shares) / took, seen, shares)


def _all_begin(begun: list[None], threads: int) -> None:
    """Wait until every thread has had the interpreter once: 5 ms each, more where others want the machine."""
    patience = perf_counter() + 5.0
    while len(begun) < threads and perf_counter() < patience:
        sleep(0.01)


def _warm(driver: Driver, size: int) -> None:
    """Have all resources made before the clock runs."""
    held = [driver.acquire() for _ in range(size)]
    for each in held:
        driver.release(each)


def _work(
    driver: Driver,
    start: threading.Barrier,
    begun: list[None],
    over: threading.Event,
    waits: array[float],
    hold: Callable[[], None],
) -> None:
    acquire, release, note = driver.acquire, driver.release, waits.append
    over_yet = over.is_set
    start.wait()
    begun.append(None)
    while not over_yet():
        asked = perf_counter()
        resource = acquire()
        note(perf_counter() - asked)
        hold()
        release(resource)


def _holder(held: float) -> Callable[[], None]:
    if held == 0:
        return lambda: None
    if held >= 1e-3:
        return lambda: sleep(held)
    return lambda: _spin(held)


def _spin(held: float) -> None:
    until = perf_counter() + held
    while perf_counter() < until:
        pass
