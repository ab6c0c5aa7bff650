"""The conformance kit: the back doors do to a connection what users and networks do to it."""

from __future__ import annotations

import socket

import pytest
from standin import Server

from respool.testing import AsyncAdapterTests
from respool_widget import AsyncWidgetAdapter, Client


class TestWidgetAdapter(AsyncAdapterTests[Client]):
    @pytest.fixture
    def adapter(self, server: Server) -> AsyncWidgetAdapter:
        self.server = server
        return AsyncWidgetAdapter("127.0.0.1", server.port)

    async def sever(self, client: Client, /) -> None:
        client.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def soil(self, client: Client, /) -> None:
        await client.ask("SET something")

    async def is_clean(self, client: Client, /) -> bool:
        return await client.ask("GET") == "NOTHING"

    async def count_open(self) -> int:
        return self.server.open

    def unreachable(self) -> AsyncWidgetAdapter:
        return AsyncWidgetAdapter("127.0.0.1", 1)

    async def use(self, client: Client, /) -> None:
        await client.ask("PING")
