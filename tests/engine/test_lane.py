"""The fast lane: the order of the idle queue, who may pass, and to whom a lease belongs."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace
from weakref import ref

import pytest

from respool._engine import COUNTS, DONE, ODD, SOMEBODY_WAITS, Loan, Waiter
from respool._engine import _lane as lanes
from respool._engine._lane import FreshLane, Lane, nobody_else_has
from respool._engine._slot import OBSERVED, PARKED, RETIRE, SUSPECT, Slot
from respool._engine._waiters import WaitLine

from .world import EXACT

exact = pytest.mark.skipif(not COUNTS, reason="an interpreter without exact counts")
by_counts = pytest.mark.skipif(not EXACT, reason="reference counts tell nothing here")
both = pytest.mark.parametrize("kind", [Lane, FreshLane])
orders = pytest.mark.parametrize("lifo", [True, False])


class CollectedLoan(Loan):
    """A lease that can be referred to weakly, as a `FreshLane` does."""

    __slots__ = ("__weakref__",)


def lane_of(kind: type[Lane], count: int = 3, *, lifo: bool = True) -> tuple[Lane, list[Slot]]:
    """Make a lane with so many idle slots, the coldest first."""
    lane = kind(WaitLine(), Loan if kind.counts else CollectedLoan, lifo=lifo)
    slots = [Slot(number, None, 0, 10, 0.0) for number in range(count)]
    for slot in slots:
        lane.prepare(slot)
        lane.idle.append(slot)
    return lane, slots


def slot_in(lease: Loan) -> Slot:
    [slot] = lease._hold
    return slot


# ---------------------------------------------------------------------- the order


@both
@orders
def test_the_hottest_or_the_coldest_is_taken_first(kind: type[Lane], lifo: bool) -> None:
    """Behaviour 6."""
    lane, slots = lane_of(kind, lifo=lifo)
    order = slots[::-1] if lifo else slots
    assert order[0] is slot_in(lane.take())
    assert order[1] is lane.pop()
    assert tuple(order[2:]) == lane.hottest(1)
    assert order[2] is slot_in(lane.take())


@orders
def test_what_is_put_back_is_the_next_in_order_again(lifo: bool) -> None:
    lane, slots = lane_of(Lane, lifo=lifo)
    slot = lane.pop()
    assert slot is not None
    lane.put_back(slot)
    assert slots == list(lane.idle)


@orders
@pytest.mark.parametrize("most", [1, 2, 3, 9])
def test_the_next_in_order_are_shown_and_stay(lifo: bool, most: int) -> None:
    lane, slots = lane_of(Lane, lifo=lifo)
    assert set(slots[-most:] if lifo else slots[:most]) == set(lane.hottest(most))
    assert slots == list(lane.idle)


@both
@orders
def test_nothing_is_taken_where_nothing_is_idle(kind: type[Lane], lifo: bool) -> None:
    lane, _ = lane_of(kind, 0, lifo=lifo)
    assert lane.take() is None
    assert lane.pop() is None


def test_a_slot_is_claimed_by_one_and_no_more() -> None:
    """Behaviour 3."""
    lane, slots = lane_of(Lane)
    assert lane.claim(slots[1])
    assert not lane.claim(slots[1])
    assert [slots[0], slots[2]] == list(lane.idle)


def test_a_slot_in_nobodys_use_rests_at_its_ages_place() -> None:
    """Behaviour 79."""
    lane, slots = lane_of(Lane, 4)
    for moment, slot in enumerate(slots):
        slot.idle_from = float(moment)
    for slot in slots:
        lane.claim(slot)
        lane.rest(slot)
        assert slots == list(lane.idle)


def test_a_slot_rests_behind_one_of_its_own_age_and_before_one_used_since_the_sweep() -> None:
    """Behaviour 79."""
    lane, (first, second, used) = lane_of(Lane)
    used.left -= 1
    lane.claim(first)
    lane.rest(first)
    assert [second, first, used] == list(lane.idle)


# ---------------------------------------------------------------------- who may pass


@both
@pytest.mark.parametrize("mark", [PARKED, SUSPECT, RETIRE, OBSERVED])
@orders
def test_a_marked_slot_is_left_where_it_is(kind: type[Lane], mark: int, lifo: bool) -> None:
    """Behaviours 6, 78, 81."""
    lane, slots = lane_of(kind, lifo=lifo)
    slots[-1 if lifo else 0].mark = mark
    assert lane.take() is None
    assert slots == list(lane.idle)
    assert 10 == slots[0].left == slots[-1].left


@pytest.mark.parametrize(
    ("strict", "shut", "waits", "passes"),
    [
        (False, False, False, True),
        (False, False, True, True),
        (True, False, False, True),
        (True, False, True, False),
        (False, True, False, False),
        (True, True, False, False),
    ],
)
def test_a_newcomer_passes_whom_he_may_overtake(strict: bool, shut: bool, waits: bool, passes: bool) -> None:
    """Behaviour 22."""
    lane, _ = lane_of(Lane)
    lane.set_gate(strict=strict, shut=shut)
    if waits:
        lane.line.join(Waiter(0.0, None))
    assert passes is (lane.take() is not None)


def test_before_anything_is_said_everybody_passes() -> None:
    lane, _ = lane_of(Lane)
    lane.line.join(Waiter(0.0, None))
    assert lane.take() is not None


@both
def test_a_slot_comes_back_to_the_hot_end_and_who_waits_is_seen(kind: type[Lane]) -> None:
    """Behaviour 12."""
    lane, slots = lane_of(kind)
    [slot] = [lane.take()._hold.pop()]
    assert DONE == lane.give(slot)
    assert slots == list(lane.idle)
    [slot] = [lane.take()._hold.pop()]
    lane.line.join(Waiter(0.0, None))
    assert SOMEBODY_WAITS == lane.give(slot)
    assert slots == list(lane.idle)


@pytest.mark.parametrize("mark", [PARKED, SUSPECT, RETIRE, OBSERVED, 0])
def test_what_is_marked_or_used_up_does_not_come_back_by_the_fast_lane(mark: int) -> None:
    """Behaviours 72, 73."""
    lane, _ = lane_of(Lane)
    slot = lane.take()._hold.pop()
    slot.mark = mark
    slot.left = 1 if mark else 0
    assert ODD == lane.give(slot)
    assert slot not in lane.idle


# ---------------------------------------------------------------------- leases


@both
@pytest.mark.parametrize("way", ["take", "lend"])
def test_every_hand_out_is_counted(kind: type[Lane], way: str) -> None:
    """Behaviour 132."""
    lane, [slot] = lane_of(kind, 1)
    for uses in range(1, 4):
        lease = lane.take() if way == "take" else lane.lend(lane.idle.pop())
        assert uses == slot.uses
        lane.give(lease._hold.pop())


@exact
@pytest.mark.parametrize("way", ["take", "lend"])
def test_a_lease_that_nobody_else_has_is_used_again_and_no_other(way: str) -> None:
    """Behaviours 96, 97: whoever kept it finds it empty for ever."""
    lane, [slot] = lane_of(Lane, 1)
    own = id(slot.loan)

    def hand_out() -> Loan:
        lease = lane.take() if way == "take" else lane.lend(lane.idle.pop())
        assert isinstance(lease, Loan)
        return lease

    for _ in range(3):
        lease = hand_out()
        assert own == id(lease)
        lane.give(lease._hold.pop())
        del lease
    kept = hand_out()
    lane.give(kept._hold.pop())
    fresh = hand_out()
    assert kept is not fresh
    assert [] == kept._hold
    assert [slot] == fresh._hold
    assert fresh is slot.loan


@pytest.mark.parametrize("way", ["take", "lend"])
def test_where_counts_tell_nothing_every_lease_is_fresh_and_kept_by_nobody(way: str) -> None:
    """Behaviours 97, 127."""
    lane, [slot] = lane_of(FreshLane, 1)
    seen = []
    for _ in range(3):
        lease = lane.take() if way == "take" else lane.lend(lane.idle.pop())
        assert lease is lane.loan_of(slot)
        lane.give(lease._hold.pop())
        seen.append(lease)
    assert 3 == len(set(map(id, seen)))
    gone = [ref(lease) for lease in seen]
    seen.clear()
    del lease
    gc.collect()
    assert [None] * 3 == [lease() for lease in gone]
    assert slot.loan is None


@both
def test_a_slot_is_in_the_lease_that_holds_it_and_in_none_afterwards(kind: type[Lane]) -> None:
    """Behaviour 3."""
    lane, [slot] = lane_of(kind, 1)
    assert lane.loan_of(slot) is None
    lease = lane.take()
    assert lease is lane.loan_of(slot)
    other = Slot(17, None, 0, 10, 0.0)
    lane.prepare(other)
    lease._hold[:] = [other]
    assert lane.loan_of(slot) is None
    lease._hold.clear()
    assert lane.loan_of(slot) is None


@both
def test_a_slot_that_was_never_lent_is_in_no_lease(kind: type[Lane]) -> None:
    lane, _ = lane_of(kind, 0)
    slot = Slot(17, None, 0, 10, 0.0)
    assert lane.loan_of(slot) is None
    assert not lane.is_forgotten(slot)


@by_counts
def test_a_lease_is_forgotten_once_it_holds_a_slot_and_nobody_holds_it() -> None:
    """Behaviour 127."""
    lane, [slot] = lane_of(Lane, 1)
    assert not lane.is_forgotten(slot)
    lease = lane.take()
    assert not lane.is_forgotten(slot)
    del lease
    assert lane.is_forgotten(slot)
    slot.loan._hold.clear()
    assert not lane.is_forgotten(slot)


@pytest.mark.parametrize("alone", [True, False])
def test_whether_a_lease_is_forgotten_is_asked_of_the_lease_alone(
    monkeypatch: pytest.MonkeyPatch, alone: bool
) -> None:
    """Behaviour 127: a lease that is empty is at rest, whoever has it."""
    lane, [slot] = lane_of(Lane, 1)
    monkeypatch.setattr(lanes, "getrefcount", lambda thing: 3 if alone and thing is slot.loan else 4)
    assert not lane.is_forgotten(slot)
    lease = lane.take()
    assert alone is lane.is_forgotten(slot)
    lease._hold.clear()
    assert not lane.is_forgotten(slot)


def test_where_counts_tell_nothing_no_lease_is_forgotten_but_by_its_own_end() -> None:
    """Behaviour 127."""
    lane, [slot] = lane_of(FreshLane, 1)
    lease = lane.take()
    assert not lane.is_forgotten(slot)
    del lease
    assert not lane.is_forgotten(slot)


# ---------------------------------------------------------------------- what reference counts tell


@by_counts
def test_nobody_else_has_what_the_ledger_and_a_variable_refer_to() -> None:
    slots = {17: Slot(17, None, 0, 10, 0.0)}
    slot = slots[17]
    assert nobody_else_has(slots, 17)
    other = slot
    assert not nobody_else_has(slots, 17)
    assert other is slot


@exact
@pytest.mark.parametrize(("implementation", "gil"), [("cpython", True), ("cpython", False), ("pypy", True)])
def test_counts_are_exact_on_cpython_with_its_lock_alone(
    monkeypatch: pytest.MonkeyPatch, implementation: str, gil: bool
) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: gil, raising=False)
    monkeypatch.setattr(sys, "implementation", SimpleNamespace(name=implementation))
    assert (gil and implementation == "cpython") is lanes._counts_are_exact()


@exact
def test_an_interpreter_that_cannot_be_asked_for_its_lock_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    assert lanes._counts_are_exact()


@exact
@pytest.mark.parametrize("wrong", [0, 1, 2])
@pytest.mark.parametrize("by", [-1, 1])
def test_where_a_count_is_another_than_expected_none_is_trusted(
    monkeypatch: pytest.MonkeyPatch, wrong: int, by: int
) -> None:
    counts = iter(count + by * (nth == wrong) for nth, count in enumerate((3, 4, 3)))
    monkeypatch.setattr("respool._engine._lane.getrefcount", lambda thing: next(counts))
    assert not lanes._counts_are_exact()
