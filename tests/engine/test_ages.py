"""Ages: what the sweep retires, checks and keeps alive, and what it leaves alone."""

from __future__ import annotations

import random

import pytest

from respool._engine import Create, Destroy, Validate, Waiter
from respool._engine._slot import SUSPECT, Slot

from .world import Lease, World


def take(world: World) -> object:
    """Lease what is next, made or checked where that is needed, and give the resource."""
    got = world.acquire()
    if isinstance(got, Waiter):
        world.run()
        waiter, got = got, world.collect(got) or got
        assert waiter.loan is not None
    assert isinstance(got, Lease)
    thing = got._hold[0].resource
    world.release(got)
    return thing


def test_what_is_idle_too_long_goes_but_never_below_the_floor() -> None:
    """Behaviours 64, 65."""
    world = World(min_size=2, max_size=5, max_idle=2.0, check_after=100).filled(5)
    world.advance(10.0)
    world.run(Destroy)
    assert 2 == world.engine.ledger.size
    assert 3 == len(world.destroyed)
    world.advance(60.0)
    assert 3 == len(world.destroyed)
    assert 5 == len(world.things)


@pytest.mark.parametrize("comes", [True, False])
def test_what_is_being_created_is_no_reason_to_close_what_the_floor_keeps(comes: bool) -> None:
    """Behaviours 64, 65: it may come to nothing; once it is open, the floor is kept without the other."""
    world = World(min_size=1, max_size=2, max_idle=2.0, check_after=1.0, create_timeout=50.0).filled(1)
    held = world.acquire()
    waiter = world.ask(None)
    [create] = world.begin_all(Create)
    assert isinstance(held, Lease)
    world.release(held)
    served = world.collect(waiter)
    assert isinstance(served, Lease)
    world.release(served)
    world.advance(10.0)
    assert [] == world.commands
    if comes:
        world.succeed(create)
    else:
        world.fail(create)
    world.advance(10.0)
    assert int(comes) == world.run(Destroy)
    assert 1 == len(world.engine.lane.idle)


def test_the_coldest_go_first() -> None:
    """Behaviour 6."""
    world = World(min_size=1, max_size=3, max_idle=2.0, check_after=100).filled(3)
    hot = take(world)
    for _ in range(6):
        world.advance(0.5)
        assert hot is take(world)
    world.run(Destroy)
    assert [slot.resource for slot in world.engine.lane.resting()] == [hot]


@pytest.mark.parametrize(("order", "same"), [("lifo", True), ("fifo", False)])
def test_idle_ones_are_handed_out_in_the_order_asked_for(order: str, same: bool) -> None:
    """Behaviour 6."""
    world = World(max_size=2, order=order, check_after=100).filled(2)
    assert same is (take(world) is take(world))


@pytest.mark.parametrize(
    ("checks", "hot"),
    [
        pytest.param({"keepalive": 1.0, "check_after": 100}, False, id="keepalive of an idle one"),
        pytest.param({"keepalive": 0.2, "check_after": 100}, True, id="keepalive between uses"),
        pytest.param({"check_after": 0}, True, id="each hand-out"),
    ],
)
def test_a_lifetime_ends_on_a_hot_pool_too_and_no_check_prolongs_it(
    checks: dict[str, float], hot: bool
) -> None:
    """Behaviours 68, 69, 73."""
    world = World(max_size=1, max_lifetime=10.0, **checks).filled(1)
    [slot] = world.engine.ledger
    first, checks_at = slot.resource, set()
    for _ in range(30):
        world.advance(0.4)
        world.run()
        if hot:
            take(world)
        checks_at.add(slot.checked_at)
    assert 5 < len(checks_at)
    assert first in world.destroyed


