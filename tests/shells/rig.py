"""One scenario, two shells: the same plain text drives a `Pool` from threads and an `AsyncPool` from tasks.

A test gets a `Rig`, makes a pool of it and speaks to `RigPool`, whose methods block in both worlds. A caller
that shall wait while the test goes on is a `Pending`: a thread here, there a task on a loop of its own.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

from respool import AsyncPool, Pool, PoolStats
from respool.testing import AsyncScriptedAdapter, Resource, ScriptedAdapter

HANG = 20.0
"""Longer than anything here takes, s: a guard against hanging, never a measure of speed."""
OMITTED: Any = object()


def eventually(condition: Callable[[], Any], what: str = "the condition", within: float = HANG) -> Any:
    """Wait until something holds, and give it."""
    deadline = monotonic() + within
    while not (found := condition()):
        assert monotonic() < deadline, f"{what} did not come about within {within} s"
        sleep(0.002)
    return found


def void(_: object) -> None:
    """Give nothing, whatever came."""


class Pending:
    """A caller who waits for a lease."""

    def __init__(self, future: Future[Any], cancel: Callable[[], None] | None) -> None:
        self._future = future
        self._cancel = cancel

    @property
    def done(self) -> bool:
        """Whether there is an answer."""
        return self._future.done()

    def result(self) -> RigLease:
        """Give the lease, or raise what the caller got."""
        lease: RigLease = self._future.result(HANG)
        return lease

    def error(self) -> BaseException | None:
        """Give what the caller got instead of a lease."""
        return self._future.exception(HANG)

    def cancel(self) -> None:
        """Cancel the caller (tasks only)."""
        assert self._cancel is not None, "a thread cannot be cancelled"
        self._cancel()


class RigLease:
    """A lease, driven from the test's thread."""

    def __init__(self, pool: RigPool, lease: Any) -> None:
        self.raw = lease
        self._pool = pool

    @property
    def resource(self) -> Resource:
        """The leased resource."""
        found: Resource = self._pool.rig.plain(lambda: self.raw.resource)
        return found

    def release(self) -> None:
        """Give it back."""
        self._pool.rig.plain(self.raw.release)

    def discard(self) -> None:
        """Give it up."""
        self._pool.rig.plain(self.raw.discard)

    def detach(self) -> Resource:
        """Take it out."""
        found: Resource = self._pool.rig.plain(self.raw.detach)
        return found


class RigPool:
    """A pool of either kind with one vocabulary; every method blocks the test until it is done."""

    def __init__(self, rig: Rig, raw: Any, adapter: Any) -> None:
        self.rig = rig
        self.raw = raw
        self.adapter = adapter

    def acquire(self, timeout: float | None = OMITTED) -> RigLease:
        """Lease a resource."""
        return self.begin(timeout).result()

    def begin(self, timeout: float | None = OMITTED) -> Pending:
        """Send a caller for a lease, and do not wait for him."""
        args = () if timeout is OMITTED else (timeout,)
        return self.rig.begin(self, args)

    def begin_waiting(self, timeout: float | None = OMITTED) -> Pending:
        """Send a caller and wait until he stands in line."""
        before = self.stats().waiting
        pending = self.begin(timeout)
        eventually(lambda: pending.done or self.stats().waiting > before, "a waiter")
        return pending

    def try_acquire(self) -> RigLease | None:
        """Lease what is idle."""
        lease = self.rig.plain(self.raw.try_acquire)
        return None if lease is None else RigLease(self, lease)

    @contextmanager
    def leased(self, timeout: float | None = OMITTED) -> Iterator[Resource]:
        """Hold a lease for a block, ended by the lease's own ``__exit__`` or ``__aexit__``."""
        lease = self.acquire(timeout)
        resource = lease.resource
        try:
            yield resource
        except BaseException as exc:
            self.rig.leave(lease.raw, exc)
            raise
        self.rig.leave(lease.raw, None)

    def run(self, work: Callable[[Resource], Any], **facts: Any) -> Any:
        """Run work on a leased resource."""
        return self.rig.run(self, work, facts)

    def stats(self) -> PoolStats:
        """Take a snapshot."""
        found: PoolStats = self.rig.plain(self.raw.stats)
        return found

    def resize(self, **sizes: int) -> None:
        """Change the limits."""
        self.rig.plain(lambda: self.raw.resize(**sizes))

    def refresh(self, adapter: Any = None, over: float = 0.0) -> Callable[[float | None], bool]:
        """Replace everything; gives the handle's ``wait``."""
        handle = self.rig.plain(lambda: self.raw.refresh(adapter, over))
        return lambda timeout: self.rig.wait(lambda: handle.wait(timeout))

    def pause(self) -> None:
        """Pause."""
        self.rig.plain(self.raw.pause)

    def resume(self) -> None:
        """Resume."""
        self.rig.plain(self.raw.resume)

    def wait_ready(self, timeout: float | None = HANG) -> None:
        """Wait until the pool is ready."""
        self.rig.wait(lambda: self.raw.wait_ready(timeout))

    def close(self, timeout: float | None = 10.0) -> bool:
        """Close."""
        closed: bool = self.rig.wait(lambda: self.raw.close(timeout))
        return closed

    def check(self) -> None:
        """Assert the law of one owner, and the adapter's contract."""
        self.rig.check(self.raw)
        self.adapter.check()

    def quiet(self) -> PoolStats:
        """Wait until no adapter call is in flight."""

        def still() -> PoolStats | None:
            stats = self.stats()
            moving = stats.creating + stats.checking + stats.resetting + stats.closing
            return None if moving else stats

        found: PoolStats = eventually(still, "a quiet pool")
        return found


