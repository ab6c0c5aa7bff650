"""Every interleaving and every stale look of the hand-off, for two and three threads: nobody sleeps for ever.

What `respool._engine._lane` and `Handoff.owes_match` claim in their comments is searched here, on the model
in ``handoff_model``, and every way in which the protocol could be weakened is shown to end in a stuck state.
"""

from __future__ import annotations

import pytest

from .handoff_model import Rules, Thread, explore

FEW: dict[str, tuple[tuple[Thread, ...], int]] = {
    "two threads, twice each, one slot": ((Thread(cycles=2), Thread(cycles=2)), 1),
    "three threads, one slot": ((Thread(), Thread(), Thread()), 1),
    "three threads, two slots": ((Thread(), Thread(), Thread()), 2),
    "one of three may leave": ((Thread(), Thread(), Thread(may_leave=True)), 1),
    "a new slot comes": ((Thread(), Thread(), Thread(at="make")), 1),
}
MANY = {"three threads, and a new slot comes": ((Thread(), Thread(), Thread(), Thread(at="make")), 1)}
"""Three hundred thousand states: for tests/soak."""


def stuck_in(rules: Rules, cases: dict[str, tuple[tuple[Thread, ...], int]]) -> list[str]:
    """Name the cases in which somebody sleeps for ever."""
    return [
        name
        for name, (threads, idle) in cases.items()
        if explore(rules, [thread.copy() for thread in threads], idle)[1] is not None
    ]


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "eventual"])
def test_nobody_sleeps_for_ever_in_any_interleaving(strict: bool) -> None:
    """Behaviours 12, 13, 28."""
    assert [] == stuck_in(Rules(strict=strict), FEW)


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "eventual"])
def test_to_look_before_the_push_leaves_somebody_asleep(strict: bool) -> None:
    assert stuck_in(Rules(strict=strict, look_before_push=True), FEW)


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "eventual"])
def test_not_to_look_again_after_joining_leaves_somebody_asleep(strict: bool) -> None:
    assert stuck_in(Rules(strict=strict, without_recheck=True), FEW)


def test_to_end_a_nudge_without_a_look_through_idle_leaves_somebody_asleep() -> None:
    assert stuck_in(Rules(without_rematch=True), FEW)


def test_to_leave_a_nudge_with_one_who_was_served_leaves_somebody_asleep() -> None:
    assert stuck_in(Rules(trusts_any_nudge=True), FEW)


def test_the_search_is_exhaustive_enough_to_mean_something() -> None:
    threads, idle = FEW["three threads, one slot"]
    states, _ = explore(Rules(), [thread.copy() for thread in threads], idle)
    assert 10_000 < states
