"""The two steps of the fast lane that the shells have written out do what the lane's own do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

import respool._acquiring
import respool._async_core
import respool._asyncio
import respool._thread_core
import respool._threads
from respool import Adapter, AsyncAdapter, AsyncPool, Pool
from respool._acquiring import USED
from respool._engine._lane import DONE, FreshLane, Lane
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


class Asked(AsyncAdapter[object]):
    """An adapter that is asked at each hand-out and each return, and has nothing against any."""

    async def create(self) -> object:
        """Make anything."""
        return object()

    def probe(self, resource: object, /) -> bool:
        """Find it alive."""
        return True

    def is_dirty(self, resource: object, /) -> bool:
        """Find it clean."""
        return False

    async def reset(self, resource: object, /) -> None:
        """Is not wanted."""
        raise AssertionError("nothing was dirty")


class Tasks:
    """The two ways in which a task's lease begins and ends: by the core's functions, and in a block."""

    def __init__(self, pool: AsyncPool[object], runner: asyncio.Runner) -> None:
        self.core: Any = pool._core
        self._pool = pool
        self._runner = runner
        self.slow_returns: list[int] = []

    def takes(self) -> dict[str, Callable[[], Any]]:
        """Give every way to begin a lease; None where it would have to wait."""
        return {"awaited": self.core.take, "block": lambda: self._runner.run(self._enter())}

    def ends(self) -> dict[str, Callable[[Any], int]]:
        """Give every way to end one, and say what is left to be done."""
        return {
            "released": lambda lease: self.core.end(lease._hold.pop()),
            "block": lambda lease: self._runner.run(self._leave(lease)),
        }

    async def _enter(self) -> Any:
        request: Any = self._pool.acquire()
        try:
            await request.__aenter__()
        except WaitsError:
            return None
        lease, request._lease = request._lease, USED
        return lease

    async def _leave(self, lease: Any) -> int:
        request: Any = self._pool.acquire()
        request._lease = lease
        await request.__aexit__(None, None, None)
        return self.slow_returns.pop() if self.slow_returns else DONE


class WaitsError(Exception):
    """Somebody would have to wait."""


async def wait(timeout: float | None) -> None:
    """Stand in for asking the engine."""
    raise WaitsError


@pytest.fixture(params=[Lane, FreshLane], ids=["kept", "fresh"])
def tasks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give an asyncio pool with one idle resource, on each kind of lane."""
    for module in (respool._asyncio, respool._async_core):
        monkeypatch.setattr(module, "COUNTS", request.param.counts)

    async def opened() -> AsyncPool[object]:
        pool = AsyncPool(Asked(), max_size=1)
        async with pool.acquire():
            return pool

    with asyncio.Runner() as runner:
        pool = runner.run(opened())
        assert type(pool._core.lane) is request.param
        made = Tasks(pool, runner)
        with monkeypatch.context() as patch:
            patch.setattr(pool._core, "asked", wait)
            patch.setattr(
                respool._acquiring, "unusual", lambda core, slot, code: made.slow_returns.append(code)
            )
            yield made
        runner.run(pool.close())


class Line:
    """So many are ahead of a newcomer."""

    def __init__(self, count: int) -> None:
        self.count = count


def put_at_rest(lane: Lane, slot: Any, *, gate: int | None, there: bool, mark: int) -> None:
    """Have a slot, marked or not, on idle or not, behind a gate that is open, or not, or not there."""
    ahead: Any = None if gate is None else Line(gate)
    lane.ahead = ahead
    lane.idle.clear()
    if there:
        lane.idle.append(slot)
    slot.mark, slot.left = mark, 5


def begun(lane: Lane, take: Callable[[], Any], **rest: Any) -> tuple[Any, ...]:
    """Begin a lease with the one slot at such a rest; give what has become of it."""
    [slot] = lane.idle
    put_at_rest(lane, slot, **rest)
    lease = take()
    held = None if lease in (None, SLOW) else (lane.loan_of(slot) is lease, lease._hold.pop())
    found = held, tuple(lane.idle), slot.mark, slot.left
    put_at_rest(lane, slot, gate=0, there=True, mark=0)
    return found


@pytest.mark.parametrize("mark", [0, PARKED, SUSPECT])
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("gate", [None, 0, 1])
def test_a_lease_begins_as_the_lane_would_have_it(
    pool: Any, gate: int | None, there: bool, mark: int
) -> None:
    lane: Lane = pool._core.lane
    rest = {"gate": gate, "there": there, "mark": mark}
    assert begun(lane, lane.take, **rest) == begun(lane, pool.acquire, **rest)


@pytest.mark.parametrize("mark", [0, PARKED, SUSPECT])
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("gate", [0, 1])
def test_a_task_begins_its_lease_as_the_lane_would_have_it(
    tasks: Tasks, gate: int, there: bool, mark: int
) -> None:
    lane: Lane = tasks.core.lane
    rest = {"gate": gate, "there": there, "mark": mark}
    expected = begun(lane, lane.take, **rest)
    for way, take in tasks.takes().items():
        assert expected == begun(lane, take, **rest), way


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


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_a_task_takes_what_is_next_in_order_too(order: Literal["lifo", "fifo"]) -> None:
    async def main() -> None:
        async with AsyncPool(Asked(), max_size=2, order=order) as pool:
            for lease in (await pool.acquire(), await pool.acquire()):
                lease.release()
            lane: Lane = pool._core.lane
            cold, hot = lane.idle
            following = hot if order == "lifo" else cold
            lease = pool._core.take()
            assert lease._hold.pop() is following
            lane.put_back(following)
            following.mark = PARKED
            assert pool._core.take() is None
            assert [cold, hot] == list(lane.idle), "what is marked goes back to its place"
            following.mark = 0
            async with pool.acquire() as resource:
                assert resource is following.resource

    asyncio.run(main())


def test_a_lease_that_a_task_keeps_is_never_used_again(tasks: Tasks) -> None:
    end = tasks.ends()["released"]
    for take in tasks.takes().values():
        stale = take()
        assert DONE == end(stale)
        lease = take()
        assert lease is not stale
        end(lease)


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


@pytest.mark.parametrize("waiting", [0, 1])
@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("mark", [0, PARKED])
def test_a_task_ends_its_lease_as_the_lane_would_have_it(
    tasks: Tasks, mark: int, left: int, waiting: int
) -> None:
    lane: Lane = tasks.core.lane
    [slot] = lane.idle

    def ended(give: Callable[[Any], int]) -> tuple[Any, ...]:
        put_at_rest(lane, slot, gate=0, there=True, mark=0)
        lease = lane.take()
        slot.mark, slot.left = mark, left
        lane.line.count = waiting
        found = give(lease), tuple(lane.idle), slot.left
        lane.line.count = 0
        return found

    expected = ended(lambda lease: lane.give(lease._hold.pop()))
    for way, end in tasks.ends().items():
        assert expected == ended(end), way
    put_at_rest(lane, slot, gate=0, there=True, mark=0)
