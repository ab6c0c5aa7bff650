"""What the Postgres tests share."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.adapters.postgres.hand import Hand
from tests.servers import Endpoint


@pytest.fixture(params=["sync", "async"])
def hand(request: pytest.FixtureRequest, postgres_server: Endpoint) -> Iterator[Hand]:
    """Drives adapters of both colours, one after the other."""
    hand = Hand(request.param, postgres_server.url)
    yield hand
    hand.close()


@pytest.fixture
def other(postgres_server: Endpoint) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection of somebody else's, in autocommit: to look from outside, and to do harm."""
    with psycopg.connect(postgres_server.url, autocommit=True) as conn:
        yield conn
