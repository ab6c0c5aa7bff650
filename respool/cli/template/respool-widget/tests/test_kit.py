"""The conformance kit: the back doors do to a connection what users and networks do to it."""

from __future__ import annotations

import socket

import pytest
from standin import Server

from respool.testing import AdapterTests
from respool_widget import Client, WidgetAdapter


class TestWidgetAdapter(AdapterTests[Client]):
    @pytest.fixture
    def adapter(self, server: Server) -> WidgetAdapter:
        self.server = server
        return WidgetAdapter("127.0.0.1", server.port)

    def sever(self, client: Client, /) -> None:
        client.sock.shutdown(socket.SHUT_RDWR)

    def soil(self, client: Client, /) -> None:
        client.ask("SET something")

    def is_clean(self, client: Client, /) -> bool:
        return client.ask("GET") == "NOTHING"

    def count_open(self) -> int:
        return self.server.open

    def unreachable(self) -> WidgetAdapter:
        return WidgetAdapter("127.0.0.1", 1)

    def use(self, client: Client, /) -> None:
        client.ask("PING")
