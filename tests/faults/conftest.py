"""Every scenario meets three backends and two shells; servers last for a module, pools for a test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.faults.grounds import GROUNDS, Ground
from tests.faults.rig import SHELLS, FaultPool, Shell, eventually, see_no_secret, tell_all
from tests.servers import Proxy, Server, ServerRoom

OpenPool = Callable[..., FaultPool]


@pytest.fixture(params=GROUNDS, scope="module")
def ground(request: pytest.FixtureRequest) -> Ground:
    """Give one kind of backend."""
    return GROUNDS[request.param]


@pytest.fixture(scope="module")
def lasting(ground: Ground, server_room: ServerRoom) -> Iterator[Server]:
    """Give the module's server, which scenarios hurt and mend."""
    with ground.server(server_room) as server:
        ground.furnish(server)
        yield server


@pytest.fixture
def server(lasting: Server) -> Server:
    """Give the module's server, up and running, whatever the last scenario did to it."""
    lasting.start()
    lasting.thaw()
    return lasting


@pytest.fixture
def shells() -> Iterator[list[Shell]]:
    """Give both shells, for one fault that hits pools of both at the same time."""
    made = [make() for make in SHELLS.values()]
    yield made
    for shell in made:
        shell.end()


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    """Give one shell."""
    made = SHELLS[request.param]()
    yield made
    made.end()


@pytest.fixture
def proxy(server: Server, proxy_to: Callable[[Any], Proxy]) -> Proxy:
    """Put a proxy before the server."""
    return proxy_to(server)


@pytest.fixture
def proxies(server: Server, proxy_to: Callable[[Any], Proxy]) -> list[Proxy]:
    """Put a proxy per shell before the server, so that each pool's attempts can be counted."""
    return [proxy_to(server) for _ in SHELLS]


@pytest.fixture
def open_pool(
    request: pytest.FixtureRequest, ground: Ground, server: Server, caplog: pytest.LogCaptureFixture
) -> Iterator[OpenPool]:
    """Make pools; at the end each is closed, its account drawn up, and everything it said read for secrets.

    The server must be well again by then, and reachable. Where a test ends a pool itself, it is left alone.
    """
    for earlier in {"shell", "shells", "proxy_to"} & set(request.fixturenames):
        request.getfixturevalue(earlier)  # it shall outlive the pools
    caplog.set_level(logging.DEBUG, "respool")
    made: list[tuple[FaultPool, Server]] = []

    def make(shell: Shell, at: Server | Proxy | str, home: Server | None = None, **options: Any) -> FaultPool:
        url = at if isinstance(at, str) else ground.url(at)
        made.append((FaultPool(shell, ground, url, **options), home or server))
        return made[-1][0]

    yield make
    open_ones = [(pool, home) for pool, home in made if not pool.closed]
    for pool, home in open_ones:
        home.start()
        home.thaw()
        pool.end()
    for pool, _ in made:
        see_no_secret(tell_all(pool, caplog.get_records("call")))
    for home in {home for _, home in open_ones}:
        eventually(lambda home=home: not ground.sessions(home), "no session left on the server")


@pytest.fixture
def make_pool(shell: Shell, open_pool: OpenPool) -> OpenPool:
    """Make pools of one shell: `make_pool(at, **options)`."""
    return partial(open_pool, shell)


@pytest.fixture
def both(shells: list[Shell], proxies: list[Proxy], open_pool: OpenPool) -> Callable[..., list[FaultPool]]:
    """Make a pool of each shell, each behind its own proxy: `both(**options)`."""

    def make(**options: Any) -> list[FaultPool]:
        return [open_pool(shell, proxy, **options) for shell, proxy in zip(shells, proxies, strict=True)]

    return make
