"""Puts an `AsyncPool` under load: tasks on a loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import suppress
from time import monotonic
from typing import Any

from respool import AsyncPool, Backend, PoolStats

from ._meter import Meter
from ._runner import CLEARING, LAST, Arrivals, Plan, preparing

__all__ = ["AsyncRunner"]

Work = Callable[[Any], Awaitable[object]]

PATIENCE = 1.0
"""How long to wait for the loop to answer, s."""


class AsyncRunner:
    """Load from tasks on an `AsyncPool`, on a loop in a thread of its own."""

    def __init__(self, pool: AsyncPool[Any], backend: Backend, plan: Plan, meter: Meter) -> None:
        self.name = pool.name
        self._pool = pool
        self._backend = backend
        self._plan = plan
        self._meter = meter
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._labours: list[asyncio.Task[None]] = []
        self._end = 0.0
        self._thread = threading.Thread(target=self._live, name="load-loop", daemon=True)

    def start(self) -> None:
        """Start the loop; raises what the preparation raised."""
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            raise self._failure

    def stats(self) -> PoolStats:
        """Take a snapshot on the pool's loop; after its end, the last one."""
        taken: Future[PoolStats] = Future()
        try:
            self._loop.call_soon_threadsafe(lambda: taken.set_result(self._pool.stats()))
            self._last = taken.result(PATIENCE)
        except (RuntimeError, TimeoutError):
            pass  # the loop has ended
        return self._last

    @property
    def running(self) -> bool:
        """Whether the tasks are still at it."""
        return monotonic() < self._end and self._thread.is_alive()

    def stop(self) -> None:
        """Let the tasks end after their lease; the pool is closed on its loop."""
        self._stop.set()
        self._tell(self._stopped.set)
        self._thread.join(min(LAST, max(0.0, self._end - monotonic())))
        if self._thread.is_alive():
            self._tell(self._end_labours)
            self._thread.join(20)

    def _tell(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(call)

    def _end_labours(self) -> None:
        for labour in self._labours:
            if not labour.done():
                self._meter.unended()
                labour.cancel()

    def _live(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as exc:
            self._failure = exc
        finally:
            self._ready.set()

    async def _main(self) -> None:
        async with self._pool as pool:
            self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
            work, prepare, clear = self._works()
            async with pool.acquire(timeout=self._plan.patience(pool._timeout)) as resource:
                if prepare is not None:
                    with preparing(self._backend):
                        await prepare(resource)
            self._last = pool.stats()
            self._end = self._plan.end(pool._timeout)
            arrivals = Arrivals(self._plan)
            self._labours = [
                asyncio.create_task(self._labour(pool, work, arrivals)) for _ in range(self._plan.workers)
            ]
            self._ready.set()
            await asyncio.wait(self._labours)
            if clear is not None:
                with suppress(Exception):  # that this may fail is no error of the load
                    async with pool.acquire(timeout=CLEARING) as resource:
                        await clear(resource)
        self._last = pool.stats()

    def _works(self) -> tuple[Work, Work | None, Work | None]:
        """Give work, prepare and clear, as coroutine functions."""
        backend = self._backend
        if backend.async_adapter is not None:
            assert backend.async_work is not None, f"{backend.name} brings no work for asyncio"
            return backend.async_work, backend.async_prepare, backend.async_clear
        assert backend.work is not None, f"{backend.name} brings no work"
        prepare, clear = (part and _in_thread(part) for part in (backend.prepare, backend.clear))
        return _in_thread(backend.work), prepare, clear

    async def _labour(self, pool: AsyncPool[Any], work: Work, arrivals: Arrivals) -> None:
        own: Any = asyncio.current_task()
        for moment in arrivals.moments(self._stop):
            if await self._is_stopped_within(moment - monotonic()):
                return  # before the arrival: nobody came
            got = None
            try:
                async with pool.acquire() as resource:
                    got = monotonic()
                    await work(resource)
                    if self._plan.hold:
                        await self._is_stopped_within(self._plan.hold)
            except (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as exc:
                if isinstance(exc, asyncio.CancelledError) and own.cancelling():
                    raise  # else it is of the work's own making, and would end this task without a word
                self._meter.error(exc, (got or monotonic()) - moment)
                if got is None:
                    await asyncio.sleep(0.01)
            else:
                self._meter.lease(got - moment, monotonic() - got)

    async def _is_stopped_within(self, seconds: float) -> bool:
        """Let so much time pass, unless the load is stopped before; others run meanwhile in any case."""
        if seconds <= 0:
            await asyncio.sleep(0)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._stopped.wait()
        return self._stop.is_set()


def _in_thread(work: Callable[[Any], object]) -> Work:
    async def bridged(resource: Any) -> object:
        return await asyncio.to_thread(work, resource)

    return bridged
