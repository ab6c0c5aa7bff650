"""The keeper: it is one thread, on which a pool may be closed, and those who wait can do without."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from respool import PoolEvent, PoolTimeout, make_pool
from respool._engine import Engine
from respool._keeper import Keeper
from tests.shells.rig import HANG, eventually


@pytest.fixture
def _no_keeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no pool start its keeper."""
    monkeypatch.setattr(Keeper, "hire", lambda keeper: None)


@pytest.mark.usefixtures("_no_keeper")
def test_a_thread_that_waits_sees_itself_that_its_time_is_up() -> None:
    pool = make_pool(object, max_size=1)
    lease = pool.acquire()
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.02)
    assert not pool.refresh().wait(0.02)
    assert not pool.close(0.02)
    lease.release()
    assert pool.close(HANG)


@pytest.mark.usefixtures("_no_keeper")
def test_a_thread_that_is_nudged_comes_and_takes_what_is_free() -> None:
    with make_pool(object, max_size=1) as pool, ThreadPoolExecutor(1) as threads:
        lease = pool.acquire()
        waiting = threads.submit(pool.acquire, HANG / 4)
        eventually(lambda: pool.stats().waiting == 1)
        pool._core.engine.pace.due = float("inf")  # as if the last hand-over were recent
        lease.release()
        waiting.result(HANG).release()


def test_a_keeper_that_lives_is_not_replaced() -> None:
    with make_pool(object, min_size=1) as pool:
        first = eventually(lambda: pool._core.leash.thread)
        pool._core.leash.hire()
        assert first is pool._core.leash.thread


def test_a_listener_may_close_the_pool_on_the_keepers_thread() -> None:
    closed: list[bool] = []

    def close(event: PoolEvent) -> None:
        if threading.current_thread().name.endswith("-keeper") and not closed:
            closed.append(pool.close(HANG))

    pool = make_pool(object, max_size=1, max_idle=0.05, sizing=None, on_event=[close])
    pool.acquire().release()
    eventually(lambda: closed)
    assert [True] == closed
    eventually(lambda: not [t for t in threading.enumerate() if t.name.startswith(f"respool-{pool.name}")])


@pytest.mark.parametrize("error", [SystemExit, MemoryError])
def test_an_error_of_a_tick_ends_no_keeper(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: type[BaseException]
) -> None:
    """Nothing that users write raises there; but without its keeper a pool would be lost."""
    raised = threading.Event()
    tick = Engine.tick

    def once(engine: Engine, now: float) -> None:
        if not raised.is_set():
            raised.set()
            raise error
        tick(engine, now)

    with make_pool(object, max_size=1, max_idle=0.05) as pool:
        monkeypatch.setattr(Engine, "tick", once)
        pool.acquire().release()
        eventually(lambda: pool.stats().size == 0)
        assert raised.is_set()
    assert 1 == caplog.text.count("the keeper goes on after an error")
