"""Who is next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from respool import Adapter, Pool, PoolTimeout
from tests.shells.rig import Rig, eventually


class Plain(Adapter[object]):
    """An adapter with nothing to do."""

    def create(self) -> object:
        """Make anything."""
        return object()


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


@pytest.mark.parametrize("way", ["in line", "nudged"])
def test_how_long_a_hand_over_takes_is_measured_by_threads(way: str) -> None:
    """Behaviour 22: from the release until the thread that was served runs."""
    with Pool(Plain(), max_size=1) as pool:
        held = pool.acquire()
        pace = pool._core.engine.pace
        before = pace.takes
        with ThreadPoolExecutor(1) as crew:
            served = crew.submit(lambda: pool.acquire().release())
            eventually(lambda: pool.stats().waiting == 1)
            if way == "nudged":  # who comes to get it himself was handed nothing
                pace.handed(monotonic(), -1.0)
                pace.due = monotonic() + 60
            due = pace.due
            held.release()
            served.result(30)
        assert (pace.takes != before) == (way == "in line")
        assert pace.due != due


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
