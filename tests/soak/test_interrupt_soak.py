"""Strikes at every single bytecode of the long ways, too."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest

import respool._thread_core
import respool._threads
from tests.shells.test_interrupts import SCENES, Scene, strike_everywhere


@pytest.fixture(autouse=True)
def _forgotten_leases_are_expected() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


@pytest.mark.parametrize("counts", [True, False], ids=["counts", "no counts"])
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_an_exception_at_every_bytecode_loses_nothing(
    scene: type[Scene], counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not counts:
        monkeypatch.setattr(respool._threads, "COUNTS", False)
        monkeypatch.setattr(respool._thread_core, "COUNTS", False)
    assert 40 < strike_everywhere(scene())
