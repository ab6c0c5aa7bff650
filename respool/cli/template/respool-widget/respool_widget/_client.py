"""A stand-in for your client library: lines over a socket. Delete it when you have the real one."""

from __future__ import annotations

import socket


class Client:
    """A connection to the server, and with it one variable that the server keeps as long."""

    def __init__(self, host: str, port: int, *, timeout: float) -> None:
        self.sock = socket.create_connection((host, port), timeout=timeout)

    def ask(self, line: str) -> str:
        """Send a line and give the answer."""
        self.sock.sendall(line.encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            chunk = self.sock.recv(256)
            if not chunk:
                raise ConnectionResetError("the server has hung up")
            answer += chunk
        return answer.decode().strip()

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()
