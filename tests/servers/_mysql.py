"""MariaDB from the system's packages (no wheel ships a mysqld), or a MySQL that is named to us."""

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
    "--innodb-fast-shutdown=2",
    "--innodb-use-native-aio=0",
    "--performance-schema=OFF",
)
_MYSQLD = os.environ.get("RESPOOL_TEST_MYSQLD", "")
_OWN_OPTIONS = (
    ("--innodb-redo-log-capacity=32M", "--mysqlx=OFF", "--secure-file-priv=")
    if _MYSQLD
    else ("--innodb-log-file-size=4M",)
)
_ROOT = (
    "CREATE USER IF NOT EXISTS root@'127.0.0.1'",
    "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION",
)
"""Its own root may come over the socket alone."""


class MysqlServer(Server):
    """A private MariaDB; user `root` without a password, database `respool`.

    `RESPOOL_TEST_MYSQLD` names the program of a MySQL that takes its place for the whole run.
    """

    kind = "mysql"

    @property
    def url(self) -> str:
        """The address, as a URL."""
        return f"mysql://root@{self.host}:{self.port}/respool"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Run the installer."""
        # A folder of its own for temporary tables: two that run side by side would remove each other's.
        places = [f"--datadir={template / 'data'}", f"--tmpdir={template}"]
        statements = ["CREATE DATABASE IF NOT EXISTS respool"]
        if _MYSQLD:
            installer = [_MYSQLD, "--no-defaults", "--initialize-insecure", *_OWN_OPTIONS]
            statements += _ROOT
        else:
            find_program("mariadbd")
            options = ["--auth-root-authentication-method=normal", "--skip-test-db"]
            installer = [find_program("mariadb-install-db"), "--no-defaults", *options]
        run_quietly([*installer, *places, *_user()])
        (template / "init.sql").write_text("".join(f"{each};\n" for each in statements))

    def command(self) -> list[str]:
        """The server in the foreground."""
        own = {"datadir": "data", "socket": "s", "pid-file": "pid", "init-file": "init.sql", "tmpdir": ""}
        places = [f"--{name}={self.directory / path}" for name, path in own.items()]
        port = f"--port={self.port}"
        program = [_MYSQLD or find_program("mariadbd"), "--no-defaults"]
        return [*program, *places, port, *_user(), *_OPTIONS, *_OWN_OPTIONS, *self.arguments]

    def answers(self) -> bool:
        """Look for the greeting of protocol 10: an error packet has 0xff in its place."""
        with socket.create_connection((self.host, self.port), timeout=5) as client:
            return client.recv(5)[4:] == b"\x0a"


def _user() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []
