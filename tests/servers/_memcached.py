"""Memcached from the system's packages."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ._server import Server, find_program


class MemcachedServer(Server):
    """A private Memcached of 16 MB."""

    kind = "memcached"

    @property
    def url(self) -> str:
        """The address, as a URL."""
        return f"memcached://{self.host}:{self.port}"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Look for the program; an empty folder is all it needs."""
        find_program("memcached")

    def command(self) -> list[str]:
        """The server in the foreground."""
        user = ["-u", "root"] if os.geteuid() == 0 else []
        where = ["-l", self.host, "-p", str(self.port), "-m", "16"]
        return [find_program("memcached"), *user, *where, *self.arguments]

    def answers(self) -> bool:
        """Ask for its version."""
        with socket.create_connection((self.host, self.port), timeout=5) as client:
            client.sendall(b"version\r\n")
            return client.recv(7) == b"VERSION"
