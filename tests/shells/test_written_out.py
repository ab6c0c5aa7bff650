"""The two steps of the fast lane that the thread shell has written out do what the lane's own do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

import respool._thread_core
import respool._threads
from respool import Adapter, Pool
from respool._engine._lane import FreshLane, Lane
from respool._engine._slot import PARKED, SUSPECT

SLOW = "the slow path"


class Bare(Adapter[object]):
    """An adapter with nothing to do."""

    def create(self) -> object:
        """Make anything."""
        return object()


@pytest.fixture(params=[Lane, FreshLane], ids=["kept", "fresh"])
def pool(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a pool with one idle resource, on each kind of lane; its slow paths say that they were taken."""
    for module in (respool._threads, respool._thread_core):
        monkeypatch.setattr(module, "COUNTS", request.param.counts)
    made = Pool(Bare(), max_size=1)
    made.acquire().release()
    assert type(made._core.lane) is request.param
    with monkeypatch.context() as patch:
        patch.setattr(made, "_acquire", lambda timeout: SLOW)
        patch.setattr(respool._threads, "unusual", lambda core, slot, code: slow_returns.append(code))
        slow_returns: list[int] = []
        made.slow_returns = slow_returns  # type: ignore[attr-defined]
        yield made
    made.close()


def put_at_rest(lane: Lane, slot: Any, *, gate: int, there: bool, mark: int) -> None:
    """Have a slot, marked or not, on idle or not, behind a gate that is open or not."""
    lane.ahead.count = gate
    lane.idle.clear()
    if there:
        lane.idle.append(slot)
    slot.mark, slot.left = mark, 5


@pytest.mark.parametrize("mark", [0, PARKED, SUSPECT])
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("gate", [0, 1])
def test_a_lease_begins_as_the_lane_would_have_it(pool: Any, gate: int, there: bool, mark: int) -> None:
    lane: Lane = pool._core.lane
    [slot] = lane.idle

    def begun(take: Callable[[], Any]) -> tuple[Any, ...]:
        put_at_rest(lane, slot, gate=gate, there=there, mark=mark)
        lease = take()
        if lease in (None, SLOW):
            return None, tuple(lane.idle), slot.mark, slot.left
        held = lane.loan_of(slot) is lease, lease._hold.pop()
        return held, tuple(lane.idle), slot.mark, slot.left

    assert begun(lane.take) == begun(pool.acquire)
    put_at_rest(lane, slot, gate=0, there=True, mark=0)


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_both_take_what_is_next_in_order(
    order: Literal["lifo", "fifo"], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Pool(Bare(), max_size=2, order=order) as pool:
        for lease in (pool.acquire(), pool.acquire()):
            lease.release()
        lane: Lane = pool._core.lane
        cold, hot = lane.idle
        following = hot if order == "lifo" else cold
        with monkeypatch.context() as patch:
            patch.setattr(pool, "_acquire", lambda timeout: None)
            for take in (lane.take, pool.acquire):
                lease = take()
                assert lease._hold.pop() is following
                lane.put_back(following)
                following.mark = PARKED
                assert take() is None
                assert list(lane.idle) == [cold, hot], "what is marked goes back to its place"
                following.mark = 0


def test_a_lease_that_somebody_keeps_is_never_used_again(pool: Any) -> None:
    lane: Lane = pool._core.lane
    for take in (lane.take, pool.acquire):
        stale = take()
        stale.release()
        lease = take()
        assert lease is not stale
        lease.release()


@pytest.mark.parametrize("waiting", [0, 1])
@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("mark", [0, PARKED])
def test_a_lease_ends_as_the_lane_would_have_it(pool: Any, mark: int, left: int, waiting: int) -> None:
    lane: Lane = pool._core.lane
    [slot] = lane.idle

    def by_the_lane() -> int:
        lease = lane.take()
        slot.mark, slot.left = mark, left
        return lane.give(lease._hold.pop())

    def by_the_block() -> int:
        with pool.acquire():
            slot.mark, slot.left = mark, left
        return pool.slow_returns.pop() if pool.slow_returns else 0

    found = []
    for end in (by_the_lane, by_the_block):
        put_at_rest(lane, slot, gate=0, there=True, mark=0)
        lane.line.count = waiting
        found.append((end(), tuple(lane.idle), slot.left))
        lane.line.count = 0
    assert found[0] == found[1]
    put_at_rest(lane, slot, gate=0, there=True, mark=0)
