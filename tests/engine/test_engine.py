"""The engine's events, one by one: what follows from each, for whom, and what does not."""

from __future__ import annotations

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import DONE, ODD, SOMEBODY_WAITS, Create, Destroy, Latch, Reset, Validate, Waiter
from respool._engine._slot import SUSPECT

from .world import Boom, World


def per_lease(world: World) -> list[type]:
    """List the kinds of events that only a listener is told, since the last time."""
    events, world.events = world.events, []
    return [type(event) for event in events if isinstance(event, tell.Acquired | tell.Released)]


# ---------------------------------------------------------------------- a nudge


def nudged(timeout: float = 30.0) -> tuple[World, Waiter, Waiter]:
    """One resource lies idle, and the first of two was told to come and get it."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    first, second = world.ask(timeout), world.ask()
    world.overtake()
    world.release(held)
    assert first.nudged
    return world, first, second


def test_who_came_in_vain_is_given_no_more_time_for_that() -> None:
    """Behaviour 10."""
    world, first, _second = nudged(1.0)
    world.lease()
    world.advance(0.5)
    assert world.collect(first) is None
    world.advance(0.5)
    assert first.refusal is not None
    assert "timeout" == first.refusal.why


def test_who_came_in_vain_is_told_again_when_there_is_something() -> None:
    """Behaviours 10, 12."""
    world, first, _second = nudged()
    quicker = world.lease()
    assert world.collect(first) is None
    assert not first.nudged
    world.woken.clear()
    world.overtake()
    world.release(quicker)
    assert first.nudged
    assert [first] == world.woken


def test_who_was_told_to_come_and_whose_time_is_up_passes_it_on() -> None:
    """Behaviours 12, 24."""
    world, first, second = nudged()
    world.do(world.engine.expire, first)
    assert first.refusal is not None
    assert second.nudged


def test_who_comes_while_the_pool_is_paused_gets_nothing() -> None:
    """Behaviour 125."""
    world, first, _second = nudged()
    world.do(world.engine.pause)
    assert world.collect(first) is None
    assert not first.answered
    world.do(world.engine.resume)
    assert first.loan is not None


# ---------------------------------------------------------------------- a hand-out's probe


def test_what_a_probe_suspects_is_checked_where_it_can_be() -> None:
    """Behaviours 81, 87."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.doubted, world.end(world.lease()))
    assert [Validate] == [type(command) for command in world.commands]


def test_what_a_probe_suspects_is_invalid_where_nobody_can_check_it() -> None:
    """Behaviour 87."""
    world = World(traits={"validates": False}, max_size=1, check_after=100).filled(1)
    world.do(world.engine.doubted, world.end(world.lease()))
    assert {"invalid": 1} == world.reasons()


def test_what_a_probe_suspects_goes_for_the_reason_it_had_before() -> None:
    """Behaviours 87, 107."""
    world = World(max_size=1, check_after=100).filled(1)
    held = world.lease()
    world.do(lambda now: world.engine.refresh(now, 0.0))
    world.do(world.engine.doubted, world.end(held))
    assert {"refreshed": 1} == world.reasons()


# ---------------------------------------------------------------------- a return


@pytest.mark.parametrize("fault", [*Fault, None])
def test_what_the_exception_says_that_left_the_block_decides_about_the_resource_and_the_idle_ones(
    fault: Fault | None,
) -> None:
    """Behaviours 91, 93."""
    world = World(max_size=2, check_after=100).filled(2)
    world.release(world.lease(), fault=fault)
    broken = fault in (Fault.RESOURCE_BROKEN, Fault.BACKEND_DOWN)
    assert ({"broken": 1} if broken else {}) == world.reasons()
    assert (fault is Fault.BACKEND_DOWN) is any(idle.mark & SUSPECT for idle in world.engine.lane.resting())


@pytest.mark.parametrize("doubt", [True, False])
@pytest.mark.parametrize("validates", [True, False])
def test_what_is_cleaned_is_checked_as_well_where_it_is_in_doubt_and_can_be(
    doubt: bool, validates: bool
) -> None:
    """Behaviour 91."""
    world = World(traits={"validates": validates}, max_size=1, check_after=100).filled(1)
    world.release(world.lease(), soiled=True, doubt=doubt)
    world.run(Reset)
    assert (doubt and validates) is ([Validate] == [type(command) for command in world.commands])


def test_what_was_cleaned_in_doubt_once_is_not_checked_after_each_cleaning() -> None:
    """Behaviour 91."""
    world = World(max_size=1, check_after=100).filled(1)
    world.release(world.lease(), soiled=True, doubt=True)
    world.run()
    world.release(world.lease(), soiled=True)
    world.run(Reset)
    assert [] == world.commands


