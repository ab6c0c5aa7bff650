"""Who cleans under threads: a caller who would only wait for it, else a worker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from respool import Pool, PoolTimeout
from respool.testing import ScriptedAdapter, error

Make = Callable[..., Pool[Any]]


@pytest.fixture
def idle_cleaners() -> Iterator[Make]:
    """Make pools of one idle resource whose cleaning workers never begin, until the test is over."""
    pools: list[Pool[Any]] = []

    def make(adapter: ScriptedAdapter, **options: Any) -> Pool[Any]:
        pool: Pool[Any] = Pool(adapter, max_size=1, **options)
        pools.append(pool)
        pool._core._cleaners.staff = lambda: None  # type: ignore[method-assign]
        return pool

    yield make
    for pool in pools:
        del pool._core._cleaners.staff
        pool._core._cleaners.staff()
        assert pool.close(10)


def test_a_waiting_caller_cleans_what_he_has_released(idle_cleaners: Make) -> None:
    """Behaviour 88."""
    cleaned_by: list[int] = []
    adapter = ScriptedAdapter(
        abilities={"abort"}, reset=lambda call: cleaned_by.append(threading.get_ident())
    )
    pool = idle_cleaners(adapter)
    with pool.acquire() as resource:
        resource.leftovers.append("something")
    with pool.acquire() as resource:
        assert [] == resource.leftovers
    assert [threading.get_ident()] == cleaned_by


@pytest.mark.parametrize(
    ("abilities", "reset_timeout"), [({"abort"}, 1.0), (set(), 0.05)], ids=["too little time", "no abort"]
)
def test_nobody_cleans_who_might_not_come_back_in_time(
    idle_cleaners: Make, abilities: set[str], reset_timeout: float
) -> None:
    """Behaviour 20: a reset that hangs ends at its own timeout, and only where it can be aborted."""
    adapter = ScriptedAdapter(abilities=abilities)
    pool = idle_cleaners(adapter, reset_timeout=reset_timeout)
    pool.acquire().release()
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.3)
    assert 0 == adapter.count("reset")


def test_nobody_cleans_where_a_new_adapter_cannot_abort(idle_cleaners: Make) -> None:
    """Behaviours 20, 124: the one before could, and nobody asks each resource whose it is."""
    adapter = ScriptedAdapter()
    pool = idle_cleaners(ScriptedAdapter(abilities={"abort"}), reset_timeout=0.05)
    pool.acquire().release()
    pool.refresh(adapter=adapter)
    pool.acquire().release()
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.3)
    assert 0 == adapter.count("reset")


def test_a_reset_that_fails_in_a_callers_hands_gives_the_resource_up(idle_cleaners: Make) -> None:
    """Behaviour 90."""
    adapter = ScriptedAdapter(abilities={"abort"}, reset=[error(OSError("gone"))])
    pool = idle_cleaners(adapter)
    pool.acquire().release()
    with pool.acquire() as resource:
        assert 2 == resource.number
    assert 1 == pool.stats().destroyed["reset failed"]


def test_an_interrupt_while_a_caller_cleans_is_his(idle_cleaners: Make) -> None:
    """Behaviours 27, 30."""
    adapter = ScriptedAdapter(abilities={"abort"}, reset=[error(KeyboardInterrupt())])
    pool = idle_cleaners(adapter)
    pool.acquire().release()
    with pytest.raises(KeyboardInterrupt):
        pool.acquire()
    with pool.acquire() as resource:
        assert 2 == resource.number
    pool._core.engine.check()
