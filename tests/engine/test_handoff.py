"""How a free slot comes to the one who waits for it."""

from __future__ import annotations

import pytest

from respool._adapter import Fault
from respool._engine import SOMEBODY_WAITS, Create, Fixed, Reset, Validate, Waiter
from respool._engine._laws.pace import HAND_OVER, RECENT, UNDERWAY
from respool._engine._waiters import WaitLine

from .world import Boom, Lease, World


def lease_of(got: Lease | Waiter) -> Lease:
    assert isinstance(got, Lease)
    return got


def test_who_is_granted_before_he_heard_of_his_nudge_leaves_no_idle_slot_behind() -> None:
    """Behaviour 12."""
    world = World(max_size=2, check_after=100).filled(2)
    held = [lease_of(world.acquire()) for _ in range(2)]
    first, second, third = (world.ask() for _ in range(3))
    world.release(held.pop())  # handed over, so that what follows is recent
    assert first.loan is not None
    world.release(held.pop())  # a nudge: the slot lies idle until the second comes to get it
    assert second.nudged
    world.do(world.engine.resize, 0, 3)
    world.run(Create)  # granted to the second at once: he wakes with an answer and never looks again
    assert second.loan is not None
    assert third.nudged
    assert world.collect(third) is not None


def test_who_is_refused_a_nudge_passes_it_on() -> None:
    """Behaviour 12."""
    world = World(max_size=2, check_after=100).filled(1)
    held = lease_of(world.acquire())
    first, second = world.ask(), world.ask()
    [create] = world.begin_all(Create)
    world.overtake()
    world.release(held)
    assert first.nudged
    world.fail(create, fatal=True)
    assert first.refusal is not None
    assert second.nudged


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_a_line_of_suspects_before_a_fit_one_wakes_nobody_in_vain(order: str) -> None:
    world = World(max_size=12, order=order, check_after=0.5).filled(10)
    slots = list(world.engine.lane.resting())
    for slot in slots[:9] if order == "fifo" else slots[1:]:
        slot.mark |= 2
    waiter = world.ask()
    for _ in range(10):
        world.collect(waiter)
    assert len(world.woken) < 14
    world.run(Validate)
    assert waiter.loan is not None


def test_a_waiter_torn_while_he_joins_is_not_counted() -> None:
    line = WaitLine()
    for after in range(3):
        waiter = Waiter(0.0, 1.0)
        steps = (lambda w: line._line.append(w), lambda w: setattr(w, "queued", True), lambda w: None)
        for step in steps[: after + 1]:
            step(waiter)
        line.recount()
        line.leave(waiter)
        assert 0 == line.count


