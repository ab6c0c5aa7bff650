"""respool with everything on by default, and its two other settings that change the price."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any, Literal

from respool import Adapter, AsyncAdapter, AsyncPool, Pool

from .base import AsyncDriver, Driver, Resource

__all__ = ["ASYNC", "OURS", "THREADS", "AsyncRespool", "Respool"]


class _Maker(Adapter[Any]):
    kind = "bench"

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create

    def create(self) -> Any:
        return self._create()


class _AsyncMaker(AsyncAdapter[Any]):
    kind = "bench"

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create

    async def create(self) -> Any:
        made = self._create()
        return await made if hasattr(made, "__await__") else made


def _release(lease: Any) -> None:
    lease.release()


class Respool(Driver):
    """All defaults: elastic sizing, leak recovery, expiry, fork safety, eventual fairness."""

    name = "respool"
    strict = False

    def open(self, size: int, create: Callable[[], Any]) -> None:
        fairness: Literal["eventual", "strict"] = "strict" if self.strict else "eventual"
        self.pool = Pool(_Maker(create), max_size=size, fairness=fairness)
        self.block = self.acquire = self.pool.acquire
        self.release = _release

    def close(self) -> None:
        self.pool.close()

    def pairs(self, count: int) -> float:
        return _method_pairs(self.pool, count)


def _method_pairs(pool: Pool[Any], count: int) -> float:
    """Time what a user writes: a method of the pool, then a method of the lease."""
    started = process_time()
    for _ in range(count):
        pool.acquire().release()
    return process_time() - started


class Strict(Respool):
    """First come, first served, always."""

    name = "respool, strict"
    strict = True


class AsyncRespool(AsyncDriver):
    """All defaults; under asyncio always strictly first come, first served."""

    name = "respool"
    plain_release = True

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        self.pool = AsyncPool(_AsyncMaker(create), max_size=size)
        self.block = self.acquire = self.pool.acquire
        self.release = _release

    async def close(self) -> None:
        await self.pool.close()


OURS = Respool.name
THREADS: tuple[type[Driver], ...] = (Respool, Strict)
ASYNC: tuple[type[AsyncDriver], ...] = (AsyncRespool,)
