"""The asyncio twin of `_connection`: a `redis.asyncio.Redis` of which everything runs on one connection.

Twins, not one text in two colours: what awaits differs, what decides is shared (`_ledger`, `_hygiene`,
`_line`, `_state`).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import redis.asyncio
from redis import exceptions as errors
from redis.asyncio.client import PubSub
from redis.asyncio.connection import ConnectionPool, SSLConnection, UnixDomainSocketConnection

from . import _faults, _private
from ._hygiene import UNSUBSCRIBE, is_refused_ping, marker, text
from ._ledger import SUBSCRIBED, Ledger
from ._line import BUSY, GONE, IN_MULTI, OUTLIVED, Leased, Line
from ._state import Client, NotedDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    class _Driver:
        """What is used of redis-py's connection, where it is mostly untyped."""

        socket_timeout: float | None

        def __init__(self, **kwargs: Any) -> None: ...
        async def connect(self) -> None: ...
        async def _connect(self) -> None: ...
        async def connect_check_health(self, *args: Any, **kwargs: Any) -> None: ...
        async def disconnect(self, *args: Any, **kwargs: Any) -> None: ...
        def pack_commands(self, commands: Any) -> Any: ...
        async def send_command(self, *args: Any, **kwargs: Any) -> None: ...
        async def send_packed_command(self, command: Any, check_health: bool = True) -> None: ...
        async def read_response(self, *args: Any, **kwargs: Any) -> Any: ...

else:
    _Driver = object

__all__ = ["CONNECTIONS", "AsyncLeasedConnection", "AsyncLeasedRedis", "AsyncOneConnection"]


class AsyncLeasedConnection(Leased, _Driver):
    """Mixed into redis-py's connections: keeps the ledger, takes turns, never connects a second time."""

    def __init__(self, **kwargs: Any) -> None:
        self.ledger = Ledger(asyncio.Lock())
        self._speaker: asyncio.Task[Any] | None = None
        super().__init__(**kwargs)

    # -- connecting: once

    async def open(self) -> None:
        """Connect; the caller bounds it."""
        await self.connect()
        if self.line is None:
            raise errors.ConnectionError(GONE)
        self.attach(self.line, _private.async_unread_test(self))
        # A server that is loading its data answers the whole login, and nothing that comes after it.
        await self.exchange(())

    async def _connect(self) -> None:
        await super()._connect()
        self.line = Line(_private.async_socket_of(self).fileno())

    async def connect(self) -> None:
        if self.ledger.sealed:
            self._stay()
        else:
            await super().connect()

    async def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        if self.ledger.sealed:
            self._stay()
        else:
            await super().connect_check_health(*args, **kwargs)

    def _stay(self) -> None:
        if self.ledger.gone:
            raise errors.ConnectionError(GONE)

    # -- talking: noted, one exchange at a time

    def pack_commands(self, commands: Any) -> Any:
        commands = list(commands)
        packed = super().pack_commands(commands)
        self.ledger.note_all(commands)
        return packed

    async def send_command(self, *args: Any, **kwargs: Any) -> None:
        self.ledger.note(args)
        await super().send_command(*args, **kwargs)

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        # Read before the first await: nothing runs between packing and this line.
        ledger = self.ledger
        count, ledger.packed = ledger.packed or 1, 0
        if not ledger.notes & SUBSCRIBED:  # else what comes back is messages, not one reply per command
            await self._take_turn()
            ledger.pending += count
        await self._send(command, check_health)

    async def _send(self, command: Any, check_health: bool) -> None:
        """Send, and let a cancellation through that redis-py's `wait_for` has swallowed (Python 3.11)."""
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        await super().send_packed_command(command, check_health=check_health)
        if task is not None and task.cancelling() > before:
            await self.disconnect(nowait=True)
            raise asyncio.CancelledError

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        ledger = self.ledger
        if ledger.notes & SUBSCRIBED:
            with self._reading():
                return await super().read_response(*args, **kwargs)
        try:
            return await super().read_response(*args, **kwargs)
        except errors.ResponseError:
            ledger.refused()
            raise
        finally:
            if ledger.pending:
                ledger.pending -= 1
                if not ledger.pending:
                    ledger.ending = 0
                    self._pass_turn()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self.ledger.reading.append(None)
        try:
            yield
        finally:
            self.ledger.reading.pop()

    async def _take_turn(self) -> None:
        me = asyncio.current_task()
        if self._speaker is me or not self.ledger.sealed:
            return
        await self.ledger.turn.acquire()
        if self.ledger.gone:
            self.ledger.turn.release()
            raise errors.ConnectionError(GONE)
        self._speaker = me

    def _pass_turn(self) -> None:
        if self._speaker is not None:
            self._speaker = None
            self.ledger.turn.release()

    async def exchange(self, commands: Any) -> list[Any]:
        """Send commands in one write and collect everything that comes before the answer to our own PING."""
        word = marker()
        # The driver's own health check would take for its answer whatever a subscriber is sent meanwhile.
        await self.send_packed_command(self.pack_commands([*commands, ("PING", word)]), check_health=False)
        replies: list[Any] = []
        while True:
            try:
                reply = await self.read_response(disable_decoding=True)
            except errors.ResponseError as exc:
                reply = exc
            if text(reply) == word:
                return replies
            if is_refused_ping(reply):
                raise reply
            if text(reply) == "QUEUED":  # the word would come with EXEC alone
                await self.disconnect(nowait=True)
                raise errors.ConnectionError(IN_MULTI)
            replies.append(reply)

    async def leave(self) -> None:
        """Unsubscribe from everything, after a pub/sub object of this lease was closed."""
        await self.exchange(UNSUBSCRIBE)
        self.ledger.leave = False
        self.ledger.notes &= ~SUBSCRIBED

    # -- ending

    async def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.ledger.gone = True
        self.hang_up()
        try:
            await super().disconnect(*args, **kwargs)
        finally:
            self._pass_turn()

    async def retire(self) -> None:
        """End the connection for good; who still reads from it gets an error."""
        self.ledger.retired = self.ledger.gone = True
        self.hang_up()
        try:
            # Waiting for the transport to close does not end while somebody reads from it.
            await self.disconnect(nowait=bool(self.ledger.reading or self.ledger.held))
        finally:
            if self.line is not None:
                self.line.close()


