"""One fault scenario, two shells: pools on a real backend, callers who come again and again, and the account.

A `FaultPool` blocks the test whichever shell it has. Its `callers` lease, ask the server for a number that
nobody else asks for, and write down what they got and how long they waited. `end` closes the pool and draws
up the account: nothing wrong, nothing late, nothing lost, nothing told that is secret.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import attrs

from respool import AsyncPool, Fault, Pool, PoolError, PoolRejected, PoolStats, PoolTimeout, Timeouts
from tests.faults.grounds import PIECES, Ground, Work

HANG = 30.0
"""Longer than anything here takes, s: a guard against hanging, never a measure of speed."""
MARGIN = 5.0
"""What a busy machine may add to a promise, s."""
RECOVERY = 1.5
"""How long after the port answers the first success may come, beside the time of one create, s."""
TIMEOUTS: dict[str, Any] = {
    "create_timeout": 1.0,
    "validate_timeout": 0.5,
    "reset_timeout": 1.0,
    "destroy_timeout": 1.0,
}
PERMITTED = (Fault.RESOURCE_BROKEN, Fault.BACKEND_DOWN)


def eventually(condition: Callable[[], Any], what: str, within: float = HANG) -> Any:
    """Wait until something holds, and give it."""
    deadline = monotonic() + within
    while not (found := condition()):
        assert monotonic() < deadline, f"{what}: not within {within} s"
        sleep(0.01)
    return found


def drive(work: Generator[Any, Any, Any]) -> Any:
    """Run a work of the blocking colour to its end."""
    try:
        wanted = next(work)
        while True:
            wanted = work.send(wanted)
    except StopIteration as end:
        return end.value


async def drive_async(work: Generator[Any, Any, Any]) -> Any:
    """Run a work and await what it yields."""
    try:
        wanted = next(work)
        while True:
            wanted = work.send(await wanted)
    except StopIteration as end:
        return end.value


@attrs.define(eq=False)
class Call:
    """What one caller asked, when he was served and when it ended, and what came of it."""

    number: int
    timeout: float | None
    asked: float
    granted: float | None = None
    ended: float = 0.0
    value: Any = None
    error: BaseException | None = None

    @property
    def waited(self) -> float:
        """Seconds until the caller had a resource or knew that he gets none."""
        return (self.ended if self.granted is None else self.granted) - self.asked

    @property
    def served(self) -> bool:
        """Whether the server's answer came back."""
        return self.ended > 0 and self.error is None


class Shell(ABC):
    """Threads or tasks: how a pool is made and driven."""

    name: str

    @abstractmethod
    def pool(self, adapter: Any, options: dict[str, Any]) -> Any:
        """Make the pool."""

    @abstractmethod
    def plain(self, call: Callable[[], Any]) -> Any:
        """Make a call that never waits, where the pool lives."""

    @abstractmethod
    def wait(self, call: Callable[[], Any]) -> Any:
        """Make a call that waits (awaitable under asyncio)."""

    @abstractmethod
    def begin(self, pool: Any, call: Call, work: Work) -> Future[Call]:
        """Send one caller."""

    @abstractmethod
    def crowd(self, pool: Any, count: int, calls: Callable[[], Call | None], work: Any) -> list[Future[None]]:
        """Send callers who come again and again, until ``calls`` gives no more."""

    @abstractmethod
    def run(self, pool: Any, work: Work, facts: dict[str, Any]) -> Any:
        """Call ``pool.run``."""

    @abstractmethod
    def check(self, pool: Any) -> None:
        """Assert the law of one owner."""

    @abstractmethod
    def leftovers(self, name: str) -> list[str]:
        """Name the threads and tasks that a pool has left."""

    def end(self) -> None:  # noqa: B027 - threads need nothing
        """Put the shell away."""


class ThreadShell(Shell):
    """Callers are threads."""

    name = "threads"

    def pool(self, adapter: Any, options: dict[str, Any]) -> Any:
        return Pool(adapter, **options)

    def plain(self, call: Callable[[], Any]) -> Any:
        return call()

    wait = plain

    def begin(self, pool: Any, call: Call, work: Work) -> Future[Call]:
        return background(lambda: self._turn(pool, call, work))

    def crowd(self, pool: Any, count: int, calls: Callable[[], Call | None], work: Any) -> list[Future[None]]:
        def come_again() -> None:
            while (call := calls()) is not None:
                self._turn(pool, call, lambda resource: work(resource, call.number))
                sleep(0.002)

        return [background(come_again) for _ in range(count)]

    def _turn(self, pool: Any, call: Call, work: Work) -> Call:
        try:
            with pool.acquire(call.timeout) as resource:
                call.granted = monotonic()
                call.value = drive(work(resource))
        except Exception as exc:
            call.error = exc
        call.ended = monotonic()
        return call

    def run(self, pool: Any, work: Work, facts: dict[str, Any]) -> Any:
        return pool.run(lambda resource: drive(work(resource)), **facts)

    def check(self, pool: Any) -> None:
        with pool._core.mutex:
            pool._core.engine.check()

    def leftovers(self, name: str) -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith(f"respool-{name}")]


