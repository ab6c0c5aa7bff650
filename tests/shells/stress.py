"""Many threads on one pool while its adapter fails, is slow and hangs; shared by the suite and the soak."""

from __future__ import annotations

import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import Any

from respool import Pool, PoolError
from respool.testing import ScriptedAdapter, ScriptedError, Step

HANG = 60.0
NEVER = float("inf")


@contextmanager
def switching(interval: float) -> Iterator[None]:
    """Have the interpreter switch threads that often, s."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Trouble:
    """Decides, call by call, what goes wrong."""

    def __init__(self, seed: int, rate: float) -> None:
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        self._rate = rate

    def __call__(self, call: object) -> Step | BaseException | None:
        """Mostly nothing; else an error, a delay, or, rarely, a call that hangs until it is aborted."""
        with self._lock:
            luck, kind = self._rng.random(), self._rng.random()
        if luck > self._rate:
            return None
        if kind < 0.6:
            return ScriptedError("scripted")
        return Step(delay=NEVER if kind > 0.98 else 0.002)


class Stress:
    """One pool, so many threads, so many leases."""

    def __init__(
        self, *, threads: int, leases: int, size: int, seed: int, rate: float, **options: Any
    ) -> None:
        # Returns come far more often than creations: they fail more rarely, or nothing would be pooled.
        self.adapter = ScriptedAdapter(
            abilities={"probe", "dirty", "abort", "classify"},
            log_limit=100,
            create=Trouble(seed, rate),
            validate=Trouble(seed + 1, rate),
            reset=Trouble(seed + 2, rate),
            destroy=Trouble(seed + 3, rate),
        )
        self.pool = Pool(
            self.adapter,
            max_size=size,
            timeout=HANG,
            admission=None,
            create_timeout=0.2,
            validate_timeout=0.2,
            reset_timeout=0.2,
            destroy_timeout=0.2,
            **options,
        )
        self.share = leases // threads
        self.seeds = [seed + 10 + n for n in range(threads)]
        self.served: Counter[str] = Counter()
        self.wrong: list[BaseException] = []

    def run(self) -> None:
        """Let all threads take their leases."""
        workers = [threading.Thread(target=self._live, args=(seed,)) for seed in self.seeds]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [] == self.wrong

    def _live(self, seed: int) -> None:
        rng = random.Random(seed)
        served: Counter[str] = Counter()
        try:
            for _ in range(self.share):
                served[self._lease(rng)] += 1
        except BaseException as wrong:
            self.wrong.append(wrong)
        self.served += served

    def _lease(self, rng: random.Random) -> str:
        """Take one lease, use it in some way, and tell what came of it."""
        way = rng.random()
        try:
            lease = self.pool.acquire(timeout=0.0 if way < 0.02 else HANG)
        except PoolError as refused:
            return type(refused).__name__
        with self.adapter.holding(lease.resource) as resource:
            if way > 0.9:
                resource.leftovers.append("dirt")
            if way > 0.999:
                sleep(0.001)
        if 0.90 > way > 0.897:
            lease.discard()
        elif 0.897 > way > 0.89:
            with suppress(LookupError), lease:
                raise LookupError("the user's own")
        else:
            lease.release()
        return "served"

    def end(self) -> None:
        """Close: everything that was made is destroyed, nobody broke the contract, no thread is left."""
        assert self.pool.close(HANG)
        self.adapter.check()
        stats = self.pool.stats()
        assert 0 == stats.size + stats.stuck + stats.waiting
        assert self.adapter.created == self.adapter.destroyed
        assert stats.created == sum(stats.destroyed.values())
        assert [] == threads_of(self.pool)


def threads_of(pool: Pool[Any]) -> list[threading.Thread]:
    """List the threads that a pool has left, after a moment to end."""
    deadline = monotonic() + HANG
    while left := [
        thread for thread in threading.enumerate() if thread.name.startswith(f"respool-{pool.name}")
    ]:
        if monotonic() > deadline:
            break
        sleep(0.005)
    return left


def descriptors() -> int:
    """Count this process's open descriptors."""
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
