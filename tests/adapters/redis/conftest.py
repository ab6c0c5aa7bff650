"""What the Redis tests share: both products, both colours."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.adapters.redis.hand import Hand, ValkeyServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Endpoint, ServerRoom


@pytest.fixture(scope="session")
def valkey_server(server_room: ServerRoom) -> Endpoint:
    """The session's Valkey, shared."""
    server = server_room._make(ValkeyServer, ())
    server.start()
    return server


@pytest.fixture(params=["redis", "valkey"])
def server(request: pytest.FixtureRequest) -> Endpoint:
    """Both products, one after the other."""
    if request.param == "valkey" and os.environ.get("RESPOOL_TEST_REDIS_URL"):
        pytest.skip("RESPOOL_TEST_REDIS_URL names the one server to test")
    endpoint: Endpoint = request.getfixturevalue(f"{request.param}_server")
    return endpoint


@pytest.fixture(params=["sync", "async"])
def hand(request: pytest.FixtureRequest, server: Endpoint) -> Iterator[Hand]:
    """Drives adapters of both colours, one after the other, on the shared server."""
    hand = Hand(request.param, server.url)
    yield hand
    hand.close()


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    """Both colours, for tests with a server of their own."""
    return str(request.param)


@pytest.fixture
def other(server: Endpoint) -> Iterator[Any]:
    """A plain client of somebody else's: to look from outside, and to do harm."""
    client = redis.Redis.from_url(server.url)
    client.set("kept", "yes")
    yield client
    client.close()
