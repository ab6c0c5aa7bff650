"""One database file per test, and hands that close what they opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from respool._engine import COUNTS
from tests.adapters.sqlite.hand import Hand

LINGERS = (
    "test_a_lock_held_for_good_does_not_outlive_its_lease",
    "test_a_storm_through_a_pool_of_two",
    "test_no_descriptor_is_left",
    "test_nothing_stays_open_at_the_backend",
)
"""What a closed connection's file and locks must be gone for."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out without the GIL what is up to threads that are not ours there: when SQLite lets go."""
    why = "CPython ends a closed connection's statements when the thread that ran them runs again"
    for item in items:
        if not COUNTS and item.name in LINGERS and "sqlite" in item.nodeid:
            item.add_marker(pytest.mark.skip(reason=why))


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
