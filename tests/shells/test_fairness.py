"""Who is next."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

import pytest

from respool import Adapter, Pool, PoolTimeout
from respool._returns import unusual
from tests.shells.rig import HANG, Rig, eventually


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


@pytest.mark.parametrize("by_block", [True, False])
def test_a_newcomer_cannot_overtake_between_a_release_and_its_hand_over(
    by_block: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behaviour 22: a thread puts the resource down first and looks who waits then."""
    served: list[str] = []

    def caller(name: str) -> None:
        with pool.acquire():
            served.append(name)

    def hand_over(core: Any, slot: Any, code: int) -> None:
        monkeypatch.undo()
        newcomer = crew.submit(caller, "newcomer")
        eventually(lambda: newcomer.done() or pool.stats().waiting == 2)
        unusual(core, slot, code)

    with Pool(Plain(), max_size=1, fairness="strict") as pool, ThreadPoolExecutor(2) as crew:
        held = pool.acquire()
        first = crew.submit(caller, "first")
        eventually(lambda: pool.stats().waiting == 1)
        for module in ("_threads", "_leases"):
            monkeypatch.setattr(f"respool.{module}.unusual", hand_over)
        if by_block:
            held.__exit__(None, None, None)
        else:
            held.release()
        first.result(HANG)
    assert ["first", "newcomer"] == served


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
