"""Leases that are cleaned to the session: the price of it, beside peers that are told to clean as much.

A pool of as many connections as workers must clean between two leases of a worker; one of twice as many can
clean behind his back, where somebody else than the releasing caller does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from ._result import Bounds, Cell, Table
from .async_servers import async_bare_rate, async_crowd
from .pools.async_real import AsyncContestant, async_session_contestants
from .pools.base import Missing
from .pools.real import session_contestants
from .servers import CROWD, Places, bare_rate, crowd

__all__ = ["WORKERS", "session_hygiene"]

WORKERS = 4
SIZES = (WORKERS, 2 * WORKERS)
BACKEND = "Postgres, TCP"
COLUMNS = (*CROWD[:2], "connections", *CROWD[2:])

Rows = list[tuple[Cell, ...]]


def session_hygiene(bounds: Bounds, where: Places) -> list[Table]:
    """Let a few workers ask one statement per lease, and have every session cleaned in between."""
    url = where.url(BACKEND)
    rows: Rows = []
    notes = list(where.notes)
    if url:
        try:
            rows += _threads(url, bounds.seconds)
            rows += asyncio.run(_tasks(url, bounds.seconds))
        except Missing as missing:
            notes.append(str(missing))
    title = f'{WORKERS} workers, one statement per lease, hygiene="session", {BACKEND}'
    return [Table("session_hygiene", title, COLUMNS, tuple(rows), tuple(notes))]


def _threads(url: str, seconds: float) -> Iterator[tuple[Cell, ...]]:
    base: float | None = None
    for size in SIZES:
        for each in session_contestants(url, size):
            if base is None:
                base = bare_rate(each, seconds, WORKERS)
                yield _bare("threads", base)
            yield (each.name, "threads", size, *crowd(each, seconds, base, WORKERS))
            each.close()


async def _tasks(url: str, seconds: float) -> Rows:
    rows: Rows = []
    base: float | None = None
    for size in SIZES:
        contestants: list[AsyncContestant] = await async_session_contestants(url, size)
        for each in contestants:
            if base is None:
                base = await async_bare_rate(each, seconds, WORKERS)
                rows.append(_bare("asyncio", base))
            rows.append((each.name, "asyncio", size, *await async_crowd(each, seconds, base, WORKERS)))
            await each.close()
    return rows


def _bare(colour: str, rate: float) -> tuple[Any, ...]:
    return ("no pool, nothing cleaned", colour, WORKERS, rate, 1.0, None, None, None, None, None)
