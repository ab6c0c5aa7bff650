"""A stand-in for your server: PING, SET, GET and RESET, one variable for each connection."""

from __future__ import annotations

import socketserver
import threading


class Session(socketserver.StreamRequestHandler):
    """Answers the lines of one connection."""

    server: Listener

    def handle(self) -> None:
        value = ""
        self.server.open += 1
        try:
            while line := self.rfile.readline().decode():
                command, _, word = line.strip().partition(" ")
                if command in ("SET", "RESET"):
                    value = word
                answers = {"PING": "PONG", "GET": value or "NOTHING", "SET": "OK", "RESET": "OK"}
                self.wfile.write(answers.get(command, "WHAT").encode() + b"\n")
        except OSError:
            pass
        finally:
            self.server.open -= 1


class Listener(socketserver.ThreadingTCPServer):
    """Counts its connections."""

    daemon_threads = True
    request_queue_size = 128
    open = 0


class Server:
    """The server, in threads of its own, at a free port of this machine."""

    def __init__(self) -> None:
        self._listener = Listener(("127.0.0.1", 0), Session)
        self.port: int = self._listener.server_address[1]
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def open(self) -> int:
        """How many connections are open."""
        return self._listener.open

    def stop(self) -> None:
        """Take no more connections."""
        self._listener.shutdown()
        self._listener.server_close()