class Rig(ABC):
    """One shell, with what a scenario needs of it."""

    name = ""
    strict = False
    """Whether newcomers never overtake, whatever the options say."""

    def __init__(self) -> None:
        self.pools: list[RigPool] = []

    def pool(self, adapter: Any = None, **options: Any) -> RigPool:
        """Make a pool; `end` closes it. Without an adapter a scripted one that does everything right."""
        adapter = adapter if adapter is not None else self.adapter()
        made = RigPool(self, self.make(adapter, options), adapter)
        self.pools.append(made)
        return made

    @abstractmethod
    def adapter(self, **scripts: Any) -> Any:
        """Make a scripted adapter of this shell's colour."""

    @abstractmethod
    def make(self, adapter: Any, options: dict[str, Any]) -> Any:
        """Make the pool itself."""

    @abstractmethod
    def begin(self, pool: RigPool, args: tuple[Any, ...]) -> Pending:
        """Send a caller for a lease."""

    @abstractmethod
    def plain(self, call: Callable[[], Any]) -> Any:
        """Make a call that never waits, where the pool lives."""

    @abstractmethod
    def wait(self, call: Callable[[], Any]) -> Any:
        """Make a call that waits (awaitable under asyncio)."""

    @abstractmethod
    def leave(self, lease: Any, exc: BaseException | None) -> None:
        """Leave a lease's block."""

    @abstractmethod
    def run(self, pool: RigPool, work: Callable[[Resource], Any], facts: dict[str, Any]) -> Any:
        """Run work on a leased resource."""

    @abstractmethod
    def check(self, pool: Any) -> None:
        """Assert the law of one owner."""

    def end(self) -> None:
        """Release what hangs, close all pools, and see that nothing was lost."""
        for pool in self.pools:
            pool.adapter.release_all()
            pool.close(5.0)
            pool.adapter.check()


class ThreadRig(Rig):
    """Callers are threads."""

    name = "threads"

    def adapter(self, **scripts: Any) -> ScriptedAdapter:
        return ScriptedAdapter(**scripts)

    def make(self, adapter: Any, options: dict[str, Any]) -> Any:
        return Pool(adapter, **options)

    def begin(self, pool: RigPool, args: tuple[Any, ...]) -> Pending:
        future: Future[Any] = Future()

        def call() -> None:
            try:
                future.set_result(RigLease(pool, pool.raw.acquire(*args)))
            except BaseException as exc:
                future.set_exception(exc)

        threading.Thread(target=call, daemon=True).start()
        return Pending(future, None)

    def plain(self, call: Callable[[], Any]) -> Any:
        return call()

    wait = plain

    def leave(self, lease: Any, exc: BaseException | None) -> None:
        lease.__exit__(type(exc) if exc else None, exc, None)

    def run(self, pool: RigPool, work: Callable[[Resource], Any], facts: dict[str, Any]) -> Any:
        return pool.raw.run(work, **facts)

    def check(self, pool: Any) -> None:
        with pool._core.mutex:
            pool._core.engine.check()


class AsyncRig(Rig):
    """Callers are tasks on a loop that runs in a thread of its own."""

    name = "asyncio"
    strict = True

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def adapter(self, **scripts: Any) -> AsyncScriptedAdapter:
        return AsyncScriptedAdapter(**scripts)

    def make(self, adapter: Any, options: dict[str, Any]) -> Any:
        return self.plain(lambda: AsyncPool(adapter, **options))

    def begin(self, pool: RigPool, args: tuple[Any, ...]) -> Pending:
        async def call() -> RigLease:
            return RigLease(pool, await pool.raw.acquire(*args))

        future = asyncio.run_coroutine_threadsafe(call(), self.loop)
        return Pending(future, lambda: void(future.cancel()))

    def plain(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(HANG)

    def wait(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return await call()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(HANG * 3)

    def leave(self, lease: Any, exc: BaseException | None) -> None:
        self.wait(lambda: lease.__aexit__(type(exc) if exc else None, exc, None))

    def run(self, pool: RigPool, work: Callable[[Resource], Any], facts: dict[str, Any]) -> Any:
        async def job(resource: Resource) -> Any:
            return work(resource)

        return self.wait(lambda: pool.raw.run(job, **facts))

    def check(self, pool: Any) -> None:
        self.plain(lambda: pool._core.engine.check())

    def end(self) -> None:
        super().end()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(HANG)
        self.loop.close()


RIGS: dict[str, Callable[[], Rig]] = {"threads": ThreadRig, "asyncio": AsyncRig}
