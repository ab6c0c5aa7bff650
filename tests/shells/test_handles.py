"""Leases: every way out of one, once, and nothing that is done twice does harm."""

from __future__ import annotations

import copy
import gc
import pickle
import re
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from respool import (
    Adapter,
    AsyncAdapter,
    Fault,
    LeaseForgotten,
    LeaseLeaking,
    LeaseReturned,
    PoolMisuse,
    PoolTimeout,
    ResourceDestroyed,
    make_pool,
)
from respool._engine import COUNTS
from respool.testing import Resource, ScriptedError
from tests.shells.rig import Rig, RigPool, eventually


def test_a_second_release_is_misuse_and_harms_nothing(rig: Rig) -> None:
    """Behaviour 95."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    lease.release()
    with pytest.raises(PoolMisuse, match="released before"):
        lease.release()
    other = pool.acquire()
    with pytest.raises(PoolMisuse):
        lease.release()
    assert pool.stats().in_use == 1
    other.release()
    pool.check()


def test_a_stale_lease_can_never_release_or_see_somebody_elses_resource(rig: Rig) -> None:
    """Behaviours 96, 97, 129."""
    pool = rig.pool(max_size=1)
    stale = pool.acquire()
    stale.release()
    current = pool.acquire()
    enter = stale.raw.__enter__ if rig.name == "threads" else stale.raw.__aenter__
    acts = (stale.release, stale.discard, stale.detach, lambda: stale.resource, lambda: rig.wait(enter))
    for act in acts:
        with pytest.raises(PoolMisuse):
            act()
    assert current.resource.number == 1
    current.release()
    pool.check()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_lease_or_a_pool_cannot_be_copied(rig: Rig, copied: Callable[[Any], Any]) -> None:
    """Behaviours 95 to 97: the copy of a lease that is used again would release what another holds."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    with pytest.raises(TypeError, match=rf"<lease of pool {pool.raw.name!r}, held> cannot be copied"):
        copied(lease.raw)
    lease.release()
    with pytest.raises(TypeError, match=rf"pool {pool.raw.name!r} cannot be copied or pickled: share"):
        copied(pool.raw)


@pytest.mark.skipif(not COUNTS, reason="a lease is used once here, and found by a weak reference")
def test_nobody_comes_back_to_a_lease_that_is_used_again_by_a_weak_reference(rig: Rig) -> None:
    """Behaviours 96, 97: the reference count, by which leases are used again, does not show it."""
    lease = rig.pool(max_size=1).acquire()
    with pytest.raises(TypeError, match="weak reference"):
        weakref.ref(lease.raw)
    lease.release()


def test_a_block_whose_lease_was_ended_inside_leaves_quietly(rig: Rig) -> None:
    """Behaviour 104."""
    pool = rig.pool(max_size=2)
    for act in ("release", "discard", "detach"):
        lease = pool.acquire()
        getattr(lease, act)()
        rig.leave(lease.raw, None)
        rig.leave(lease.raw, ValueError("later"))
    pool.check()


@pytest.mark.parametrize("exc", [None, ValueError(), GeneratorExit(), KeyboardInterrupt()], ids=repr)
def test_every_way_out_of_the_block_gives_the_resource_back(rig: Rig, exc: BaseException | None) -> None:
    """Behaviour 104: at once, and not because the sweep finds it."""
    pool = rig.pool(max_size=1)
    for _ in range(3):
        rig.leave(pool.acquire().raw, exc)
    assert 1 == pool.quiet().idle
    assert (1, 0) == (pool.stats().created, pool.stats().recovered)


def test_discard_destroys_and_may_be_repeated(rig: Rig) -> None:
    """Behaviour 102."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    lease.discard()
    lease.discard()
    eventually(lambda: pool.adapter.destroyed == 1)
    assert pool.quiet().destroyed == {"discarded": 1}
    with pool.leased() as resource:
        assert resource.number == 2


def test_detach_takes_the_resource_out_and_frees_its_place(rig: Rig) -> None:
    """Behaviour 100."""
    pool = rig.pool(max_size=1)
    resource = pool.acquire().detach()
    assert isinstance(resource, Resource)
    with pool.leased() as other:
        assert other.number == 2
    pool.close()
    assert pool.adapter.open == 1


def test_a_lease_may_be_released_by_another_caller(rig: Rig) -> None:
    """Behaviour 98."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    if rig.name == "threads":
        thread = threading.Thread(target=lease.release)
        thread.start()
        thread.join()
    else:
        lease.release()
    pool.acquire().release()


class Lists(Adapter[list[object]]):
    """Resources that are equal to each other, unhashable, and change."""

    def create(self) -> list[object]:
        return []

    def check(self) -> None:
        """Have nothing to say."""

    release_all = check


class AsyncLists(AsyncAdapter[list[object]]):
    """The same for tasks."""

    async def create(self) -> list[object]:
        return []

    def check(self) -> None:
        """Have nothing to say."""

    release_all = check


def test_resources_that_are_equal_or_unhashable_are_told_apart(rig: Rig) -> None:
    """Behaviour 99: the pool knows slots, and never compares or hashes what it holds."""
    pool = rig.pool(Lists() if rig.name == "threads" else AsyncLists(), max_size=2)
    first, second = pool.acquire(), pool.acquire()
    assert first.raw.resource == second.raw.resource
    assert first.raw.resource is not second.raw.resource
    kept = second.raw.resource
    kept.append("grown")
    first.release()
    second.release()
    assert pool.stats().idle == 2
    assert pool.acquire().raw.resource is kept


