"""Seeded random walks through the engine: every step keeps the law, and in the end nothing is lost."""

from __future__ import annotations

import random

import pytest

from respool._engine import TABLE

from .walk import Walk

SEEDS = 150
STEPS = 250


def walk_through(seed: int, steps: int = STEPS) -> Walk:
    """Walk, settle, close."""
    walk = Walk(random.Random(seed))
    for _ in range(steps):
        walk.step()
    walk.settle()
    walk.end()
    return walk


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_random_walk_keeps_the_law_and_loses_nothing(seed: int) -> None:
    """Behaviours 1, 2, 3, 15, 24, 27, 28, 37, 38, 49, 50, 92, 103, 108, 110, 115, 121, 131."""
    walk_through(seed)


def test_the_walks_make_every_move_of_the_table() -> None:
    missing = {(phase.value, event) for phase, event in TABLE}
    seed = SEEDS
    while missing and seed < SEEDS + 400:
        missing -= set(walk_through(seed).world.ledger.moves)
        seed += 1
    assert set() == missing
