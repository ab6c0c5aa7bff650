"""The limits: what no pool can beat, because it is what a pool is made of. They bound nothing else."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from time import process_time
from typing import Any

from .base import AsyncDriver, Driver, Resource

__all__ = ["ASYNC", "ASYNC_REFERENCE", "REFERENCE", "SET_AT", "THREADS", "slowness"]


class LockedDeque(Driver):
    """The reference: a deque, and one Lock section on each side."""

    name = "deque, two Lock sections"
    lacks = "waiting, bound, timeout, lifetime, fairness, growth"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        self.lock = threading.Lock()
        self.free = deque(create() for _ in range(size))

    def blocks(self, count: int) -> float:
        return self.pairs(count)

    def pairs(self, count: int) -> float:
        lock, free = self.lock, self.free
        started = process_time()
        for _ in range(count):
            with lock:
                resource = free.pop()
            with lock:
                free.append(resource)
        return process_time() - started


class Simple(Driver):
    """A queue written in C."""

    name = "SimpleQueue"
    lacks = "lifetime, growth, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(size):
            free.put(create())
        self.acquire, self.release = free.get, free.put


class Lifo(Driver):
    """What most home-made pools are."""

    name = "LifoQueue"
    lacks = "lifetime, growth, fairness"

    def open(self, size: int, create: Callable[[], Any]) -> None:
        free: queue.LifoQueue[Any] = queue.LifoQueue()
        for _ in range(size):
            free.put(create())
        self.acquire, self.release = free.get, free.put


class AsyncLifo(AsyncDriver):
    """The reference under asyncio."""

    name = "asyncio.LifoQueue"
    lacks = "timeout, lifetime, growth"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
        for _ in range(size):
            free.put_nowait(create())
        self.acquire, self.release = free.get, free.put

    async def blocks(self, count: int) -> float:
        return await self.pairs(count)


class AsyncLifoNowait(AsyncLifo):
    """The same with the put that needs no await."""

    name = "asyncio.LifoQueue, put_nowait"
    plain_release = True

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        await super().open(size, create)
        self.release = self.acquire.__self__.put_nowait  # type: ignore[attr-defined]  # a bound method


class AsyncSemaphore(AsyncDriver):
    """A semaphore in front of a deque."""

    name = "Semaphore and deque"
    lacks = "timeout, lifetime, growth"

    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        self.gate = asyncio.Semaphore(size)
        self.free = deque(create() for _ in range(size))
        self.acquire, self.release, self.plain_release = self._acquire, self._release, True

    async def _acquire(self) -> Any:
        await self.gate.acquire()
        return self.free.pop()

    def _release(self, resource: Any) -> None:
        self.free.append(resource)
        self.gate.release()

    async def blocks(self, count: int) -> float:
        gate, free = self.gate, self.free
        started = process_time()
        for _ in range(count):
            async with gate:
                resource = free.pop()
                free.append(resource)
        return process_time() - started


SET_AT = 340e-9
"""Seconds that the reference took where the goals in microseconds and milliseconds were set."""


def slowness() -> float:
    """Tell how many times slower this machine is right now; on a shared one that doubles within a minute."""
    return LockedDeque(1).pairs(5000) / 5000 / SET_AT


REFERENCE = LockedDeque.name
ASYNC_REFERENCE = AsyncLifo.name
THREADS: tuple[type[Driver], ...] = (LockedDeque, Simple, Lifo)
ASYNC: tuple[type[AsyncDriver], ...] = (AsyncLifo, AsyncLifoNowait, AsyncSemaphore)
