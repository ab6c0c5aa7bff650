"""Leases that are cleaned to the session: the price of it, beside peers that are told to clean as much.

A pool of as many connections as workers must clean between two leases of a worker; one of twice as many can
clean behind his back, where somebody else than the releasing caller does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from ._result import Bounds, Cell, Table
from .async_servers import async_bare_rate, async_crowd
from .pools.async_real import AsyncContestant, async_session_contestants
from .pools.base import Missing
from .pools.real import session_contestants
from .servers import CROWD, TURNS, Places, at_medians, bare_rate, crowd

__all__ = ["WORKERS", "session_hygiene"]

WORKERS = 4
SIZES = (WORKERS, 2 * WORKERS)
BACKEND = "Postgres, TCP"
COLUMNS = (*CROWD[:2], "connections", *CROWD[2:])

BARE = "no pool, nothing cleaned"
OF_BARE = (1.0, None, None, None, None, None)

Rows = list[tuple[Cell, ...]]
Taken = dict[str, list[tuple[Cell, ...]]]
"""What each pool did in each of its turns."""


def session_hygiene(bounds: Bounds, where: Places) -> list[Table]:
    """Let a few workers ask one statement per lease, and have every session cleaned in between."""
    url = where.url(BACKEND)
    rows: Rows = []
    notes = list(where.notes)
    if url:
        try:
            for size in SIZES:
                rows += _with_size("threads", size, _threads(url, size, bounds))
            for size in SIZES:
                rows += _with_size("asyncio", size, asyncio.run(_tasks(url, size, bounds)))
            notes.append(TURNS)
        except Missing as missing:
            notes.append(str(missing))
    title = f'{WORKERS} workers, one statement per lease, hygiene="session", {BACKEND}'
    return [Table("session_hygiene", title, COLUMNS, tuple(rows), tuple(notes))]


def _with_size(colour: str, size: int, taken: Taken) -> Iterator[tuple[Cell, ...]]:
    for pool, _, *rest in at_medians(taken, colour):
        yield (pool, colour, size, *rest)


def _threads(url: str, size: int, bounds: Bounds) -> Taken:
    taken: Taken = {}
    pools = session_contestants(url, size)
    for _ in range(bounds.turns):
        base = bare_rate(pools[0], bounds.seconds, WORKERS)
        taken.setdefault(BARE, []).append((base, *OF_BARE))
        for each in pools:
            taken.setdefault(each.name, []).append(crowd(each, bounds.seconds, base, WORKERS))
    for each in pools:
        each.close()
    return taken


async def _tasks(url: str, size: int, bounds: Bounds) -> Taken:
    taken: Taken = {}
    pools: list[AsyncContestant] = await async_session_contestants(url, size)
    for _ in range(bounds.turns):
        base = await async_bare_rate(pools[0], bounds.seconds, WORKERS)
        taken.setdefault(BARE, []).append((base, *OF_BARE))
        for each in pools:
            taken.setdefault(each.name, []).append(await async_crowd(each, bounds.seconds, base, WORKERS))
    for each in pools:
        await each.close()
    return taken
