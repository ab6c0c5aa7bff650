"""The walks of tests/engine, many more of them."""

from __future__ import annotations

import pytest

from tests.engine.test_walks import walk_through

SEEDS = 10_000
PARTS = 100


@pytest.mark.parametrize("part", range(PARTS))
def test_many_walks_keep_the_law_and_lose_nothing(part: int) -> None:
    for seed in range(part, SEEDS, PARTS):
        walk_through(1000 + seed)
