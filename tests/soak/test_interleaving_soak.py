"""The search of tests/engine, one thread wider."""

from __future__ import annotations

import pytest

from tests.engine.handoff_model import Rules
from tests.engine.test_interleavings import MANY, stuck_in


@pytest.mark.parametrize("strict", [True, False], ids=["strict", "eventual"])
def test_nobody_sleeps_for_ever_among_four(strict: bool) -> None:
    assert [] == stuck_in(Rules(strict=strict), MANY)
