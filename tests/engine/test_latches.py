"""Who waits for the pool itself: until it is ready, refreshed or closed."""

from __future__ import annotations

import pytest

from respool._adapter import Fault
from respool._engine import Create, Destroy, Latch, Reset, Validate
from respool._engine._latches import Latches

from .world import Boom, Lease, World


def wait_for(world: World, what: str, timeout: float | None = 5.0) -> Latch:
    latch = Latch(world.now, timeout, what)  # type: ignore[arg-type]
    world.do(world.engine.latches.add, latch)
    return latch


def test_a_lazy_pool_is_ready_when_one_resource_is_open_and_opens_no_more() -> None:
    """Behaviour 52."""
    world = World(max_size=3)
    ready = wait_for(world, "ready")
    world.run()
    assert ready.loan is True
    assert 1 == world.engine.ledger.size


def test_nobody_who_waits_for_something_else_has_the_pool_opened() -> None:
    world = World(max_size=3)
    refreshed, closed = wait_for(world, "refreshed"), wait_for(world, "closed")
    assert refreshed.loan is True
    assert not closed.answered
    assert [] == world.commands
    assert 0 == world.engine.floor()


def test_a_pool_that_was_never_refreshed_has_nothing_old() -> None:
    world = World(max_size=1, check_after=100).filled(1)
    assert wait_for(world, "refreshed").loan is True


@pytest.mark.parametrize("kind", [Validate, Reset])
def test_what_is_checked_or_cleaned_just_now_is_open(kind: type) -> None:
    """Behaviour 52."""
    world = World(min_size=1, max_size=1, check_after=1.0).filled(1)
    if kind is Validate:
        world.advance(5.0)
        world.ask()
    else:
        lease = world.acquire()
        assert isinstance(lease, Lease)
        world.release(lease, soiled=True)
    [_call] = world.begin_all(kind)
    assert wait_for(world, "ready").loan is True


def test_who_waits_for_a_ready_pool_is_woken_with_his_answer() -> None:
    world = World(max_size=1)
    ready = wait_for(world, "ready")
    world.run()
    assert [ready] == world.woken


def test_who_waits_for_a_ready_pool_in_vain_is_told_phase_and_cause() -> None:
    """Behaviours 36, 52."""
    world = World(max_size=1)
    ready = wait_for(world, "ready", 2.0)
    [create] = world.begin_all(Create)
    world.fail(create)
    world.advance(1.9)
    assert not ready.answered
    world.advance(0.2)
    assert ready.refusal is not None
    assert ("timeout", "create") == (ready.refusal.why, ready.refusal.phase)
    assert isinstance(ready.refusal.cause, Boom)
    assert [ready] == world.woken


def test_the_cause_is_told_though_it_is_older_than_the_wait() -> None:
    """Behaviour 36: while nothing has come open since, it is still the reason."""
    world = World(max_size=1, create_timeout=50.0)
    world.ask(0, waits=False)
    [create] = world.begin_all(Create)
    world.fail(create)
    world.advance(1.0)
    ready = wait_for(world, "ready", 2.0)
    world.begin_all(Create)  # it hangs
    world.advance(3.0)
    assert ready.refusal is not None
    assert isinstance(ready.refusal.cause, Boom)


@pytest.mark.parametrize("fault", [Fault.BACKEND_DOWN, Fault.CAPACITY])
def test_who_waits_for_a_ready_pool_hears_of_no_error_that_is_over(fault: Fault) -> None:
    """Behaviour 40: creations have succeeded since; a refusal is over when there is room for all again."""
    world = World(max_size=1)
    waiter = world.ask(None)
    world.fail(world.begin_all(Create)[0], fault)
    world.advance(20.0)
    world.run(Create)
    held = world.collect(waiter)
    assert held is not None
    world.release(held)
    world.do(world.engine.resize, 0, 0)
    ready = wait_for(world, "ready", 2.0)
    world.advance(3.0)
    assert ready.refusal is not None
    assert ready.refusal.cause is None


