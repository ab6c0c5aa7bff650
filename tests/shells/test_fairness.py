"""Who is next."""

from __future__ import annotations

from respool import PoolTimeout
from tests.shells.rig import Rig, eventually


def test_waiters_are_served_in_the_order_of_their_arrival(rig: Rig) -> None:
    """Behaviour 21."""
    pool = rig.pool(max_size=1, fairness="strict")
    lease = pool.acquire()
    waiters = [pool.begin_waiting() for _ in range(5)]
    for waiter in waiters:
        lease.release()
        lease = waiter.result()
        assert [w.done for w in waiters].count(True) == waiters.index(waiter) + 1
    lease.release()


def test_a_newcomer_cannot_overtake_a_waiter(rig: Rig) -> None:
    """Behaviour 22."""
    pool = rig.pool(max_size=1, fairness="strict")
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    lease.release()
    newcomer = pool.begin()
    first = waiter.result()
    assert not newcomer.done
    first.release()
    newcomer.result().release()


def test_an_expired_waiter_is_never_given_anything(rig: Rig) -> None:
    """Behaviours 23 and 24."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    expired = pool.begin_waiting(timeout=0.05)
    patient = pool.begin_waiting(timeout=30)
    assert isinstance(expired.error(), PoolTimeout)
    lease.release()
    patient.result().release()
    assert pool.stats().in_use == 0
    pool.check()


def test_the_age_of_the_oldest_waiter_is_shown(rig: Rig) -> None:
    """Behaviour 133."""
    pool = rig.pool(max_size=1)
    assert pool.stats().oldest_wait == 0.0
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    eventually(lambda: pool.stats().oldest_wait > 0.05)
    lease.release()
    waiter.result().release()
