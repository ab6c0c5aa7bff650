"""Puts a pool under load: threads that lease, work, hold and release."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Protocol

import attrs

from respool import Backend, BackendError, Pool, PoolError, PoolStats

from .._scrub import describe
from ._meter import Meter

__all__ = ["CLEARING", "LAST", "Arrivals", "Plan", "Runner", "ThreadRunner", "preparing"]

CLEARING = 5.0
"""How much longer than its duration a load waits for a resource to prepare with, and how long for one to
clear up with, s: the backend may be gone."""
LAST = 10.0
"""How long the last leases get to end, s: a server that froze in the middle of one never ends it."""


@attrs.frozen(kw_only=True)
class Plan:
    """What the load is."""

    workers: int
    duration: float
    hold: float
    """How much longer than its work a lease is held, s."""
    rate: float | None
    """Arrivals per second (Poisson); None: each worker asks again as soon as it has released."""
    seed: int

    def patience(self, timeout: float | None) -> float:
        """Say how long the load waits for its first resource: not half a minute for a load of a second."""
        longest = self.duration + CLEARING
        return longest if timeout is None else min(timeout, longest)

    def end(self, timeout: float | None) -> float:
        """Say until when a load that begins now takes at most; callers wait up to their timeout, if any."""
        return monotonic() + self.duration + self.hold + (timeout or 0.0) + LAST


class Arrivals:
    """Hands out the arrivals: at once in a closed loop, at exponential distances otherwise."""

    def __init__(self, plan: Plan) -> None:
        self._rng = random.Random(plan.seed)
        self._rate = plan.rate
        self._lock = threading.Lock()
        self._next = monotonic()
        self.until = self._next + plan.duration

    def moments(self, stop: threading.Event) -> Iterator[float]:
        """Give the moments at which the calling worker should ask, until the end."""
        while not stop.is_set():
            moment = self._draw()
            if moment >= self.until:
                return
            yield moment

    def _draw(self) -> float:
        if self._rate is None:
            return monotonic()
        with self._lock:
            self._next += self._rng.expovariate(self._rate)
            return self._next


@contextmanager
def preparing(backend: Backend) -> Iterator[None]:
    """Say of a preparation that fails what was tried: the driver's own word may be anything."""
    try:
        yield
    except PoolError:
        raise
    except (Exception, SystemExit) as exc:
        raise BackendError(f"cannot prepare {backend.name} for the load: {describe(exc)}") from exc


class Runner(Protocol):
    """What the screen needs of a load, be it threads or tasks."""

    name: str

    def stats(self) -> PoolStats:
        """Take a snapshot of the pool, from any thread."""
        ...

    def start(self) -> None:
        """Prepare the backend and start; raises what the preparation raised."""
        ...

    @property
    def running(self) -> bool:
        """Whether a worker is still at it."""
        ...

    def stop(self) -> None:
        """Let the workers end after their lease, and close the pool."""
        ...


class ThreadRunner:
    """Load from threads on a `Pool`."""

    def __init__(self, pool: Pool[Any], backend: Backend, plan: Plan, meter: Meter) -> None:
        assert backend.work is not None, f"{backend.name} brings no work"
        self.name = pool.name
        self.stats = pool.stats
        self._pool = pool
        self._backend = backend
        self._work: Callable[[Any], object] = backend.work
        self._plan = plan
        self._meter = meter
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._end = 0.0

    def start(self) -> None:
        """Prepare the backend and start the workers."""
        try:
            self._prepare()
        except Exception:
            self._pool.close()
            raise
        self._end = self._plan.end(self._pool._timeout)
        arrivals = Arrivals(self._plan)
        for number in range(self._plan.workers):
            thread = threading.Thread(
                target=self._labour, args=(arrivals,), name=f"load-{number}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def _prepare(self) -> None:
        if self._backend.prepare is not None:
            patience = self._plan.patience(self._pool._timeout)
            with preparing(self._backend), self._pool.acquire(timeout=patience) as resource:
                self._backend.prepare(resource)

    @property
    def running(self) -> bool:
        """Whether a worker is still at it."""
        return monotonic() < self._end and any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Let the workers end after their lease, and close the pool."""
        self._stop.set()
        deadline = min(monotonic() + LAST, max(monotonic(), self._end))
        for thread in self._threads:
            thread.join(max(0.0, deadline - monotonic()))
        unended = sum(thread.is_alive() for thread in self._threads)
        for _ in range(unended):
            self._meter.unended()
        self._clear()
        self._pool.close(0.0 if unended else LAST)

    def _clear(self) -> None:
        """Take away what the load has made; that this may fail is no error of the load."""
        if self._backend.clear is not None:
            with suppress(Exception), self._pool.acquire(timeout=CLEARING) as resource:
                self._backend.clear(resource)

    def _labour(self, arrivals: Arrivals) -> None:
        for moment in arrivals.moments(self._stop):
            if self._stop.wait(max(0.0, moment - monotonic())):
                return  # before the arrival: nobody came
            self._lease(moment)

    def _lease(self, arrived: float) -> None:
        got = None
        try:
            with self._pool.acquire() as resource:
                got = monotonic()
                self._work(resource)
                if self._plan.hold:
                    self._stop.wait(self._plan.hold)
        except BaseException as exc:  # SystemExit too: it would end this thread without a word
            self._meter.error(exc, (got or monotonic()) - arrived)
            if got is None:
                self._stop.wait(0.01)
        else:
            self._meter.lease(got - arrived, monotonic() - got)
