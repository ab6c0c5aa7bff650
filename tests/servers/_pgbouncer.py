"""pgbouncer from the system's packages, before a Postgres."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from ._server import Server, find_program


class PgbouncerServer(Server):
    """A private pgbouncer before one server, whose every database it passes on to user `postgres`.

    The first of its arguments is the port of that server, the others are settings, `name=value`.
    """

    kind = "pgbouncer"
    stop_signal = signal.SIGQUIT  # from 1.23 on it waits for its clients after any other

    @property
    def url(self) -> str:
        """The address, as a URL."""
        return f"postgresql://postgres@{self.host}:{self.port}/postgres"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Look for the program; an empty folder is all it needs."""
        find_program("pgbouncer")

    def command(self) -> list[str]:
        """The server in the foreground; it will not be root once it has read its file."""
        port, *settings = self.arguments
        own = ["listen_addr=127.0.0.1", f"listen_port={self.port}", "unix_socket_dir=", "auth_type=any"]
        user = ["user=nobody"] if os.geteuid() == 0 else []
        behind = f"* = host=127.0.0.1 port={port} user=postgres"
        file = self.directory / "ini"
        file.write_text("\n".join(["[databases]", behind, "[pgbouncer]", *own, *user, *settings, ""]))
        return [find_program("pgbouncer"), "-q", str(file)]

    def answers(self) -> bool:
        """Ask for TLS, which it answers with one letter."""
        with socket.create_connection((self.host, self.port), timeout=5) as client:
            client.sendall(b"\x00\x00\x00\x08\x04\xd2\x16\x2f")
            return client.recv(1) in (b"N", b"S")
