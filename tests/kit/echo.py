"""The reference: a small server with sessions on real sockets, and right adapters for it in both colours."""

from __future__ import annotations

import asyncio
import contextlib
import select
import socket
import threading
from typing import Any

import attrs

from respool import Adapter, AsyncAdapter, Fault

PASSWORD = "correct horse"


class EchoServer:
    """Speaks lines: LOGIN, PING, SET (leaves something behind), CLEAR, HANG (never answers)."""

    def __init__(self) -> None:
        self.soiled: dict[int, bool] = {}
        self._writers: dict[int, asyncio.StreamWriter] = {}
        self._loop = asyncio.new_event_loop()
        self._ready: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        started = threading.Event()
        self._loop.call_soon(lambda: self._loop.create_task(self._start(started)))
        self._thread.start()
        assert started.wait(10)
        self.port: int = self._ready[0].sockets[0].getsockname()[1]

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _start(self, started: threading.Event) -> None:
        self._ready.append(await asyncio.start_server(self._session, "127.0.0.1", 0))
        started.set()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[1]
        self.soiled[peer], self._writers[peer] = False, writer
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                self._answer(peer, line.decode().split(maxsplit=1), writer)
        del self.soiled[peer], self._writers[peer]
        writer.close()

    def _answer(self, peer: int, words: list[str], writer: asyncio.StreamWriter) -> None:
        if words[0] == "HANG":
            return
        if words[0] == "LOGIN" and words[1].strip() != PASSWORD:
            writer.write(b"NO\n")
            return
        if words[0] in ("SET", "CLEAR"):
            self.soiled[peer] = words[0] == "SET"
        writer.write(b"OK\n")

    def count(self) -> int:
        return len(self._writers)

    def cut(self, peer: int) -> None:
        """Hang up on a session."""
        self._loop.call_soon_threadsafe(lambda: peer in self._writers and self._writers[peer].close())

    def stop(self) -> None:
        async def end() -> None:
            self._ready[0].close()
            for writer in list(self._writers.values()):
                writer.close()
            await asyncio.sleep(0.05)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)
        self._thread.join(10)
        self._loop.close()


@attrs.define(eq=False)
class Session:
    """A blocking client's connection."""

    sock: socket.socket
    spare: socket.socket
    port: int
    soiled: bool = False

    def ask(self, line: str) -> str:
        self.sock.sendall(line.encode() + b"\n")
        answer = self.sock.recv(64)
        if not answer:
            raise ConnectionResetError("the server hung up")
        return answer.decode().strip()


def fault_of(exc: BaseException) -> Fault:
    if isinstance(exc, PermissionError):
        return Fault.CONFIG
    if isinstance(exc, ConnectionRefusedError):
        return Fault.BACKEND_DOWN
    return Fault.RESOURCE_BROKEN if isinstance(exc, OSError | EOFError) else Fault.BENIGN


def looks_alive(sock: Any) -> bool:
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP)
    return not poll.poll(0)


@attrs.define(eq=False)
class EchoAdapter(Adapter[Session]):
    """The right one; each wrong adapter breaks one thing of it."""

    port: int
    password: str = attrs.field(default=PASSWORD, repr=False)
    kind = "echo"

    def create(self) -> Session:
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=2)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(sock, sock.dup(), sock.getsockname()[1])
        except BaseException:
            sock.close()
            raise
        if session.ask(f"LOGIN {self.password}") != "OK":
            EchoAdapter.destroy(self, session)
            raise PermissionError("the server refused the login")
        return session

    def validate(self, session: Session, /) -> bool:
        return session.ask("PING") == "OK"

    def reset(self, session: Session, /) -> None:
        session.ask("CLEAR")
        session.soiled = False

    def destroy(self, session: Session, /) -> None:
        session.sock.close()
        session.spare.close()

    def probe(self, session: Session, /) -> bool:
        return looks_alive(session.sock)

    def is_dirty(self, session: Session, /) -> bool:
        return session.soiled

    def abort(self, session: Session, /) -> None:
        with contextlib.suppress(OSError):
            session.spare.shutdown(socket.SHUT_RDWR)

    def classify(self, exc: BaseException, /) -> Fault:
        return fault_of(exc)


@attrs.define(eq=False)
class AsyncSession:
    """An asynchronous client's connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int
    soiled: bool = False

    async def ask(self, line: str) -> str:
        self.writer.write(line.encode() + b"\n")
        answer = await self.reader.readline()
        if not answer:
            raise ConnectionResetError("the server hung up")
        return answer.decode().strip()


@attrs.define(eq=False)
class AsyncEchoAdapter(AsyncAdapter[AsyncSession]):
    """The right one for asyncio."""

    port: int
    password: str = attrs.field(default=PASSWORD, repr=False)
    kind = "echo"

    async def create(self) -> AsyncSession:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        session = AsyncSession(reader, writer, writer.get_extra_info("sockname")[1])
        try:
            answer = await session.ask(f"LOGIN {self.password}")
        except BaseException:
            writer.close()
            raise
        if answer != "OK":
            writer.close()
            raise PermissionError("the server refused the login")
        return session

    async def validate(self, session: AsyncSession, /) -> bool:
        return await session.ask("PING") == "OK"

    async def reset(self, session: AsyncSession, /) -> None:
        await session.ask("CLEAR")
        session.soiled = False

    async def destroy(self, session: AsyncSession, /) -> None:
        session.writer.close()
        with contextlib.suppress(OSError):
            await session.writer.wait_closed()

    def probe(self, session: AsyncSession, /) -> bool:
        return not (session.writer.is_closing() or session.reader.at_eof())

    def is_dirty(self, session: AsyncSession, /) -> bool:
        return session.soiled

    def abort(self, session: AsyncSession, /) -> None:
        session.writer.transport.abort()

    def classify(self, exc: BaseException, /) -> Fault:
        return fault_of(exc)
