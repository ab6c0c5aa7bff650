"""A pool that is dropped with what it calls: methods of its owner, so that pool and owner are in one ring."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, ClassVar

import pytest

from respool import AsyncPool, Lease, Pool, PoolClosed, make_async_pool, make_pool
from respool.simulation import read_recording

from .loops import run, until
from .rig import eventually
from .strikes import collect_at

HANG = 60.0


class Thing:
    """A resource that notes how it ends: the adapter shall end it, once, before its own finalizer can."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.open = True

    def end(self) -> None:
        """End it."""
        self.open = False
        self.log.append("destroyed")

    def __del__(self) -> None:
        if self.open:
            self.log.append("finalized")


class Owner:
    """What has a pool and is called by it."""

    def __init__(self, way: str, name: str = "dropped", **options: Any) -> None:
        log: list[str] = []
        self.log = log
        self.leases: list[Any] = []
        self.heard = 0
        self.pool = self.make(way, {"name": name, "max_size": 3, "max_idle": 3600, **options})

    def make(self, way: str, options: dict[str, Any]) -> Pool[Thing]:
        """Make a pool that refers to this owner in the given way."""
        log = self.log
        if way == "bound methods":
            return make_pool(self.connect, destroy=self.end, **options)
        if way == "listener":
            return make_pool(lambda: Thing(log), destroy=Thing.end, on_event=[self.hear], **options)
        if way == "partial":
            return make_pool(partial(Owner.connect, self), destroy=partial(Owner.end, self), **options)
        return make_pool(lambda: self.connect(), destroy=lambda thing: self.end(thing), **options)

    def connect(self) -> Thing:
        """Make a resource that does not refer to the owner."""
        return Thing(self.log)

    def end(self, thing: Thing) -> None:
        """End one."""
        thing.end()

    def hear(self, event: object) -> None:
        """Listen."""
        self.heard += 1

    def fill(self, count: int = 2) -> Owner:
        """Have so many idle."""
        for lease in [self.pool.acquire() for _ in range(count)]:
            lease.release()
        return self


WAYS = ["bound methods", "listener", "partial", "closure"]


@pytest.fixture(autouse=True)
def small_heap() -> Iterator[None]:
    """Collect what tests drop, at the moments that they choose."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def owners() -> int:
    """Count those who are still there."""
    return sum(isinstance(each, Owner | AsyncOwner) for each in gc.get_objects())


def threads_of(name: str = "dropped") -> list[str]:
    """List a pool's threads."""
    return [each.name for each in threading.enumerate() if each.name.startswith(f"respool-{name}")]


def collected(log: list[str]) -> bool:
    """Whether a collection has had something ended; one at any moment may come too early."""
    gc.collect()
    return bool(log)


def gone(log: list[str], count: int) -> None:
    """Wait until all is destroyed, once and by the adapter, and neither thread nor owner is left."""
    eventually(lambda: len(log) >= count, f"{count} ends")
    eventually(lambda: not threads_of(), "the end of the threads")
    gc.collect()
    assert ["destroyed"] * count == log
    assert 0 == owners()


@pytest.mark.parametrize("way", WAYS)
def test_a_pool_is_dropped_with_its_owner(way: str) -> None:
    """Behaviour 116."""
    log = Owner(way).fill().log
    eventually(lambda: collected(log), "the collection")
    gone(log, 2)


def sleeps(pool: Pool[Any]) -> bool:
    """Whether only the keeper is left, and it has nothing to do for a while."""
    return pool._core._wakes_at - monotonic() > 2 and threads_of() == ["respool-dropped-keeper"]


def test_a_pool_is_dropped_while_its_keeper_sleeps_for_long() -> None:
    owner = Owner("bound methods", check_after=3600, max_lifetime=None, max_idle=None).fill()
    log = owner.log
    eventually(partial(sleeps, owner.pool), "a long sleep")
    del owner
    gc.collect()
    gone(log, 2)


def test_a_pool_is_dropped_while_its_keeper_is_awake() -> None:
    owner = Owner("bound methods").fill()
    log, core = owner.log, owner.pool._core
    inside, go_on = threading.Event(), threading.Event()

    def slow(tick: Callable[[float], None], now: float) -> None:
        inside.set()
        go_on.wait(HANG)
        tick(now)

    core.engine.tick = partial(slow, core.engine.tick)  # type: ignore[method-assign]  # a keeper at work
    core.leash.ring()
    inside.wait(HANG)
    del owner, core
    gc.collect()
    sleep(0.05)
    assert [] == log
    go_on.set()
    eventually(lambda: collected(log), "the collection")
    gone(log, 2)


