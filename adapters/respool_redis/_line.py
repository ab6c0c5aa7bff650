"""What both colours of a leased connection share: the ledger, the line to hang up, the free look at it."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from typing import TYPE_CHECKING, Any

from redis import exceptions as errors

from ._state import connection_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._ledger import Ledger

__all__ = ["BUSY", "GONE", "IN_MULTI", "OUTLIVED", "Leased", "Line", "judge"]

GONE = (
    "the connection of this lease is gone (closed by the server, after a timeout, or by disconnect());"
    " a lease never reconnects, take another one"
)
BUSY = "the connection of this lease is subscribed: close the pub/sub object first, or take another lease"
IN_MULTI = "the connection of this lease was in MULTI, where nothing is answered before EXEC: it is closed"
OUTLIVED = "this pub/sub object outlived its lease"

_HANG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)
_WATCHED = select.POLLIN | _HANG_UP


class Line:
    """A duplicate of a connection's descriptor: polled at every hand-out, shut down to end a hung call.

    A duplicate, because the driver may close its own at any moment, and the number may then be anybody's.
    """

    __slots__ = ("_pid", "_socket", "poll")

    def __init__(self, fileno: int) -> None:
        self._socket = socket.socket(fileno=os.dup(fileno))
        self._pid = os.getpid()
        poller = select.poll()
        poller.register(self._socket.fileno(), _WATCHED)
        self.poll: Callable[[int], list[tuple[int, int]]] = poller.poll

    def hang_up(self) -> None:
        """End the session for both sides; a forked child leaves its parent's alone."""
        if os.getpid() == self._pid:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def last_words(self) -> str:
        """Give what the server sent and nobody read, without waiting and without reading it."""
        return self._received(256, socket.MSG_PEEK).decode("latin-1")

    def read(self) -> bytes:
        """Take what the server sent and nobody read, without waiting."""
        return self._received(1 << 16, 0)

    def _received(self, most: int, flags: int) -> bytes:
        # A cooperative socket, such as gevent's, waits where the system's does not: hence the look before.
        with contextlib.suppress(OSError):
            if self.poll(0):
                return self._socket.recv(most, flags | socket.MSG_DONTWAIT)
        return b""

    def close(self) -> None:
        """Give the descriptor back; `hang_up` does nothing from now on."""
        self._socket.close()

    def __del__(self) -> None:
        self._socket.close()  # of a connection that was dropped, not destroyed: nothing to complain about


class Leased:
    """Mixed into a connection of either colour: what the adapters need to know of it."""

    line: Line | None = None
    last_words = ""
    """What the server said before it hung up on the handshake."""
    poll: Callable[[int], list[tuple[int, int]]]
    unread: Callable[[], object]
    settings: tuple[Any, ...]
    ledger: Ledger

    def attach(self, line: Line, unread: Callable[[], object]) -> None:
        """Take hold of the connection that was just made; from now on it never connects again."""
        self.poll = line.poll
        self.unread = unread
        self.ledger.sealed = True

    def settle(self) -> None:
        """Take the session and the settings of now as the clean ones."""
        self.settings = connection_settings(self)
        self.ledger.forget()

    def was_changed(self) -> bool:
        """Tell whether an attribute of the connection itself is not what it was."""
        return bool(connection_settings(self) != self.settings)

    def hang_up(self) -> None:
        """Shut the line, whoever is using it."""
        if self.line is None:
            return
        if not self.ledger.sealed:
            self.last_words = self.last_words or self._hear(self.line)
        self.line.hang_up()

    def shut(self) -> None:
        """End the session; whoever reads from it gets an error, and the descriptor stays for them to read."""
        self.hang_up()
        self.ledger.gone = True

    def _hear(self, line: Line) -> str:
        """Give what the server said at last; on the wire it is hidden by TLS."""
        return line.last_words()


def judge(connection: Leased) -> bool:
    """Say what it means that an idle connection is not silent.

    Returns:
        False where something came in: a full check decides.

    Raises:
        redis.ConnectionError: The other side hung up, or ours did.
    """
    if connection.ledger.gone:
        raise errors.ConnectionError(GONE)
    if any(what & _HANG_UP for _, what in connection.poll(0)):
        raise errors.ConnectionError("the server closed this connection while it was idle")
    return False
