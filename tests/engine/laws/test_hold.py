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
