"""A user's sizing policy, and when it is asked."""

from __future__ import annotations

import random

import pytest

from respool import Signals
from respool._engine import Create
from respool._sizers import Policy

from .world import World


class AsDemanded:
    """A policy that wants what is in use or waited for, and nothing for later."""

    def target(self, signals: Signals, /) -> int:
        """Follow the demand of the moment."""
        return signals.in_use + signals.waiting


@pytest.mark.parametrize("part", range(3))
def test_a_policy_is_asked_once_more_when_its_pool_comes_to_rest(part: int) -> None:
    """Behaviour 57: however soon after it was asked the last of those who wait has gone."""
    for seed in range(100 * part, 100 * part + 100):
        rng = random.Random(seed)
        world = World(
            max_size=5, max_creating=1, sizer=Policy(AsDemanded(), closes=True), create_timeout=100.0
        )
        for _ in range(5):
            world.ask(0.2)
            world.clock.advance(rng.random() * rng.choice([0.001, 0.02, 0.06]))
        world.begin_all(Create)
        end = world.now + 5.0
        while (due := world.engine.next_wakeup(world.now)) <= end:
            # A shell wakes late, now more and now less.
            world.clock.advance(max(0.0, due - world.now) + rng.random() * rng.choice([0.0, 0.002, 0.05]))
            world.do(world.engine.tick)
        assert 0 == world.engine.target(world.now), f"seed {seed}"