def test_a_newcomer_overtakes_nobody_in_strict_order() -> None:
    """Behaviours 21, 22."""
    world = World(traits={"strict": True}, max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    first, second = world.ask(), world.ask()
    world.release(held)
    assert first.loan is not None
    third = world.acquire()
    lease = world.collect(first)
    assert lease is not None
    world.release(lease)
    assert isinstance(third, Waiter)
    assert second.loan is not None
    assert not third.answered


def test_a_newcomer_takes_nothing_before_the_match_either_in_strict_order() -> None:
    """Behaviour 22."""
    world = World(traits={"strict": True}, max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    waiter = world.ask()
    assert SOMEBODY_WAITS == world.engine.lane.give(world.end(held))
    assert world.engine.lane.take() is None
    world.do(world.engine.match)
    assert waiter.loan is not None


def test_the_first_return_to_a_pool_filled_in_advance_goes_to_who_waits() -> None:
    """Behaviours 12, 22."""
    world = World(sizer=Fixed(1), max_size=1, check_after=100)
    world.do(world.engine.tick)
    world.run(Create)
    held = lease_of(world.acquire())
    waiter = world.ask()
    world.release(held)
    assert waiter.loan is not None


def test_a_running_caller_may_take_what_is_free_but_not_for_long() -> None:
    """Behaviour 22: eventual fairness hands over 0.1 ms after the last time."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    first, second = world.ask(), world.ask()
    world.release(held)  # no hand-over was recent: assigned
    lease = world.collect(first)
    assert lease is not None
    world.release(lease)  # recent: the second is nudged, and a newcomer is quicker
    lease = lease_of(world.acquire())
    assert world.collect(second) is None
    world.advance(0.0002)
    world.release(lease)
    assert second.loan is not None


def test_the_pace_of_hand_overs_is_a_tenth_of_a_millisecond_and_no_more() -> None:
    """Behaviour 22."""
    world = World(max_size=1, check_after=100)
    waiter = world.ask()
    world.run(Create)
    held = world.collect(waiter)
    assert held is not None
    waiter = world.ask()
    world.clock.advance(HAND_OVER)
    world.release(held)
    assert waiter.loan is not None


def test_who_was_served_and_does_not_run_yet_keeps_the_next_hand_over_back_for_a_millisecond() -> None:
    """Behaviour 22: one thread at a time is on its way to what it was given; the next one is nudged."""
    world = World(max_size=2, check_after=100).filled(2)
    leases = [lease_of(world.acquire()) for _ in range(2)]
    first, second, third = world.ask(), world.ask(), world.ask()
    world.release(leases[0])
    assert first.loan is not None
    world.clock.advance(0.9 * UNDERWAY)
    world.release(leases[1])
    assert second.nudged
    assert second.loan is None
    lease = lease_of(world.acquire())
    world.clock.advance(0.1 * UNDERWAY)
    world.release(lease)
    assert second.loan is not None, "whoever does not wake keeps nobody back for longer"
    assert third.loan is None


@pytest.mark.parametrize("resets", [False, True], ids=["release", "reset"])
def test_a_hand_over_takes_until_the_waiter_runs(resets: bool) -> None:
    """Behaviour 22: by a release, or when a reset ends."""
    world = World(max_size=1, check_after=100, dear=False, traits={"resets": resets}).filled(1)
    held = lease_of(world.acquire())
    waiter = world.ask()
    if resets:
        world.release(held, soiled=True)
        world.run(Reset)
    else:
        world.release(held)
    assert waiter.loan is not None
    world.clock.advance(0.004)
    assert world.collect(waiter) is not None
    assert world.engine.pace.takes == pytest.approx(0.004 / RECENT)


@pytest.mark.parametrize(("hold", "overtaken"), [(0.05, False), (0.005, True)])
def test_whoever_holds_for_long_hands_over_and_who_does_not_may_be_overtaken(
    hold: float, overtaken: bool
) -> None:
    """Behaviour 22: a hand-over takes 2 ms here."""
    world = World(max_size=1, check_after=100, dear=False).filled(1)
    world.engine.pace.takes = 0.002
    lease = lease_of(world.acquire())
    for _ in range(5):
        waiter = world.ask()
        world.advance(hold)
        world.release(lease)
        collected = world.collect(waiter)
        assert collected is not None
        lease = collected
        world.engine.pace.takes = 0.002
    waiter = world.ask()
    world.release(lease)
    assert (waiter.loan is None) == overtaken


def test_where_a_hand_over_takes_little_every_release_is_one() -> None:
    """Behaviours 21, 22: nothing is gained by letting running callers overtake."""
    world = World(max_size=1, check_after=100, dear=False).filled(1)
    lease = lease_of(world.acquire())
    line = [world.ask() for _ in range(5)]
    for waiter in line:
        world.advance(0.001)
        world.release(lease)
        assert waiter.loan is not None
        world.clock.advance(0.00001)
        collected = world.collect(waiter)
        assert collected is not None
        lease = collected


def test_a_cancelled_grant_goes_to_the_next_waiter() -> None:
    """Behaviour 28."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    first, second = world.ask(), world.ask()
    world.release(held)
    assert first.loan is not None
    world.do(world.engine.cancel, first)
    assert second.loan is not None


def test_where_more_lies_idle_than_anybody_waits_for_the_rest_stays_idle() -> None:
    """Behaviour 28: the first was nudged and leaves, and there are two for the second."""
    world = World(max_size=2, check_after=100).filled(2)
    held = [lease_of(world.acquire()) for _ in range(2)]
    first, second = world.ask(), world.ask()
    world.overtake()
    for lease in held:
        world.release(lease)
    assert first.nudged
    world.clock.advance(HAND_OVER)
    world.do(world.engine.cancel, first)
    assert second.loan is not None
    assert len(world.engine.lane.idle) == 1


def test_what_is_held_after_a_grant_is_what_does_not_lie_idle() -> None:
    world = World(max_size=3, check_after=100).filled(3)
    assert world.ask().loan is not None
    assert world.engine.meter.hold.in_use == 1


def test_a_cancelled_nudge_goes_to_the_next_waiter() -> None:
    """Behaviour 28."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    first, second = world.ask(), world.ask()
    world.overtake()
    world.release(held)
    assert first.nudged
    world.do(world.engine.cancel, first)
    assert second.nudged
    assert world.collect(second) is not None


def test_a_granted_resource_stays_with_who_got_it_though_his_time_is_up() -> None:
    """Behaviour 24."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    waiter = world.ask(1.0)
    world.release(held)
    world.clock.advance(2.0)
    world.do(world.engine.expire, waiter)
    assert world.collect(waiter) is not None


def test_nothing_goes_to_a_waiter_whose_time_is_up() -> None:
    """Behaviours 9 and 24."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    waiter = world.ask(1.0)
    world.advance(1.5)
    assert waiter.refusal is not None
    assert "timeout" == waiter.refusal.why
    world.release(held)
    assert waiter.loan is None


def test_a_create_that_ends_during_a_pause_serves_who_waits_after_it() -> None:
    """Behaviour 125."""
    world = World(max_size=1, check_after=100)
    waiter = world.ask()
    [create] = world.begin_all(Create)
    world.do(world.engine.pause)
    world.succeed(create)
    assert not waiter.answered
    world.do(world.engine.resume)
    assert waiter.loan is not None


def test_a_finished_create_goes_to_who_waits_longest() -> None:
    """Behaviours 13, 16, 29."""
    world = World(max_size=2, check_after=100)
    first, second = world.ask(), world.ask()
    creates = world.begin_all(Create)
    world.do(world.engine.cancel, first)
    world.succeed(creates[0])
    assert second.loan is not None


@pytest.mark.parametrize("waiting", [100, 10_000])
def test_ten_thousand_cancelled_waiters_leave_nothing_behind(waiting: int) -> None:
    """Behaviours 23, 26."""
    world = World(max_size=1, check_after=100, admission=None).filled(1)
    held = lease_of(world.acquire())
    engine = world.engine
    waiters = [Waiter(world.now, 30.0) for _ in range(waiting)]
    for waiter in waiters:
        engine.ask(waiter, world.now)
    for waiter in waiters[:-1]:
        engine.cancel(waiter, world.now)
    assert 1 == engine.line.count
    assert len(engine.line._line) <= 32
    world.release(held)
    assert waiters[-1].loan is not None


def test_the_cap_on_waiters_refuses_at_once() -> None:
    """Behaviour 17."""
    world = World(max_size=1, max_waiting=1, check_after=100).filled(1)
    _held = world.acquire()
    first, second = world.ask(), world.ask()
    assert not first.answered
    assert second.refusal is not None
    assert "rejected" == second.refusal.why


def test_a_dormant_pool_keeps_callers_until_it_is_resized() -> None:
    """Behaviour 19."""
    world = World(max_size=0)
    waiter = world.ask(5.0)
    world.run()
    assert not waiter.answered
    world.do(world.engine.resize, 0, 1)
    world.run()
    assert waiter.loan is not None


def test_a_fault_in_the_block_gives_the_next_waiter_a_new_resource() -> None:
    """Behaviours 14, 91, 92."""
    world = World(max_size=1, check_after=100).filled(1)
    held = lease_of(world.acquire())
    waiter = world.ask()
    world.release(held, fault=Fault.RESOURCE_BROKEN)
    assert not waiter.answered
    world.run()
    assert waiter.loan is not None
    assert 1 == len(world.destroyed)


def test_a_probe_that_fails_costs_one_resource_and_no_place() -> None:
    """Behaviours 81, 87."""
    world = World(max_size=1, check_after=100).filled(1)
    slot = world.end(lease_of(world.acquire()))
    world.do(world.engine.probe_failed, slot, Boom("gone"))
    waiter = world.ask()
    world.run()
    assert waiter.loan is not None
    assert ["invalid"] == list(world.engine.ledger.destroyed)