def test_an_exception_that_leaves_the_block_is_classified(rig: Rig) -> None:
    """Behaviour 91: broken is destroyed, benign is kept, and the exception is passed on untouched."""
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=1)
    benign = KeyError("the user's own")
    with pytest.raises(KeyError) as caught, pool.leased():
        raise benign
    assert caught.value is benign
    with pool.leased() as resource:
        assert resource.number == 1
    with pytest.raises(ScriptedError), pool.leased():
        raise ScriptedError(fault=Fault.RESOURCE_BROKEN)
    with pool.leased() as resource:
        assert resource.number == 2
    assert pool.quiet().destroyed == {"broken": 1}


def test_of_a_group_the_gravest_member_decides_what_becomes_of_the_resource(rig: Rig) -> None:
    """Behaviour 91: what a `TaskGroup` raises is no exception of the driver's, its members may be."""
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=1, check_after=1000)
    broken = ScriptedError(fault=Fault.RESOURCE_BROKEN)
    for members, number, checks in (
        ([KeyError(1), KeyError(2)], 1, 0),
        ([KeyError(1), ExceptionGroup("of an inner group", [KeyError(2), broken])], 2, 0),
        ([KeyError(1), KeyboardInterrupt()], 2, 1),  # no verdict on one of them
    ):
        group = BaseExceptionGroup("of a task group", members)
        with pytest.raises(BaseExceptionGroup) as caught, pool.leased():
            raise group
        assert group is caught.value
        with pool.leased() as resource:
            assert (number, checks) == (resource.number, pool.adapter.count("validate"))
    assert {"broken": 1} == pool.quiet().destroyed


def test_without_a_verdict_the_resource_is_reset_and_validated_before_reuse(rig: Rig) -> None:
    """Behaviours 30 and 91."""
    pool = rig.pool(max_size=1, check_after=1000)
    with pytest.raises(RuntimeError), pool.leased():
        raise RuntimeError("no verdict on this")
    with pool.leased() as resource:
        assert resource.number == 1
    assert [call.method for call in pool.adapter.calls()][:3] == ["create", "reset", "validate"]


def test_backend_down_makes_what_is_idle_suspect(rig: Rig) -> None:
    """Behaviour 93."""
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=2, check_after=1000)
    idle, lease = pool.acquire(), pool.acquire()
    broken = idle.resource
    idle.release()
    broken.broken = True
    with pytest.raises(ScriptedError):
        rig_leave_with(pool, lease, ScriptedError(fault=Fault.BACKEND_DOWN))
    with pool.leased() as resource:
        assert resource.number == 3
    assert pool.adapter.count("validate") == 1


def rig_leave_with(pool: object, lease: object, exc: Exception) -> None:
    """Leave a lease's block with an exception."""
    lease._pool.rig.leave(lease.raw, exc)  # type: ignore[attr-defined]  # a RigLease
    raise exc


def forget_and_reacquire(pool: RigPool) -> None:
    """Drop a lease unreleased, and wait until its resource is there again."""
    pool.acquire()
    gc.collect()
    with pool.leased() as resource:
        assert resource.number == 1


def test_a_forgotten_lease_is_found_and_its_resource_recovered(rig: Rig) -> None:
    """Behaviours 35 and 127."""
    events: list[object] = []
    pool = rig.pool(max_size=1, on_event=events.append, leak_after=1000.0)
    with pytest.warns(ResourceWarning, match="never released"):
        forget_and_reacquire(pool)
    [forgotten] = [e for e in events if isinstance(e, LeaseForgotten)]
    assert "rig.py" in str(forgotten.stack)
    assert pool.stats().recovered == 1
    pool.check()


def test_a_lease_held_too_long_is_reported_with_its_stack_and_so_is_its_return(rig: Rig) -> None:
    """Behaviour 126."""
    events: list[object] = []
    pool = rig.pool(max_size=1, on_event=events.append, leak_after=0.05)
    lease = pool.acquire()
    [leaking] = eventually(lambda: [e for e in events if isinstance(e, LeaseLeaking)])
    assert leaking.held >= 0.05
    assert leaking.stack
    lease.release()
    eventually(lambda: [e for e in events if isinstance(e, LeaseReturned)])


def test_a_timeout_lists_the_oldest_holders_where_leaks_are_watched(rig: Rig) -> None:
    """Behaviour 130."""
    pool = rig.pool(max_size=1, leak_after=1000.0)
    lease = pool.acquire()
    with pytest.raises(PoolTimeout, match="acquired at:"):
        pool.acquire(timeout=0.05)
    lease.release()


def test_the_stack_of_a_holder_begins_with_his_own_function() -> None:
    """Behaviour 126: not with what every thread begins with, and it does not end in the pool."""
    told: list[str] = []

    def listen(event: object) -> None:
        if isinstance(event, LeaseLeaking):
            told.append(event.stack or "")

    def hold_for_long() -> None:
        with pool.acquire():
            eventually(lambda: told)

    with make_pool(object, max_size=1, on_event=listen, leak_after=0.01) as pool:
        thread = threading.Thread(target=hold_for_long)
        thread.start()
        thread.join()
    assert ["hold_for_long"] == re.findall(r", in (\w+)\n", told[0])


def test_a_destroyed_resource_is_let_go(rig: Rig) -> None:
    """Behaviours 107 and 109: the event carries the reason, and the pool keeps no reference."""
    events: list[object] = []
    pool = rig.pool(max_size=1, on_event=events.append)
    pool.acquire().discard()
    [event] = eventually(lambda: [e for e in events if isinstance(e, ResourceDestroyed)])
    assert event.reason == "discarded"
    assert not pool.raw._core.engine.ledger.slots
