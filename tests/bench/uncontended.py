"""The uncontended lease: one thread, one task, a free resource, nothing to do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ._result import Bounds, Table
from ._samples import interleave, noise_of
from .pools.async_peers import ASYNC as ASYNC_PEERS
from .pools.base import AsyncDriver, Driver, Missing
from .pools.limits import ASYNC as ASYNC_LIMITS
from .pools.limits import ASYNC_REFERENCE, REFERENCE
from .pools.limits import THREADS as LIMITS
from .pools.ours import ASYNC as ASYNC_OURS
from .pools.ours import THREADS as OURS
from .pools.peers import THREADS as PEERS

__all__ = ["asyncio_leases", "thread_leases"]

COLUMNS = ("pool", "block, ns", "block, ratio", "pair, ns", "pair, ratio", "does not do")
SIZE = 10
BLOCKLESS = "a pool without a context manager of its own is timed as acquire, try, finally, release"


def thread_leases(bounds: Bounds) -> list[Table]:
    """Time leases under threads."""
    opened, notes = _open(LIMITS + OURS + PEERS)
    try:
        block = interleave(
            {each.name: each.blocks for each in opened},
            REFERENCE,
            rounds=bounds.rounds,
            slice_s=bounds.slice_s,
        )
        pair = interleave(
            {each.name: each.pairs for each in opened},
            REFERENCE,
            rounds=bounds.rounds,
            slice_s=bounds.slice_s,
        )
    finally:
        for each in opened:
            each.close()
    rows = tuple(
        (
            each.name,
            block[each.name].seconds.middle * 1e9,
            block[each.name].ratio,
            pair[each.name].seconds.middle * 1e9,
            pair[each.name].ratio,
            each.lacks,
        )
        for each in opened
    )
    title = "One uncontended lease, threads"
    noise = noise_of(block[REFERENCE])
    return [Table("thread_leases", title, COLUMNS, rows, (BLOCKLESS, *notes), noise)]


def _open(kinds: tuple[type[Driver], ...]) -> tuple[list[Driver], tuple[str, ...]]:
    opened: list[Driver] = []
    notes = []
    for kind in kinds:
        try:
            driver = kind(SIZE)
            driver.blocks(3)
            opened.append(driver)
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
    return opened, tuple(notes)


def asyncio_leases(bounds: Bounds, real: tuple[type[AsyncDriver], ...] = ()) -> list[Table]:
    """Time leases under asyncio, in one loop; `real` are peers that need a server, with its URL set."""
    with asyncio.Runner() as runner:
        opened, notes = runner.run(_open_async(ASYNC_LIMITS + ASYNC_OURS + ASYNC_PEERS + real))

        def turn(timed: Callable[[int], object]) -> Callable[[int], float]:
            return lambda count: runner.run(timed(count))  # type: ignore[arg-type]  # coroutine functions

        block = interleave(
            {each.name: turn(each.blocks) for each in opened},
            ASYNC_REFERENCE,
            rounds=bounds.rounds,
            slice_s=bounds.slice_s,
        )
        pair = interleave(
            {each.name: turn(each.pairs) for each in opened},
            ASYNC_REFERENCE,
            rounds=bounds.rounds,
            slice_s=bounds.slice_s,
        )
        for each in opened:
            runner.run(each.close())
    rows = tuple(
        (
            each.name,
            block[each.name].seconds.middle * 1e9,
            block[each.name].ratio,
            pair[each.name].seconds.middle * 1e9,
            pair[each.name].ratio,
            each.lacks,
        )
        for each in opened
    )
    title = "One uncontended lease, asyncio"
    noise = noise_of(block[ASYNC_REFERENCE])
    return [Table("asyncio_leases", title, COLUMNS, rows, (BLOCKLESS, *notes), noise)]


async def _open_async(kinds: tuple[type[AsyncDriver], ...]) -> tuple[list[AsyncDriver], tuple[str, ...]]:
    opened: list[AsyncDriver] = []
    notes = []
    for kind in kinds:
        driver = kind()
        try:
            await driver.open(SIZE)
            await driver.blocks(3)
            opened.append(driver)
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
    return opened, tuple(notes)