class LateMutex:
    """A mutex that the keeper gets, as it goes to sleep in a pool that closes, only when all is closed."""

    def __init__(self, core: Any, gate: threading.Event) -> None:
        self._core, self._gate, self._mutex = core, gate, core.mutex

    def __enter__(self) -> None:
        if self._core.engine.closing and sys._getframe(1).f_code.co_name == "turn":
            self._gate.set()
            eventually(lambda: self._core.engine.closed, "the end of the last destroy")
        self._mutex.acquire()

    def __exit__(self, *_: object) -> None:
        self._mutex.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mutex, name)


def test_the_last_destroy_may_end_at_the_moment_when_the_keeper_goes_to_sleep() -> None:
    gate, log = threading.Event(), list[str]()

    def end(thing: Thing) -> None:
        gate.wait(HANG)
        thing.end()

    pool = make_pool(lambda: Thing(log), destroy=end, name="dropped")
    pool.acquire().release()
    pool._core.mutex = LateMutex(pool._core, gate)  # type: ignore[assignment]  # it does what `with` needs
    del pool
    gc.collect()
    gone(log, 1)


def test_a_pool_that_was_never_used_is_dropped_with_its_owner() -> None:
    Owner("bound methods")
    eventually(lambda: (gc.collect(), not owners())[1], "the collection")
    assert [] == threads_of()


@pytest.mark.parametrize("way", WAYS)
def test_who_has_a_lease_keeps_a_pool_that_works(way: str) -> None:
    owner = Owner(way).fill()
    lease, log = owner.pool.acquire(), owner.log
    del owner
    gc.collect()
    sleep(0.05)
    assert ([], 1) == (log, owners())
    assert lease.resource.open
    lease.release()
    del lease
    eventually(lambda: collected(log), "the collection")
    gone(log, 2)


def somebody_waits(pool: Pool[Any]) -> bool:
    """Whether somebody waits."""
    return pool.stats().waiting > 0


def test_who_waits_is_served_though_nobody_else_has_the_pool() -> None:
    owner = Owner("bound methods", max_size=1).fill(1)
    held: list[Lease[Thing]] = [owner.pool.acquire()]
    log = owner.log
    served: list[bool] = []

    def wait(pool: Pool[Thing]) -> None:
        with pool.acquire(timeout=HANG) as thing:
            served.append(thing.open)

    waiter = threading.Thread(target=wait, args=[owner.pool])
    waiter.start()
    eventually(partial(somebody_waits, owner.pool), "a waiter")
    del owner
    gc.collect()
    held.pop().release()
    waiter.join(HANG)
    assert [True] == served
    del waiter
    eventually(lambda: collected(log), "the collection")
    gone(log, 1)


def test_a_lease_that_the_owner_itself_has_ends_with_the_pool() -> None:
    owner = Owner("bound methods").fill()
    owner.leases.append(owner.pool.acquire())
    log = owner.log
    del owner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        eventually(lambda: (gc.collect(), len(log) == 2)[1], "the end of both")
        gone(log, 2)


def test_a_generator_in_the_ring_ends_its_lease_itself() -> None:
    owner = Owner("bound methods").fill()

    def use(pool: Pool[Thing]) -> Iterator[None]:
        with pool.acquire() as thing:
            try:
                yield
            finally:
                pool_log.append(f"left {thing.open}")

    pool_log: list[str] = []
    log = owner.log
    owner.leases.append(use(owner.pool))
    next(owner.leases[0])
    del owner
    gc.collect()
    gone(log, 2)
    assert ["left True"] == pool_log


class Closing(Owner):
    """An owner who closes the pool in the end, as one does."""

    closed: ClassVar[list[bool]] = []

    def __del__(self) -> None:
        self.closed.append(self.pool.close(HANG))


def test_an_owners_finalizer_may_close_the_pool() -> None:
    Closing.closed.clear()
    log = Closing("bound methods").fill().log
    began = monotonic()
    eventually(lambda: collected(log), "the collection")
    gone(log, 2)
    assert monotonic() - began < HANG, "the keeper was waited for in vain"
    assert [True] == Closing.closed


class Risen(Owner):
    """An owner who escapes the collection."""

    saved: ClassVar[list[Owner]] = []

    def __del__(self) -> None:
        self.saved.append(self)


def test_an_owner_who_escapes_the_collection_has_a_closed_pool() -> None:
    log = Risen("bound methods").fill().log
    eventually(lambda: collected(log), "the collection")
    eventually(lambda: not threads_of(), "the end of the threads")
    [owner] = Risen.saved
    with pytest.raises(PoolClosed):
        owner.pool.acquire()
    assert owner.pool.close()
    Risen.saved.clear()
    del owner
    gone(log, 2)


