"""Hold and create times."""

from __future__ import annotations

import random

from respool._engine._laws.hold import CreateTime, HoldTime


def test_before_anything_ended_the_age_of_what_is_out_is_the_bound() -> None:
    hold = HoldTime()
    hold.watch(0.0, 2)
    assert hold.ended == 0
    assert hold.mean(0.0) == 0.0
    assert hold.mean(3.0) == 3.0
    assert hold.slope() == 1.0
    hold.watch(3.0, 3)
    assert 3.0 == hold.mean(4.0)


def test_busy_time_per_ending_is_the_mean() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 4)
    hold.watch(10.0, 4)
    hold.ended_by_tick(20)
    assert abs(2.0 - hold.mean(10.0)) < 1e-6


def test_an_ending_seen_as_it_happened_counts_once() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 1)
    hold.watch(1.0, 1)
    hold.ended_now()
    hold.ended_now()
    assert hold.ended == 2
    hold.ended_by_tick(5)
    assert hold.ended == 5
    hold.ended_by_tick(1)
    assert hold.ended == 6


def test_sampling_at_ticks_finds_the_mean_of_exponential_holds() -> None:
    rng, hold, now = random.Random(3), HoldTime(), 0.0
    out: list[float] = []
    arrival, tick, ended, last = 0.0, 0.0, 0, 0
    while now < 120.0:
        now = arrival
        while tick <= now:
            ended += sum(end <= tick for end in out)
            out = [end for end in out if end > tick]
            hold.watch(tick, len(out))
            hold.ended_by_tick(ended - last)
            last, tick = ended, tick + 0.1
        out.append(now + rng.expovariate(1 / 0.05))
        arrival = now + rng.expovariate(100.0)
    assert abs(0.05 - hold.mean(tick)) < 0.01


def test_holders_who_do_not_come_back_raise_the_mean() -> None:
    hold = HoldTime()
    hold.watch(0.0, 5)
    hold.watch(0.002, 5)
    hold.ended_now(5)
    before = hold.mean(0.002)
    assert 0.0019 < before < 0.0021
    assert hold.mean(1.002) > 0.5


def test_a_long_silence_keeps_the_last_mean_without_underflow() -> None:
    hold = HoldTime()
    hold.watch(0.0, 1)
    hold.watch(2.0, 0)
    hold.ended_by_tick(1)
    before = hold.mean(2.0)
    hold.watch(1e7, 0)
    assert abs(before - hold.mean(1e7)) < 1e-9


def test_create_time_is_a_plain_mean_and_then_a_moving_one() -> None:
    create = CreateTime()
    assert create.mean == 0.0
    for seconds in (1.0, 2.0, 3.0):
        create.add(seconds)
    assert create.mean == 2.0
    for _ in range(100):
        create.add(5.0)
    assert abs(5.0 - create.mean) < 0.01


def test_what_nobody_watched_is_left_to_the_next_fair_sample() -> None:
    """A look while the pool is busy, because it is busy, must not be taken for the time that follows."""
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 5, waiting=False)
    hold.watch(0.5, 5, waiting=False)
    assert 0.0 == hold.spent
    hold.sample(1.0, 1, waiting=False)
    assert 1.0 == hold.spent


def test_while_somebody_waits_the_account_is_exact() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 5)
    hold.watch(0.5, 3)
    hold.sample(1.0, 1, waiting=True)
    assert 4.0 == hold.spent


def test_where_nothing_is_out_and_nothing_ended_nothing_is_held() -> None:
    hold = HoldTime()
    assert 0.0 == hold.mean(5.0)
    hold.watch(0.0, 0)
    assert (0.0, 0.0) == (hold.mean(4.0), hold.slope())


def test_the_bound_grows_with_every_look_at_the_one_who_holds() -> None:
    hold = HoldTime()
    for now in (0.0, 1.0, 3.0):
        hold.watch(now, 1)
    assert (3.0, 4.5) == (hold.mean(3.0), hold.mean(4.5))
    assert 3.0 == hold.mean(2.0)  # what was seen at 3 s stands


