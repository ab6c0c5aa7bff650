"""A collection at any moment may end a lease: a generator that is collected leaves its ``with`` block.

It does so in whatever thread allocates, in the middle of whatever that thread does, the pool's own events
included.
"""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import pytest

import respool._workers
from respool import Adapter, Fixed, Lease, Pool, PoolMisuse, make_pool

from .rig import eventually
from .strikes import collect_at

HANG = 60.0
"""Longer than anything here takes, s: a guard against hanging."""


class Plain(Adapter[object]):
    """Makes anything."""

    def create(self) -> object:
        """Make one."""
        return object()


class Watched(Pool[object]):
    """A pool all of whose leases take the slow path, for somebody listens."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Plain(), max_size=2, timeout=HANG, on_event=[lambda event: None], **options)


def use(pool: Pool[Any]) -> Iterator[None]:
    """Hold a resource until the end, or until collected."""
    with pool.acquire():
        yield


def forget_one(pool: Pool[Any]) -> None:
    """Begin to use a resource, and be forgotten in the middle, within a cycle that only a collection ends."""
    ring: list[Any] = [use(pool)]
    next(ring[0])
    ring.append(ring)


def within(seconds: float, work: Callable[[], Any]) -> None:
    """Do something in a thread of its own that may hang."""
    errors: list[BaseException] = []

    def do() -> None:
        try:
            work()
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(seconds)
    assert not thread.is_alive(), "it hangs"
    if errors:
        raise errors[0]


@pytest.fixture(autouse=True)
def small_heap() -> Iterator[None]:
    """Have a collection look at what a test makes, at that moment and no other."""
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


def lease(pool: Pool[Any]) -> None:
    """Use a resource by the slow path."""
    with pool.acquire():
        pass


def look(pool: Pool[Any]) -> None:
    """Ask what anybody may ask."""
    pool.stats()


def replace(pool: Pool[Any]) -> None:
    """Have threads started."""
    held = pool.acquire()
    held.discard()


@pytest.mark.parametrize("work", [lease, look, replace])
def test_a_lease_that_a_collection_ends_comes_back_whatever_its_thread_is_in_the_middle_of(
    work: Callable[[Pool[Any]], None],
) -> None:
    def every_bytecode() -> None:
        after = 0
        step = 3 if work is look else 17
        while True:
            after += step
            with Watched(sizing=Fixed()) as pool:
                lease(pool)
                forget_one(pool)
                struck = collect_at(lambda: work(pool), after)
                gc.collect()
                both = [pool.acquire(), pool.acquire()]
                assert 2 == len({id(each.resource) for each in both}), "a resource has two owners"
                for each in both:
                    each.release()
            if not struck:
                return

    within(HANG, every_bytecode)


def test_a_collection_while_a_thread_is_made_hangs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made = threading.Thread.__init__

    def collecting(self: threading.Thread, *args: Any, **facts: Any) -> None:
        gc.collect()
        made(self, *args, **facts)

    def work() -> None:
        pool = Watched()
        lease(pool)
        while pool._core._makers._threads:
            sleep(0.001)
        forget_one(pool)
        monkeypatch.setattr(threading.Thread, "__init__", collecting)
        held = pool.acquire()
        monkeypatch.setattr(threading.Thread, "__init__", made)
        held.release()
        eventually(lambda: pool.stats().in_use == 0)
        pool.close()

    monkeypatch.setattr(respool._workers, "LINGER", 0.01)
    within(HANG, work)


def test_who_asks_in_the_middle_of_the_pools_own_work_is_told_that_nobody_can_wait_there() -> None:
    refused: list[str] = []
    pool = Watched()
    lease(pool)
    engine = pool._core.engine

    def work() -> None:
        engine.ages.awake = asking  # type: ignore[method-assign]  # as a finalizer would strike
        lease(pool)

    awake = engine.ages.awake

    def asking(now: float) -> None:
        engine.ages.awake = awake  # type: ignore[method-assign]  # once
        for ask in (pool.try_acquire, pool.refresh, pool.wait_ready):
            with pytest.raises(PoolMisuse, match="a finalizer or a signal handler") as told:
                ask()
            refused.append(str(told.value))
        pool.pause()
        pool.resume()

    within(HANG, work)
    assert 3 == len(refused)
    assert 0 == pool.stats().waiting
    lease(pool)
    assert pool.close()


def test_a_signal_handler_may_release_a_lease_whatever_it_interrupts() -> None:
    with Watched() as pool:
        held: list[Lease[object]] = [pool.acquire()]
        before = signal.signal(signal.SIGUSR1, lambda *_: held.pop().release() if held else None)
        try:
            engine = pool._core.engine
            awake = engine.ages.awake

            def struck(now: float) -> None:
                engine.ages.awake = awake  # type: ignore[method-assign]  # once
                signal.raise_signal(signal.SIGUSR1)
                awake(now)

            engine.ages.awake = struck  # type: ignore[method-assign]  # in the middle of an event
            lease(pool)
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert not held
        assert 0 == pool.stats().in_use


@pytest.mark.parametrize("end", ["discard", "detach", "expire", "close"])
def test_no_finalizer_of_a_resource_runs_under_the_mutex(end: str) -> None:
    """It may take its time: a driver that says goodbye when its connection is collected."""
    under: list[bool] = []

    class Thing:
        def __del__(self) -> None:
            under.append(pool._core.mutex._is_owned())  # type: ignore[attr-defined]  # as in the core

    pool = make_pool(Thing, max_size=1, max_lifetime=0.05 if end == "expire" else None)
    lease = pool.acquire()
    if end in ("discard", "detach"):
        getattr(lease, end)()
    else:
        lease.release()
    if end == "close":
        assert pool.close()
    eventually(lambda: under, "the end of the resource")
    assert [False] == under[:1]
    pool.close()
