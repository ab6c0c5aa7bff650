"""What a proxy does that reads along: gives some commands an answer of its own and passes all others on."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
from collections.abc import Callable

from tests.servers import Endpoint

Answer = Callable[[bytes], "list[bytes] | None"]
"""Gives the packets that answer a query, None where the server shall; no packets at all: it hangs up."""

_QUERY = 3
_END = b"\xfe\x00\x00\x02\x00"  # of columns, and of rows; in autocommit


def error(number: int, text: str) -> list[bytes]:
    """Give the packets of an error."""
    return [b"\xff" + struct.pack("<H", number) + b"#HY000" + text.encode()]


def one_value(name: str, value: str) -> list[bytes]:
    """Give the packets of a result with one row and one column of text."""
    where = b"".join(map(_counted, ("def", "", "", "", name, "")))
    column = where + struct.pack("<BHIBHBH", 12, 33, 256, 253, 0, 31, 0)
    return [b"\x01", column, _END, _counted(value), _END]


def _counted(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


class Front:
    """Stands before a server, without TLS; one thread per connection."""

    def __init__(self, server: Endpoint, answer: Answer) -> None:
        self._target = (server.host, server.port)
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop, self._stopped = socket.socketpair()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def _listen(self) -> None:
        while self._listener in select.select([self._listener, self._stopped], [], [])[0]:
            client, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._serve, args=[client], daemon=True))
            self._threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            said = b""
            while True:
                ready = select.select([client, server, self._stopped], [], [])[0]
                if server in ready:
                    client.sendall(data := server.recv(65536))
                if client in ready:
                    said += (data := client.recv(65536))
                if self._stopped in ready or not data:
                    return
                while len(said) >= (size := 4 + int.from_bytes(said[:3], "little")) > 4:
                    packet, said = said[:size], said[size:]
                    own = self._answer(packet[5:]) if packet[3:5] == bytes([0, _QUERY]) else None
                    if own is None:
                        server.sendall(packet)
                    elif not own:
                        return
                    else:
                        client.sendall(b"".join(map(_packed, range(1, len(own) + 1), own)))

    def close(self) -> None:
        """End every connection and every thread."""
        self._stop.close()
        for thread in self._threads:
            thread.join(30)
        self._stopped.close()
        self._listener.close()


def _packed(number: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload
