"""Acquire and capacity: who gets what, when, and what he is told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import pytest

from respool import Elastic, Fixed, PoolRejected, PoolTimeout
from respool.testing import never, slow
from tests.shells.rig import HANG, Rig, eventually


def test_an_idle_resource_is_reused_rather_than_a_new_one_made(rig: Rig) -> None:
    """Behaviours 4 and 5."""
    pool = rig.pool(max_size=4)
    for _ in range(5):
        with pool.leased() as resource:
            assert resource.number == 1
    assert pool.stats().created == 1


@pytest.mark.parametrize("sizing", [Elastic(), Elastic(target_wait=0)], ids=str)
def test_a_lazy_pool_makes_no_more_than_its_callers_can_hold(rig: Rig, sizing: Elastic) -> None:
    """Behaviours 5 and 63: each create in flight counts for one of those who wait."""
    pool = rig.pool(rig.adapter(create=lambda call: slow(0.02)), max_size=10, sizing=sizing)
    leases = [caller.result() for caller in [pool.begin() for _ in range(3)]]
    pool.quiet()
    assert 3 == pool.adapter.created
    for lease in leases:
        lease.release()


@pytest.mark.parametrize("most", [1, 3])
def test_there_are_never_more_than_max_size_however_many_race(rig: Rig, most: int) -> None:
    """Behaviours 1 and 2: what is being created counts, and what is being destroyed."""
    adapter = rig.adapter(create=lambda call: slow(0.01), destroy=[never()])
    pool = rig.pool(adapter, max_size=most)
    callers = [pool.begin() for _ in range(12)]
    eventually(lambda: (most, 12 - most) == (pool.stats().in_use, pool.stats().waiting))
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.1)  # longer than a create takes, so one more would be worth its while
    assert (most, most) == (pool.stats().size, adapter.count("create"))
    first = next(caller for caller in callers if caller.done)
    callers.remove(first)
    first.result().discard()
    eventually(lambda: 1 == adapter.count("destroy"), "a destroy that hangs")
    assert (most, 0, 1) == (pool.stats().size, pool.stats().creating, pool.stats().closing)
    adapter.release_blocked()
    while callers:
        caller = eventually(lambda: [caller for caller in callers if caller.done])[0]
        assert pool.stats().size <= most
        callers.remove(caller)
        caller.result().release()
    assert most + 1 == adapter.count("create")
    pool.check()


def test_a_resource_has_one_holder_at_a_time(rig: Rig) -> None:
    """Behaviour 3."""
    pool = rig.pool(max_size=2)
    first, second = pool.acquire(), pool.acquire()
    assert first.resource is not second.resource
    holding = pool.adapter.holding
    with holding(first.resource), holding(second.resource), pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.05)
    first.release()
    second.release()
    pool.check()


@pytest.mark.parametrize(("order", "expected"), [("lifo", 2), ("fifo", 1)])
def test_idle_resources_are_handed_out_in_the_configured_order(rig: Rig, order: str, expected: int) -> None:
    """Behaviour 6."""
    pool = rig.pool(rig.adapter(reset_is_local=True), max_size=2, order=order)
    first, second = pool.acquire(), pool.acquire()
    first.release()
    second.release()
    with pool.leased() as resource:
        assert resource.number == expected


def test_try_acquire_takes_what_is_idle_and_never_waits_or_creates_inline(rig: Rig) -> None:
    """Behaviour 7."""
    pool = rig.pool(rig.adapter(create=[slow(0.2)]), max_size=1)
    assert pool.try_acquire() is None
    eventually(lambda: pool.stats().idle == 1, "the background create that the demand started")
    lease = pool.try_acquire()
    assert lease is not None
    assert pool.try_acquire() is None
    lease.release()


def test_a_timeout_of_zero_takes_what_is_idle_or_fails_at_once(rig: Rig) -> None:
    """Behaviour 8."""
    pool = rig.pool(rig.adapter(create=[never()]), max_size=1)
    with pytest.raises(PoolTimeout, match="at once"):
        pool.acquire(timeout=0)
    eventually(lambda: pool.adapter.count("create") == 1)
    pool.adapter.release_blocked()
    eventually(lambda: pool.stats().idle == 1)
    pool.acquire(timeout=0).release()


@pytest.mark.parametrize("hung", ["create", "validate", "reset"])
def test_the_whole_wait_never_exceeds_the_timeout_though_the_adapter_hangs(rig: Rig, hung: str) -> None:
    """Behaviours 9, 48, 84: each phase has its own bound, and the caller has his."""
    pool = rig.pool(max_size=1, check_after=0)
    if hung != "create":
        with pool.leased() as resource:
            resource.leftovers.append("something")
        pool.quiet()
    pool.adapter.script(hung, never())
    if hung == "reset":
        pool.acquire().release()
    began = monotonic()
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.2)
    assert monotonic() - began < HANG / 4
    pool.adapter.release_all()


def test_a_timeout_per_call_overrides_the_default_both_ways(rig: Rig) -> None:
    """Behaviour 11."""
    pool = rig.pool(max_size=1, timeout=0.1)
    lease = pool.acquire(timeout=HANG)
    with pytest.raises(PoolTimeout, match=r"within 0\.1 s"):
        pool.acquire()
    with pytest.raises(PoolTimeout, match=r"within 0\.05 s"):
        pool.acquire(timeout=0.05)
    patient = [pool.begin_waiting(timeout) for timeout in (HANG, None)]
    with pytest.raises(PoolTimeout, match=r"within 0\.2 s"):
        pool.acquire(timeout=0.2)  # longer than the default, which the patient outlast as well
    lease.release()
    for caller in patient:
        caller.result().release()


def test_a_waiter_wakes_on_a_release(rig: Rig) -> None:
    """Behaviour 12."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    lease.release()
    waiter.result().release()


