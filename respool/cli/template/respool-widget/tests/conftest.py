"""The server that the tests talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from standin import Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A stand-in; start the real one here."""
    server = Server()
    yield server
    server.stop()
