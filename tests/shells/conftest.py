"""The rigs, so that every scenario runs on both shells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.shells.rig import RIGS, Rig


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    """Give one shell, and close what the scenario has left open."""
    made = RIGS[request.param]()
    yield made
    made.end()
