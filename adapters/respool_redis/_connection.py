"""A blocking `redis.Redis` of which everything runs on one connection: client, pub/sub, pool and connection.

redis-py's `single_connection_client` binds plain commands alone; pipelines, pub/sub and monitors take another
connection from the pool behind it. So the pool behind it is what has to be replaced: by one that always hands
out the same connection.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import redis
from redis import exceptions as errors
from redis.client import PubSub
from redis.connection import ConnectionPool, SSLConnection, UnixDomainSocketConnection

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
        def connect(self) -> None: ...
        def connect_check_health(self, *args: Any, **kwargs: Any) -> None: ...
        def disconnect(self, *args: Any, **kwargs: Any) -> None: ...
        def can_read(self, timeout: float = 0) -> bool: ...
        def pack_commands(self, commands: Any) -> Any: ...
        def send_command(self, *args: Any, **kwargs: Any) -> None: ...
        def send_packed_command(self, command: Any, check_health: bool = True) -> None: ...
        def read_response(self, *args: Any, **kwargs: Any) -> Any: ...
        def _connect(self) -> Any: ...

else:
    _Driver = object

_ROUND = 0.5
"""Seconds after which a thread that waits for its turn looks whether there still is anybody to wait for."""
_QUESTIONS = 3
"""How often the answer to a question of our own is asked for, while pushes come in with it."""

__all__ = ["CONNECTIONS", "LeasedConnection", "LeasedRedis", "OneConnection"]


class LeasedConnection(Leased, _Driver):
    """Mixed into redis-py's connections: keeps the ledger, takes turns, never connects a second time."""

    def __init__(self, **kwargs: Any) -> None:
        self.ledger = Ledger(threading.Lock())
        self._speaker: int | None = None
        self._limit: float | None = None
        super().__init__(**kwargs)

    # -- connecting: once

    def open(self, timeout: float) -> None:
        """Connect, with ``timeout`` seconds for each step of the handshake."""
        self._limit = timeout
        self.connect()
        if self.line is None:
            raise errors.ConnectionError(GONE)
        self.attach(self.line, _private.unread_test(self))
        self.ledger.unread = self.unread
        # A server that is loading its data answers the whole login, and nothing that comes after it.
        with self.within(timeout):
            self.exchange(())

    def _connect(self) -> Any:
        # The handshake of TLS and of Redis both run under the timeout that the socket is born with.
        own, self.socket_timeout = self.socket_timeout, self._limit
        try:
            sock = super()._connect()
        finally:
            self.socket_timeout = own
        self.line = Line(sock.fileno())
        return sock

    def connect(self) -> None:
        if self.ledger.sealed:
            self._stay()
        else:
            super().connect()

    def connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        if self.ledger.sealed:
            self._stay()
        else:
            super().connect_check_health(*args, **kwargs)

    def _stay(self) -> None:
        if self.ledger.gone:
            raise errors.ConnectionError(GONE)

    @contextlib.contextmanager
    def within(self, timeout: float) -> Iterator[None]:
        """Bound every read and write of a block by ``timeout`` seconds instead of the user's setting."""
        self._set_timeout(timeout)
        try:
            yield
        finally:
            self._set_timeout(self.socket_timeout)

    def _set_timeout(self, seconds: float | None) -> None:
        sock = _private.socket_of(self)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.settimeout(seconds)

    # -- talking: noted, one exchange at a time

    def pack_commands(self, commands: Any) -> Any:
        commands = list(commands)
        packed = super().pack_commands(commands)
        self._take_turn()
        self.ledger.note_all(commands)
        return packed

    def send_command(self, *args: Any, **kwargs: Any) -> None:
        self._take_turn()
        self.ledger.note(args)
        try:
            super().send_command(*args, **kwargs)
        except BaseException:
            if not self.ledger.pending:  # it could not even be packed: nothing was sent
                self._pass_turn()
            raise

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        self._take_turn()
        ledger = self.ledger
        count, ledger.packed = ledger.packed or 1, 0
        if ledger.notes & SUBSCRIBED:  # what comes back is messages, not one reply per command
            self._pass_turn()
        else:
            ledger.pending += count
        super().send_packed_command(command, check_health=check_health)

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        ledger = self.ledger
        if ledger.notes & SUBSCRIBED:
            with self._reading():
                return super().read_response(*args, **kwargs)
        try:
            return super().read_response(*args, **kwargs)
        except errors.ResponseError:
            ledger.refused()
            raise
        finally:
            if ledger.pending:
                ledger.pending -= 1
                if not ledger.pending:
                    ledger.ending = 0
                    self._pass_turn()

    def can_read(self, timeout: float = 0) -> bool:
        with self._reading():
            return super().can_read(timeout)

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        self.ledger.reading.append(None)
        try:
            yield
        finally:
            self.ledger.reading.pop()

    def _take_turn(self) -> None:
        me = threading.get_ident()
        if self._speaker == me or not self.ledger.sealed:
            return
        self._wait_for_turn()
        if self.ledger.gone:
            self.ledger.turn.release()
            raise errors.ConnectionError(GONE)
        self._speaker = me

    def _wait_for_turn(self) -> None:
        """Take the lock; end the connection where the lock turns out to be nobody's.

        KeyboardInterrupt may strike between taking the lock and signing for it, or between the same two
        on the way out. A lock that has no speaker for two whole rounds was left behind like that.
        """
        unsigned = 0
        while not self.ledger.turn.acquire(timeout=_ROUND):
            unsigned = unsigned + 1 if self._speaker is None else 0
            if unsigned == 2:
                self.disconnect()
            if self.ledger.gone:
                raise errors.ConnectionError(GONE)

    def _pass_turn(self) -> None:
        if self._speaker is not None:
            self._speaker = None
            with contextlib.suppress(RuntimeError):  # somebody who ended the connection was quicker
                self.ledger.turn.release()

    def exchange(self, commands: Any) -> list[Any]:
        """Send commands in one write and collect everything that comes before the answer to our own PING."""
        word = marker()
        # The driver's own health check would take for its answer whatever a subscriber is sent meanwhile.
        self.send_packed_command(self.pack_commands([*commands, ("PING", word)]), check_health=False)
        replies: list[Any] = []
        while True:
            try:
                reply = self.read_response(disable_decoding=True)
            except errors.ResponseError as exc:
                reply = exc
            if text(reply) == word:
                return replies
            if is_refused_ping(reply):
                raise reply
            if text(reply) == "QUEUED":  # the word would come with EXEC alone
                self.disconnect()
                raise errors.ConnectionError(IN_MULTI)
            replies.append(reply)

    def is_in_step(self) -> bool:
        """Ask until nothing lies behind the answer; what the server pushes is read and is no reply.

        More than one round takes only what came in together with an answer.
        """
        for _ in range(_QUESTIONS):
            if self.exchange(()):
                return False
            if not self.unread():
                return True
        return False

    def leave(self) -> None:
        """Unsubscribe from everything, after a pub/sub object of this lease was closed."""
        self.exchange(UNSUBSCRIBE)
        self.ledger.leave = False
        self.ledger.notes &= ~SUBSCRIBED

    # -- ending

    def disconnect(self, *args: Any, **kwargs: Any) -> None:
        self.ledger.gone = True
        self.hang_up()
        super().disconnect(*args, **kwargs)
        self._pass_turn()

    def retire(self) -> None:
        """End the connection for good.

        Where a pub/sub object or a thread still has it in hand, only the line is shut: closing the descriptor
        under a thread that is about to read it could make that thread read somebody else's. It is closed when
        they let go.
        """
        self.ledger.retired = self.ledger.gone = True
        self.hang_up()
        if not self.ledger.held and not self.ledger.reading:
            self.disconnect()
        self._pass_turn()
        if self.line is not None:
            self.line.close()


