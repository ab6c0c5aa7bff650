"""The wire of one connection, seen from beside the driver: is it hung up, was it used, how to hang it up.

All three work on a descriptor that was duplicated when the connection was made. The driver's own number must
not be used for this: once the driver has closed its descriptor the kernel gives the number to somebody else.
"""

from __future__ import annotations

import os
import select
import socket
import sys

from ._faults import ServerHungUp

__all__ = ["Line"]

_RDHUP = getattr(select, "POLLRDHUP", 0)  # Linux: the peer has said its last word, even if data is unread
_TCP_INFO = getattr(socket, "TCP_INFO", None)
_BYTES_SENT = slice(200, 208)  # tcpi_bytes_sent in struct tcp_info, since Linux 4.19
_NOBODYS = 0x3FFFFFFF  # no descriptor is ever so high, so that a poll of it says POLLNVAL
_DEAD = select.POLLHUP | select.POLLERR | select.POLLNVAL | _RDHUP


class Line:
    """A duplicate of a connection's socket; `poll` is public for speed, it runs at every hand-out."""

    __slots__ = ("_poll", "_socket", "poll")

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=os.dup(descriptor))
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | _RDHUP)
        self.poll = self._poll.poll

    def judge(self, found: list[tuple[int, int]]) -> bool:
        """Say what it means that an idle connection has something to tell.

        Returns:
            False: there is something to read (a notification, a changed setting, a goodbye): suspect.

        Raises:
            ServerHungUp: The server's end is closed.
        """
        if any(events & _DEAD for _, events in found):
            raise ServerHungUp("the server has closed this connection")
        return False

    def is_writable(self, seconds: float) -> bool:
        """Wait until the kernel takes more bytes, at most so long."""
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        return bool(poll.poll(seconds * 1000))

    def sent(self) -> int:
        """Count the bytes that were ever sent; 0 where the kernel does not say (a Unix socket, not Linux)."""
        if _TCP_INFO is None:
            return 0
        try:
            info = self._socket.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _BYTES_SENT.stop)
        except OSError:
            return 0
        return int.from_bytes(info[_BYTES_SENT], sys.byteorder)

    def hang_up(self) -> None:
        """Shut the connection down under the driver, so that a call that waits on it ends; never blocks."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was dead already

    def close(self) -> None:
        """Close the duplicate; may be repeated.

        From then on `poll` finds a dead line, where it would have found whoever gets the number next.
        """
        if self._socket.fileno() >= 0:
            self._poll.unregister(self._socket)
            self._poll.register(_NOBODYS)
            self._socket.close()

    def __del__(self) -> None:
        """Close it where nobody else will: a detached connection that was forgotten."""
        if hasattr(self, "_socket"):  # not where the process has run out of descriptors
            self._socket.close()