def test_nothing_is_cleaned_where_nobody_can() -> None:
    """Behaviour 89."""
    world = World(traits={"resets": False}, max_size=1, check_after=100).filled(1)
    world.release(world.lease(), soiled=True)
    assert [] == world.commands
    assert 1 == len(world.engine.lane.idle)


def test_who_detaches_what_was_written_off_takes_nothing_off_the_books_again() -> None:
    """Behaviours 100, 103."""
    world = World(counts=False, max_size=1, check_after=100, on_event=(lambda event: None,)).filled(1)
    slot = world.end(world.lease())
    world.sweep(check=False)
    world.events.clear()
    world.do(world.engine.detach, slot)
    assert 1 == world.engine.ledger.left
    assert [] == per_lease(world)


def test_a_detached_resource_makes_room_at_once_for_who_waits() -> None:
    """Behaviours 14, 100."""
    world = World(max_size=1, check_after=100, on_event=(lambda event: None,)).filled(1)
    held = world.lease()
    waiter = world.ask()
    per_lease(world)
    world.do(world.engine.detach, world.end(held))
    assert [tell.Released] == per_lease(world)
    world.run(Create)
    assert waiter.loan is not None


# ---------------------------------------------------------------------- who leaves


@pytest.mark.parametrize("granted", [True, False])
def test_who_leaves_is_told_of_as_one_who_left_unless_he_had_been_served(granted: bool) -> None:
    """Behaviours 27, 28."""
    world = World(max_size=1, check_after=100, on_event=(lambda event: None,)).filled(1)
    held = world.lease()
    waiter = world.ask()
    if granted:
        world.release(held)
    world.events.clear()
    world.do(world.engine.cancel, waiter)
    left = [event for event in world.events if isinstance(event, tell.AcquireFailed)]
    assert ([] if granted else ["cancelled"]) == [event.why for event in left]
    assert waiter.loan is None
    assert int(granted) == len(world.engine.lane.idle)
    assert 0 == world.engine.line.count


def test_who_leaves_after_he_has_taken_what_he_got_keeps_it() -> None:
    """Behaviour 28."""
    world = World(max_size=1, check_after=100).filled(1)
    waiter = world.ask()
    got = world.collect(waiter)
    assert got is not None
    world.do(world.engine.cancel, waiter)
    assert 1 == len(got._hold)


# ---------------------------------------------------------------------- a reset in place


@pytest.mark.parametrize("fault", [Fault.BACKEND_DOWN, Fault.RESOURCE_BROKEN, None])
def test_a_reset_in_place_that_fails_costs_the_resource_and_its_backend_its_trust(
    fault: Fault | None,
) -> None:
    """Behaviours 88, 93."""
    world = World(max_size=2, check_after=100, on_event=(lambda event: None,)).filled(2)
    slot = world.end(world.lease())
    world.events.clear()
    world.clock.advance(0.1)
    world.do(lambda now: world.engine.reset_in_place_failed(slot, Boom("no"), fault, now))
    [released, failed] = world.events
    assert (tell.Released, slot.number) == (type(released), released.number)
    assert ("reset", "Boom: no", world.now) == (failed.method, failed.error, failed.at)
    assert {"reset failed": 1} == world.reasons()
    assert [fault is Fault.BACKEND_DOWN] == [
        bool(idle.mark & SUSPECT) for idle in world.engine.lane.resting()
    ]


# ---------------------------------------------------------------------- refresh


def refresh(world: World) -> Latch:
    """Refresh, and wait for it."""
    generation = world.do(lambda now: world.engine.refresh(now, 0.0))
    latch = Latch(world.now, None, "refreshed", generation)
    world.do(world.engine.latches.add, latch)
    return latch


def test_each_refresh_waits_for_what_was_made_before_it() -> None:
    """Behaviour 124: also for what the refresh before it has brought."""
    world = World(max_size=1, check_after=100).filled(1)
    assert refresh(world).loan is None
    world.run(Destroy)
    world.filled(1)
    second = refresh(world)
    assert not second.answered
    world.run(Destroy)
    assert second.loan is True


def test_a_refresh_leaves_what_is_going_or_was_given_up_to_its_own_end() -> None:
    """Behaviours 107, 122."""
    world = World(max_size=3, check_after=100, reset_timeout=1.0).filled(3)
    world.release(world.lease(), soiled=True)
    [hung] = world.begin_all(Reset)
    world.advance(2.0)
    assert 1 == world.engine.stuck
    world.do(world.engine.discard, world.end(world.lease()))
    world.do(lambda now: world.engine.refresh(now, 0.0))
    [event] = [event for event in world.events if isinstance(event, tell.PoolRefreshed)]
    assert 1 == event.old
    world.succeed(hung)
    assert {"discarded": 1, "given up": 1, "refreshed": 1} == world.reasons()


