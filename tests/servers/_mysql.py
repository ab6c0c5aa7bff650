"""MariaDB from the system's packages (no wheel ships a mysqld)."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from ._server import Server, find_program, run_quietly

_OPTIONS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-size=8M",
    "--innodb-log-file-size=4M",
    "--innodb-fast-shutdown=2",
    "--innodb-use-native-aio=0",
    "--performance-schema=OFF",
)


class MysqlServer(Server):
    """A private MariaDB; user `root` without a password, database `respool`."""

    kind = "mysql"

    @property
    def url(self) -> str:
        """The address, as a URL."""
        return f"mysql://root@{self.host}:{self.port}/respool"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Run the installer."""
        program = find_program("mariadb-install-db")
        find_program("mariadbd")
        # A folder of its own for temporary tables: two that run side by side would remove each other's.
        places = [f"--datadir={template / 'data'}", f"--tmpdir={template}"]
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", *_user()]
        run_quietly([program, "--no-defaults", *places, *options])
        (template / "init.sql").write_text("CREATE DATABASE IF NOT EXISTS respool;\n")

    def command(self) -> list[str]:
        """The server in the foreground."""
        own = {"datadir": "data", "socket": "s", "pid-file": "pid", "init-file": "init.sql", "tmpdir": ""}
        places = [f"--{name}={self.directory / path}" for name, path in own.items()]
        port = f"--port={self.port}"
        return [
            find_program("mariadbd"),
            "--no-defaults",
            *places,
            port,
            *_user(),
            *_OPTIONS,
            *self.arguments,
        ]

    def answers(self) -> bool:
        """Look for the greeting of protocol 10: an error packet has 0xff in its place."""
        with socket.create_connection((self.host, self.port), timeout=5) as client:
            return client.recv(5)[4:] == b"\x0a"


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
