"""What a driver is: the same four calls around any pool, with the loops that are timed.

A driver is set up as its pool's authors advise, for `size` resources, with the pool's own checks on and the
resource's off: the resource does nothing. `lacks` says what a pool does not do, for that is cheap.

The loops read the processor time of the whole process, threads that a pool keeps in the background included:
a neighbour on the same machine can take the processor away, but not add to that.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from time import process_time
from typing import Any, ClassVar

__all__ = ["AsyncDriver", "Driver", "Missing", "Resource", "load"]


class Missing(Exception):
    """A peer that cannot take part: it is not installed, or its server is not there."""


class Resource:
    """What is pooled: nothing at all, and it can be closed."""

    def close(self) -> None:
        """Do nothing."""


def load(name: str) -> Any:
    """Import a peer, which has no types that matter here."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Missing(f"not installed: {error.name}") from error


class Driver(ABC):
    """A pool for threads."""

    name: ClassVar[str]
    lacks: ClassVar[str] = ""
    """What it does not do: bound, timeout, lifetime, fairness, growth."""
    block: Callable[[], AbstractContextManager[Any]] | None = None
    """Gives the context manager of one lease; None where the pool has none."""
    acquire: Callable[[], Any]
    release: Callable[[Any], Any]

    def __init__(self, size: int, create: Callable[[], Any] = Resource) -> None:
        self.open(size, create)

    @abstractmethod
    def open(self, size: int, create: Callable[[], Any]) -> None:
        """Make the pool, and set `block`, `acquire` and `release` to its own calls."""

    def close(self) -> None:  # noqa: B027  # not every pool has to be ended
        """End the pool."""

    def blocks(self, count: int) -> float:
        """Time `count` leases as blocks; where the pool has none, as acquire, try, finally, release."""
        block = self.block
        if block is None:
            return self._guarded(count)
        started = process_time()
        for _ in range(count):
            with block():
                pass
        return process_time() - started

    def _guarded(self, count: int) -> float:
        acquire, release = self.acquire, self.release
        started = process_time()
        for _ in range(count):
            resource = acquire()
            try:
                pass
            finally:
                release(resource)
        return process_time() - started

    def pairs(self, count: int) -> float:
        """Time `count` pairs of acquire and release."""
        acquire, release = self.acquire, self.release
        started = process_time()
        for _ in range(count):
            release(acquire())
        return process_time() - started


class AsyncDriver(ABC):
    """A pool for asyncio; made and closed inside the loop."""

    name: ClassVar[str]
    lacks: ClassVar[str] = ""
    block: Callable[[], AbstractAsyncContextManager[Any]] | None = None
    acquire: Callable[[], Any]
    """Gives an awaitable."""
    release: Callable[[Any], Any]
    """Gives an awaitable, or None where releasing is a plain call."""
    plain_release = False

    @abstractmethod
    async def open(self, size: int, create: Callable[[], Any] = Resource) -> None:
        """Make the pool, and set `block`, `acquire` and `release` to its own calls."""

    async def close(self) -> None:  # noqa: B027  # not every pool has to be ended
        """End the pool."""

    async def cycle(self, inside: Callable[[], Any]) -> None:
        """Take one lease and await `inside()` in it."""
        resource = await self.acquire()
        try:
            await inside()
        finally:
            if self.plain_release:
                self.release(resource)
            else:
                await self.release(resource)

    async def blocks(self, count: int) -> float:
        """Time `count` leases as blocks; where the pool has none, as pairs."""
        block = self.block
        if block is None:
            return await self.pairs(count)
        started = process_time()
        for _ in range(count):
            async with block():
                pass
        return process_time() - started

    async def pairs(self, count: int) -> float:
        """Time `count` pairs of acquire and release."""
        acquire, release = self.acquire, self.release
        started = process_time()
        if self.plain_release:
            for _ in range(count):
                release(await acquire())
        else:
            for _ in range(count):
                await release(await acquire())
        return process_time() - started
