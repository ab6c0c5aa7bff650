"""The fixtures around the servers; `tests/conftest.py` loads this as a plugin.

`postgres_server`, `mysql_server`, `redis_server`: one per session, shared, for tests that hurt nobody;
`RESPOOL_TEST_POSTGRES_URL`, `RESPOOL_TEST_MYSQL_URL`, `RESPOOL_TEST_REDIS_URL` put an existing server there.
`fresh_postgres`, `fresh_mysql`, `fresh_redis`, `fresh_memcached`: one per test, private, to be hurt.
`server_room`: makes more of them, with settings: `with server_room.postgres("max_connections=5") as server`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

import pytest

from . import (
    Endpoint,
    MemcachedServer,
    MysqlServer,
    PostgresServer,
    Proxy,
    RedisServer,
    Server,
    ServerMissing,
    ServerRoom,
)
from ._room import ExistingServer

S = TypeVar("S", bound=Server)

_missing: pytest.StashKey[dict[str, str]] = pytest.StashKey()


@pytest.fixture(scope="session")
def server_room(request: pytest.FixtureRequest) -> Iterator[ServerRoom]:
    """Makes private servers: `with server_room.redis() as server`; skips where a program is missing."""
    room = _SessionRoom(request.config)
    try:
        yield room
    finally:
        room.close()


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Endpoint:
    """The session's Postgres, shared."""
    return _shared(ServerRoom.postgres, "postgres", request)


@pytest.fixture(scope="session")
def mysql_server(request: pytest.FixtureRequest) -> Endpoint:
    """The session's MariaDB, shared."""
    return _shared(ServerRoom.mysql, "mysql", request)


@pytest.fixture(scope="session")
def redis_server(request: pytest.FixtureRequest) -> Endpoint:
    """The session's Redis, shared."""
    return _shared(ServerRoom.redis, "redis", request)


@pytest.fixture
def fresh_postgres(server_room: ServerRoom) -> Iterator[PostgresServer]:
    """A running Postgres of this test's own."""
    with server_room.postgres() as server:
        yield server


@pytest.fixture
def fresh_mysql(server_room: ServerRoom) -> Iterator[MysqlServer]:
    """A running MariaDB of this test's own."""
    with server_room.mysql() as server:
        yield server


@pytest.fixture
def fresh_redis(server_room: ServerRoom) -> Iterator[RedisServer]:
    """A running Redis of this test's own."""
    with server_room.redis() as server:
        yield server


@pytest.fixture
def fresh_memcached(server_room: ServerRoom) -> Iterator[MemcachedServer]:
    """A running Memcached of this test's own."""
    with server_room.memcached() as server:
        yield server


@pytest.fixture
def proxy_to() -> Iterator[Callable[[Endpoint], Proxy]]:
    """Puts a proxy before a server: `proxy = proxy_to(fresh_redis)`; closed with the test."""
    made: list[Proxy] = []

    def proxy_to(server: Endpoint) -> Proxy:
        made.append(Proxy(server.host, server.port))
        return made[-1]

    yield proxy_to
    for proxy in made:
        proxy.close()


def pytest_configure(config: pytest.Config) -> None:
    """Start with nothing missing."""
    config.stash[_missing] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the servers that the run had to do without: a skipped test is easily overlooked."""
    for kind, reason in config.stash[_missing].items():
        terminalreporter.write_line(f"server missing: {kind} ({reason}); its tests did not run", yellow=True)


class _SessionRoom(ServerRoom):
    """A room that skips the test, or fails it on CI, where a server's programs are missing."""

    def __init__(self, config: pytest.Config) -> None:
        super().__init__()
        self._config = config

    def _make(self, kind: type[S], arguments: tuple[str, ...]) -> S:
        try:
            return super()._make(kind, arguments)
        except ServerMissing as missing:
            _do_without(kind.kind, str(missing), self._config)


def _shared(make: Callable[[ServerRoom], Server], kind: str, request: pytest.FixtureRequest) -> Endpoint:
    url = os.environ.get(f"RESPOOL_TEST_{kind.upper()}_URL")
    if url:
        return ExistingServer.from_url(url)
    server = make(request.getfixturevalue("server_room"))
    server.start()
    return server


def _do_without(kind: str, reason: str, config: pytest.Config) -> NoReturn:
    config.stash[_missing][kind] = reason
    message = f"server missing: {kind} ({reason})"
    if os.environ.get("CI"):
        pytest.fail(f"{message}; `bash tests/run` gets it", pytrace=False)
    pytest.skip(message)
