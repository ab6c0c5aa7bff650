"""What a pool tells: snapshots, events, the log."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from respool import (
    Acquired,
    AcquireFailed,
    BackendError,
    DirtyReturn,
    PoolClosed,
    PoolError,
    PoolMisuse,
    PoolRejected,
    PoolTimeout,
    Released,
    ResourceCreated,
    ResourceDestroyed,
    ResourceSpoiled,
)
from respool.testing import ScriptedError, never
from tests.shells.rig import Rig, eventually


def pickled(thing: object) -> Any:
    """Send something to another process and back, as it were."""
    return pickle.loads(pickle.dumps(thing))


COPIES = (pickled, copy.copy, copy.deepcopy)


def test_a_snapshot_adds_up(rig: Rig) -> None:
    """Behaviours 131 and 132."""
    pool = rig.pool(max_size=3)
    lease, other = pool.acquire(), pool.acquire()
    other.release()
    stats = pool.quiet()
    moving = stats.creating + stats.checking + stats.resetting + stats.closing
    assert stats.size == stats.idle + stats.in_use + moving == 2
    assert (stats.acquired, stats.created, stats.in_use) == (2, 2, 1)
    lease.release()


@pytest.mark.parametrize("copied", COPIES)
def test_a_snapshot_can_be_pickled_copied_and_hashed_and_not_written_to(
    rig: Rig, copied: Callable[[Any], Any]
) -> None:
    """Behaviour 131."""
    pool = rig.pool(max_size=1)
    pool.acquire().discard()
    stats = pool.quiet()
    again = copied(stats)
    assert (stats, hash(stats), {"discarded": 1}) == (again, hash(again), again.destroyed)
    for each in (stats, again):
        with pytest.raises(TypeError):
            each.destroyed["discarded"] = 2


@pytest.mark.parametrize("copied", COPIES)
def test_a_timeout_can_be_pickled_and_copied_with_all_that_it_says(
    rig: Rig, copied: Callable[[Any], Any]
) -> None:
    """Behaviour 36: it crosses to the process that asked for the work."""
    pool = rig.pool(rig.adapter(create=[never()]), max_size=1)
    with pytest.raises(PoolTimeout) as caught:
        pool.acquire(timeout=0.01)
    told, again = caught.value, copied(caught.value)
    assert (PoolTimeout, str(told), "create", told.stats) == (
        type(again),
        str(again),
        again.phase,
        again.stats,
    )
    pool.adapter.release_all()


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize(
    "kind", [BackendError, PoolClosed, PoolError, PoolMisuse, PoolRejected, PoolTimeout, ResourceSpoiled]
)
def test_every_error_can_be_pickled_and_copied(kind: type[Exception], copied: Callable[[Any], Any]) -> None:
    again = copied(kind("what it says"))
    assert (kind, "what it says") == (type(again), str(again))


def test_listeners_hear_of_everything_in_order(rig: Rig) -> None:
    """Behaviours 107 and 132."""
    events: list[object] = []
    pool = rig.pool(max_size=1, on_event=events.append)
    with pool.leased(), pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.01)
    pool.acquire().discard()
    pool.quiet()
    kinds = [type(e) for e in events]
    expected = [ResourceCreated, Acquired, AcquireFailed, Released, Acquired, Released, ResourceDestroyed]
    assert [kind for kind in kinds if kind in expected] == expected


@pytest.mark.parametrize("local", [True, False])
@pytest.mark.parametrize("tells", [True, False])
def test_a_dirty_return_is_told_where_the_adapter_said_so(rig: Rig, local: bool, tells: bool) -> None:
    """Behaviour 89: what is cleaned to be on the safe side has nothing undone, for all that is known."""
    events: list[object] = []
    adapter = rig.adapter(abilities=["dirty"] if tells else [], reset_is_local=local)
    pool = rig.pool(adapter, max_size=1, on_event=events.append)

    def told() -> int:
        pool.quiet()
        return len([event for event in events if isinstance(event, DirtyReturn)])

    with pool.leased():
        pass
    with pytest.raises(KeyError), pool.leased():
        raise KeyError
    assert 0 == told()
    with pool.leased() as resource:
        resource.leftovers.append("open")
    lease = pool.acquire()
    lease.resource.leftovers.append("open")
    lease.release()
    assert (2 if tells else 0) == told()


class Rare(BaseException):
    """No Exception, and nothing that ends a thread."""


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError, Rare])
def test_a_listener_that_raises_hurts_nobody(rig: Rig, kind: type[BaseException]) -> None:
    """Behaviour 134."""
    heard: list[object] = []

    def broken(event: object) -> None:
        raise kind("no")

    pool = rig.pool(max_size=1, on_event=[broken, heard.append])
    pool.acquire().release()
    pool.acquire().release()
    eventually(lambda: heard)  # whoever delivers now may still be logging what the other one raised
    pool.check()


async def _awaited(event: object) -> None:
    raise AssertionError("nobody awaits it")


def _never_begun(event: object) -> Iterator[None]:
    yield


class _Awaited:
    async def __call__(self, event: object) -> None:
        raise AssertionError("nobody awaits it")


@pytest.mark.parametrize(
    "listener", [_awaited, _Awaited(), _Awaited().__call__, partial(_awaited), _never_begun]
)
def test_a_listener_that_would_never_run_is_refused(rig: Rig, listener: Callable[[object], object]) -> None:
    for listeners in (listener, [print, listener]):
        with pytest.raises(TypeError, match="a listener is a plain function"):
            rig.pool(on_event=listeners)


def test_one_trouble_is_one_warning(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """Behaviour 134: nothing above DEBUG in normal life, one WARNING for an outage, one INFO at its end."""
    caplog.set_level(logging.INFO, logger="respool")
    pool = rig.pool(max_size=1, name="quiet")
    pool.acquire().release()
    assert not caplog.records
    pool.acquire().discard()
    pool.adapter.script("create", [OSError("no"), OSError("no"), OSError("no")])
    pool.acquire().release()
    eventually(lambda: len(caplog.records) >= 2)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert all(record.name == "respool" for record in caplog.records)


def test_a_failing_destroy_is_told_and_swallowed(rig: Rig) -> None:
    """Behaviour 105."""
    events: list[object] = []
    pool = rig.pool(rig.adapter(destroy=[ScriptedError("stuck")]), max_size=1, on_event=events.append)
    pool.acquire().discard()
    [event] = eventually(lambda: [e for e in events if isinstance(e, ResourceDestroyed)])
    assert "stuck" in str(event.error)
    pool.acquire().release()


def test_an_event_shows_all_that_it_tells() -> None:
    event = Acquired(pool="main", at=1.5, number=2, waited=0.25)
    assert "Acquired(pool='main', at=1.5, number=2, waited=0.25)" == repr(event)
