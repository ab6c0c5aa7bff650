"""Who cleans what comes back soiled: the next caller, one who waits already, or a worker."""

from __future__ import annotations

from typing import Any

import pytest

from respool._adapter import Fault
from respool._engine import NEVER, Create, Destroy, Reset, Slot, Waiter
from respool._engine._chores import PATIENCE
from respool._engine._slot import SUSPECT

from .world import EXACT, Boom, Lease, World


def pool(size: int = 1, *, strict: bool = False, callers_clean: bool = True, **options: Any) -> World:
    """A full pool whose resets are given 5 s, and whose callers are not checked."""
    traits = {"aborts": True, "callers_clean": callers_clean, "strict": strict}
    return World(traits=traits, max_size=size, reset_timeout=5.0, check_after=100, **options).filled(size)


def soiled(world: World, count: int = 1) -> list[int]:
    """Have so many leases leave something behind, one after the other; give their slots' numbers."""
    leases = [world.lease() for _ in range(count)]
    numbers = [each._hold[0].number for each in leases]
    for each in leases:
        world.release(each, soiled=True)
    return numbers


def resets(world: World) -> list[int]:
    """The resets that workers were called for."""
    return [command.slot.number for command in world.commands if isinstance(command, Reset)]


def number_of(waiter: Waiter) -> int | None:
    return None if waiter.chore is None else waiter.chore.number


# ---------------------------------------------------------------------- the next caller


@pytest.mark.parametrize(("timeout", "may"), [(None, True), (5.1, True), (5.0, True), (4.9, False)])
def test_who_comes_next_cleans_if_a_reset_that_hangs_would_end_within_his_time(
    timeout: float | None, may: bool
) -> None:
    """Behaviours 9, 84, 88."""
    world = pool()
    world.clock.advance(64.0 - world.now)  # so that the sums are exact
    [number] = soiled(world)
    waiter = world.ask(timeout)
    assert (number_of(waiter), resets(world)) == ((number, []) if may else (None, [number]))


def test_what_a_caller_cleans_counts_as_begun_and_is_given_up_in_time() -> None:
    """Behaviour 84."""
    world = pool()
    soiled(world)
    waiter = world.ask()
    world.advance(5.0)
    assert waiter.chore is not None
    assert [waiter.chore.number] == world.aborted


def hung(world: World) -> Waiter:
    """Who cleans while the reset hangs, until it is aborted at its timeout."""
    world.clock.advance(64.0 - world.now)  # so that the sums are exact
    soiled(world)
    cleaner = world.ask()
    world.advance(5.0)
    assert 1 == len(world.aborted)
    return cleaner


def may_clean(world: World) -> bool:
    """Whether a caller is given what is soiled to clean."""
    one, other = World.ask(world), None
    world.run(Create)
    held = world.collect(one)
    assert held is not None
    world.release(held, soiled=True)
    other = world.ask()
    return other.chore is not None


@pytest.mark.parametrize(("late", "may"), [(0.4, True), (0.5, False)])
def test_nobody_cleans_where_a_reset_has_outlasted_its_abort(late: float, may: bool) -> None:
    """Behaviours 9, 34: one caller was caught in it, no second one shall be."""
    world = pool()
    cleaner = hung(world)
    world.clock.advance(late)
    world.clean(cleaner)
    world.do(world.engine.cancel, cleaner)
    world.run()
    assert may == may_clean(world)


def test_a_reset_that_still_goes_on_after_its_abort_is_noticed_by_who_comes() -> None:
    """Behaviours 9, 34."""
    world = pool()
    hung(world)
    world.advance(0.5)
    assert not may_clean(world)


def test_what_a_caller_has_cleaned_is_his() -> None:
    world = pool()
    [number] = soiled(world)
    world.woken.clear()
    got = world.acquire()
    assert isinstance(got, Lease)
    assert number == got._hold[0].number
    assert [] == world.woken, "nobody has to wake who is awake"


def rested(world: World) -> list[Slot]:
    """What is idle, the coldest first; all of it for so long now that it is to be checked."""
    idle = list(world.engine.lane.resting())
    for slot in idle:
        slot.mark |= SUSPECT
    return idle


