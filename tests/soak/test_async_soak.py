"""A million leases under asyncio with faults and random cancellation: nothing lost, nothing left."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
from pathlib import Path

from respool import AsyncPool, PoolError
from respool.testing import AsyncScriptedAdapter, Resource, Step, error, never, slow

LEASES = int(os.environ.get("RESPOOL_TEST_SOAK_LEASES", "1000000"))
CALLERS = 64


def descriptors() -> int:
    """Count the open file descriptors, where the system says."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


class Storm:
    """Callers that lease, soil, raise, discard and are cancelled, by a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.adapter = AsyncScriptedAdapter(
            create=lambda _: self.fault(0.001, 0.0002),
            validate=lambda _: self.fault(0.002, 0.0005),
            reset=lambda _: self.fault(0.001, 0.0002),
            destroy=lambda _: self.fault(0.001, 0.0),
            abilities={"dirty", "abort", "probe"},
            log_limit=100,
        )
        self.leases = self.cancelled = self.refused = 0

    def fault(self, fails: float, hangs: float) -> Step | None:
        """Choose what a call does: mostly nothing special."""
        drawn = self.rng.random()
        if drawn < hangs:
            return never()
        if drawn < hangs + fails:
            return error(OSError("a fault"))
        return slow(self.rng.random() / 1000) if drawn < 0.02 else None

    async def lease(self, pool: AsyncPool[Resource]) -> None:
        """Hold one lease, or fail to."""
        rng = self.rng
        try:
            async with pool.acquire(timeout=rng.choice([None, 5, 0.01])) as resource:
                self.leases += 1
                with self.adapter.holding(resource):
                    drawn = rng.random()
                    if drawn < 0.05:
                        resource.leftovers.append(drawn)
                    elif drawn < 0.06:
                        resource.broken = True
                    elif drawn < 0.1:
                        await asyncio.sleep(0)
                    elif drawn < 0.101:
                        raise OSError("of the caller's own")
        except PoolError:
            self.refused += 1
        except OSError:
            pass

    async def caller(self, pool: AsyncPool[Resource]) -> None:
        """Lease again and again; every twentieth time in a task that is cancelled somewhere."""
        while self.leases < LEASES:
            if self.rng.random() < 0.95:
                await self.lease(pool)
                continue
            task = asyncio.ensure_future(self.lease(pool))
            for _ in range(self.rng.randrange(4)):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            self.cancelled += task.cancelled()


async def soak(storm: Storm) -> None:
    """Blow the storm, then close."""
    pool = AsyncPool(
        storm.adapter,
        max_size=8,
        check_after=0.01,
        create_timeout=0.2,
        validate_timeout=0.1,
        reset_timeout=0.1,
        destroy_timeout=0.1,
        max_lifetime=2.0,
        max_uses=50_000,
    )
    async with asyncio.TaskGroup() as group:
        for _ in range(CALLERS):
            group.create_task(storm.caller(pool))
    pool._core.engine.check()
    storm.adapter.release_all()
    assert await pool.close(30), pool.stats()
    pool._core.engine.check()
    assert {asyncio.current_task()} == asyncio.all_tasks()
    assert pool._core._alarm is None, "a timer is left"


def test_a_million_leases_with_random_cancellation_lose_nothing() -> None:
    threads, files = threading.active_count(), descriptors()
    storm = Storm(7)
    asyncio.run(soak(storm))
    gc.collect()
    storm.adapter.check()
    assert storm.leases >= LEASES
    assert storm.cancelled > LEASES / 1000
    assert (0, threads) == (storm.adapter.open, threading.active_count())
    assert files == descriptors()
