"""What listeners and the log are told: every fact of every event, and when there is none."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from respool import _events as tell
from respool._adapter import Fault
from respool._engine import Create, Destroy, OnDemand, Reset, Validate, View, Waiter, _reporter

from .world import Boom, Lease, World


def told(world: World, *kinds: type) -> list[Any]:
    """Take what was told since the last time, or what of it is of these kinds."""
    events, world.events = world.events, []
    return [event for event in events if isinstance(event, kinds or tell.PoolEvent)]


def listening(**options: Any) -> World:
    """A pool somebody listens to."""
    return World(on_event=(lambda event: None,), **{"max_size": 1, "check_after": 100, **options})


def expected(world: World, kind: type, /, **facts: Any) -> list[Any]:
    """Make the one event that is told now."""
    return [kind(pool="world", at=world.now, **facts)]


def down(world: World) -> None:
    """Have a creation fail that somebody asked for who does not wait."""
    world.ask(0, waits=False)
    world.fail(world.begin_all(Create)[0])


# ---------------------------------------------------------------------- callers


def test_who_listens_hears_who_got_what_after_how_long_and_for_how_long() -> None:
    world = listening().filled(1)
    held = world.lease()
    waiter = world.ask()
    told(world)
    since = world.now
    world.clock.advance(2.0)
    world.release(held, soiled=False)
    returned = expected(world, tell.Released, number=1, held=world.now - since)
    granted = expected(world, tell.Acquired, number=1, waited=world.now - since)
    assert returned + granted == told(world)
    assert waiter.loan is not None


def test_nobody_is_told_of_leases_who_does_not_ask() -> None:
    world = World(max_size=1, max_waiting=1, check_after=100).filled(1)
    held = world.lease()
    waiters = [world.ask() for _ in range(2)]
    world.release(held, soiled=True)
    world.run(Reset)
    world.do(world.engine.cancel, waiters[0])
    per_lease = (tell.Acquired, tell.Released, tell.AcquireFailed, tell.DirtyReturn, tell.LeaseReturned)
    assert [] == told(world, *per_lease)


@pytest.mark.parametrize("why", ["timeout", "rejected", "closed", "cancelled", "backend"])
def test_who_listens_hears_why_a_caller_left_with_nothing_and_after_how_long(why: str) -> None:
    """Behaviour 132: time-outs and rejections are counted as well, each as what it is."""
    world = listening(max_waiting=1)
    world.clock.advance(1.0)
    since = world.now
    waiter = world.ask(3.0)
    [create] = world.begin_all(Create)
    world.clock.advance(0.0 if why == "rejected" else 3.0)
    if why == "timeout":
        world.do(world.engine.expire, waiter)
    elif why == "rejected":
        world.ask()
    elif why == "closed":
        world.do(world.engine.close)
    elif why == "cancelled":
        world.do(world.engine.cancel, waiter)
    else:
        world.fail(create, Fault.CONFIG)
    waited = world.now - since
    assert expected(world, tell.AcquireFailed, why=why, waited=waited) == told(world, tell.AcquireFailed)
    stats = world.engine.stats(world.now)
    assert (why == "timeout", why == "rejected") == (stats.timeouts, stats.rejected)


def test_refusals_are_counted_one_by_one() -> None:
    """Behaviour 132."""
    world = World(max_size=0, max_waiting=2)
    for _ in range(2):
        world.ask(1.0)
    for _ in range(3):
        world.ask(1.0)
    world.advance(2.0)
    stats = world.engine.stats(world.now)
    assert (2, 3) == (stats.timeouts, stats.rejected)


def test_who_was_served_after_a_wait_is_counted_apart_from_who_was_served_at_once() -> None:
    """Behaviour 132."""
    world = World(max_size=1, check_after=100).filled(1)
    for waits in range(1, 4):
        held = world.lease()
        waiter = world.ask()
        world.release(held)
        got = world.collect(waiter)
        assert got is not None
        world.release(got)
        world.clock.advance(0.5)
        at_once = world.collect(world.ask())
        assert at_once is not None
        world.release(at_once)
        assert 1 + waits == world.engine.stats(world.now).waited


def test_who_listens_hears_that_something_came_back_dirty() -> None:
    """Behaviour 89."""
    world = listening().filled(1)
    slot = world.end(world.lease())
    world.engine.reporter.soiled(slot, world.now)
    world.do(world.engine.give_back, slot, soiled=True)
    assert expected(world, tell.DirtyReturn, number=1) == told(world, tell.DirtyReturn)


def held_too_long(stack: str | None) -> tuple[World, Lease]:
    """A lease is held for 5 s in a pool that warns after 2; what was told meanwhile."""
    world = World(max_size=1, leak_after=2.0, check_after=100)
    world.clock.advance(1.0)
    waiter = Waiter(world.now, 30.0)
    waiter.acquirer = stack
    world.do(world.engine.ask, waiter)
    world.run()
    held = world.collect(waiter)
    assert held is not None
    world.advance(5.0)
    return world, held


@pytest.mark.parametrize("stack", ["line 1 of main.py", None])
def test_a_lease_held_too_long_is_told_once_with_its_stack_and_once_more_when_it_ends(
    stack: str | None,
) -> None:
    """Behaviour 126."""
    world, held = held_too_long(stack)
    [leaking] = told(world, tell.LeaseLeaking)
    assert ("world", 1, stack) == (leaking.pool, leaking.number, leaking.stack)
    assert leaking.held == leaking.at - 1.0
    assert 2.0 <= leaking.held <= 2.0 + world.engine.ages.period
    world.release(held)
    assert expected(world, tell.LeaseReturned, number=1, held=5.0) == told(world)
    world.release(world.lease())
    assert [] == told(world)


@pytest.mark.parametrize("stack", ["line 1 of main.py", None])
def test_a_forgotten_lease_is_told_with_its_stack_and_counted(stack: str | None) -> None:
    """Behaviours 127, 132."""
    world, held = held_too_long(stack)
    told(world)
    held._hold[0].resource.holder = None
    del held
    world.sweep()
    assert expected(world, tell.LeaseForgotten, number=1, stack=stack) == told(world, tell.LeaseForgotten)
    assert 1 == world.engine.stats(world.now).recovered
    world.run()
    again = world.lease()
    again._hold[0].resource.holder = None
    del again
    world.sweep()
    assert 2 == world.engine.stats(world.now).recovered


# ---------------------------------------------------------------------- the backend


def test_a_creation_is_told_with_its_time() -> None:
    world = World(max_size=1)
    world.clock.advance(1.0)
    world.ask()
    [create] = world.begin_all(Create)
    world.clock.advance(0.5)
    world.succeed(create)
    assert expected(world, tell.ResourceCreated, number=1, took=0.5) == told(world)


def test_a_failed_creation_is_told_with_its_verdict_words_and_time_and_remembered() -> None:
    """Behaviours 36, 132."""
    world = World(max_size=1)
    world.clock.advance(1.0)
    world.ask()
    [create] = world.begin_all(Create)
    world.clock.advance(0.5)
    world.fail(create, Fault.CAPACITY)
    facts = {"fault": "capacity", "error": "Boom: no", "took": 0.5}
    assert expected(world, tell.CreateFailed, **facts) == told(world, tell.CreateFailed)
    stats = world.engine.stats(world.now)
    assert (1, "Boom: no") == (stats.create_failures, stats.last_error)


def test_failures_are_counted_one_by_one_and_a_hung_creation_is_one() -> None:
    """Behaviour 132."""
    world = World(max_size=3, create_timeout=2.0, check_after=100).filled(1)
    _held = world.lease()
    for _ in range(2):
        down(world)
        world.advance(1.0)
    world.ask(0, waits=False)
    world.begin_all(Create)
    told(world)
    world.advance(2.0)
    [given_up] = told(world, tell.ResourceGivenUp)
    assert ("world", world.now, "create") == (given_up.pool, given_up.at, given_up.method)
    assert 3 == world.engine.stats(world.now).create_failures


def test_another_call_that_hangs_is_told_and_no_failure_to_create() -> None:
    """Behaviour 132."""
    world = World(max_size=1, destroy_timeout=2.0, check_after=100).filled(1)
    world.do(world.engine.discard, world.end(world.lease()))
    world.begin_all(Destroy)
    told(world)
    world.advance(2.0)
    assert expected(world, tell.ResourceGivenUp, number=1, method="destroy") == told(world)
    stats = world.engine.stats(world.now)
    assert (0, "TimeoutError: destroy took longer than 2 s") == (stats.create_failures, stats.last_error)


def test_an_outage_is_told_when_it_begins_and_when_it_ends_and_how_long_it_was() -> None:
    """Behaviours 38, 44: once each, however many attempts fail."""
    world = World(max_size=2, check_after=100).filled(1)
    held = world.lease()
    told(world)
    for outage in range(2):
        world.advance(10.0)
        down(world)
        assert expected(world, tell.OutageBegan, error="Boom: no") == told(world, tell.OutageBegan)
        for _ in range(3):
            world.advance(1.0)
            down(world)
        world.advance(1.0)
        assert [] == told(world, tell.OutageBegan)
        world.ask(0, waits=False)
        world.run(Create)
        assert expected(world, tell.OutageEnded, lasted=4.0) == told(world, tell.OutageEnded), outage
        world.do(world.engine.discard, world.end(world.lease()))
        world.run(Destroy)
    assert held._hold


def test_a_wrong_configuration_is_told_again_when_it_is_another_or_was_right_meanwhile() -> None:
    """Behaviour 46."""
    world = World(max_size=2, check_after=100).filled(1)
    _held = world.lease()

    def wrong(words: str) -> list[Any]:
        told(world)
        world.advance(1.0)
        world.ask(0, waits=False)
        [create] = world.begin_all(Create)
        world.running.clear()
        world.do(lambda now: world.engine.create_failed(create.slot, Boom(words), Fault.CONFIG, now))
        return told(world, tell.ConfigFault)

    [table] = wrong("no such table")
    assert expected(world, tell.ConfigFault, error="Boom: no such table") == [table]
    assert [] == wrong("no such table")
    assert 1 == len(wrong("no such user"))
    world.advance(1.0)
    world.ask(0, waits=False)
    world.run(Create)
    world.do(world.engine.discard, world.end(world.lease()))
    world.run(Destroy)
    assert 1 == len(wrong("no such user"))


def test_a_ceiling_of_the_backend_is_told_with_its_words() -> None:
    """Behaviour 45."""
    world = World(max_size=3, check_after=100).filled(1)
    _held = world.lease()
    world.ask(None)
    world.fail(world.begin_all(Create)[0], Fault.CAPACITY)
    assert expected(world, tell.CapacityReached, ceiling=1, error="Boom: no") == told(
        world, tell.CapacityReached
    )


@pytest.mark.parametrize("method", ["validate", "reset", "probe"])
def test_a_failed_check_is_told_with_its_method_and_words_and_remembered(method: str) -> None:
    world = World(max_size=1, check_after=1.0).filled(1)
    if method == "validate":
        world.advance(5.0)
        world.ask()
        world.fail(world.begin_all(Validate)[0])
    elif method == "reset":
        world.release(world.lease(), soiled=True)
        world.fail(world.begin_all(Reset)[0])
    else:
        world.do(world.engine.probe_failed, world.end(world.lease()), Boom("no"))
    facts = {"number": 1, "method": method, "error": "Boom: no"}
    assert expected(world, tell.CheckFailed, **facts) == told(world, tell.CheckFailed)
    assert "Boom: no" == world.engine.stats(world.now).last_error


def test_a_check_that_answers_no_is_told_as_such_and_is_no_error() -> None:
    world = World(max_size=1, check_after=1.0).filled(1)
    world.advance(5.0)
    world.ask()
    world.refute(world.begin_all(Validate)[0])
    facts = {"number": 1, "method": "validate", "error": "returned False"}
    assert expected(world, tell.CheckFailed, **facts) == told(world, tell.CheckFailed)
    assert world.engine.stats(world.now).last_error is None


@pytest.mark.parametrize("fails", [True, False])
def test_a_destroyed_resource_is_told_with_its_reason_and_what_destroy_raised(fails: bool) -> None:
    """Behaviours 105, 107."""
    world = World(max_size=1, check_after=100).filled(1)
    told(world)
    world.do(world.engine.discard, world.end(world.lease()))
    [destroy] = world.begin_all(Destroy)
    (world.fail if fails else world.succeed)(destroy)
    error = "Boom: no" if fails else None
    facts = {"number": 1, "reason": "discarded", "error": error}
    assert expected(world, tell.ResourceDestroyed, **facts) == told(world)


class Careful(Exception):
    """Wants more than its text, and keeps a connection."""

    def __init__(self, text: str, *, conn: object) -> None:
        super().__init__(text, conn)
        self.conn, self.code = conn, 7


def raised() -> Careful:
    """Make an error as a driver raises it: on a stack, from another one, with what it was about."""
    try:
        try:
            raise Boom("inside")
        except Boom as inside:
            raise Careful("no", conn=object()) from inside
    except Careful as exc:
        return exc


def test_who_waited_when_an_error_happened_gets_it_as_it_was_raised() -> None:
    """Behaviours 36, 109: one who comes later while it lasts gets its double, which keeps nothing alive."""
    world = World(max_size=1, check_after=100, create_timeout=100.0)
    first, second = world.ask(5.0), world.ask(6.0)
    [create] = world.begin_all(Create)
    error = raised()
    world.do(lambda now: world.engine.create_failed(create.slot, error, Fault.BACKEND_DOWN, now))
    world.advance(5.0)
    world.do(world.engine.tick)
    world.advance(1.0)
    for waiter in (first, second):
        assert waiter.refusal is not None
        assert error is waiter.refusal.cause
    later = world.ask(0, waits=False)
    assert later.refusal is not None
    double = later.refusal.cause
    assert isinstance(double, Careful)
    assert ("no", "<object>", 7) == (*double.args, double.code)
    assert not hasattr(double, "conn")
    assert (None, None, None) == (double.__traceback__, double.__context__, double.__cause__)
    assert error.__traceback__ is not None
    assert isinstance(error.__cause__, Boom)


def test_who_comes_later_gets_the_double_though_somebody_waits_who_gets_the_error() -> None:
    """Behaviour 36."""
    world = World(max_size=1, check_after=100, create_timeout=100.0)
    first = world.ask(5.0)
    [create] = world.begin_all(Create)
    error = raised()
    world.do(lambda now: world.engine.create_failed(create.slot, error, Fault.BACKEND_DOWN, now))
    world.advance(0.01)
    later = world.ask(0, waits=False)
    world.advance(5.0)
    world.do(world.engine.tick)
    assert first.refusal is not None
    assert later.refusal is not None
    assert error is first.refusal.cause
    assert error is not later.refusal.cause


def test_an_error_that_nobody_waited_for_keeps_nothing_alive() -> None:
    """Behaviour 109."""
    world = World(max_size=1, check_after=100).filled(1)
    error = raised()
    gone = weakref.ref(error)
    world.do(world.engine.probe_failed, world.end(world.lease()), error)
    del error
    world.do(world.engine.tick)
    gc.collect()
    assert gone() is None
    assert "Careful: ('no', <object object at" in str(world.engine.stats(world.now).last_error)


def test_in_a_line_that_never_ends_an_error_is_kept_for_those_who_met_it() -> None:
    """Behaviour 109."""
    world = World(max_size=2, check_after=100).filled(1)
    _held = world.lease()
    world.ask(5.0)
    world.advance(1.0)
    errors = [raised()]
    gone = weakref.ref(errors[0])
    [create] = world.begin_all(Create)
    world.do(lambda now: world.engine.create_failed(create.slot, errors.pop(), Fault.BENIGN, now))
    world.running.clear()
    world.advance(1.0)
    world.ask(100.0)
    world.do(world.engine.tick)
    assert gone() is not None
    world.advance(3.5)
    world.woken.clear()
    world.do(world.engine.tick)
    gc.collect()
    assert 1 == world.engine.line.count
    assert gone() is None


def test_an_error_whose_type_lets_no_double_be_made_is_remembered_by_its_words() -> None:
    world = World(max_size=1)
    world.ask(0, waits=False)
    [create] = world.begin_all(Create)
    group = ExceptionGroup("both", [Boom("one"), Boom("other")])
    world.do(lambda now: world.engine.create_failed(create.slot, group, Fault.BACKEND_DOWN, now))
    refusal = world.ask(0, waits=False).refusal
    assert refusal is not None
    assert refusal.cause is None
    assert "ExceptionGroup: both (2 sub-exceptions)" == world.engine.stats(world.now).last_error


# ---------------------------------------------------------------------- the pool


def test_live_control_is_told_with_what_was_asked() -> None:
    world = World(max_size=3, check_after=100).filled(2)
    world.clock.advance(1.0)
    told(world)
    world.do(world.engine.resize, 1, 4)
    assert expected(world, tell.PoolResized, min_size=1, max_size=4) == told(world)
    world.do(lambda now: world.engine.refresh(now, 3.0))
    assert expected(world, tell.PoolRefreshed, old=2, over=3.0) == told(world)
    world.do(world.engine.pause)
    assert expected(world, tell.PoolPaused) == told(world)
    world.do(world.engine.resume)
    assert expected(world, tell.PoolResumed) == told(world)
    world.do(world.engine.close)
    assert expected(world, tell.PoolClosing) == told(world)


class Moody(OnDemand):
    """Changes its mind once, and has trouble once."""

    def __init__(self) -> None:
        self.moods = ["grew to 2: it is Monday"]
        self.troubles = ["ValueError: no size"]

    def target(self, now: float) -> int:
        """Want two, a moment after the start."""
        return 2 if now >= 0.1 else 1

    def change(self, view: View) -> str | None:
        """Give the reason, once."""
        return self.moods.pop() if self.moods else None

    def trouble(self) -> str | None:
        """Give it, once."""
        return self.troubles.pop() if self.troubles else None


def test_a_change_of_the_target_and_trouble_of_the_policy_are_told_in_its_words() -> None:
    world = World(sizer=Moody(), max_size=3, check_after=100).filled(1)
    told(world)
    world.advance(0.2)
    [failed, changed] = told(world, tell.TargetChanged, tell.PolicyFailed)
    at, reason = changed.at, "grew to 2: it is Monday"
    assert tell.TargetChanged(pool="world", at=at, target=2, reason=reason) == changed
    assert tell.PolicyFailed(pool="world", at=at, error="ValueError: no size") == failed
    assert at <= world.now
    stats = world.engine.stats(world.now)
    assert (2, reason) == (stats.target, stats.reason)


def test_listeners_that_are_too_slow_lose_events_of_leases_and_are_told_how_many_at_the_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_reporter, "MOST_UNTOLD", 4)
    monkeypatch.setattr(_reporter, "KEPT_FREE", 1)
    world = listening().filled(1)
    told(world)
    engine, line = world.engine, world.engine.reporter.events
    heard: list[Any] = []

    def hear(most: int) -> None:
        heard.extend(line.popleft() for _ in range(min(most, len(line))))

    def lease_untold() -> None:
        waiter = Waiter(world.now, 0)
        engine.ask(waiter, world.now, waits=False)
        engine.give_back(waiter.loan._hold.pop(), world.now)

    for _ in range(3):
        lease_untold()
    assert 4 == len(line)
    engine.pause(world.now)
    engine.resume(world.now)
    assert 5 == len(line), "a place is kept for the rare ones, and no more than that"
    hear(4)
    lease_untold()
    hear(9)
    lease_untold()
    hear(9)
    kinds = [tell.Acquired, tell.Released, tell.Acquired, tell.Released, tell.PoolPaused]
    assert [*kinds, tell.EventsLost, tell.Acquired, tell.Released] == [type(event) for event in heard]
    assert tell.EventsLost(pool="world", at=world.now, lost=2 + 1 + 2) == heard[5]


def test_what_is_lost_when_the_pool_closes_is_told_though_nobody_has_caught_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No event comes later that could tell of it."""
    monkeypatch.setattr(_reporter, "MOST_UNTOLD", 4)
    world = listening(max_size=2).filled(2)
    told(world)
    engine, line = world.engine, world.engine.reporter.events
    held = world.lease()
    told(world)
    for _ in range(3):
        waiter = Waiter(world.now, 0)
        engine.ask(waiter, world.now, waits=False)
        engine.give_back(waiter.loan._hold.pop(), world.now)
    engine.close(world.now)
    engine.give_back(world.end(held), world.now)
    world.clock.advance(1.0)
    for slot in list(engine.ledger):
        engine.destroyed(slot, world.now)
    leases, ends = [tell.Acquired, tell.Released] * 2, [tell.ResourceDestroyed] * 2
    kinds = [*leases, tell.EventsLost, tell.PoolClosing, tell.EventsLost, *ends]
    assert kinds == [type(event) for event in line]
    assert [2, 1] == [event.lost for event in line if isinstance(event, tell.EventsLost)]
