"""Creation: how many start, what a failure means, and what becomes of a call that hangs."""

from __future__ import annotations

import itertools

import pytest

from respool._adapter import Fault
from respool._engine import Create, Destroy, Fixed, Latch, Validate

from .world import World


def test_nothing_is_created_before_somebody_asks() -> None:
    """Behaviours 5, 51."""
    world = World(max_size=5)
    world.advance(100.0)
    assert [] == world.commands


def test_the_window_of_creations_opens_by_one_per_success() -> None:
    """Behaviours 56, 58."""
    world = World(max_size=20, max_creating=4)
    for _ in range(20):
        world.ask()
    seen = []
    for _ in range(4):
        creates = world.begin_all(Create)
        seen.append(len(creates))
        world.succeed(creates[0])
    assert [2, 3, 4, 4] == seen


def test_a_demand_that_is_served_otherwise_cancels_the_creation_that_has_not_started() -> None:
    """Behaviours 16, 57, 63."""
    world = World(max_size=2, check_after=100).filled(1)
    held = world.acquire()
    waiter = world.ask()
    [create] = world.commands
    world.release(held)  # type: ignore[arg-type]
    assert waiter.loan is not None
    assert not world.begin(create)
    assert 1 == world.engine.ledger.size


def test_a_creation_that_has_started_stocks_the_pool_though_nobody_needs_it() -> None:
    """Behaviours 29, 49."""
    world = World(max_size=1)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    world.do(world.engine.cancel, waiter)
    world.succeed(create)
    assert 1 == len(world.engine.lane.idle)


def test_who_does_not_wait_still_counts_as_demand() -> None:
    """Behaviours 7, 8."""
    world = World(max_size=1)
    waiter = world.ask(0, waits=False)
    assert waiter.refusal is not None
    world.run()
    assert 1 == len(world.engine.lane.idle)


def test_a_failure_reaches_who_waits_as_the_cause_and_nobody_who_comes_later() -> None:
    """Behaviours 36, 39, 40."""
    world = World(max_size=1)
    first = world.ask(1.0)
    [create] = world.begin_all(Create)
    world.fail(create)
    world.advance(0.5)
    assert not first.answered
    world.advance(1.0)
    assert first.refusal is not None
    assert first.refusal.cause is not None
    world.run()
    later = world.ask(1.0)
    world.run()
    _held = world.acquire()
    last = world.ask(1.0)
    world.advance(2.0)
    assert later.loan is not None
    assert last.refusal is not None
    assert last.refusal.cause is None


def test_in_an_outage_one_creation_at_a_time_probes_at_most_four_in_any_second() -> None:
    """Behaviours 43, 44, 45."""
    world = World(max_size=10)
    for _ in range(10):
        world.ask(None)
    starts: list[float] = []
    while world.now < 20.0:
        creates = world.begin_all(Create)
        assert len(creates) <= (1 if starts else 2)
        for create in creates:
            starts.append(world.now)
            world.fail(create)
        world.advance(0.01)
    assert all(later - first >= 1.0 for first, later in zip(starts, starts[4:], strict=False))
    assert all(later - first <= 1.2 for first, later in itertools.pairwise(starts))


def test_the_first_success_ends_the_outage_and_starts_the_ramp() -> None:
    """Behaviours 38, 58."""
    world = World(max_size=10)
    waiters = [world.ask(None) for _ in range(10)]
    for create in world.begin_all(Create):
        world.fail(create)
    world.advance(0.5)
    [probe] = world.begin_all(Create)
    world.succeed(probe)
    assert 2 == len(world.begin_all(Create))
    while world.running:
        world.succeed(world.running[0])
        world.begin_all(Create)
    assert all(waiter.loan is not None for waiter in waiters)


def test_a_wrong_configuration_fails_everybody_at_once_while_nothing_is_open() -> None:
    """Behaviour 46."""
    world = World(max_size=2)
    waiters = [world.ask() for _ in range(3)]
    ready = Latch(world.now, None, "ready")
    world.do(world.engine.latches.add, ready)
    world.fail(world.begin_all(Create)[0], Fault.CONFIG)
    assert {"backend"} == {w.refusal.why for w in (*waiters, ready) if w.refusal is not None}
    assert all(waiter.answered for waiter in waiters)


def test_a_wrong_configuration_is_a_warning_while_something_is_open() -> None:
    """Behaviour 46."""
    world = World(max_size=2, check_after=100).filled(1)
    held = world.acquire()
    waiter = world.ask()
    world.fail(world.begin_all(Create)[0], Fault.CONFIG)
    assert not waiter.answered
    world.release(held)  # type: ignore[arg-type]
    assert waiter.loan is not None


def test_a_backend_without_room_lowers_the_ceiling_and_is_no_outage() -> None:
    """Behaviour 45."""
    world = World(max_size=5, check_after=100).filled(2)
    held = [world.acquire() for _ in range(2)]
    waiter = world.ask(None)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    assert 2 == world.engine.growth.ceiling(5)
    assert not world.engine.growth.gate.outage
    world.advance(5.0)
    assert [] == world.commands
    world.release(held[0])  # type: ignore[arg-type]
    assert waiter.loan is not None


def test_what_is_in_flight_or_on_order_when_the_backend_refuses_is_not_taken_for_granted() -> None:
    """Behaviour 45."""
    world = World(max_size=9, check_after=100, max_creating=8).filled(2)
    kept = [world.acquire(None) for _ in range(8)]
    first, second, *_ = world.begin_all(Create)
    world.fail(first, Fault.CAPACITY)
    assert 2 == world.engine.growth.ceiling(9)
    world.succeed(second)
    assert 3 == world.engine.growth.ceiling(9)
    assert 8 == len(kept), "what nobody keeps would be taken back"


