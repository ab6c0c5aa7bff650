"""One database file per test, and hands that close what they opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.sqlite.hand import Hand


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.db"


@pytest.fixture
def hand_of() -> Iterator[Callable[..., Hand]]:
    """Make hands; everything they have open is closed when the test ends."""
    hands: list[Hand] = []

    def make(*args: Any, **options: Any) -> Hand:
        hands.append(Hand(*args, **options))
        return hands[-1]

    yield make
    for hand in hands:
        hand.close()


@pytest.fixture
def hand(path: Path, hand_of: Callable[..., Hand]) -> Hand:
    """Play the pool on a file with one small table, at hygiene "session"."""
    made = hand_of(path)
    conn = made.lease()
    conn.execute("create table t (x integer)")
    conn.execute("insert into t values (1), (2), (3)")
    conn.commit()
    made.destroy(conn)
    return made
