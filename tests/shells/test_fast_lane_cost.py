"""The price of a lease in what repeats exactly: the calls it makes and the bytecodes it runs.

Times vary, these do not. Whoever adds an allocation, a clock read or a lock to the fast lane adds a call, and
a call is four bytecodes; the margin is half of that.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

import respool._thread_core
from respool import Adapter, Pool
from respool._engine import COUNTS

from .strikes import count_bytecodes

pytestmark = pytest.mark.skipif(not COUNTS, reason="the fast lane of other interpreters makes fresh leases")

BYTECODES = {(3, 11): 106, (3, 12): 99, (3, 13): 104, (3, 14): 107, (3, 15): 107}
"""What `with pool.acquire(): pass` runs inside the pool, by version."""
MARGIN = 2


class Nothing(Adapter[object]):
    """An adapter with nothing to do."""

    def create(self) -> object:
        """Make anything."""
        return object()


def with_block(pool: Pool[object]) -> None:
    """Lease as everybody does."""
    with pool.acquire():
        pass


def handle(pool: Pool[object]) -> None:
    """Lease and release by hand."""
    pool.acquire().release()


@pytest.fixture
def pool() -> Any:
    """Give a pool with one resource, idle and not parked."""
    with Pool(Nothing(), max_size=1) as made:
        made.acquire().release()
        for _ in range(3):
            with_block(made)
            handle(made)
        yield made


ROUNDS = 5
"""The keeper may park a slot at any moment, which sends one lease the long way: the cheapest round counts."""


def calls_of(work: Callable[[Pool[object]], None], pool: Pool[object]) -> list[str]:
    """List what is called, Python functions and C functions."""
    return min((_calls_of(work, pool) for _ in range(ROUNDS)), key=len)


def bytecodes_of(work: Callable[[Pool[object]], None], pool: Pool[object]) -> int:
    """Count the bytecodes run in the pool's own code."""
    return min(count_bytecodes(lambda: work(pool)) for _ in range(ROUNDS))


def _calls_of(work: Callable[[Pool[object]], None], pool: Pool[object]) -> list[str]:
    calls: list[str] = []

    def note(frame: Any, event: str, arg: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)
        elif event == "c_call":
            calls.append(arg.__name__)

    sys.setprofile(note)
    try:
        work(pool)
    finally:
        sys.setprofile(None)
    return calls[1:-1]  # without the work itself, and the end of the profile


def test_a_with_block_calls_just_what_it_must(pool: Pool[object]) -> None:
    assert [
        *("acquire", "pop", "getrefcount", "append"),
        "__enter__",
        *("__exit__", "pop", "append"),
    ] == calls_of(with_block, pool)


def test_acquire_and_release_call_just_what_they_must(pool: Pool[object]) -> None:
    assert [
        *("acquire", "pop", "getrefcount", "append"),
        *("release", "pop", "give", "append"),
    ] == calls_of(handle, pool)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="later versions free the room of every emptied list")
def test_a_lease_asks_for_no_memory_to_hold_its_slot(pool: Pool[object]) -> None:
    """A tenth of a lease of a connection is what the room for four cost, got and given back each time."""
    with_block(pool)
    [slot] = pool._core.lane.idle
    empty = sys.getsizeof(slot.loan._hold)
    lease = pool.acquire()
    full = sys.getsizeof(slot.loan._hold)
    lease.release()
    room_for_one = sys.getsizeof([None])
    assert (room_for_one,) * 3 == (empty, full, sys.getsizeof(slot.loan._hold))


@pytest.mark.skipif(sys.version_info[:2] not in BYTECODES, reason="nobody has counted on this version yet")
def test_a_lease_runs_no_more_bytecodes_than_it_did(pool: Pool[object]) -> None:
    assert bytecodes_of(with_block, pool) <= BYTECODES[sys.version_info[:2]] + MARGIN


@pytest.mark.parametrize("extra", [respool._thread_core.monotonic, list, object])
def test_the_guard_notices_a_clock_read_and_an_allocation(
    pool: Pool[object], extra: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bytecodes_of(with_block, pool)
    lane = pool._core.lane
    plain, dear = (
        compile(f"def pop(self):\n    {extra_step}return deque.pop(self)\n", respool.__file__, "exec")
        for extra_step in ("", "thing = extra(); ")
    )
    space: dict[str, Any] = {"extra": extra, "deque": deque}
    exec(dear, space)
    lane.idle = type("Idle", (deque,), {"pop": space["pop"]})(lane.idle)
    dearer = bytecodes_of(with_block, pool)
    exec(plain, space)
    lane.idle = type("Idle", (deque,), {"pop": space["pop"]})(lane.idle)
    assert dearer - bytecodes_of(with_block, pool) > MARGIN
    assert dearer > before + MARGIN