class AsyncShell(Shell):
    """Callers are tasks on a loop that runs in a thread of its own."""

    name = "asyncio"

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def pool(self, adapter: Any, options: dict[str, Any]) -> Any:
        return self.plain(lambda: AsyncPool(adapter, **options))

    def plain(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return call()

        return self._submit(run()).result(HANG)

    def wait(self, call: Callable[[], Any]) -> Any:
        async def run() -> Any:
            return await call()

        return self._submit(run()).result(HANG * 2)

    def begin(self, pool: Any, call: Call, work: Work) -> Future[Call]:
        return self._submit(self._turn(pool, call, work))

    def crowd(self, pool: Any, count: int, calls: Callable[[], Call | None], work: Any) -> list[Future[None]]:
        async def come_again() -> None:
            while (call := calls()) is not None:
                await self._turn(pool, call, lambda resource: work(resource, call.number))
                await asyncio.sleep(0.002)

        return [self._submit(come_again()) for _ in range(count)]

    async def _turn(self, pool: Any, call: Call, work: Work) -> Call:
        try:
            async with pool.acquire(call.timeout) as resource:
                call.granted = monotonic()
                call.value = await drive_async(work(resource))
        except Exception as exc:
            call.error = exc
        call.ended = monotonic()
        return call

    def run(self, pool: Any, work: Work, facts: dict[str, Any]) -> Any:
        async def job(resource: Any) -> Any:
            return await drive_async(work(resource))

        return self.wait(lambda: pool.run(job, **facts))

    def check(self, pool: Any) -> None:
        self.plain(lambda: pool._core.engine.check())

    def leftovers(self, name: str) -> list[str]:
        found: list[str] = self.plain(
            lambda: [
                task.get_name()
                for task in asyncio.all_tasks(self.loop)
                if task.get_name().startswith(f"respool-{name}")
            ]
        )
        return found

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(HANG)
        self.loop.close()

    def _submit(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self.loop)


SHELLS: dict[str, Callable[[], Shell]] = {"threads": ThreadShell, "asyncio": AsyncShell}


def background(work: Callable[[], Any]) -> Future[Any]:
    """Do something in a thread of its own."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as exc:
            future.set_exception(exc)

    threading.Thread(target=run, daemon=True).start()
    return future


class Crowd:
    """Callers who come again and again until they are sent home."""

    def __init__(self, pool: FaultPool, count: int, timeout: float) -> None:
        self.pool = pool
        self.calls: list[Call] = []
        self._timeout = timeout
        self._home = threading.Event()
        self._futures = pool.shell.crowd(pool.raw, count, self._next, pool.ground.ask)

    def _next(self) -> Call | None:
        if self._home.is_set():
            return None
        call = Call(next(self.pool.numbers), self._timeout, monotonic())
        self.calls.append(call)
        self.pool.calls.append(call)
        return call

    def served_after(self, moment: float, count: int = 1, within: float = HANG) -> Call:
        """Wait for ``count`` answers to come after a moment; give the first."""

        def looked_up() -> list[Call] | None:
            found = [c for c in list(self.calls) if c.served and c.ended >= moment]
            return found if len(found) >= count else None

        served: list[Call] = eventually(looked_up, f"{count} answers", within)
        return min(served, key=lambda call: call.ended)

    def failed_after(self, moment: float) -> Call:
        """Wait for somebody to leave with an error after a moment."""

        def looked_up() -> Call | None:
            return next((c for c in list(self.calls) if c.error is not None and c.ended >= moment), None)

        found: Call = eventually(looked_up, "an error")
        return found

    def go_home(self) -> None:
        """Let nobody come again, and wait until all have left."""
        self._home.set()
        for future in self._futures:
            future.result(HANG)


class FaultPool:
    """A pool on a real backend with one vocabulary for both shells."""

    def __init__(self, shell: Shell, ground: Ground, url: str, **options: Any) -> None:
        self.shell, self.ground = shell, ground
        self.options = {**TIMEOUTS, **options}
        self.timeouts = Timeouts.of(self.options)
        self._hygiene = self.options.pop("hygiene", "session")
        self._credentials = self.options.pop("credentials", None)
        self.adapter = self.adapter_for(url)
        self.raw = shell.pool(self.adapter, self.options)
        self.name: str = self.raw.name
        self.numbers = itertools.count(1)
        self.calls: list[Call] = []
        self.closed = False

    def adapter_for(self, url: str) -> Any:
        """Make an adapter like the pool's own, for another address."""
        kind = self.ground.adapters[self.shell.name]
        source: Any = url
        more: dict[str, Any] = {}
        if self._credentials is not None:
            source, more = self.ground.asking(url, self._credentials)
        return kind(source, hygiene=self._hygiene, timeouts=self.timeouts, **more)

    # ---- callers

    def begin(self, work: Work | None = None, timeout: float | None = 10.0) -> Future[Call]:
        """Send a caller who does some work, or asks for his number, and do not wait for him."""
        call = Call(next(self.numbers), timeout, monotonic())
        if work is None:
            self.calls.append(call)
        return self.shell.begin(
            self.raw, call, work or (lambda resource: self.ground.ask(resource, call.number))
        )

    def ask(self, timeout: float | None = 10.0) -> Call:
        """Send a caller and wait until he is back."""
        return self.begin(None, timeout).result(HANG)

    def do(self, work: Work, timeout: float | None = 10.0) -> Any:
        """Do some work in a lease; raises what it raises."""
        call = self.begin(work, timeout).result(HANG)
        if call.error is not None:
            raise call.error
        return call.value

    def run(self, work: Work, **facts: Any) -> Any:
        """Call the pool's ``run``."""
        return self.shell.run(self.raw, work, facts)

    @contextmanager
    def callers(self, count: int = 6, timeout: float = 1.0) -> Iterator[Crowd]:
        """Send callers who come again and again while the block lasts."""
        crowd = Crowd(self, count, timeout)
        try:
            yield crowd
        finally:
            crowd.go_home()

    def fill(self, count: int) -> None:
        """Have so many resources open and idle."""
        barrier = threading.Semaphore(0)
        held: list[Any] = []
        for _ in range(count):
            held.append(self.acquire())
        for lease in held:
            self.release(lease)
        del barrier
        self.quiet()
        assert self.stats().idle >= count

    def acquire(self, timeout: float = 10.0) -> Any:
        """Hold a lease."""
        return self.shell.wait(lambda: self.raw.acquire(timeout))

    def release(self, lease: Any) -> None:
        """End it."""
        self.shell.plain(lease.release)

    def with_held(self, lease: Any, work: Work) -> Any:
        """Do something with a lease that the test holds."""
        if isinstance(self.shell, ThreadShell):
            return drive(work(lease.resource))
        return self.shell.wait(lambda: drive_async(work(lease.resource)))

    # ---- control

    def stats(self) -> PoolStats:
        """Take a snapshot."""
        found: PoolStats = self.shell.plain(self.raw.stats)
        return found

    def refresh(self, adapter: Any) -> Callable[[float], bool]:
        """Switch to another adapter; gives the handle's ``wait``."""
        handle = self.shell.plain(lambda: self.raw.refresh(adapter))
        return lambda timeout: bool(self.shell.wait(lambda: handle.wait(timeout)))

    def quiet(self) -> PoolStats:
        """Wait until no adapter call is in flight."""

        def still() -> PoolStats | None:
            stats = self.stats()
            moving = stats.creating + stats.checking + stats.resetting + stats.closing + stats.stuck
            return None if moving else stats

        found: PoolStats = eventually(still, "a quiet pool")
        return found

    # ---- the account

    def end(self) -> None:
        """Close, and see that nothing was wrong, late, lost or told; may be repeated."""
        if self.closed:
            return
        self.shell.check(self.raw)
        closed = self.shell.wait(lambda: self.raw.close(15.0))
        self.closed = True
        self.shell.check(self.raw)
        stats = self.stats()
        assert closed, f"not everything came back: {stats}"
        assert (0, 0, 0, 0) == (stats.size, stats.in_use, stats.waiting, stats.stuck)
        assert stats.created == sum(stats.destroyed.values()), stats
        self._settle_calls(stats)
        eventually(lambda: not self.shell.leftovers(self.name), "no thread and no task left")

    def _settle_calls(self, stats: PoolStats) -> None:
        for call in self.calls:
            assert call.ended, f"caller {call.number} has had no answer"
            if call.error is None:
                assert call.number == call.value, "a wrong result"
            if call.timeout is not None:
                assert call.waited < call.timeout + MARGIN, f"{call.waited:.2f} s, timeout {call.timeout} s"
        refused = [c for c in self.calls if c.granted is None]
        assert stats.timeouts >= sum(isinstance(c.error, PoolTimeout) for c in refused)

    def judge_errors(self, *also: type[BaseException]) -> None:
        """See that each error names phase and cause, or is the driver's about this very connection."""
        for call in list(self.calls):
            error = call.error
            if error is None or isinstance(error, (PoolRejected, *also)):
                continue
            if isinstance(error, PoolTimeout):
                assert error.phase in ("create", "validate", "wait")
                assert error.phase == "wait" or error.__cause__ is not None, error
                continue
            assert not isinstance(error, PoolError), repr(error)
            assert self.adapter.classify(error) in PERMITTED, repr(error)


def tell_all(pool: FaultPool, records: list[logging.LogRecord]) -> str:
    """Collect everything that is ever shown: errors with their causes, reprs, numbers, logs."""
    told = [repr(pool.raw), repr(pool.adapter), str(pool.adapter), repr(pool.stats())]
    for call in pool.calls:
        if call.error is not None:
            told += [repr(call.error), str(call.error), *traceback.format_exception(call.error)]
    told += [record.getMessage() + str(record.exc_text or "") for record in records]
    return "\n".join(told)


def see_no_secret(text: str) -> None:
    """Assert that no piece of the password is in a text."""
    for piece in PIECES:
        at = text.find(piece)
        assert at < 0, f"the password shows: ...{text[max(0, at - 200) : at + 40]}"
