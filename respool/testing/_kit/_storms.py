"""A storm: more callers than resources, through a real pool, in either colour."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import respool

from ._findings import fail, require, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from respool import PoolOptions

    from ._doors import AsyncDoors, Doors, ThreadDoors
    from ._rig import Rig, ThreadRig

__all__ = ["async_storm", "thread_storm"]

CALLERS = 4
LEASES = 6
UNCLEAN = "a lease saw what an earlier one had left behind"
MEND = "see which other tests of the kit fail: they name the method"


class _Holders:
    """Notes who has what, and what goes wrong."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: set[int] = set()
        self._troubles: list[str] = []

    @contextmanager
    def holding(self, resource: object) -> Iterator[None]:
        """Note a holder for the time of a block."""
        with self._lock:
            if id(resource) in self._held:
                self._troubles.insert(0, "a resource had two holders at once")  # the cause of the others
            self._held.add(id(resource))
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(id(resource))

    def note(self, trouble: str) -> None:
        """Keep a trouble until every caller is done."""
        self._troubles.append(trouble)

    def judge(self, closed: object, left: int) -> None:
        """Fail for the first trouble, for a pool that could not close, or for what it left open."""
        if self._troubles:
            fail(f"{self._troubles[0]} ({len(self._troubles)} such troubles in all)", MEND)
        require(closed, "the pool could not destroy everything within 10 s", "bound what destroy does")
        require(left <= 0, f"{left} resources were left open by the closed pool", MEND)


async def _measured(rig: Rig[Any], before: int | None = None) -> int:
    """Count what is open at the backend, once it has settled; 0 where nobody can tell."""
    if not rig.kit._has("count_open"):
        return 0
    if before is None:
        return await rig.steady(lambda: rig.door("count_open"))
    return await rig.settles(lambda: rig.door("count_open"), before)


def _patience(kit: Doors[Any]) -> float:
    """Give how long one caller may wait: everything of the adapter that can come first, once each."""
    times = kit.timeouts
    return times.create + times.validate + times.reset + times.destroy


def _limits(kit: Doors[Any]) -> PoolOptions:
    """Give a pool of two the times that the author has given."""
    times = kit.timeouts
    return {
        "min_size": 2,  # where leases are short a pool would do with one, and nothing would blow through it
        "max_size": 2,
        "timeout": _patience(kit),
        "create_timeout": times.create,
        "validate_timeout": times.validate,
        "reset_timeout": times.reset,
        "destroy_timeout": times.destroy,
    }


async def thread_storm(kit: ThreadDoors[Any], rig: ThreadRig[Any]) -> None:
    """Blow a storm through a `Pool`."""
    before = await _measured(rig)
    holders, pool = _Holders(), respool.Pool(rig.adapter, **_limits(kit))
    callers = [rig.start(_call, kit, pool, holders) for _ in range(CALLERS)]
    within = 60 + _patience(kit)
    with rig.watch.over(within, f"a storm through a pool did not end within {within:g} s", MEND):
        await asyncio.wait(callers)
        closed = await rig.start(pool.close)
    holders.judge(closed, await _measured(rig, before) - before)


def _call(kit: ThreadDoors[Any], pool: Any, holders: _Holders) -> None:
    try:
        pool.wait_ready(_patience(kit))
        for _ in range(LEASES):
            with pool.acquire() as resource, holders.holding(resource):
                _work(kit, resource, holders)
    except Exception as exc:
        holders.note(f"a caller got {shown(exc)}")


def _work(kit: ThreadDoors[Any], resource: Any, holders: _Holders) -> None:
    if kit._has("is_clean") and not kit.is_clean(resource):
        holders.note(UNCLEAN)
    if kit._has("use"):
        kit.use(resource)
    if kit._has("soil"):
        kit.soil(resource)
    time.sleep(0.001)  # else a lease may be over before another thread has run


async def async_storm(kit: AsyncDoors[Any], rig: Rig[Any]) -> None:
    """Blow a storm through an `AsyncPool`."""
    before = await _measured(rig)
    holders, pool = _Holders(), respool.AsyncPool(rig.adapter, **_limits(kit))
    within = 60 + _patience(kit)
    with rig.watch.over(within, f"a storm through a pool did not end within {within:g} s", MEND):
        await asyncio.gather(*(_acall(kit, pool, holders) for _ in range(CALLERS)))
        closed = await pool.close()
    holders.judge(closed, await _measured(rig, before) - before)


async def _acall(kit: AsyncDoors[Any], pool: Any, holders: _Holders) -> None:
    try:
        await pool.wait_ready(_patience(kit))
        for _ in range(LEASES):
            async with pool.acquire() as resource:
                with holders.holding(resource):
                    await _awork(kit, resource, holders)
    except Exception as exc:
        holders.note(f"a caller got {shown(exc)}")


async def _awork(kit: AsyncDoors[Any], resource: Any, holders: _Holders) -> None:
    if kit._has("is_clean") and not await kit.is_clean(resource):
        holders.note(UNCLEAN)
    if kit._has("use"):
        await kit.use(resource)
    if kit._has("soil"):
        await kit.soil(resource)
    await asyncio.sleep(0)