def test_what_resources_refer_to_is_kept_with_them() -> None:
    """A collection would finalize them before the adapter can end them."""
    owner = Owner("bound methods")
    with owner.pool.acquire() as thing:
        thing.owner = owner  # type: ignore[attr-defined]  # as a callback of a driver might
    pool, log = owner.pool, owner.log
    del owner, thing
    gc.collect()
    sleep(0.05)
    assert [] == log
    assert pool.close()
    del pool
    gone(log, 1)


def test_a_recording_is_whole_though_its_pool_was_dropped(tmp_path: Path) -> None:
    owner = Owner("bound methods")
    owner.pool.record(tmp_path / "trace")
    log = owner.fill().log
    del owner
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        eventually(lambda: collected(log), "the collection")
        gone(log, 2)
    assert 2 == len(read_recording(tmp_path / "trace").calls)


def test_a_collection_of_a_pool_may_strike_in_the_middle_of_anything() -> None:
    def work() -> None:
        other.acquire().discard()
        thread = threading.Thread(target=other.stats)
        thread.start()
        thread.join()

    after = 0
    struck = True
    with make_pool(object, max_size=2, on_event=[lambda event: None]) as other:
        while struck:
            after += 101
            log = Owner("closure").fill(1).log
            struck = collect_at(work, after)
            eventually(partial(collected, log), "the collection")
            gone(log, 1)


def python(code: str) -> tuple[int, str, str]:
    """Run a program of its own."""
    made = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=HANG,
        check=False,
    )
    return made.returncode, made.stdout, made.stderr


SERVICE = """
import gc, os, sys, time
from respool import make_pool

class Thing:
    def __del__(self):
        print("finalized in", "parent" if os.getpid() == parent else "child", flush=True)

class Service:
    def __init__(self):
        self.pool = make_pool(self.connect, destroy=self.end, max_size=2)
        self.pool.acquire().release()
    def connect(self):
        return Thing()
    def end(self, thing):
        time.sleep(pause)

parent, pause = os.getpid(), 0
service = Service()
"""


@pytest.mark.parametrize("end", ["", "del service", "del service; gc.collect()", "service.pool.pause()"])
def test_at_the_interpreters_end_a_ring_neither_holds_up_nor_prints(end: str) -> None:
    """Behaviour 117."""
    quiet = SERVICE.replace('print("finalized in"', '("finalized in"').replace(", flush=True)", ")")
    assert (0, "", "") == python(f"{quiet}\npause = 30\n{end}")


@pytest.mark.parametrize(
    "drop",
    [
        pytest.param("pid = os.fork(); del service; gc.collect()", id="in the child"),
        pytest.param("pause = 1; del service; gc.collect(); pid = os.fork()", id="before, and being closed"),
    ],
)
def test_a_child_that_drops_its_pool_leaves_the_parents_resources_alone(drop: str) -> None:
    code, printed, errors = python(
        f"""
        {textwrap.indent(SERVICE, " " * 8).lstrip()}
        {drop}
        if not pid:
            gc.collect()
            time.sleep(0.2)
            os._exit(0)
        os.waitpid(pid, 0)
        while any("respool" in each.name for each in __import__("threading").enumerate()):
            gc.collect()
            time.sleep(0.01)
        """
    )
    assert (0, "finalized in parent\n", "") == (code, printed, errors)


# ---------------------------------------------------------------------- asyncio


class AsyncOwner:
    """What has an `AsyncPool` and is called by it."""

    def __init__(self, way: str, **options: Any) -> None:
        self.log: list[str] = []
        self.leases: list[Any] = []
        self.pool = self.make(way, {"name": "dropped", "max_size": 3, "max_idle": 3600, **options})

    def make(self, way: str, options: dict[str, Any]) -> AsyncPool[Thing]:
        """Make a pool that refers to this owner in the given way."""
        log = self.log
        if way == "bound methods":
            return make_async_pool(self.connect, destroy=self.end, **options)
        if way == "listener":

            async def connect() -> Thing:
                return Thing(log)

            async def end(thing: Thing) -> None:
                thing.end()

            return make_async_pool(connect, destroy=end, on_event=[self.hear], **options)
        connect_ = partial(AsyncOwner.connect, self)
        return make_async_pool(connect_, destroy=partial(AsyncOwner.end, self), **options)

    async def connect(self) -> Thing:
        """Make a resource that does not refer to the owner."""
        return Thing(self.log)

    async def end(self, thing: Thing) -> None:
        """End one, in its own time."""
        await asyncio.sleep(0.001)
        thing.end()

    def hear(self, event: object) -> None:
        """Listen."""

    async def fill(self) -> AsyncOwner:
        """Have two idle."""
        for lease in [await self.pool.acquire() for _ in range(2)]:
            lease.release()
        return self