# redis-py declares `socket_timeout` on every class anew, now as a float and now as an optional one.


class _TCP(LeasedConnection, redis.Connection):  # pyright: ignore[reportIncompatibleVariableOverride]
    pass


class _Bare(redis.Connection):
    """Stands behind redis-py's TLS, which gets its socket from here."""

    bare: Any = None

    def _connect(self) -> Any:
        self.bare = super()._connect()  # type: ignore[no-untyped-call]  # the driver says no type
        return self.bare


class _TLS(LeasedConnection, SSLConnection, _Bare):  # pyright: ignore[reportIncompatibleVariableOverride]
    def _connect(self) -> Any:
        try:
            return super()._connect()
        except BaseException:
            if self.bare is not None:
                self.bare.close()  # redis-py 5.0 leaves it open when it cannot load a certificate
            raise
        finally:
            self.bare = None

    def _hear(self, line: Line) -> str:
        """Read, where the driver was still writing, what the server had refused it with: its alert."""
        sock = _private.socket_of(self)
        if sock is None:
            return ""
        sock.settimeout(0)
        return _faults.last_words_of(sock.recv)


class _Unix(LeasedConnection, UnixDomainSocketConnection):  # pyright: ignore[reportIncompatibleVariableOverride]
    pass


CONNECTIONS: dict[str, type[Any]] = {"tcp": _TCP, "tls": _TLS, "unix": _Unix}