def test_the_mean_grows_by_what_is_out_shared_among_what_has_ended() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 4)
    hold.ended_now(8)
    assert 0.5 == hold.slope()
    assert 1.0 == hold.mean(2.0)
    hold.watch(2.0, 4, waiting=False)
    assert 0.0 == hold.slope()  # nobody waits: leases change hands unseen


def test_an_ending_told_twice_is_one_lease_in_the_mean() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 1)
    hold.watch(1.0, 0)
    means = []
    hold.ended_now(2)
    means.append(hold.mean(1.0))
    hold.ended_by_tick(5)
    means.append(hold.mean(1.0))
    hold.ended_now(5)
    hold.ended_by_tick(4)
    hold.ended_by_tick(10)
    means.append(hold.mean(1.0))
    assert [1 / 2, 1 / 5, 1 / 20] == [round(mean, 6) for mean in means]
    assert 20 == hold.ended


def test_every_look_that_was_no_fair_sample_waits_for_the_next_one() -> None:
    hold = HoldTime(half_life=1e9)
    for now in (0.0, 0.25, 0.5):
        hold.watch(now, 9, waiting=False)
    hold.sample(1.0, 2, waiting=False)
    assert 2.0 == hold.spent
    hold.sample(2.0, 3, waiting=False)
    assert 5.0 == hold.spent


def test_a_reading_while_somebody_waits_is_no_fair_sample_of_the_time_when_nobody_did() -> None:
    hold = HoldTime(half_life=1e9)
    hold.sample(0.0, 2, waiting=False)
    hold.watch(1.0, 9)
    hold.sample(1.5, 9, waiting=True)
    assert 1.0 * 2 + 0.5 * 9 == hold.spent


def test_the_time_after_a_reading_while_somebody_waits_is_exact() -> None:
    hold = HoldTime(half_life=1e9)
    hold.sample(0.0, 3, waiting=True)
    assert 1.0 == hold.slope()
    hold.watch(1.0, 9)
    assert 3.0 == hold.spent


def test_the_first_reading_of_all_is_a_sample_for_want_of_a_better() -> None:
    hold = HoldTime(half_life=1e9)
    hold.watch(0.0, 3, waiting=False)
    hold.sample(1.0, 4, waiting=True)
    assert 4.0 == hold.spent


def test_of_what_was_known_half_counts_after_a_half_life() -> None:
    for half_lives in (1, 7):
        hold = HoldTime(half_life=10.0)
        hold.watch(0.0, 8)
        hold.watch(1.0, 0)
        hold.ended_by_tick(8)
        hold.watch(1.0 + 10.0 * half_lives, 0)
        hold.ended_by_tick(1)
        known = 8 / 2**half_lives
        assert abs(known / (known + 1) - hold.mean(1.0 + 10.0 * half_lives)) < 1e-9


def test_time_that_nobody_watched_fades_what_was_known_as_well() -> None:
    hold = HoldTime(half_life=10.0)
    hold.watch(0.0, 8)
    hold.watch(1.0, 0, waiting=False)
    hold.ended_by_tick(8)
    hold.sample(11.0, 0, waiting=False)
    hold.ended_by_tick(4)
    assert abs(0.5 - hold.mean(11.0)) < 1e-9


def test_what_was_known_before_a_long_silence_yields_to_the_first_lease_after_it() -> None:
    hold = HoldTime()
    hold.watch(0.0, 8)
    hold.watch(2.0, 0)
    hold.ended_by_tick(8)
    hold.watch(1e7, 1)
    hold.watch(1e7 + 0.1, 0)
    hold.ended_by_tick(1)
    assert abs(0.1 - hold.mean(1e7 + 0.1)) < 0.003


def test_from_the_tenth_create_on_each_moves_the_mean_by_a_tenth_of_the_difference() -> None:
    create = CreateTime()
    for _ in range(20):
        create.add(1.0)
    create.add(2.0)
    assert abs(1.1 - create.mean) < 1e-9
    few = CreateTime()
    for seconds in (1.0,) * 8 + (10.0,):
        few.add(seconds)
    assert abs(2.0 - few.mean) < 1e-9
