"""What the engine tells a sizing policy, asks it, and does on its word."""

from __future__ import annotations

import pytest

from respool._adapter import Fault
from respool._engine import NEVER, Create, Destroy, OnDemand, Tick, View
from respool._engine._waiters import Waiter, WaitLine

from .world import Lease, World


class Scripted(OnDemand):
    """Says what the test has it say, and notes what it hears."""

    def __init__(self) -> None:
        self.demands: list[int] = []
        self.readings: list[tuple[View, Tick]] = []
        self.too_many = 0
        self.most = 100
        self.ask_at = NEVER

    def arrived(self, now: float, demand: int) -> None:
        """Note the demand."""
        assert now >= 0.0
        self.demands.append(demand)

    def tick(self, view: View, seen: Tick) -> None:
        """Note the reading."""
        self.readings.append((view, seen))

    def surplus(self, view: View) -> int:
        """Have so many closed, once."""
        many, self.too_many = self.too_many, 0
        return many

    def due(self) -> float:
        """Be asked then."""
        return self.ask_at

    def ceiling(self, max_size: int) -> int:
        """Allow so many."""
        return min(self.most, max_size)


def scripted(**options: int) -> tuple[World, Scripted]:
    sizer = Scripted()
    return World(sizer=sizer, check_after=1000, **options), sizer  # type: ignore[arg-type]


def test_a_policy_hears_of_each_who_comes_with_what_is_in_use_and_waits_and_himself() -> None:
    world, sizer = scripted(max_size=2)
    world.filled(2)
    sizer.demands.clear()
    kept = [world.collect(world.ask()) for _ in range(2)]
    for _ in range(2):
        world.ask()
    world.ask(0, waits=False)
    assert [1, 2, 3, 4, 5] == sizer.demands
    assert None not in kept


def test_what_a_policy_finds_too_many_is_closed_down_to_the_floor() -> None:
    """Behaviours 64, 66."""
    world, sizer = scripted(min_size=1, max_size=5)
    world.filled(5)
    for too_many, left in ((2, 3), (0, 3), (7, 1), (7, 1)):
        sizer.too_many = too_many
        world.do(world.engine.tick)
        world.run(Destroy)
        assert left == world.engine.ledger.size
    assert {"surplus": 4} == world.reasons()


def test_what_is_being_created_does_not_take_the_place_of_what_the_floor_keeps() -> None:
    """Behaviours 64, 66: it may come to nothing."""
    world, sizer = scripted(min_size=1, max_size=3)
    world.filled(1)
    held, waiter = world.lease(), world.ask(None)
    world.begin_all(Create)
    world.release(held)
    served = world.collect(waiter)
    assert isinstance(served, Lease)
    world.release(served)
    sizer.too_many = 2
    world.do(world.engine.tick)
    assert {} == world.reasons()


def test_what_is_closing_already_is_no_surplus_twice_over() -> None:
    """Behaviours 64, 66."""
    world, sizer = scripted(min_size=2, max_size=5)
    world.filled(5)
    for _ in range(3):
        sizer.too_many = 2
        world.do(world.engine.tick)
    assert {"surplus": 3} == world.reasons()


def test_a_pool_at_rest_wakes_when_its_policy_wants_to_be_asked() -> None:
    world, sizer = scripted(max_size=2)
    sizer.ask_at = 500.0
    assert 500.0 == world.engine.next_wakeup(world.now)


def test_a_closing_pool_asks_its_policy_nothing() -> None:
    """Behaviour 115."""
    world, sizer = scripted(max_size=2)
    world.filled(2)
    held = world.lease()
    world.do(world.engine.close)
    sizer.readings.clear()
    sizer.too_many = 1
    world.advance(5.0)
    assert ([], 1) == (sizer.readings, sizer.too_many)
    world.release(held)


def test_a_reading_shows_a_policy_the_pool_as_it_is_and_the_least_of_all_ceilings() -> None:
    world, sizer = scripted(max_size=4)
    world.filled(2)
    _held = [world.lease(), world.lease()]
    world.ask(0, waits=False)
    world.advance(0.3)
    sizer.readings.clear()
    world.ask(0, waits=False)
    world.advance(0.2)
    view, seen = sizer.readings[0]
    assert (2, 3, 1, 4) == (view.in_use, view.size, view.creating, seen.limit)
    assert view.now <= world.now
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    world.ask(0, waits=False)
    world.advance(0.2)
    _, seen = sizer.readings[-1]
    assert (2, 2) == (seen.in_use, seen.limit)


def test_what_is_idle_is_no_peak_of_use() -> None:
    world, sizer = scripted(max_size=3)
    world.filled(3)
    held = world.lease()
    world.advance(0.2)
    sizer.readings.clear()
    world.advance(1.0)
    assert 1 == sizer.readings[-1][1].peak
    assert held._hold


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_pool_is_made_smaller_when_its_policy_allows_fewer(most: int) -> None:
    """Behaviour 73: what is idle now, what is held on return."""
    world, sizer = scripted(max_size=3)
    world.filled(3)
    held = [world.lease(), world.lease()]
    sizer.most = most
    world.advance(0.2)
    world.run(Destroy)
    assert max(2, most) == world.engine.ledger.size
    for one in held:
        world.release(one)
    assert ({"resized": 3 - most} if most < 3 else {}) == world.reasons()


def test_a_ceiling_that_the_backend_set_rises_in_time_though_nobody_comes() -> None:
    """Behaviour 45."""
    world, _sizer = scripted(max_size=3)
    world.filled(1)
    _held = world.lease()
    world.ask(None)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    assert 1 == world.engine.stats(world.now).ceiling
    world.advance(9.9)
    assert 1 == world.engine.stats(world.now).ceiling
    world.advance(0.2)
    assert 2 == world.engine.stats(world.now).ceiling


def test_nothing_is_created_for_who_does_not_wait_while_the_pool_is_paused() -> None:
    """Behaviour 125."""
    world, _sizer = scripted(max_size=1)
    world.do(world.engine.pause)
    world.ask(0, waits=False)
    assert [] == world.commands
    world.do(world.engine.resume)
    world.ask(0, waits=False)
    assert [Create] == [type(command) for command in world.commands]


@pytest.mark.parametrize("strict", [True, False])
def test_what_comes_back_while_he_joins_the_line_is_found_by_who_joins(
    monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """Behaviours 12, 32: its giver has looked at the line before he stood in it."""
    world = World(traits={"strict": strict}, max_size=1, check_after=100).filled(1)
    slots = [world.end(world.lease())]
    join = WaitLine.join

    def give_and_join(line: WaitLine, waiter: Waiter, place: int | None = None) -> None:
        world.engine.lane.give(slots.pop())
        join(line, waiter, place)

    monkeypatch.setattr(WaitLine, "join", give_and_join)
    waiter = world.ask()
    assert waiter.loan is not None
    assert 0 == world.engine.line.count