class OneConnection(ConnectionPool):
    """A pool for redis-py to take connections from, which are always the same one."""

    leased: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_connections=1, **kwargs)
        self.connection_kwargs = NotedDict(self.connection_kwargs)
        self.leased = self.make_connection()

    def get_connection(self, *_: Any, **__: Any) -> Any:
        ledger: Ledger = self.leased.ledger
        if ledger.listener is not None:
            raise errors.PubSubError(BUSY)
        if ledger.leave:
            self.leased.leave()
        ledger.held.append(None)
        return self.leased

    def release(self, connection: Any) -> None:
        held: list[None] = self.leased.ledger.held
        if held:
            held.pop()
        if self.leased.ledger.retired and not held:
            self.leased.disconnect()

    def disconnect(self, inuse_connections: bool = True) -> None:
        self.leased.disconnect()

    def __repr__(self) -> str:
        return f"<respool_redis.OneConnection({self.leased!r})>"


class Booth:
    """The pool as one pub/sub object sees it: shut when the lease is over."""

    def __init__(self, pool: OneConnection) -> None:
        self._pool = pool
        self._shut = False

    def get_connection(self, *_: Any, **__: Any) -> Any:
        if self._shut:
            raise errors.ConnectionError(OUTLIVED)
        connection = self._pool.get_connection()
        connection.ledger.listener = self
        return connection

    def release(self, connection: Any) -> None:
        """Take the connection back, to be used further unless somebody is still reading from it."""
        ledger: Ledger = connection.ledger
        if ledger.reading:
            connection.shut()  # not closed, as in `retire`
        ledger.leave = True
        ledger.listener = None
        self._pool.release(connection)

    def shut(self) -> None:
        """End the lease: a pub/sub object that was made in it gets no connection any more."""
        self._shut = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class LeasedPubSub(PubSub):
    """A pub/sub object that unsubscribes when it is closed, where redis-py's hangs up."""

    def reset(self) -> None:
        connection, self.connection = getattr(self, "connection", None), None
        if connection is not None:
            _private.forget_callback(connection, self.on_connect)
            if self.push_handler_func is not None:  # it stays in the parser
                connection.shut()
            self.connection_pool.release(connection)
        super().reset()


class LeasedRedis(Client, redis.Redis):
    """A `redis.Redis` of which everything runs on the one leased connection."""

    def __init__(self, connection_pool: Any, single_connection_client: bool = False) -> None:
        super().__init__(connection_pool=connection_pool, single_connection_client=single_connection_client)
        self._leased = connection_pool.leased

    def pubsub(self, **kwargs: Any) -> PubSub:
        """Return a pub/sub object; while it is subscribed, the lease's connection is its alone."""
        booth: Any = Booth(self.connection_pool)
        self._leased.ledger.booths.append(booth)
        return LeasedPubSub(booth, **kwargs)
