"""A TCP proxy for network faults between a client and a real server: hang, swallow, reset, refuse, delay."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from ._ports import free_port

T = TypeVar("T")
_CHUNK = 65536
_CALL_LIMIT = 10.0


@attrs.define(eq=False)
class _Link:
    """One client's connection through the proxy, on the proxy's loop."""

    client: socket.socket
    server: socket.socket
    passes: asyncio.Event
    task: asyncio.Task[None] | None = None

    def close(self, *, abruptly: bool) -> None:
        for end in (self.client, self.server):
            if abruptly:
                # A linger time of zero makes close() send RST instead of FIN.
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.close()


class Proxy:
    """Forward `127.0.0.1:port` to `host:port` of a server, and misbehave when told to.

    Every method may be called from any thread and has taken effect when it returns. One thread runs it all.

    Attributes:
        host, port: where clients connect; the port stays the same after `refuse`.
        accepted_at: when each connection was accepted, `time.monotonic()` seconds.
    """

    def __init__(self, server_host: str, server_port: int) -> None:
        self.host = "127.0.0.1"
        self.port = free_port()
        self.accepted_at: list[float] = []
        self._target = (server_host, server_port)
        self._links: set[_Link] = set()
        self._listener: socket.socket | None = None
        self._new_ones_pass = True
        self._swallowing = False
        self._connect_delay = self._chunk_delay = 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="test-proxy", daemon=True)
        self._thread.start()
        self.accept()

    @property
    def open_links(self) -> int:
        """How many client connections are open."""
        return len(self._links)

    def hang(self) -> None:
        """Forward nothing any more; connections stay open, new ones are accepted and hang too."""
        self._call(self._set_passing, False, False)

    def hang_new(self) -> None:
        """Let connections made from now on hang; those that are open go on."""
        self._call(self._set_passing, None, False)

    def hang_old(self) -> None:
        """Let what is open now hang, and connections made from now on pass: a firewall that has forgotten."""
        self._call(self._set_passing, False, True)

    def drop_open(self) -> None:
        """Let connections that are open hang from now on; new ones pass, as after a firewall forgot them."""
        self._call(self._set_passing, False, True)

    def swallow(self) -> None:
        """Read and throw away what either side sends, as a firewall that drops packets does."""
        self._swallowing = True

    def resume(self) -> None:
        """Forward again, what hung until now first; what was swallowed is gone. Delays stay."""
        self._swallowing = False
        self._call(self._set_passing, True, True)

    def reset(self) -> None:
        """Reset (RST) every open connection, towards the client and the server; new ones pass as before."""
        self._call(self._drop_links)

    def refuse(self) -> None:
        """Close the listening socket: new connections are refused, open ones go on."""
        self._call(self._stop_listening)

    def accept(self) -> None:
        """Listen again after `refuse`, on the same port."""
        self._call(self._start_listening)

    def delay(self, *, connect: float = 0.0, chunk: float = 0.0) -> None:
        """Wait `connect` seconds before a new connection is forwarded, `chunk` before every piece of data."""
        self._connect_delay, self._chunk_delay = connect, chunk

    def url(self, url: str) -> str:
        """Put this proxy's address in the place of the server's in `url`."""
        host, port = self._target
        return url.replace(f"{host}:{port}", f"{self.host}:{self.port}", 1)

    def close(self) -> None:
        """Refuse, reset and end the thread; may be repeated."""
        if not self._loop.is_closed():
            self.refuse()
            self.reset()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_CALL_LIMIT)
            self._loop.close()

    def _call(self, work: Callable[..., Awaitable[T]], *args: object) -> T:
        async def run() -> T:
            return await work(*args)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(_CALL_LIMIT)

    async def _set_passing(self, old: bool | None, new: bool) -> None:
        """Say what open ones do (None: what they did) and new ones, on the loop, which opens them."""
        self._new_ones_pass = new
        for link in self._links if old is not None else ():
            link.passes.set() if old else link.passes.clear()

    async def _drop_links(self) -> None:
        tasks = [link.task for link in self._links if link.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _start_listening(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server((self.host, self.port), backlog=512)
            self._listener.setblocking(False)
            # Not a task: one that is cancelled between an accept and its next step would lose the connection.
            self._loop.add_reader(self._listener, self._take)

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def _take(self) -> None:
        assert self._listener is not None
        try:
            client, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        client.setblocking(False)
        self.accepted_at.append(time.monotonic())
        self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        server = socket.socket()
        server.setblocking(False)
        link = _Link(client, server, asyncio.Event())
        if self._new_ones_pass:
            link.passes.set()
        self._links.add(link)
        link.task = self._loop.create_task(self._carry(link))
        # Not a `finally` in the task: one that is cancelled before its first step never gets there.
        link.task.add_done_callback(lambda task: self._end(link, task))

    def _end(self, link: _Link, task: asyncio.Task[None]) -> None:
        link.close(abruptly=task.cancelled() or task.exception() is not None)
        self._links.discard(link)

    async def _carry(self, link: _Link) -> None:
        """Forward both ways until both have said goodbye; an error or a cancellation ends both abruptly."""
        await asyncio.sleep(self._connect_delay)
        await link.passes.wait()
        await self._loop.sock_connect(link.server, self._target)
        async with asyncio.TaskGroup() as pumps:
            pumps.create_task(self._pump(link, link.client, link.server))
            pumps.create_task(self._pump(link, link.server, link.client))

    async def _pump(self, link: _Link, source: socket.socket, sink: socket.socket) -> None:
        while data := await self._loop.sock_recv(source, _CHUNK):
            await link.passes.wait()
            if self._chunk_delay:
                await asyncio.sleep(self._chunk_delay)
            if not self._swallowing:
                await self._loop.sock_sendall(sink, data)
        await link.passes.wait()
        sink.shutdown(socket.SHUT_WR)
