"""TLS in front of a Postgres that was built without it: what stunnel and pgbouncer do."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from pathlib import Path


class TlsFront:
    """Answers a client's SSLRequest with yes, and forwards what it decrypts; one thread per connection."""

    def __init__(
        self, host: str, port: int, certificate: Path, key: Path, clients: Path | None = None
    ) -> None:
        self._target = (host, port)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate, key)
        if clients is not None:
            self._context.verify_mode = ssl.CERT_REQUIRED
            self._context.load_verify_locations(clients)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._stop, self._stopped = socket.socketpair()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def _listen(self) -> None:
        while self._listener in select.select([self._listener, self._stopped], [], [])[0]:
            client, _ = self._listener.accept()
            thread = threading.Thread(target=self._serve, args=[client], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(8)  # the SSLRequest
            client.sendall(b"S")
            inside = self._context.wrap_socket(client, server_side=True)
            with inside, socket.create_connection(self._target) as server:
                self._forward(inside, server)

    def _forward(self, client: ssl.SSLSocket, server: socket.socket) -> None:
        while True:
            ends = [client] if client.pending() else select.select([client, server, self._stopped], [], [])[0]
            for end in ends:
                data = b"" if end is self._stopped else end.recv(65536)
                if not data:
                    return
                (server if end is client else client).sendall(data)

    def close(self) -> None:
        """End every connection and every thread."""
        self._stop.close()
        for thread in self._threads:
            thread.join(30)
        self._stopped.close()
        self._listener.close()
