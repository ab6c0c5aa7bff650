"""Everything that is used of redis-py and asyncio without being promised by them; a test names each.

Only ``_connect`` is elsewhere: the two connections override it where they stand. Written and tested against
redis-py 5.0 and 8.1, with and without hiredis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import redis.asyncio.client
import redis.connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = [
    "async_socket_of",
    "async_tls_of",
    "async_unread_test",
    "close_pubsub",
    "forget_callback",
    "parse_url",
    "socket_of",
    "unread_test",
]

parse_url: Callable[[str], dict[str, Any]] = redis.connection.parse_url

# 5.0.0 has `reset` alone; from 5.0.1 on `reset` is deprecated in favour of `aclose`.
close_pubsub: Callable[[Any], Any] = getattr(
    redis.asyncio.client.PubSub, "aclose", redis.asyncio.client.PubSub.reset
)


def forget_callback(connection: Any, callback: Callable[..., Any]) -> None:
    """Take a pub/sub object's callback out of a connection; 5.0 can only take all."""
    if hasattr(connection, "deregister_connect_callback"):
        connection.deregister_connect_callback(callback)
    else:
        connection.clear_connect_callbacks()


def socket_of(connection: Any) -> socket.socket | None:
    """Give the socket of a blocking connection; None when it is closed."""
    sock: socket.socket | None = connection._sock
    return sock


def async_socket_of(connection: Any) -> Any:
    """Give the transport's socket of an asyncio connection."""
    return connection._writer.get_extra_info("socket")


def async_tls_of(connection: Any) -> tuple[Any, Any]:
    """Give what deciphers for an asyncio connection, and where it takes bytes from; uvloop hides that."""
    transport = getattr(connection._writer, "transport", None)
    protocol = getattr(transport, "_ssl_protocol", None)
    return getattr(protocol, "_sslobj", None), getattr(protocol, "_incoming", None)


def unread_test(connection: Any) -> Callable[[], object]:
    """Make a function that is true where bytes were received that nobody has read; run at every hand-out.

    redis-py's own parser rewinds its buffer when a reply was the last in it: then its position is 0.
    """
    parser = connection._parser
    if hasattr(parser, "_reader"):
        has_data: Callable[[], object] = parser._reader.has_data
        return has_data
    position: Callable[[], int] = parser._buffer._buffer.tell
    return position


def async_unread_test(connection: Any) -> Callable[[], object]:
    """Make the same for an asyncio connection, whose loop reads ahead; the end of the stream counts too."""
    parser, stream = connection._parser, connection._reader
    if hasattr(parser, "_reader"):
        has_data = parser._reader.has_data
        return lambda: stream._buffer or stream._eof or has_data()
    return lambda: stream._buffer or stream._eof or parser._buffer
