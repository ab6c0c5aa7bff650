"""Leases of real connections under asyncio: what a lease adds to a statement, and 32 tasks on eight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import perf_counter
from typing import Any

from ._apart import apart
from ._result import Bounds, Cell, Table
from ._samples import jain, quantile
from .paired import BLOCK, COLUMNS, SCALED, WARM, Pairs, Price, in_processes
from .pools.async_real import AsyncContestant, async_contestants
from .pools.base import Missing
from .pools.limits import slowness
from .servers import CONNECTIONS, CROWD, TURNS, WORKERS, Places, at_medians

__all__ = ["async_bare_rate", "async_crowd", "async_real_connections", "async_workers"]


def async_real_connections(bounds: Bounds, where: Places) -> list[Table]:
    """Measure what a lease adds to one statement: differences between neighbours on the same connection."""
    rows: list[tuple[Cell, ...]] = []
    notes = list(where.notes)
    for name, (backend, url) in where.found.items():
        with apart(where.processes.get(backend), notes):
            rows += in_processes(_prices, name, backend, url, bounds, notes)
    notes.append(SCALED)
    title = 'A lease on a real connection, autocommit, hygiene="transaction", asyncio'
    return [Table("async_real_connections", title, COLUMNS, tuple(rows), tuple(notes))]


def _prices(backend: str, url: str, most: int) -> tuple[list[Price], list[str]]:
    """Measure every pool of a backend in this process."""
    return asyncio.run(_measured(backend, url, most))


async def _measured(backend: str, url: str, most: int) -> tuple[list[Price], list[str]]:
    notes: list[str] = []
    pools = [(each, Pairs()) for each in await _opened(backend, url, 1, notes)]
    for _ in range(0, most, BLOCK):
        for each, pairs in pools:
            await _take_turns(each, pairs)
    prices = [pairs.price(each.name, each.does, await _alone(each)) for each, pairs in pools]
    for each, _ in pools:
        await each.close()
    return prices, notes


async def _opened(backend: str, url: str, size: int, notes: list[str]) -> list[AsyncContestant]:
    try:
        return await async_contestants(backend, url, size)
    except Missing as missing:
        notes.append(f"{backend}: {missing}")
        return []


async def _take_turns(each: AsyncContestant, pairs: Pairs) -> None:
    bare, leased = each.bare, each.leased
    pairs.slow.append(slowness())
    for turn in range(-WARM, BLOCK):
        first, second = (bare, leased) if turn % 2 else (leased, bare)
        started = perf_counter()
        await first()
        between = perf_counter()
        await second()
        pairs.note(turn, between - started, perf_counter() - between)


async def _alone(each: AsyncContestant, count: int = 500) -> float:
    """Give the time of a lease in which nothing is done, us: some wait here for a thread or a server."""
    lease = each.lease
    started = perf_counter()
    for _ in range(count):
        async with lease():
            pass
    return 1e6 * (perf_counter() - started) / count


def async_workers(bounds: Bounds, where: Places) -> list[Table]:
    """Let 32 tasks share eight connections; beside it, eight tasks with a connection each."""
    rows: list[tuple[Cell, ...]] = []
    notes = list(where.notes)
    for name, (backend, url) in where.found.items():
        rows += at_medians(asyncio.run(_crowds(backend, url, bounds, notes)), name)
    notes.append(TURNS)
    title = f"{WORKERS} tasks on {CONNECTIONS} connections, one statement per lease"
    return [Table("async_workers", title, CROWD, tuple(rows), tuple(notes))]


async def _crowds(
    backend: str, url: str, bounds: Bounds, notes: list[str]
) -> dict[str, list[tuple[Cell, ...]]]:
    taken: dict[str, list[tuple[Cell, ...]]] = {}
    pools = await _opened(backend, url, CONNECTIONS, notes)
    for _ in range(bounds.turns if pools else 0):
        base = await async_bare_rate(pools[0], bounds.seconds, CONNECTIONS)
        taken.setdefault("no pool, 8 tasks", []).append((base, 1.0, None, None, None, None, None))
        for each in pools:
            taken.setdefault(each.name, []).append(await async_crowd(each, bounds.seconds, base, WORKERS))
    for each in pools:
        await each.close()
    return taken


async def async_crowd(each: AsyncContestant, seconds: float, base: float, workers: int) -> tuple[Cell, ...]:
    """Let so many tasks lease and ask; give what the columns after the backend show."""
    counts, waits = await _run([each.leased] * workers, seconds)
    rate = sum(counts) / seconds
    quantiles = [1000 * quantile(waits, part) for part in (0.5, 0.99, 0.999, 1.0)]
    return (rate, rate / base, *quantiles, jain(counts))


async def async_bare_rate(each: AsyncContestant, seconds: float, workers: int) -> float:
    """Measure what so many tasks do with a connection each, statements per second."""
    leases = [each.lease() for _ in range(workers)]
    held = [await lease.__aenter__() for lease in leases]
    jobs = [partial(each.statement, connection) for connection in held]
    counts, _ = await _run(jobs, seconds)
    for lease in leases:
        await lease.__aexit__(None, None, None)
    return sum(counts) / seconds


async def _run(jobs: Sequence[Callable[[], Awaitable[Any]]], seconds: float) -> tuple[list[int], list[float]]:
    """Repeat each job in a task of its own; give the counts, and all durations in order."""
    until = perf_counter() + seconds
    took: list[list[float]] = [[] for _ in jobs]

    async def work(job: Callable[[], Awaitable[Any]], note: Callable[[float], None]) -> None:
        while (began := perf_counter()) < until:
            await job()
            note(perf_counter() - began)

    await asyncio.gather(*(work(job, own.append) for job, own in zip(jobs, took, strict=True)))
    return [len(own) for own in took], sorted(one for own in took for one in own)