def test_who_waits_for_a_ready_pool_hears_who_refused_what_it_lacks() -> None:
    """Behaviour 36: too many connections, and what was in flight then has come open since."""
    world = World(min_size=2, max_size=2)
    world.do(world.engine.tick)
    first, second = world.begin_all(Create)
    world.fail(first, Fault.CAPACITY)
    world.succeed(second)
    world.clock.advance(0.1)
    ready = wait_for(world, "ready", 2.0)
    world.advance(3.0)
    assert ready.refusal is not None
    assert isinstance(ready.refusal.cause, Boom)


def test_who_waits_without_a_limit_waits() -> None:
    world = World(max_size=1)
    ready = wait_for(world, "ready", None)
    for create in world.begin_all(Create):
        world.fail(create)
    for _ in range(100):
        world.advance(100.0)
    assert not ready.answered


def test_who_waits_for_a_ready_pool_is_told_that_it_closes() -> None:
    """Behaviour 110."""
    world = World(max_size=1)
    ready, closed = wait_for(world, "ready", None), wait_for(world, "closed", None)
    world.begin_all(Create)
    world.do(world.engine.close)
    assert ready.refusal is not None
    assert "closed" == ready.refusal.why
    assert [ready] == world.woken
    assert not closed.answered


def test_a_wrong_configuration_is_told_to_those_who_wait_for_a_ready_pool_alone() -> None:
    """Behaviour 46."""
    world = World(max_size=1)
    ready, closed = wait_for(world, "ready"), wait_for(world, "closed")
    [create] = world.begin_all(Create)
    refreshed = Latch(world.now, 5.0, "refreshed", world.engine.generation + 1)
    world.do(world.engine.latches.add, refreshed)
    world.fail(create, Fault.CONFIG)
    assert ready.refusal is not None
    assert ("backend", "create") == (ready.refusal.why, ready.refusal.phase)
    assert isinstance(ready.refusal.cause, Boom)
    assert closed.refusal is refreshed.refusal is None


def test_a_wait_that_was_given_up_is_forgotten() -> None:
    world = World(max_size=1)
    ready = wait_for(world, "ready", None)
    world.do(world.engine.latches.drop, ready)
    world.do(world.engine.latches.drop, ready)
    world.run(Create)
    world.run(Destroy)
    assert not ready.answered
    assert 0 == world.engine.latches.floor()


def test_a_condition_is_looked_at_once_however_many_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service begins: ten thousand requests wait for a ready pool, and each event looks at them."""
    world = World(max_size=1)
    waiting = [wait_for(world, "ready") for _ in range(50)]
    looks, holds = [], Latches._holds
    monkeypatch.setattr(Latches, "_holds", lambda self, *which: looks.append(which) or holds(self, *which))
    world.engine.latches.look(world.now)
    assert [("ready", 0)] == looks
    world.run(Create)
    assert waiting == world.woken
    assert all(latch.loan is True for latch in waiting)
    assert float("inf") == world.engine.latches.next_due()


def test_each_latch_has_its_own_time() -> None:
    world = World(max_size=0)
    late, early, never = (wait_for(world, "ready", timeout) for timeout in (5.0, 1.0, None))
    assert early.deadline == world.engine.latches.next_due()
    world.advance(2.0)
    assert [early] == world.woken
    world.do(world.engine.latches.drop, late)
    assert float("inf") == world.engine.latches.next_due()
    world.do(world.engine.latches.expire, never)
    assert never.refusal is not None
    assert "timeout" == never.refusal.why


def test_an_answer_whose_wake_up_was_torn_off_is_brought_again() -> None:
    world = World(max_size=1)
    ready, waits = wait_for(world, "ready", None), wait_for(world, "ready", None)
    ready.loan = True  # a KeyboardInterrupt came between this and the wake-up
    world.engine.mend(world.now)
    world.do(world.engine.tick)
    assert [ready] == world.woken
    world.run(Create)
    assert [ready, waits] == world.woken