# ---------------------------------------------------------------------- pause, listeners, close


@pytest.mark.parametrize("after", ["a pause", "a listener"])
def test_strict_order_is_kept_after_a_pause_and_when_nobody_listens_any_more(after: str) -> None:
    """Behaviours 22, 125."""
    world = World(traits={"strict": True}, max_size=1, check_after=100).filled(1)
    held = world.lease()
    if after == "a pause":
        world.do(world.engine.pause)
        world.do(world.engine.resume)
    else:
        for listening in (True, False):
            world.do(lambda now, it=listening: world.engine.listen(listening=it, now=now))
    waiter = world.ask()
    assert SOMEBODY_WAITS == world.engine.lane.give(world.end(held))
    assert world.engine.lane.take() is None
    world.do(world.engine.match)
    assert waiter.loan is not None


def test_a_resumed_pool_lets_pass_who_need_not_wait() -> None:
    """Behaviour 125."""
    world = World(max_size=1, check_after=100).filled(1)
    world.do(world.engine.pause)
    assert world.engine.lane.take() is None
    world.do(world.engine.resume)
    assert world.engine.lane.take() is not None


@pytest.mark.parametrize("paused", [True, False])
def test_who_begins_to_listen_hears_of_every_lease_from_then_on(paused: bool) -> None:
    """Of what is held, idle or not made yet."""
    world = World(max_size=3, check_after=100).filled(2)
    held = world.lease()
    if paused:
        world.do(world.engine.pause)
    world.do(lambda now: world.engine.listen(listening=True, now=now))
    if paused:
        world.do(world.engine.resume)
    waiters = [world.ask(), world.ask()]
    world.run(Create)
    assert [tell.Acquired] * 2 == per_lease(world)
    for waiter in waiters:
        got = world.collect(waiter)
        assert got is not None
        assert ODD == world.engine.lane.give(got._hold[0])
        world.release(got)
    assert ODD == world.engine.lane.give(held._hold[0])
    world.release(held)
    assert [tell.Released] * 3 == per_lease(world)
    assert world.engine.lane.take() is None


@pytest.mark.parametrize("paused", [True, False])
def test_when_nobody_listens_any_more_leases_take_the_fast_lane_again(paused: bool) -> None:
    world = World(max_size=2, check_after=100, on_event=(lambda event: None,)).filled(2)
    held = world.lease()
    if paused:
        world.do(world.engine.pause)
    world.events.clear()
    world.do(lambda now: world.engine.listen(listening=False, now=now))
    assert paused is (world.engine.lane.take() is None)
    assert DONE == world.engine.lane.give(world.end(held))
    assert [] == per_lease(world)


def test_where_every_hand_out_is_checked_it_still_is_when_nobody_listens_any_more() -> None:
    """Behaviour 83."""
    world = World(max_size=1, check_after=0, on_event=(lambda event: None,))
    world.do(lambda now: world.engine.listen(listening=False, now=now))
    waiter = world.ask()
    world.run()
    got = world.collect(waiter)
    assert got is not None
    assert ODD == world.engine.lane.give(got._hold[0])


def test_marks_of_another_kind_stay_whoever_listens() -> None:
    """Behaviour 81: what is suspect is not trusted because somebody began to listen."""
    world = World(max_size=1, check_after=100).filled(1)
    world.engine.suspect_idle()
    for listening in (True, False):
        world.do(lambda now, it=listening: world.engine.listen(listening=it, now=now))
        assert world.engine.lane.idle[0].mark & SUSPECT


def test_a_pool_that_warns_of_leaks_times_each_lease_though_nobody_listens() -> None:
    """Behaviour 126."""
    world = World(max_size=1, leak_after=5.0, check_after=100).filled(1)
    for listening in (True, False):
        world.do(lambda now, it=listening: world.engine.listen(listening=it, now=now))
        assert world.engine.lane.take() is None


def test_what_is_idle_or_held_when_the_pool_closes_goes_for_that_reason() -> None:
    """Behaviours 107, 113."""
    world = World(max_size=3, check_after=100).filled(3)
    held = world.lease()
    world.do(world.engine.close)
    assert {"closed": 2} == world.reasons()
    world.release(held)
    assert {"closed": 3} == world.reasons()


def test_a_closing_pool_is_not_opened_by_who_stops_listening() -> None:
    """Behaviour 110."""
    world = World(max_size=1, check_after=100, on_event=(lambda event: None,)).filled(1)
    held = world.lease()
    world.do(world.engine.close)
    world.do(lambda now: world.engine.listen(listening=False, now=now))
    world.engine.lane.idle.append(held._hold[0])
    held._hold[0].mark = 0
    assert world.engine.lane.take() is None
