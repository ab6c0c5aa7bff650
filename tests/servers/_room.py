"""Where the servers of a test session live: templates made once, copies handed out, all ended at the end."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

import attrs

from . import _processes
from ._memcached import MemcachedServer
from ._mysql import MysqlServer
from ._pgbouncer import PgbouncerServer
from ._postgres import PostgresServer
from ._redis import RedisServer
from ._server import Server

S = TypeVar("S", bound=Server)


class Endpoint(Protocol):
    """What a test that hurts nobody needs to know of a server, ours or one that exists already."""

    @property
    def url(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...


@attrs.frozen
class ExistingServer:
    """A server that an environment variable points at; it can be used, not hurt."""

    url: str
    host: str
    port: int

    @classmethod
    def from_url(cls, url: str) -> ExistingServer:
        """Read host and port out of `url`; a URL that names none gives an empty host or port 0."""
        parts = urlsplit(url)
        return cls(url, parts.hostname or "", parts.port or 0)


class ServerRoom:
    """Make private servers; each starts in milliseconds because its data is a copy of a template made once.

    Every method gives a server that has not been started: use it as a context manager. Whatever is still open
    when the room closes is ended with it.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="respool-", dir=_fast_folder()))
        self._guard = _processes.guard_folder(self.directory)
        self._servers: list[Server] = []
        self._numbers = itertools.count(1)

    def postgres(self, *settings: str) -> PostgresServer:
        """Make a Postgres; `settings` are `name=value`, as after `-c`."""
        return self._make(PostgresServer, settings)

    def pgbouncer(self, behind: Endpoint, *settings: str) -> PgbouncerServer:
        """Make a pgbouncer before a Postgres; `settings` are `name=value`."""
        return self._make(PgbouncerServer, (str(behind.port), *settings))

    def mysql(self, *options: str) -> MysqlServer:
        """Make a MariaDB; `options` are those of its command line."""
        return self._make(MysqlServer, options)

    def redis(self, *options: str) -> RedisServer:
        """Make a Redis; `options` are those of its command line."""
        return self._make(RedisServer, options)

    def memcached(self, *options: str) -> MemcachedServer:
        """Make a Memcached; `options` are those of its command line."""
        return self._make(MemcachedServer, options)

    def close(self) -> None:
        """End every server and remove every file."""
        with contextlib.ExitStack() as stack:  # one that cannot be ended must not keep the others alive
            stack.callback(_processes.dismiss, self._guard)
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            for server in self._servers:
                stack.callback(server.close)

    def _make(self, kind: type[S], arguments: tuple[str, ...]) -> S:
        directory = self.directory / f"{kind.kind}-{next(self._numbers)}"
        shutil.copytree(self._template(kind), directory)
        server = kind(directory, *arguments)
        self._servers.append(server)
        return server

    def _template(self, kind: type[Server]) -> Path:
        template = self.directory / f"{kind.kind}-template"
        if not template.exists():
            making = self.directory / f"{kind.kind}-making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            kind.prepare(making)
            making.rename(template)
        return template


def _fast_folder() -> str | None:
    """Memory where there is room for a dozen servers (a container's /dev/shm may hold 64 MB only)."""
    shm = "/dev/shm"
    if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2**31:
        return shm
    return None
