"""What the result of a call leads to, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, Destroy, Reset, SlotCommand, Validate, Waiter

from .world import Boom, Lease, World


def suspects(count: int, **options: Any) -> World:
    """A pool of resources that lie idle for too long."""
    world = World(max_size=count, check_after=1.0, **options).filled(count)
    world.advance(5.0)
    return world


def ordered(kind: type[SlotCommand], **options: Any) -> World:
    """A pool of one resource, or none, that has ordered a call of this kind and begun none."""
    world = World(max_size=1, check_after=100, **options)
    if kind is Create:
        world.ask(0, waits=False)
        return world
    world.filled(1)
    held = world.lease()
    if kind is Reset:
        world.release(held, soiled=True)
    else:
        event = world.engine.doubted if kind is Validate else world.engine.discard
        world.do(event, world.end(held))
    return world


# ---------------------------------------------------------------------- what is told


def test_a_creation_is_told_with_the_time_it_took() -> None:
    world = World(max_size=1)
    world.ask(None)
    world.clock.advance(1.0)
    [create] = world.begin_all(Create)
    world.advance(0.5)
    world.succeed(create)
    [event] = world.told(tell.ResourceCreated)
    assert (1, 0.5, world.now) == (event.number, event.took, event.at)
    assert 0.5 == world.engine.meter.create_time.mean


def test_a_creation_that_failed_is_told_with_its_verdict_and_the_time_it_took() -> None:
    """Behaviour 36."""
    world = World(max_size=1)
    world.ask(None)
    [create] = world.begin_all(Create)
    world.advance(0.5)
    world.fail(create, Fault.CAPACITY)
    [event] = world.told(tell.CreateFailed)
    assert ("capacity", "Boom: no", 0.5) == (event.fault, event.error, event.took)
    assert world.now == event.at


@pytest.mark.parametrize("raised", [True, False])
def test_a_check_that_is_not_passed_is_told_with_the_backends_words(raised: bool) -> None:
    """Behaviour 81."""
    world = suspects(1)
    world.ask(None)
    [check] = world.begin_all(Validate)
    if raised:
        world.fail(check)
    else:
        world.refute(check)
    [event] = world.told(tell.CheckFailed)
    world.run(Destroy)
    assert {"invalid": 1} == dict(world.engine.ledger.destroyed)
    assert (1, "validate") == (event.number, event.method)
    assert ("Boom: no" if raised else "returned False") == event.error
    assert world.now == event.at
    assert raised == (world.engine.stats(world.now).last_error is not None)


def test_a_reset_that_failed_is_told_with_the_backends_words() -> None:
    """Behaviour 88."""
    world = World(max_size=1, check_after=100).filled(1)
    world.release(world.lease(), soiled=True)
    [reset] = world.begin_all(Reset)
    world.fail(reset)
    [event] = world.told(tell.CheckFailed)
    assert (1, "reset", "Boom: no", world.now) == (event.number, event.method, event.error, event.at)


@pytest.mark.parametrize("failed", [True, False])
def test_a_destruction_is_told_with_its_reason_and_what_went_wrong(failed: bool) -> None:
    """Behaviours 105, 107."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.discard, world.end(world.lease()))
    [destroy] = world.begin_all(Destroy)
    if failed:
        world.fail(destroy)
    else:
        world.succeed(destroy)
    [event] = world.told(tell.ResourceDestroyed)
    assert (1, "discarded", world.now) == (event.number, event.reason, event.at)
    assert ("Boom: no" if failed else None) == event.error


# ---------------------------------------------------------------------- what follows


@pytest.mark.parametrize("kind", [Create, Validate, Reset])
@pytest.mark.parametrize("well", [True, False])
def test_what_a_call_given_up_still_brings_is_destroyed_for_that_reason(
    kind: type[SlotCommand], well: bool
) -> None:
    """Behaviours 49, 84."""
    world = ordered(kind)
    [hung] = world.begin_all(kind)
    world.advance(12.0)
    assert 1 == world.engine.stuck
    if well:
        world.succeed(hung)
    else:
        world.fail(hung)
    world.run(Destroy)
    brings = {} if kind is Create and not well else {"given up": 1}
    assert brings == dict(world.engine.ledger.destroyed)
    assert 0 == world.engine.stuck


@pytest.mark.parametrize(("after", "answered"), [(1.79, True), (1.81, False)])
def test_a_check_that_fails_when_its_time_is_nearly_up_was_not_answered(after: float, answered: bool) -> None:
    """Behaviours 84, 85: the driver's limit came before ours, and creation goes on beside the checks."""
    world = suspects(4, validate_timeout=2.0)
    waiters = [world.ask(None) for _ in range(2)]
    checks = world.begin_all(Validate)
    assert 2 == len(checks)
    world.advance(after)
    world.fail(checks[0], Fault.RESOURCE_BROKEN)
    world.run(Destroy)
    assert answered == (0 == len(world.begin_all(Create)))
    assert answered == (2 == len(world.begin_all(Validate)))
    assert not any(waiter.answered for waiter in waiters)


