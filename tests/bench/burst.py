"""A burst of callers: how many resources a pool makes for it, and when the last caller has been served."""

from __future__ import annotations

import threading
from time import perf_counter, sleep

from ._result import Bounds, Table
from .pools.base import Driver, Missing, Resource
from .pools.ours import Respool
from .pools.peers import ConnPool, DbUtils, Generic, PsycopgPool, RedisPy, SqlAlchemy

__all__ = ["bursts", "spike"]

POOLS: tuple[type[Driver], ...] = (Respool, PsycopgPool, SqlAlchemy, RedisPy, DbUtils, Generic, ConnPool)
CONNECT = 0.150
HELD = 0.002
CALLERS = 50
WARM = 5
LIMIT = 50


def bursts(bounds: Bounds) -> list[Table]:
    """A spike on a warm pool, and the same callers on an empty one that may grow to their number."""
    rows, notes = [], []
    for kind in POOLS:
        try:
            extra, took = spike(kind, WARM)
            cold, cold_took = spike(kind, 0)
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
            continue
        rows.append((kind.name, float(extra), 1000 * took, float(cold), 1000 * cold_took))
    columns = ("pool", "creates, 5 idle", "all served, ms", "creates, none idle", "all served, ms, none idle")
    what = (
        f"{CALLERS} callers at once, each {1000 * HELD:.0f} ms, a create takes {1000 * CONNECT:.0f} ms, "
        f"at most {LIMIT}"
    )
    return [Table("bursts", what, columns, tuple(rows), tuple(notes))]


def spike(kind: type[Driver], idle: int) -> tuple[int, float]:
    """Give the creates that the spike caused, and the seconds until everybody was served."""
    made: list[float] = []

    def create() -> Resource:
        made.append(perf_counter())
        sleep(CONNECT)
        return Resource()

    driver = kind(LIMIT, create)
    _warm_up(driver, idle)
    before = len(made)
    took = _rush(driver)
    sleep(2 * CONNECT)  # what is still being made belongs to the spike
    driver.close()
    return len(made) - before, took


def _warm_up(driver: Driver, idle: int) -> None:
    """Make so many, and let the pool see some of them used as usual."""
    start = threading.Barrier(max(1, idle))

    def hold() -> None:
        resource = driver.acquire()
        start.wait()
        driver.release(resource)

    crew = [threading.Thread(target=hold, daemon=True) for _ in range(idle)]
    for each in crew:
        each.start()
    for each in crew:
        each.join(30)
    if not idle:
        return
    until = perf_counter() + 0.5
    while perf_counter() < until:
        resource = driver.acquire()
        sleep(HELD)
        driver.release(resource)


def _rush(driver: Driver) -> float:
    start = threading.Barrier(CALLERS + 1)

    def call() -> None:
        start.wait()
        resource = driver.acquire()
        sleep(HELD)
        driver.release(resource)

    crew = [threading.Thread(target=call, daemon=True) for _ in range(CALLERS)]
    for each in crew:
        each.start()
    start.wait()
    started = perf_counter()
    for each in crew:
        each.join(60)
    return perf_counter() - started