def test_what_is_taken_while_the_sweep_judges_it_is_not_retired_under_its_holder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behaviour 73: the fast lane takes no lock, so it may come between the look and the claim."""
    world = World(max_size=1, max_lifetime=1.0, check_after=100).filled(1)
    taken = []

    def judge(slot: Slot, now: float) -> str:
        taken.append(world.engine.lane.take())
        return "lifetime"

    monkeypatch.setattr(world.engine.ages, "_too_old", judge)
    world.do(world.engine.ages.sweep)
    [lease] = taken
    assert [] == world.commands
    assert lease._hold[0] in list(world.engine.ledger)
    assert 1 == world.engine.in_use


def test_a_holder_is_not_robbed_when_the_lifetime_ends() -> None:
    """Behaviours 73, 108."""
    world = World(max_size=1, max_lifetime=1.0, check_after=100).filled(1)
    lease = world.acquire()
    world.advance(30.0)
    assert [] == world.commands
    world.release(lease)  # type: ignore[arg-type]
    assert 1 == world.run(Destroy)


def test_lifetimes_are_shortened_by_up_to_a_quarter_each_by_its_own_draw() -> None:
    """Behaviours 70, 71."""
    world = World(max_size=100, max_creating=100, max_lifetime=100.0, check_after=1000, seed=7)
    waiters = [world.ask(None) for _ in range(100)]
    while not all(waiter.answered for waiter in waiters):
        world.run(Create)
    draws = random.Random(7)
    expected = sorted(world.now + 100.0 * (1 - 0.25 * draws.random()) for _ in range(100))
    assert expected == sorted(slot.expires for slot in world.engine.ledger)
    assert 75.0 < expected[0] < 77.0
    assert 98.0 < expected[-1] <= 100.0


def test_a_resource_is_used_so_often_and_no_more() -> None:
    """Behaviour 72."""
    world = World(max_size=1, max_uses=3, check_after=100)
    for _ in range(2):
        waiter = world.ask()
        world.run()
        lease = world.collect(waiter)
        assert lease is not None
        first = lease._hold[0].resource
        world.release(lease)
        take(world)
        assert [] == world.commands
        take(world)
        world.run()
        assert first in world.destroyed


def test_within_the_trusted_time_nothing_is_validated() -> None:
    """Behaviours 83, 86."""
    world = World(max_size=1, check_after=1.0).filled(1)
    for _ in range(10):
        world.advance(0.5)
        take(world)
    assert not any(isinstance(command, Validate) for command in world.commands)


def test_what_was_idle_longer_is_validated_before_anybody_gets_it() -> None:
    """Behaviours 81, 83."""
    world = World(max_size=1, check_after=1.0).filled(1)
    world.advance(3.0)
    waiter = world.ask()
    assert not waiter.answered
    [check] = world.begin_all(Validate)
    world.refute(check)
    assert not waiter.answered
    world.run()
    assert waiter.loan is not None
    assert 1 == len(world.destroyed)


def test_an_all_invalid_pool_costs_a_caller_each_resource_once() -> None:
    """Behaviours 10, 82."""
    world = World(max_size=4, check_after=1.0).filled(4)
    world.advance(3.0)
    waiter = world.ask()
    checks = 0
    while not waiter.answered and (running := world.begin_all(Validate)):
        checks += len(running)
        world.refute(running[0])
        world.run(Destroy)
        world.run(Create)
    assert waiter.loan is not None
    assert checks <= 4


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_a_keepalive_keeps_order_and_idle_age(order: str) -> None:
    """Behaviours 79, 80."""
    world = World(max_size=3, order=order, keepalive=1.0, check_after=100).filled(3)
    before = list(world.engine.lane.resting())
    ages = [slot.idle_from for slot in before]
    seen = set()
    for _ in range(100):
        world.advance(0.05)
        checks = world.begin_all(Validate)
        assert len(checks) <= 1
        seen |= {check.slot.number for check in checks}
        for check in checks:
            world.succeed(check)
    assert {1, 2, 3} == seen
    assert before == list(world.engine.lane.resting())
    assert ages == [slot.idle_from for slot in before]


def test_a_keepalive_that_takes_longer_than_a_sweep_is_not_the_last_one() -> None:
    """Behaviour 80."""
    world = World(max_size=1, keepalive=1.0, check_after=100, validate_timeout=5.0).filled(1)
    for _ in range(3):
        world.advance(1.5)
        [check] = world.begin_all(Validate)
        world.advance(1.0)
        world.succeed(check)
    assert 0 == world.engine.keeping_alive


def test_a_resource_checked_to_keep_it_alive_is_watched_afterwards() -> None:
    """Behaviours 64, 83."""
    world = World(max_size=1, keepalive=1.0, check_after=3.0, validate_timeout=5.0).filled(1)
    world.advance(1.5)
    [check] = world.begin_all(Validate)
    world.advance(1.0)
    world.succeed(check)
    take(world)
    world.advance(0.6)
    [slot] = world.engine.lane.resting()
    assert slot.idle_from > 2.0


def test_a_keepalive_that_hangs_does_not_keep_the_others_from_theirs() -> None:
    """Behaviours 79, 84."""
    world = World(max_size=2, keepalive=1.0, check_after=100, validate_timeout=2.0).filled(2)
    world.advance(1.2)
    [hung] = world.begin_all(Validate)
    world.advance(5.0)
    others = [check for check in world.begin_all(Validate) if check is not hung]
    assert others


def test_a_resource_back_from_a_check_lies_colder_than_one_used_since() -> None:
    """Behaviour 79."""
    world = World(max_size=2, order="fifo", keepalive=1.0, check_after=100).filled(2)
    world.advance(1.2)
    [check] = world.begin_all(Validate)
    used = take(world)
    world.succeed(check)
    assert [slot.resource for slot in world.engine.lane.resting()][-1] is used


def test_a_resource_back_from_a_check_lies_hotter_than_one_that_came_back_before_it() -> None:
    """Behaviour 79."""
    world = World(max_size=2, check_after=100, on_event=(lambda event: None,)).filled(2)
    before = []
    for lease in [world.collect(world.ask()) for _ in range(2)]:
        assert lease is not None
        before.append(lease._hold[0])
        world.clock.advance(0.01)
        world.release(lease)
    assert before == list(world.engine.lane.resting())
    world.engine.suspect_idle()
    waiter = world.ask()
    [check] = world.begin_all(Validate)
    assert before[-1] is check.slot
    world.do(world.engine.cancel, waiter)
    world.succeed(check)
    assert before == list(world.engine.lane.resting())


def test_a_stopped_process_ages_nothing_and_trusts_nothing() -> None:
    """Behaviour 136."""
    world = World(max_size=3, max_lifetime=20.0, max_idle=15.0, check_after=0.5).filled(3)
    world.clock.advance(1000.0)
    world.do(world.engine.tick)
    assert [] == [command for command in world.commands if isinstance(command, Destroy)]
    assert all(slot.mark & SUSPECT for slot in world.engine.lane.resting())


def test_the_first_caller_after_a_stop_gets_nothing_unchecked() -> None:
    """Behaviour 136."""
    world = World(max_size=1, max_lifetime=20.0, check_after=0.5).filled(1)
    world.advance(0.3)
    world.clock.advance(1000.0)
    waiter = world.ask()
    assert not waiter.answered
    assert [Validate] == [type(command) for command in world.commands]


def test_a_call_under_way_gets_the_time_of_a_stop_back() -> None:
    """Behaviour 136."""
    world = World(max_size=1, check_after=0.5, validate_timeout=2.0).filled(1)
    world.advance(2.0)
    waiter = world.ask(None)
    [check] = world.begin_all(Validate)
    world.advance(0.1)
    world.clock.advance(1000.0)
    world.do(world.engine.tick)
    assert 0 == world.engine.stuck
    world.succeed(check)
    assert waiter.loan is not None


def test_no_sweep_is_due_while_nothing_is_open_and_none_once_all_is_closed() -> None:
    """Behaviour 44."""
    world = World(max_size=1, check_after=0.5).filled(1)
    world.do(world.engine.close)
    world.run()
    assert world.engine.closed
    assert float("inf") == world.engine.next_wakeup(world.now)