def test_a_ceiling_that_the_backend_set_rises_though_nobody_waits() -> None:
    """Behaviours 38, 61."""
    world = World(min_size=3, max_size=3, check_after=10_000)
    world.do(world.engine.tick)
    for create in world.begin_all(Create):
        world.fail(create, Fault.CAPACITY)
    for _ in range(20):
        world.advance(10.0)
        world.run()
    assert 3 == len(world.engine.lane.idle)


def test_a_backend_that_is_down_makes_everything_idle_suspect() -> None:
    """Behaviour 93."""
    world = World(max_size=3, check_after=100).filled(2)
    held = [world.acquire(), world.acquire()]
    world.ask(0, waits=False)
    [create] = world.begin_all(Create)
    world.release(held.pop())  # type: ignore[arg-type]
    world.fail(create, Fault.BACKEND_DOWN)
    waiter = world.ask()
    assert not waiter.answered
    assert 1 == len(world.begin_all(Validate))


def test_a_creation_that_hangs_leaves_the_size_and_stays_visible() -> None:
    """Behaviours 48, 49."""
    world = World(max_size=1, create_timeout=2.0)
    waiter = world.ask(None)
    [hung] = world.begin_all(Create)
    world.advance(2.5)
    stats = world.engine.stats(world.now)
    assert (0, 1) == (stats.size - stats.creating, stats.stuck)
    world.run(Create)
    assert waiter.loan is not None
    world.succeed(hung)
    world.run(Destroy)
    assert 0 == world.engine.stuck
    assert 1 == len(world.destroyed)


def test_a_creation_given_up_that_fails_later_counts_as_one_failure() -> None:
    """Behaviour 132."""
    world = World(max_size=1, create_timeout=2.0)
    world.ask(None)
    [hung] = world.begin_all(Create)
    world.advance(2.0)
    world.fail(hung)
    assert 1 == world.engine.stats(world.now).create_failures


def test_nothing_more_is_created_while_too_many_calls_hang() -> None:
    """Behaviour 48."""
    world = World(max_size=5, max_creating=2, create_timeout=1.0)
    for _ in range(5):
        world.ask(None)
    for _ in range(30):
        world.begin_all(Create)
        world.advance(1.0)
    assert 2 == world.engine.stuck == len(world.running)
    world.succeed(world.running[0])
    world.run(Destroy)
    world.advance(1.0)
    assert 2 == len(world.begin_all(Create))


def test_the_first_check_that_times_out_makes_the_others_suspect_and_creation_goes_on_beside() -> None:
    """Behaviours 84, 85, 92."""
    world = World(max_size=3, check_after=1.0, validate_timeout=2.0).filled(3)
    world.advance(5.0)
    waiter = world.ask(10.0)
    assert [Validate] == [type(command) for command in world.begin_all()]
    world.advance(2.1)
    assert {Validate, Destroy, Create} >= {type(command) for command in world.commands}
    world.run(Destroy)
    world.run(Create)
    assert waiter.loan is not None


@pytest.mark.parametrize("aborts", [True, False])
def test_a_call_on_a_resource_is_aborted_where_the_adapter_can(aborts: bool) -> None:
    """Behaviours 84, 106."""
    world = World(traits={"aborts": aborts}, max_size=1, check_after=1.0, validate_timeout=2.0).filled(1)
    world.advance(5.0)
    world.ask()
    world.begin_all(Validate)
    world.advance(2.1)
    assert ([1] if aborts else []) == world.aborted


def test_a_destroy_that_hangs_frees_its_place() -> None:
    """Behaviour 106."""
    world = World(max_size=1, destroy_timeout=2.0, check_after=100).filled(1)
    slot = world.end(world.acquire())  # type: ignore[arg-type]
    world.do(world.engine.discard, slot)
    [hung] = world.begin_all(Destroy)
    waiter = world.ask()
    world.advance(2.1)
    world.run(Create)
    assert waiter.loan is not None
    world.succeed(hung)
    assert 0 == world.engine.stuck


def test_the_floor_is_opened_and_kept_in_the_background() -> None:
    """Behaviour 61."""
    world = World(min_size=2, max_size=5, check_after=100)
    world.do(world.engine.tick)
    world.run()
    assert 2 == len(world.engine.lane.idle)
    world.do(world.engine.discard, world.end(world.acquire()))  # type: ignore[arg-type]
    world.run()
    assert 2 == len(world.engine.lane.idle)


def test_a_fixed_pool_prefills_and_never_shrinks() -> None:
    """Behaviours 54, 61."""
    world = World(sizer=Fixed(3), max_size=5, check_after=100)
    world.do(world.engine.tick)
    for _ in range(3):
        world.run()
    world.advance(1000.0)
    assert 3 == len(world.engine.lane.idle)


def test_who_waits_for_a_ready_pool_has_it_opened_at_once() -> None:
    """Behaviours 51, 52."""
    world = World(max_size=2)
    ready = Latch(world.now, 5.0, "ready")
    world.do(world.engine.latches.add, ready)
    world.run(Create)
    assert ready.loan is True


def test_a_wait_for_a_ready_pool_survives_the_death_of_an_early_resource() -> None:
    """Behaviour 52."""
    world = World(min_size=2, max_size=2, check_after=100)
    ready = Latch(world.now, 50.0, "ready")
    world.do(world.engine.latches.add, ready)
    first, second = world.begin_all(Create)
    world.succeed(first)
    world.do(world.engine.discard, world.end(world.acquire()))  # type: ignore[arg-type]
    world.run(Destroy)
    world.succeed(second)
    assert not ready.answered
    world.run(Create)
    assert ready.loan is True
