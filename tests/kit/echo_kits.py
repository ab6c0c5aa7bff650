"""The kit with every back door, for the reference server: for the right adapters and the wrong ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from respool.testing import AdapterTests, AsyncAdapterTests
from tests.kit.echo import (
    AsyncEchoAdapter,
    AsyncSession,
    EchoAdapter,
    EchoServer,
    Session,
)


@pytest.fixture(scope="session")
def server() -> Iterator[EchoServer]:
    server = EchoServer()
    yield server
    server.stop()


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


class EchoKit(AdapterTests[Session]):
    """Every back door of the blocking kit."""

    wrong: type[EchoAdapter] = EchoAdapter

    @pytest.fixture
    def adapter(self, server: EchoServer) -> EchoAdapter:
        self.server = server
        return self.wrong(server.port)

    def sever(self, session: Session, /) -> None:
        self.server.cut(session.port)

    def soil(self, session: Session, /) -> None:
        session.ask("SET")
        session.soiled = True

    def is_clean(self, session: Session, /) -> bool:
        return not self.server.soiled[session.port]

    def count_open(self) -> int:
        return self.server.count()

    def unreachable(self) -> EchoAdapter:
        return self.wrong(closed_port())

    def hang(self, session: Session, /) -> None:
        session.sock.settimeout(None)
        session.ask("HANG")

    def use(self, session: Session, /) -> None:
        session.ask("PING")


class AsyncEchoKit(AsyncAdapterTests[AsyncSession]):
    """Every back door of the asynchronous kit."""

    wrong: type[AsyncEchoAdapter] = AsyncEchoAdapter

    @pytest.fixture
    def adapter(self, server: EchoServer) -> AsyncEchoAdapter:
        self.server = server
        return self.wrong(server.port)

    async def sever(self, session: AsyncSession, /) -> None:
        self.server.cut(session.port)
        await asyncio.sleep(0)

    async def soil(self, session: AsyncSession, /) -> None:
        await session.ask("SET")
        session.soiled = True

    async def is_clean(self, session: AsyncSession, /) -> bool:
        return not self.server.soiled[session.port]

    async def count_open(self) -> int:
        return self.server.count()

    def unreachable(self) -> AsyncEchoAdapter:
        return self.wrong(closed_port())

    async def hang(self, session: AsyncSession, /) -> None:
        await session.ask("HANG")

    async def use(self, session: AsyncSession, /) -> None:
        await session.ask("PING")
