"""The window of creates, and probing in an outage."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.backoff import BASE_DELAY, MAX_DELAY, CreationGate

if TYPE_CHECKING:
    from collections.abc import Callable


def middle() -> float:
    return 0.5


def outage_starts(gate: CreationGate, took: float, until: float, draw: Callable[[], float]) -> list[float]:
    """Ask for creates without a pause while every one of them fails after ``took`` seconds."""
    now, starts = 0.0, []
    while now < until:
        if gate.room(now):
            starts.append(now)
            gate.started(now)
            now += took
            gate.failed(now, draw)
        now = max(now, gate.next_allowed(now) or now)
    return starts


def test_two_creates_may_fly_at_first() -> None:
    """Behaviour 56."""
    assert 2 == CreationGate(8).room(0.0)
    assert 1 == CreationGate(1).room(0.0)


def test_each_success_widens_the_window_up_to_the_cap() -> None:
    gate = CreationGate(4)
    seen = []
    for step in range(5):
        gate.started(step * 0.1)
        gate.succeeded(step * 0.1 + 0.05)
        seen.append(gate.room(step * 0.1 + 0.05))
    assert [3, 4, 4, 4, 4] == seen


def test_a_failure_closes_the_window_to_one_probe_after_a_pause() -> None:
    gate = CreationGate(8)
    gate.started(0.0)
    gate.failed(0.1, middle)
    assert gate.outage
    assert 0 == gate.room(0.1)
    opens = gate.next_allowed(0.1)
    assert opens is not None
    assert 0.1 + BASE_DELAY <= opens <= 0.1 + 3 * BASE_DELAY
    assert 1 == gate.room(opens)
    assert gate.next_allowed(opens) is None


def test_the_first_success_ends_the_outage_and_starts_the_ramp() -> None:
    """Behaviour 58."""
    gate = CreationGate(8)
    starts = outage_starts(gate, 0.01, 5.0, random.Random(1).random)
    gate.started(starts[-1] + 1)
    gate.succeeded(starts[-1] + 1.1)
    assert not gate.outage
    assert 2 == gate.room(starts[-1] + 1.1)
    assert gate.next_allowed(starts[-1] + 1.1) is None


def test_the_pause_grows_and_a_success_resets_it() -> None:
    """Behaviour 43."""
    gate = CreationGate(8)
    pauses, now = [], 0.0
    for _ in range(8):
        gate.started(now)
        gate.failed(now, middle)
        pauses.append((gate.next_allowed(now) or now) - now)
        now += 10.0
    assert sorted(pauses) == pauses
    assert BASE_DELAY < pauses[0] < MAX_DELAY
    assert abs(MAX_DELAY - pauses[-1]) < 1e-9
    gate.started(now)
    gate.succeeded(now)
    gate.started(now)
    gate.failed(now, middle)
    assert abs(pauses[0] - ((gate.next_allowed(now) or now) - now)) < 1e-9


def test_creates_that_fail_together_count_as_one_failure() -> None:
    gate = CreationGate(8)
    for _ in range(8):
        gate.started(0.0)
    draws = 0

    def counted() -> float:
        nonlocal draws
        draws += 1
        return 0.5

    for _ in range(8):
        gate.failed(0.1, counted)
    assert 1 == draws


def test_a_refusal_pauses_without_calling_it_an_outage() -> None:
    gate = CreationGate(8)
    gate.started(0.0)
    gate.refused(0.0, middle)
    assert not gate.outage
    assert 0 == gate.room(0.0)
    assert 1 == gate.room(1.0)


def test_a_quiet_spell_makes_the_window_small_again() -> None:
    gate = CreationGate(8)
    for _ in range(6):
        gate.started(0.0)
        gate.succeeded(0.1)
    assert 8 == gate.room(0.5)
    assert 2 == gate.room(60.0)


def test_slow_creates_are_no_quiet_spell() -> None:
    gate = CreationGate(8)
    for _ in range(3):
        gate.started(0.0)
    gate.succeeded(5.0)
    gate.succeeded(5.0)
    assert 4 == gate.room(8.0)


@given(seed=st.integers(0, 10_000), took=st.sampled_from([0.0, 0.001, 0.05, 0.4, 2.0]))
def test_no_second_of_an_outage_sees_more_than_four_starts(seed: int, took: float) -> None:
    """Behaviour 45."""
    starts = outage_starts(CreationGate(8), took, 12.0, random.Random(seed).random)
    assert 4 >= max(sum(first <= start <= first + 1.0 for start in starts) for first in starts)


@given(seed=st.integers(0, 10_000), back=st.floats(2.0, 20.0))
def test_a_backend_that_answers_again_is_tried_within_a_second_and_a_half(seed: int, back: float) -> None:
    gate = CreationGate(8)
    starts = outage_starts(gate, 0.001, back, random.Random(seed).random)
    assert max(starts[-1], gate.next_allowed(back) or back) <= back + 1.1


@given(draws=st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=40))
def test_no_pause_is_shorter_than_the_base_or_longer_than_the_cap(draws: list[float]) -> None:
    gate, now = CreationGate(8), 0.0
    for number in draws:
        now += 10.0
        gate.started(now)
        gate.failed(now, lambda number=number: number)  # type: ignore[misc]  # a lambda's default is untyped
        pause = (gate.next_allowed(now) or now) - now
        assert BASE_DELAY - 1e-9 <= pause <= MAX_DELAY + 1e-9


def test_a_resource_found_dead_makes_the_window_small_again() -> None:
    """Behaviour 58. What the backend bore before says nothing: it may be gone, and 8 would knock at once."""
    gate = CreationGate(8)
    for step in range(8):
        gate.started(step * 0.1)
        gate.succeeded(step * 0.1 + 0.05)
    assert 8 == gate.room(0.8)
    gate.shaken()
    assert 2 == gate.room(0.8)
    gate.started(0.8)
    gate.succeeded(0.85)
    assert 3 == gate.room(0.85)


def test_a_create_ordered_before_the_trouble_begins_as_the_one_probe_or_not_at_all() -> None:
    gate = CreationGate(8)
    for _ in range(3):
        assert gate.admits(0.0)
        gate.started(0.0)
    gate.failed(0.1, middle)
    gate.failed(0.1, middle)
    opens = gate.next_allowed(0.1)
    assert opens is not None
    assert not gate.admits(opens)  # one of the three is still in flight
    gate.failed(0.11, middle)
    assert not gate.admits(0.12)
    assert gate.admits(opens)
    gate.started(opens)
    assert not gate.admits(opens + 60.0)


def test_a_pause_is_drawn_from_between_the_base_and_three_times_the_last() -> None:
    """Behaviour 43."""
    for number, expected in ((0.0, [0.02, 0.02, 0.02, 0.02]), (1.0, [0.06, 0.18, 0.5, 0.5])):
        gate, now, pauses = CreationGate(8), 0.0, []
        for _ in range(4):
            gate.started(now)
            gate.failed(now, lambda number=number: number)  # type: ignore[misc]  # a lambda's default is untyped
            pauses.append(round((gate.next_allowed(now) or now) - now, 9))
            now += 10.0
        assert expected == pauses


def test_the_fifth_start_waits_until_the_first_is_more_than_a_second_past() -> None:
    starts = outage_starts(CreationGate(8), 0.0, 3.0, lambda: 0.0)
    assert starts[3] < 0.1
    assert [start + 1.1 for start in starts[:4]] == starts[4:8]


def test_a_second_without_a_create_is_no_quiet_spell_yet() -> None:
    gate = CreationGate(8)
    for _ in range(6):
        gate.started(0.0)
        gate.succeeded(0.0)
    assert 8 == gate.room(1.0)
    assert 2 == gate.room(1.01)


def test_a_quiet_spell_makes_no_window_larger() -> None:
    assert 1 == CreationGate(1).room(60.0)
    gate = CreationGate(8)
    gate.started(0.0)
    gate.failed(0.0, middle)
    assert 1 == gate.room(60.0)


def brought_forth(gate: CreationGate, now: float) -> None:
    gate.started(now)
    gate.succeeded(now)


def test_what_is_dead_before_its_first_use_is_a_failure_though_its_create_was_none() -> None:
    """Behaviours 44, 45."""
    gate = CreationGate(8)
    brought_forth(gate, 0.0)
    gate.stillborn(0.0, middle)
    assert gate.outage
    assert 0 == gate.room(0.0)
    opens = gate.next_allowed(0.0)
    assert opens is not None
    assert 1 == gate.room(opens)


def test_for_a_second_after_it_no_finished_create_starts_the_ramp_and_the_pause_goes_on_growing() -> None:
    """Behaviour 45: a backend that accepts and hangs up answers every create."""
    gate, now, starts = CreationGate(8), 0.0, 0
    while now < 11.0:
        if gate.room(now):
            assert gate.room(now) == 1 or not starts
            brought_forth(gate, now)
            starts += 1
            gate.stillborn(now, middle)
        now = max(now + 0.001, gate.next_allowed(now) or now)
    assert 20 <= starts <= 41, "four in 1.1 s"


def test_a_second_after_the_last_of_them_a_finished_create_starts_the_ramp_again() -> None:
    gate = CreationGate(8)
    brought_forth(gate, 0.0)
    gate.stillborn(0.0, middle)
    brought_forth(gate, 0.99)
    assert not gate.outage
    assert 1 == gate.room(0.99)
    brought_forth(gate, 1.0)
    assert 2 == gate.room(1.0)