class _TCP(AsyncLeasedConnection, redis.asyncio.Connection):
    pass


class _TLS(AsyncLeasedConnection, SSLConnection):
    def _hear(self, line: Line) -> str:
        """Decipher what the transport, which had failed to write, has left unread: the server's alert."""
        tls, incoming = _private.async_tls_of(self)
        if tls is None or incoming is None:
            return ""
        incoming.write(line.read())
        return _faults.last_words_of(tls.read)


class _Unix(AsyncLeasedConnection, UnixDomainSocketConnection):
    pass


CONNECTIONS: dict[str, type[Any]] = {"tcp": _TCP, "tls": _TLS, "unix": _Unix}


class AsyncOneConnection(ConnectionPool):
    """A pool for redis-py to take connections from, which are always the same one."""

    leased: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_connections=1, **kwargs)
        self.connection_kwargs = NotedDict(self.connection_kwargs)
        self.leased = self.connection_class(**self.connection_kwargs)

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        ledger: Ledger = self.leased.ledger
        if ledger.listener is not None:
            raise errors.PubSubError(BUSY)
        if ledger.leave:
            await self.leased.leave()
        ledger.held.append(None)
        return self.leased

    async def release(self, connection: Any) -> None:
        held: list[None] = self.leased.ledger.held
        if held:
            held.pop()

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await self.leased.disconnect()

    def __repr__(self) -> str:
        return f"<respool_redis.AsyncOneConnection({self.leased!r})>"


class Booth:
    """The pool as one pub/sub object sees it: shut when the lease is over."""

    def __init__(self, pool: AsyncOneConnection) -> None:
        self._pool = pool
        self._shut = False

    async def get_connection(self, *_: Any, **__: Any) -> Any:
        if self._shut:
            raise errors.ConnectionError(OUTLIVED)
        connection = await self._pool.get_connection()
        connection.ledger.listener = self
        return connection

    async def release(self, connection: Any) -> None:
        """Take the connection back, to be used further unless somebody is still reading from it."""
        ledger: Ledger = connection.ledger
        ledger.leave = True
        ledger.listener = None
        await self._pool.release(connection)
        if ledger.reading:
            await connection.disconnect(nowait=True)

    def shut(self) -> None:
        """End the lease: a pub/sub object that was made in it gets no connection any more."""
        self._shut = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class AsyncLeasedPubSub(PubSub):
    """A pub/sub object that unsubscribes when it is closed, where redis-py's hangs up."""

    async def aclose(self) -> None:
        await self._let_go()
        await _private.close_pubsub(self)

    if not hasattr(PubSub, "aclose"):  # redis-py 5.0.0
        reset = aclose

    async def _let_go(self) -> None:
        connection, self.connection = getattr(self, "connection", None), None
        if connection is None:
            return
        _private.forget_callback(connection, self.on_connect)
        if self.push_handler_func is not None:  # it stays in the parser
            await connection.disconnect(nowait=True)
        await self.connection_pool.release(connection)


class AsyncLeasedRedis(Client, redis.asyncio.Redis):  # type: ignore[misc]  # redis-py's own bases disagree
    """A `redis.asyncio.Redis` of which everything runs on the one leased connection."""

    def __init__(self, connection_pool: Any, single_connection_client: bool = False) -> None:
        super().__init__(connection_pool=connection_pool, single_connection_client=single_connection_client)
        self._leased = connection_pool.leased

    def pubsub(self, **kwargs: Any) -> PubSub:
        """Return a pub/sub object; while it is subscribed, the lease's connection is its alone."""
        booth: Any = Booth(self.connection_pool)
        self._leased.ledger.booths.append(booth)
        return AsyncLeasedPubSub(booth, **kwargs)