def test_a_waiter_wakes_when_a_place_comes_free(rig: Rig) -> None:
    """Behaviours 14 and 15."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    lease.discard()
    second = waiter.result()
    assert second.resource.number == 2
    waiter = pool.begin_waiting()
    pool.adapter.script("reset", ValueError("cannot be cleaned"))
    second.release()
    third = waiter.result()
    assert third.resource.number == 3
    third.release()


def test_a_caller_who_waits_for_his_create_takes_a_returned_resource_first(rig: Rig) -> None:
    """Behaviours 13 and 16: callers block on the pool, not on the backend."""
    pool = rig.pool(max_size=2)
    lease = pool.acquire()
    pool.adapter.script("create", never())
    waiter = pool.begin_waiting()
    eventually(lambda: pool.adapter.count("create") == 2, "the second create has begun")
    lease.release()
    assert waiter.result().resource.number == 1
    pool.adapter.release_all()
    eventually(lambda: pool.stats().idle == 1, "the finished create stocks the pool")
    assert pool.acquire().resource.number == 2


def test_a_caller_beyond_max_waiting_is_refused_at_once(rig: Rig) -> None:
    """Behaviour 17."""
    pool = rig.pool(max_size=1, max_waiting=1)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    with pytest.raises(PoolRejected, match="max_waiting=1"):
        pool.acquire()
    lease.release()
    waiter.result().release()
    assert pool.stats().rejected == 1


def test_a_dormant_pool_serves_nobody_until_it_is_resized(rig: Rig) -> None:
    """Behaviour 19."""
    pool = rig.pool(max_size=0)
    with pytest.raises(PoolTimeout, match="max_size is 0"):
        pool.acquire(timeout=0.05)
    waiter = pool.begin_waiting()
    pool.resize(max_size=1)
    waiter.result().release()


def test_a_timeout_tells_everything(rig: Rig) -> None:
    """Behaviours 36 and 130: who, how long, what is the case, what failed last; and the cause is kept."""
    adapter = rig.adapter()
    adapter.noun = "connection"
    pool = rig.pool(adapter, max_size=1, name="orders")
    lease = pool.acquire()
    with pytest.raises(PoolTimeout) as caught:
        pool.acquire(timeout=0.05)
    assert caught.value.phase == "wait"
    assert caught.value.stats is not None
    assert caught.value.stats.in_use == 1
    told = "no connection from pool 'orders' within 0.05 s (size 1/1, in use 1, idle 0"
    assert str(caught.value).startswith(told)
    lease.release()


@pytest.mark.parametrize("bad", [-1, float("nan"), 10**400], ids=["negative", "nan", "no-float"])
def test_a_time_that_is_negative_nan_or_no_float_is_refused_by_name(rig: Rig, bad: float) -> None:
    """Behaviour 20."""
    pool = rig.pool()
    asked: list[Callable[[], object]] = [
        lambda: pool.acquire(timeout=bad),
        lambda: pool.run(str, timeout=bad),
        lambda: pool.refresh()(bad),
        lambda: pool.wait_ready(bad),
        lambda: pool.close(bad),
    ]
    for ask in asked:
        with pytest.raises(ValueError, match=r"timeout is .*seconds"):
            ask()
    with pytest.raises(ValueError, match=r"target_wait is .*seconds"):
        Elastic(target_wait=bad)


@pytest.mark.parametrize("long", [1e10, 1e300, float("inf")])
def test_a_timeout_may_be_as_long_as_one_likes(rig: Rig, long: float) -> None:
    pool = rig.pool(max_size=1)
    pool.wait_ready(long)
    pool.acquire(timeout=long).release()
    assert pool.refresh()(long)
    assert pool.close(long)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"min_size": 3, "max_size": 2}, ValueError, "min_size is 3, it must be at most max_size"),
        (
            {"min_size": 5, "sizing": Fixed(3)},
            ValueError,
            "min_size is 5, it must be at most 3, as sizing",
        ),
        (
            {"max_size": 2, "sizing": Fixed(30)},
            ValueError,
            r"sizing is Fixed\(size=30\), its size must be",
        ),
        ({"max_size": -1}, ValueError, "max_size is -1"),
        ({"max_size": 1.5}, TypeError, "max_size is 1.5"),
        ({"max_size": True}, TypeError, "max_size is True"),
        ({"timeout": float("nan")}, ValueError, "timeout is nan"),
        ({"timeout": 10**400}, ValueError, "timeout is an int too large for a float"),
        ({"max_idle": 0}, ValueError, "max_idle is 0"),
        ({"max_lifetime": -2}, ValueError, "max_lifetime is -2"),
        ({"max_uses": 0}, ValueError, "max_uses is 0"),
        ({"check_after": "soon"}, TypeError, "check_after is 'soon'"),
        ({"order": "random"}, ValueError, "order is 'random'"),
        ({"fairness": "none"}, ValueError, "fairness is 'none'"),
        ({"admission": "never"}, ValueError, "admission is 'never'"),
        ({"order": ["lifo"]}, TypeError, r"order is \['lifo'\], it must be one of 'lifo', 'fifo'"),
        ({"order": None}, TypeError, "order is None"),
        ({"fairness": True}, TypeError, "fairness is True, it must be one of 'eventual', 'strict'"),
        ({"admission": 0}, TypeError, "admission is 0"),
        ({"on_event": None}, TypeError, "on_event is None, it must be a listener, callable with one event"),
        ({"on_event": 5}, TypeError, "on_event is 5"),
        ({"on_event": [1]}, TypeError, "on_event has 1"),
        ({"name": 7}, TypeError, "name is 7"),
        ({"max_creating": 0}, ValueError, "max_creating is 0"),
        ({"maxsize": 1}, TypeError, "did you mean 'max_size'"),
    ],
)
def test_a_bad_option_is_refused_with_its_name_value_and_rule(
    rig: Rig, options: dict[str, object], error: type[Exception], match: str
) -> None:
    """Behaviour 20."""
    with pytest.raises(error, match=match):
        rig.pool(**options)
