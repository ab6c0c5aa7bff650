"""Another adapter takes over while creations of the one before are under way: they speak for it alone."""

from __future__ import annotations

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, Destroy
from tests.engine.world import World


def switch(world: World) -> int:
    generation: int = world.do(lambda now: world.engine.refresh(now, 0.0, "second"))
    return generation


@pytest.mark.parametrize("fault", [Fault.CONFIG, Fault.CAPACITY, Fault.BACKEND_DOWN])
def test_a_creation_that_fails_after_the_switch_says_nothing_of_the_new_backend(fault: Fault) -> None:
    """Behaviours 40, 46, 124."""
    world = World(max_size=1)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    switch(world)
    world.fail(create, fault)
    assert waiter.refusal is None
    assert [0, 0, 0] == [
        len(world.told(k)) for k in (tell.OutageBegan, tell.ConfigFault, tell.CapacityReached)
    ]
    world.run(Create)
    assert waiter.loan is not None


def test_a_creation_that_gives_nothing_after_the_switch_is_nobodys_answer() -> None:
    """Behaviours 41, 124."""
    world = World(max_size=1)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    switch(world)
    world.fail(create, Fault.CONFIG, fatal=True)
    world.run(Create)
    assert waiter.loan is not None


def test_a_creation_given_up_after_the_switch_is_no_outage() -> None:
    """Behaviours 48, 124."""
    world = World(max_size=1, create_timeout=1.0)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    switch(world)
    world.advance(1.5)
    assert [] == world.told(tell.OutageBegan)
    world.run(Create)
    assert waiter.loan is not None
    world.fail(create)
    assert [] == world.told(tell.OutageBegan)


def test_the_old_backend_that_answers_after_all_ends_no_outage_of_the_new_one() -> None:
    """Behaviours 43, 124."""
    world = World(max_size=2)
    world.ask()
    [late] = world.begin_all(Create)
    switch(world)
    [create] = [each for each in world.begin_all(Create) if each is not late]
    world.fail(create)
    world.succeed(late)
    assert 1 == len(world.told(tell.OutageBegan))
    assert [] == world.told(tell.OutageEnded)
    assert world.engine.growth.gate.outage


def test_who_waits_for_a_creation_that_hangs_gets_one_of_the_new_adapter() -> None:
    """Behaviours 48, 124: the old one keeps its place until it ends, and keeps nobody waiting."""
    world = World(max_size=2)
    waiter = world.ask()
    [hung] = world.begin_all(Create)
    switch(world)
    world.run(Create)
    assert waiter.loan is not None
    assert 2 == world.engine.ledger.size
    world.succeed(hung)
    assert 1 == world.run(Destroy)


def test_an_outage_of_the_old_backend_keeps_no_probe_from_the_new_one() -> None:
    """Behaviours 45, 124."""
    world = World(max_size=4)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    world.fail(create)
    world.advance(1.0)
    assert 1 == len(world.begin_all(Create))  # a probe, which hangs
    switch(world)
    world.advance(1.2)
    world.run(Create)
    assert waiter.loan is not None
    assert 1 == len(world.told(tell.OutageBegan)) == len(world.told(tell.OutageEnded))


def test_hung_creations_of_the_old_adapter_count_among_those_that_may_be_in_flight() -> None:
    """Behaviours 48, 56."""
    world = World(max_size=4, max_creating=2)
    for _ in range(2):
        world.ask()
    assert 2 == len(world.begin_all(Create))
    switch(world)
    world.ask()
    assert [] == world.commands


def test_what_the_old_backend_refused_for_want_of_room_says_nothing_of_the_new_one() -> None:
    """Behaviour 124."""
    world = World(max_size=4, max_creating=4).filled(1)
    for _ in range(2):
        world.ask()
    [create] = world.begin_all(Create)
    world.fail(create, Fault.CAPACITY)
    assert 1 == world.engine.stats(world.now).ceiling
    switch(world)
    assert 4 == world.engine.stats(world.now).ceiling
