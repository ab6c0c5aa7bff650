"""What a lease costs beside a crowd: many idle resources, many waiters, many who gave up, many tasks."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from ._result import Bounds, Cell, Table
from ._samples import interleave, jain, quantile
from .pools.async_peers import ASYNC as ASYNC_PEERS
from .pools.base import AsyncDriver, Driver, Missing
from .pools.limits import ASYNC_REFERENCE, AsyncLifo
from .pools.ours import AsyncRespool, Respool, Strict
from .pools.peers import ConnPool, DbUtils, PsycopgPool, RedisPy, SqlAlchemy

__all__ = ["cancelled_waiters", "idle_crowd", "tasks", "waiting_crowd"]

SIZES = (10, 100, 1000, 10_000)
THREAD_POOLS: tuple[type[Driver], ...] = (Respool, PsycopgPool, SqlAlchemy, RedisPy, DbUtils, ConnPool)
ASYNC_POOLS: tuple[type[AsyncDriver], ...] = (AsyncLifo, AsyncRespool, *ASYNC_PEERS)
WAITED_FOR: tuple[type[Driver], ...] = (Respool, Strict, PsycopgPool, SqlAlchemy)
REPEATS = 3


def idle_crowd(bounds: Bounds) -> list[Table]:
    """Time one lease in a pool with more and more idle resources."""
    sizes = [size for size in SIZES if size <= bounds.most_tasks]
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for kind in THREAD_POOLS:
        try:
            crowds = {str(size): _filled(kind, size) for size in sizes}
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
            continue
        done = interleave(
            {size: each.blocks for size, each in crowds.items()},
            "10",
            rounds=bounds.rounds // 2 + 1,
            slice_s=0.004,
        )
        for each in crowds.values():
            each.close()
        costs: list[Cell] = [done[str(size)].seconds.middle * 1e9 for size in sizes]
        rows.append((kind.name, *costs, done[str(sizes[-1])].ratio))
    columns = ("pool", *(f"{size:,} idle, ns" for size in sizes), "last / first")
    return [
        Table("idle_crowd", "One lease beside idle resources, threads", columns, tuple(rows), tuple(notes))
    ]


def _filled(kind: type[Driver], size: int) -> Driver:
    driver = kind(size)
    held = [driver.acquire() for _ in range(size)]
    for each in held:
        driver.release(each)
    return driver


# ---------------------------------------------------------------------- waiters


def waiting_crowd(bounds: Bounds) -> list[Table]:
    """Time what it costs to serve each of so many waiters, one resource going from hand to hand."""
    sizes = [size for size in SIZES if size <= bounds.most_tasks]
    threads = [size for size in sizes if size <= 1000]
    return [
        _waiting("waiting_tasks", "Serving waiters, asyncio", ASYNC_POOLS, sizes, _serve_tasks),
        _waiting("waiting_threads", "Serving waiters, threads", WAITED_FOR, threads, _serve_threads),
    ]


def _waiting(
    name: str, title: str, kinds: Iterable[Any], sizes: list[int], serve: Callable[[Any, int], float]
) -> Table:
    rows: list[tuple[Cell, ...]] = []
    notes = ["seconds from the first release to the last return, divided by the waiters"]
    for kind in kinds:
        try:
            costs = [median(serve(kind, size) / size for _ in range(REPEATS)) for size in sizes]
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
            continue
        cells = [cost * 1e6 for cost in costs]
        rows.append((kind.name, *cells, cells[-1] / cells[0]))
    columns = ("pool", *(f"{size:,} waiting, us" for size in sizes), "last / first")
    return Table(name, title, columns, tuple(rows), tuple(notes))


def _serve_tasks(kind: type[AsyncDriver], count: int) -> float:
    return asyncio.run(_served_tasks(kind(), count))


async def _served_tasks(driver: AsyncDriver, count: int) -> float:
    await driver.open(1)
    gate, inside = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(driver.cycle(lambda: _hold(inside, gate)))
    await inside.wait()
    waiters = [asyncio.create_task(driver.cycle(_nothing)) for _ in range(count)]
    await _settle()
    gc.collect()
    started = perf_counter()
    gate.set()
    await asyncio.gather(holder, *waiters)
    took = perf_counter() - started
    await driver.close()
    return took


def _serve_threads(kind: type[Driver], count: int) -> float:
    driver = kind(1)
    held = driver.acquire()
    crew = [
        threading.Thread(target=lambda: driver.release(driver.acquire()), daemon=True) for _ in range(count)
    ]
    for each in crew:
        each.start()
    started = perf_counter()
    driver.release(held)
    for each in crew:
        each.join(60)
    took = perf_counter() - started
    driver.close()
    return took


# ---------------------------------------------------------------------- those who gave up


def cancelled_waiters(bounds: Bounds) -> list[Table]:
    """Time the cancellation of so many waiters, and the lease of the one behind them."""
    sizes = [size for size in (100, 1000, 10_000) if size <= bounds.most_tasks]
    rows: list[tuple[Cell, ...]] = []
    notes = []
    for kind in ASYNC_POOLS:
        try:
            costs = [median(asyncio.run(_storm(kind(), size)) / size for _ in range(3)) for size in sizes]
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
            continue
        cells = [cost * 1e6 for cost in costs]
        rows.append((kind.name, *cells, cells[-1] / cells[0]))
    columns = ("pool", *(f"{size:,} cancelled, us" for size in sizes), "last / first")
    return [Table("cancelled_waiters", "Per cancelled waiter, asyncio", columns, tuple(rows), tuple(notes))]


async def _storm(driver: AsyncDriver, count: int) -> float:
    await driver.open(1)
    gate, inside = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(driver.cycle(lambda: _hold(inside, gate)))
    await inside.wait()
    doomed = [asyncio.create_task(driver.cycle(_nothing)) for _ in range(count)]
    last = asyncio.create_task(driver.cycle(_nothing))
    await _settle()
    gc.collect()
    started = perf_counter()
    for each in doomed:
        each.cancel()
    gate.set()
    await asyncio.gather(holder, last, *doomed, return_exceptions=True)
    took = perf_counter() - started
    await driver.close()
    return took


# ---------------------------------------------------------------------- tasks


def tasks(bounds: Bounds) -> list[Table]:
    """Let 1 to 10,000 tasks share ten resources, each held for one turn of the loop; at last for 1 ms.

    That last case is judged, so the pools take turns at it, and each is shown at its median.
    """
    rows, notes = [], []
    most = min(bounds.most_tasks, 10_000)
    cases = [(count, 0.0, 1) for count in (1, 10, 100, 1000, 10_000) if count <= most]
    for count, held, turns in (*cases, (most, 0.001, REPEATS)):
        taken: dict[type[AsyncDriver], list[tuple[Cell, ...]]] = {kind: [] for kind in ASYNC_POOLS}
        for kind in ASYNC_POOLS * turns:
            try:
                taken[kind].append(asyncio.run(_share(kind(), count, max(1, most // count), held)))
            except Missing as missing:
                notes.append(f"{kind.name}: {missing}")
        rows += [sorted(some, key=_cycles)[len(some) // 2] for some in taken.values() if some]
    columns = (
        "pool",
        "tasks",
        "held",
        "cycles/s",
        "p50, ms",
        "p99, ms",
        "p99.9, ms",
        "longest wait, ms",
        "Jain at half time",
    )
    title = f"Tasks on ten resources, asyncio (reference: {ASYNC_REFERENCE})"
    return [Table("tasks", title, columns, tuple(rows), tuple(sorted(set(notes))))]


def _cycles(row: tuple[Cell, ...]) -> float:
    return float(row[3] or 0.0)


async def _share(driver: AsyncDriver, count: int, each: int, held: float) -> tuple[Cell, ...]:
    await driver.open(10)
    waits: list[float] = []
    shares = [0] * count
    half: list[float] = []

    async def work(at: int) -> None:
        for _ in range(each):
            asked = perf_counter()
            await driver.cycle(partial(_work, waits, asked, held))
            shares[at] += 1
            if len(waits) == count * each // 2:
                half.append(jain(shares))

    started = perf_counter()
    await asyncio.gather(*(work(at) for at in range(count)))
    took = perf_counter() - started
    await driver.close()
    waits.sort()
    quantiles = [1000 * quantile(waits, part) for part in (0.5, 0.99, 0.999, 1.0)]
    fair = half[0] if half and each > 1 else None
    return (driver.name, count, "1 ms" if held else "a turn", count * each / took, *quantiles, fair)


async def _work(waits: list[float], asked: float, held: float) -> None:
    waits.append(perf_counter() - asked)
    await asyncio.sleep(held)


async def _hold(inside: asyncio.Event, gate: asyncio.Event) -> None:
    inside.set()
    await gate.wait()


async def _nothing() -> None:
    """Hold it for no time."""


async def _settle() -> None:
    """Let every task reach its wait: some pools get there in several turns of the loop."""
    for _ in range(20):
        await asyncio.sleep(0)
