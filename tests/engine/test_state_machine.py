"""The same acts as the walks, chosen by hypothesis, which shrinks what it finds to the shortest story."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from .walk import Walk


class Pool(RuleBasedStateMachine):
    """An engine, its callers, its backend and its clock."""

    walk: Walk

    @initialize(rng=st.randoms(use_true_random=True))
    def begin(self, rng: random.Random) -> None:
        """Draw the options; true random numbers, for shrinkable ones are too tame to find much."""
        self.walk = Walk(rng)

    @invariant()
    def nothing_is_wrong(self) -> None:
        """The invariants of the walks; the law itself is checked by every act."""
        if hasattr(self, "walk"):
            self.walk.check()

    def teardown(self) -> None:
        """Everybody is served or refused, and in the end nothing is left."""
        if hasattr(self, "walk"):
            self.walk.settle()
            self.walk.end()


def _rule_of(act: str) -> Any:
    def step(self: Pool) -> None:
        getattr(self.walk, act)()

    step.__name__ = act
    return rule()(step)


for _act, _weight in Walk.acts().items():
    for _nth in range(_weight):
        setattr(Pool, f"{_act}_{_nth}", _rule_of(_act))

TestPool = Pool.TestCase
TestPool.settings = settings(
    max_examples=80,
    stateful_step_count=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