async def gone_from_loop(log: list[str], count: int) -> None:
    """Wait until all is destroyed, once and by the adapter, and neither task nor owner is left."""
    await until(lambda: (gc.collect(), len(log) >= count)[1], f"{count} ends")
    await until(lambda: {asyncio.current_task()} == asyncio.all_tasks(), "the end of the tasks")
    await until(lambda: (gc.collect(), not owners())[1], "the end of the owner")
    assert ["destroyed"] * count == log


@pytest.mark.parametrize("way", WAYS[:3])
def test_an_async_pool_is_dropped_with_its_owner(way: str) -> None:
    """Behaviour 116."""

    async def main() -> None:
        log = (await AsyncOwner(way).fill()).log
        await asyncio.sleep(0.01)
        await gone_from_loop(log, 2)

    asyncio.run(main())


def test_who_has_a_lease_keeps_an_async_pool_that_works() -> None:
    async def main() -> None:
        owner = await AsyncOwner("bound methods").fill()
        lease, log = await owner.pool.acquire(), owner.log
        del owner
        gc.collect()
        await asyncio.sleep(0.05)
        assert ([], 1) == (log, owners())
        lease.release()
        del lease
        await gone_from_loop(log, 2)

    asyncio.run(main())


def test_a_lease_that_the_owner_itself_has_ends_with_the_async_pool() -> None:
    async def main() -> None:
        owner = await AsyncOwner("bound methods").fill()
        owner.leases.append(await owner.pool.acquire())
        log = owner.log
        del owner
        await gone_from_loop(log, 2)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        asyncio.run(main())


def test_tasks_to_whom_nobody_refers_wait_on() -> None:
    """The loop refers to a task only by what that waits for, and here that is the pool."""

    async def main() -> None:
        done: list[str] = []

        async def wait(owner: AsyncOwner, act: Callable[[AsyncPool[Thing]], Awaitable[None]]) -> None:
            await act(owner.pool)
            done.append("served")

        async def lease(pool: AsyncPool[Thing]) -> None:
            async with pool.acquire(timeout=None):
                pass

        async def ready(pool: AsyncPool[Thing]) -> None:
            await pool.wait_ready(None)

        async def begin() -> Any:
            owner = AsyncOwner("bound methods", min_size=1)
            owner.pool.pause()
            owner.pool.resize(max_size=0, min_size=0)
            for act in (lease, ready):
                asyncio.create_task(wait(owner, act))  # noqa: RUF006  # that nobody has it is the point
            await asyncio.sleep(0.05)
            return owner.pool._core.leash

        leash = await begin()
        for _ in range(3):
            gc.collect()
            await asyncio.sleep(0.01)
        core = leash.look()
        assert core is not None, "two wait in it"
        core.do(core.engine.resize, 0, 2)
        core.do(core.engine.resume)
        del core
        await until(lambda: len(done) == 2, "both")
        await until(lambda: (gc.collect(), not owners())[1], "the end of the owner")

    asyncio.run(main())


def test_an_async_pool_dropped_with_its_owner_after_the_loop_is_aborted_with_a_warning() -> None:
    async def main() -> AsyncOwner:
        return await AsyncOwner("bound methods").fill()

    owner = asyncio.run(main())
    del owner
    with pytest.warns(ResourceWarning, match="'dropped' was never closed"):
        gc.collect()
    gc.collect()
    assert 0 == owners()


def test_a_loop_that_is_closed_before_it_can_close_a_dropped_pool_aborts_it_with_a_warning() -> None:
    async def main() -> None:
        owner = await AsyncOwner("bound methods").fill()
        await asyncio.sleep(0.01)
        del owner
        loop.stop()

    loop = asyncio.new_event_loop()
    task = loop.create_task(main())
    loop.run_forever()
    assert task.done()
    gc.collect()
    with pytest.warns(ResourceWarning, match="'dropped' was never closed"):
        loop.close()
    del task
    gc.collect()
    assert 0 == owners()


def test_an_async_recording_is_whole_though_its_pool_was_dropped(tmp_path: Path) -> None:
    async def main() -> None:
        owner = AsyncOwner("bound methods")
        owner.pool.record(tmp_path / "trace")
        log = (await owner.fill()).log
        del owner
        await gone_from_loop(log, 2)

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        run(main)
    assert 2 == len(read_recording(tmp_path / "trace").calls)