def test_a_check_that_is_answered_ends_the_doubt_about_the_others() -> None:
    """Behaviour 85: they are checked again, and nothing is created beside them."""
    world = suspects(4, validate_timeout=2.0)
    first = world.ask(None)
    [hung] = world.begin_all(Validate)
    world.advance(2.1)
    for check in [check for check in world.begin_all(Validate) if check is not hung]:
        world.succeed(check)
    got = world.collect(first)
    assert got is not None
    for create in world.begin_all(Create):
        world.succeed(create)
    world.advance(5.0)
    held = [world.acquire() for _ in range(2)]
    assert 2 == sum(check is not hung for check in world.begin_all(Validate))
    assert [] == world.commands
    assert not any(isinstance(one, Lease) for one in held)


@pytest.mark.parametrize("kind", [Validate, Reset])
@pytest.mark.parametrize(("fault", "trusted"), [(Fault.BACKEND_DOWN, False), (Fault.RESOURCE_BROKEN, True)])
def test_where_a_check_or_a_reset_says_that_the_backend_is_down_nothing_idle_is_trusted(
    kind: type[SlotCommand], fault: Fault, trusted: bool
) -> None:
    """Behaviour 93."""
    world = World(max_size=2, check_after=100).filled(2)
    if kind is Reset:
        world.release(world.lease(), soiled=True)
    else:
        world.do(world.engine.doubted, world.end(world.lease()))
    [call] = world.begin_all(kind)
    world.fail(call, fault)
    assert trusted == isinstance(world.acquire(), Lease)


def test_a_creation_that_gave_what_is_no_resource_is_told_to_one_who_waits() -> None:
    """Behaviours 36, 37, 41."""
    world = World(max_size=1)
    first, second = world.ask(None), world.ask(None)
    [create] = world.begin_all(Create)
    world.fail(create, fatal=True)
    assert first.refusal is not None
    assert ("backend", "create") == (first.refusal.why, first.refusal.phase)
    assert isinstance(first.refusal.cause, Boom)
    assert not second.answered
    world.advance(1.0)
    world.run(Create)
    assert second.loan is not None


def test_a_creation_ordered_before_the_backend_failed_does_not_begin_after_it() -> None:
    """Behaviours 43, 45."""
    world = World(max_size=2)
    waiters = [world.ask(None) for _ in range(2)]
    first, second = world.commands
    assert world.begin(first)
    world.fail(first)
    assert not world.begin(second)
    assert 0 == world.engine.ledger.size
    world.advance(0.5)
    [probe] = world.begin_all(Create)
    world.succeed(probe)
    assert waiters[0].loan is not None


@pytest.mark.parametrize("kind", [Create, Validate, Reset, Destroy])
def test_a_call_is_given_up_its_own_limit_after_it_began(kind: type[SlotCommand]) -> None:
    """Behaviours 48, 84, 106: however long it lay before anybody carried it out."""
    limits = {"create": 3.0, "validate": 4.0, "reset": 5.0, "destroy": 6.0}
    options = {f"{method}_timeout": limit for method, limit in limits.items()}
    world = ordered(kind, **options)
    world.advance(2.0)
    [call] = world.begin_all(kind)
    world.advance(limits[kind.method] - 0.01)
    assert 0 == world.engine.stuck
    world.advance(0.02)
    assert 1 == world.engine.stuck
    world.succeed(call)


def test_what_was_cleaned_in_an_outage_has_a_new_one_tried() -> None:
    """Behaviour 38."""
    world = World(max_size=2, check_after=100).filled(1)
    held = world.lease()
    world.ask(0, waits=False)
    world.fail(world.begin_all(Create)[0])
    world.release(held, soiled=True)
    world.advance(3.0)
    [reset] = world.begin_all(Reset)
    world.succeed(reset)
    world.run(Validate)
    assert [Create] == [type(command) for command in world.commands]


def test_where_every_hand_out_is_checked_a_reset_is_followed_by_a_check() -> None:
    """Behaviour 83."""
    world = World(max_size=1, check_after=0)
    waiter = world.ask()
    world.run()
    got = world.collect(waiter)
    assert got is not None
    world.release(got, soiled=True)
    world.run(Reset)
    got_next = world.acquire()
    assert isinstance(got_next, Waiter)
    assert [Validate] == [type(command) for command in world.commands]


def test_who_listens_hears_of_every_lease_of_a_new_resource() -> None:
    """Behaviour 132."""
    world = World(max_size=1, check_after=100, on_event=(lambda event: None,))
    waiter = world.ask()
    world.run(Create)
    for _ in range(2):
        got = world.collect(waiter)
        assert got is not None
        world.release(got)
        waiter = world.ask()
    kinds = [type(event) for event in world.events if isinstance(event, tell.Acquired | tell.Released)]
    assert [tell.Acquired, tell.Released, tell.Acquired, tell.Released, tell.Acquired] == kinds
