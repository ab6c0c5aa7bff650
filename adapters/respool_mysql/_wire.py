"""A second descriptor on a connection's socket: liveness for free, and a way to end a call that hangs."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading

__all__ = ["Wire"]

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL | getattr(select, "POLLRDHUP", 0)


class Wire:
    """Our own duplicate of a socket's descriptor.

    The driver may close its descriptor at any moment, and the number may then be somebody else's file: a
    duplicate stays ours until we close it. Closed with the connection, or when one that was detached is
    collected. Plain slots, and `poll` in the open: they are asked at every hand-out.
    """

    __slots__ = ("_lock", "_socket", "poll")

    def __init__(self, descriptor: int) -> None:
        self._socket: socket.socket | None = socket.socket(fileno=os.dup(descriptor))
        self._lock = threading.Lock()
        # Registered once: building a poll object per look costs more than the look.
        watch = select.poll()
        watch.register(self._socket, select.POLLIN | getattr(select, "POLLRDHUP", 0))
        self.poll = watch.poll

    def quiet(self) -> bool:
        """Tell whether nothing waits to be read; never blocks.

        Raises:
            ConnectionResetError: The other side hung up.
        """
        events = self.poll(0)
        if not events:
            return True
        if events[0][1] & _GONE:
            raise ConnectionResetError("the server closed the connection")
        return False

    def cut(self) -> None:
        """Shut the socket in both directions, so that a call waiting on it ends; from any thread."""
        # The lock: `close` may run at the same moment on the thread whose call has just ended.
        with self._lock:
            if self._socket is not None:
                with contextlib.suppress(OSError):
                    self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptor back; may be repeated."""
        with self._lock:
            mine, self._socket = self._socket, None
        if mine is not None:
            mine.close()

    def __del__(self) -> None:
        """Close for a detached connection, of whose end nobody tells us."""
        self.close()