def handled(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The slots that are taken off idle from now on, only to be looked at or for good."""
    found: list[int] = []
    pop = world.engine.lane.pop

    def watched() -> Slot | None:
        slot = pop()
        found.extend(() if slot is None else (slot.number,))
        return slot

    monkeypatch.setattr(type(world.engine.lane), "pop", lambda lane: watched())
    return found


def test_who_can_clean_does_not_look_through_all_that_would_have_to_be_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where one of eight has traffic, every lease would handle the other seven, twice."""
    world = pool(8)
    [number] = soiled(world)
    coldest_first = [slot.number for slot in rested(world)]
    looked_at = handled(world, monkeypatch)
    assert number == number_of(world.ask())
    assert {coldest_first[-1]} == set(looked_at)
    assert coldest_first == [slot.number for slot in world.engine.lane.resting()]
    assert [] == world.commands, "what he cleans is enough for him"


def test_in_fifo_order_what_is_fit_is_found_behind_what_must_be_checked() -> None:
    """The oldest comes first there, and only what is younger needs no check."""
    world = pool(3, order="fifo")
    soiled(world)
    oldest, younger = world.engine.lane.resting()
    oldest.mark |= SUSPECT
    got = world.acquire()
    assert isinstance(got, Lease)
    assert younger is got._hold[0]


def test_the_sizing_is_asked_for_those_who_sleep_and_not_for_who_cleans(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It costs more than all the rest of a hand-out."""
    world = pool()
    asked: list[float] = []
    monkeypatch.setattr(world.engine.growth.sizer, "settles_for", lambda now: asked.append(now) or True)
    soiled(world)
    first = world.acquire()
    assert isinstance(first, Lease)
    assert [] == asked
    sleeper = world.ask()
    assert 1 == len(asked)
    world.overtake()
    world.release(first, soiled=True)
    cleaner = world.ask()
    assert (True, None) == (cleaner.chore is not None, sleeper.chore)
    assert 2 == len(asked), "what the sleeper might have cleaned is taken"


@pytest.mark.parametrize("order", ["lifo", "fifo"])
def test_the_oldest_of_the_soiled_is_cleaned_first(order: str) -> None:
    """Where callers clean all of them in turn, none becomes old enough for a worker."""
    world = pool(3, order=order)
    numbers = soiled(world, 3)
    assert numbers[0] == number_of(world.ask())


def test_soiled_ones_beyond_the_limit_are_closed_as_they_are() -> None:
    world = pool(3)
    numbers = soiled(world, 3)
    world.do(world.engine.resize, 0, 1)
    assert [Destroy, Destroy] == [type(command) for command in world.commands]
    assert numbers[2] == number_of(world.ask())


def test_without_threads_a_worker_is_called_at_once() -> None:
    world = pool(callers_clean=False)
    assert soiled(world) == resets(world)
    assert world.ask().chore is None


def test_nobody_cleans_who_may_have_a_new_one_sooner() -> None:
    """Behaviour 16."""
    world = pool()
    world.do(world.engine.resize, 0, 2)
    first = world.lease()
    world.ask()
    assert [Create] == [type(command) for command in world.commands]
    number = first._hold[0].number
    world.release(first, soiled=True)
    assert [number] == resets(world)


def test_nobody_cleans_for_a_pool_that_is_paused() -> None:
    world = pool()
    first = world.lease()
    world.do(world.engine.pause)
    waiter = world.ask()
    world.release(first, soiled=True)
    assert waiter.chore is None
    assert world.ask().chore is None
    world.advance(PATIENCE)
    assert 1 == len(resets(world))


def test_for_who_does_not_wait_a_worker_is_called_so_that_he_may_come_again() -> None:
    """Behaviour 7."""
    world = pool()
    soiled(world)
    assert world.ask(0, waits=False).loan is None
    assert [Reset] == [type(command) for command in world.commands]
    world.run()
    assert world.ask(0, waits=False).loan is not None


# ---------------------------------------------------------------------- a worker, after a while


def test_what_nobody_comes_for_is_cleaned_by_a_worker() -> None:
    """Behaviour 88."""
    world = pool(2)
    numbers = soiled(world)
    world.advance(PATIENCE * 0.9)
    assert [] == resets(world)
    world.advance(PATIENCE * 0.2)
    assert numbers == resets(world)
    world.run()
    assert 2 == len(world.engine.lane.idle)


def test_while_more_comes_the_pool_is_woken_by_its_clock() -> None:
    """Not by each release: to be rung up costs more."""
    world = pool(2)
    soiled(world)
    due = world.engine._soiled_due
    world.advance(PATIENCE / 2)
    later = soiled(world)
    assert due == world.engine._soiled_due
    world.advance(PATIENCE * 0.6)
    assert 1 == len(resets(world))
    world.advance(PATIENCE)
    assert later == resets(world)[1:]
    world.advance(PATIENCE)
    assert NEVER == world.engine._soiled_due


def test_a_pool_whose_callers_clean_everything_looks_again_until_no_more_comes() -> None:
    world = pool()
    soiled(world)
    got = world.acquire()
    assert isinstance(got, Lease)
    world.advance(PATIENCE * 1.1)
    assert world.now < world.engine._soiled_due < NEVER
    world.advance(PATIENCE)
    assert NEVER == world.engine._soiled_due


def test_a_waiter_who_was_not_woken_for_it_is_served_by_a_worker() -> None:
    """A hand-over was underway, and its releaser never came back."""
    world = pool()
    first = world.lease()
    waiter = world.ask()
    world.overtake()
    world.release(first, soiled=True)
    assert waiter.chore is None
    world.advance(PATIENCE)
    world.run()
    assert waiter.loan is not None


def test_a_worker_who_was_sent_for_twice_takes_it_from_those_who_might_come() -> None:
    """Behaviour 27: a torn event has called him, and then its slot came back again."""
    world = pool()
    [number] = soiled(world)
    stale = Reset(world.engine.ledger.slots[number])
    world.commands.append(stale)
    assert world.begin(stale)
    assert world.ask().chore is None


# ---------------------------------------------------------------------- one who waits already


def test_who_waits_is_woken_to_clean_what_comes_back() -> None:
    """No worker, and no other thread than the one that is woken in any case."""
    world = pool()
    first = world.lease()
    waiter = world.ask()
    world.release(first, soiled=True)
    assert waiter.chore is not None
    assert [waiter] == world.woken[-1:]
    assert [] == resets(world)
    assert world.collect(waiter) is not None


def test_the_wait_of_one_who_is_woken_to_clean_sets_the_pace() -> None:
    world = pool(dear=False)
    first = world.lease()
    waiter = world.ask()
    world.release(first, soiled=True)
    assert world.now == waiter.handed_at
    world.clock.advance(0.004)
    world.clean(waiter)
    assert 0.004 / 16 == pytest.approx(world.engine.pace.takes)


def test_running_callers_may_overtake_who_was_woken_to_clean() -> None:
    """While one hand-over is underway the next soiled one is left to whoever comes; he keeps it."""
    world = pool(2)
    held = [world.lease(), world.lease()]
    waiting = [world.ask(), world.ask()]
    for each in held:
        world.release(each, soiled=True)
    assert waiting[0].chore is not None
    assert waiting[1].chore is None
    newcomer = world.ask()
    assert newcomer.chore is not None
    world.clean(newcomer)
    assert newcomer.loan is not None
    assert not waiting[1].answered


def test_strict_order_gives_what_one_has_cleaned_to_the_oldest() -> None:
    """Behaviour 21."""
    world = pool(2, strict=True)
    held = [world.lease(), world.lease()]
    oldest, younger = world.ask(), world.ask()
    for each in held:
        world.release(each, soiled=True)
    assert oldest.chore is not None
    assert younger.chore is not None
    world.clean(younger)
    assert oldest.loan is not None
    assert not younger.answered


@pytest.mark.parametrize("way", ["fast", "slow"])
def test_what_comes_back_clean_passes_by_those_who_clean_for_themselves(way: str) -> None:
    """Their reset may hang, and what they were given would lie unused beside it."""
    world = pool(2)
    held = [world.lease(), world.lease()]
    cleaning, waiting = world.ask(), world.ask()
    world.release(held[0], soiled=True)
    assert cleaning.chore is not None
    world.clock.advance(1.0)
    world.release(held[1], **({} if way == "fast" else {"soiled": False}))
    assert waiting.loan is not None
    assert not cleaning.answered


def test_who_cleans_is_not_told_to_come_and_get_what_is_idle() -> None:
    """Behaviour 12: he would come when his reset has ended, while another one could come at once."""
    world = pool(2)
    held = [world.lease(), world.lease()]
    cleaning, waiting = world.ask(), world.ask()
    world.release(held[0], soiled=True)
    assert cleaning.chore is not None
    world.overtake()
    world.release(held[1])
    assert waiting.nudged
    assert not cleaning.nudged


def test_what_comes_back_clean_is_for_one_who_cleans_where_nobody_else_waits() -> None:
    """He has it sooner, and what he cleans is the next one's."""
    world = pool(2)
    held = [world.lease(), world.lease()]
    waiter = world.ask()
    world.release(held[0], soiled=True)
    world.do(world.engine.give_back, world.end(held[1]))
    assert waiter.loan is not None
    assert world.collect(waiter) is not None
    assert 1 == len(resets(world)), "he has not begun, so a worker does it"


def test_what_comes_back_clean_is_not_for_one_who_has_begun_to_clean() -> None:
    """Behaviour 12: his reset may hang, and whoever comes meanwhile would wait while it lies in his hands."""
    world = pool(2)
    first, second = world.lease(), world.lease()
    world.release(first, soiled=True)
    cleaner = world.ask()
    world.release(second)
    assert (True, False) == (cleaner.chore is not None, cleaner.answered)
    assert world.ask().loan is not None


@pytest.mark.parametrize("overtaken", [False, True])
def test_who_has_cleaned_in_vain_gets_what_has_come_back_meanwhile(overtaken: bool) -> None:
    """Behaviour 90."""
    world = pool(2)
    first, second = world.lease(), world.lease()
    world.release(first, soiled=True)
    cleaner = world.ask()
    if overtaken:
        world.overtake()
    world.release(second)
    world.clean(cleaner, ok=False)
    assert world.collect(cleaner) is not None


def test_what_is_to_be_checked_is_left_alone_while_all_who_wait_clean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = pool(8)
    soiled(world, 2)
    rested(world)
    done, other = world.ask(), world.ask()
    looked_at = handled(world, monkeypatch)
    world.clean(done)
    assert (True, True) == (done.loan is not None, other.chore is not None)
    assert ([], False, []) == (looked_at, other.nudged, world.commands)


# ---------------------------------------------------------------------- what goes wrong


def test_a_chore_whose_owner_is_answered_before_he_begins_goes_to_a_worker() -> None:
    world = pool()
    first = world.lease()
    waiter = world.ask()
    world.release(first, soiled=True)
    world.do(world.engine.expire, waiter)
    assert waiter.refusal is not None
    world.do(world.engine.hand_on, waiter)
    assert waiter.chore is None
    world.advance(6.0)
    assert [] == world.aborted, "it is not under way any more"
    assert 1 == world.run(Reset)
    assert 1 == len(world.engine.lane.idle)


def test_a_chore_that_was_given_up_before_its_owner_began_is_not_begun_any_more() -> None:
    world = pool()
    first = world.lease()
    waiter = world.ask()
    world.release(first, soiled=True)
    world.advance(5.0)
    world.do(world.engine.expire, waiter)
    world.do(world.engine.hand_on, waiter)
    assert [] == resets(world)
    assert 1 == world.run(Destroy)


def test_who_leaves_in_the_middle_of_cleaning_takes_the_resource_with_him() -> None:
    """Behaviours 27, 30: nobody knows how far he came."""
    world = pool()
    soiled(world)
    waiter = world.ask()
    world.do(world.engine.cancel, waiter)
    assert 1 == world.run(Destroy)
    assert 1 == world.engine.ledger.destroyed["invalid"]


def test_who_leaves_after_he_has_cleaned_takes_nothing_with_him() -> None:
    """Behaviour 27: he was interrupted in the event that told of it."""
    world = pool()
    soiled(world)
    waiter = world.ask()
    slot = waiter.chore
    world.clean(waiter)
    waiter.chore = slot
    world.do(world.engine.cancel, waiter)
    assert 1 == len(world.engine.lane.idle)


def test_a_reset_that_fails_in_a_waiters_hands_leaves_him_waiting() -> None:
    """Behaviour 90."""
    world = pool()
    soiled(world)
    waiter = world.ask()
    world.clean(waiter, ok=False, fault=Fault.RESOURCE_BROKEN)
    assert waiter.chore is None
    assert not waiter.answered
    world.run()
    assert waiter.loan is not None
    assert 1 == world.engine.ledger.destroyed["reset failed"]


def test_what_is_soiled_when_the_pool_closes_is_closed_as_it_is() -> None:
    world = pool(2)
    soiled(world, 2)
    world.do(world.engine.close)
    assert [Destroy, Destroy] == [type(command) for command in world.commands]


def test_what_an_interrupt_leaves_of_a_release_is_cleaned_by_a_worker() -> None:
    """Behaviour 28."""
    world = pool(2)
    numbers = soiled(world)
    world.engine._soiled_due = NEVER
    world.mend()
    world.advance(PATIENCE * 1.1)
    assert numbers == resets(world)
    world.run()
    assert 2 == len(world.engine.lane.idle)


def test_what_an_interrupt_left_between_two_is_nobodys_chore() -> None:
    """Behaviour 28: else a worker and a waiter might both clean it."""
    world = pool()
    first = world.lease()
    waiter = world.ask()
    slot = world.end(first)
    del first
    world.engine._entrust(slot, "clean", Reset, world.now)
    waiter.chore = slot
    del slot
    world.mend()
    assert waiter.chore is None
    assert 1 == world.run(Reset)
    assert waiter.loan is not None


@pytest.mark.parametrize("counts", [EXACT, False])
def test_an_interrupt_at_the_end_of_a_reset_that_was_given_up_loses_nothing(counts: bool) -> None:
    """Behaviour 28: wherever it strikes."""
    for after in range(2000):
        world = pool(counts=counts)
        cleaner = hung(world)
        event, slot = world.engine.was_reset, cleaner.chore
        struck = world.tear(event, slot, after=after, ok=False, exc=Boom(), by=cleaner)
        del slot
        world.engine.mend(world.now)
        world.engine.cancel(cleaner, world.now)
        world.sweep()
        world.run()
        assert (0, 1) == (world.engine.stuck, len(world.destroyed)), after
        if not struck:
            return
    raise AssertionError("it never came to its end")
