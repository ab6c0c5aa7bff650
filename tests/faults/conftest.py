"""Every scenario meets three backends and two shells; servers last for a module, pools for a test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.grounds import GROUNDS, Ground
from tests.faults.rig import SHELLS, FaultPool, Shell, eventually, see_no_secret, tell_all
from tests.servers import Proxy, Server, ServerRoom


@pytest.fixture(params=GROUNDS, scope="module")
def ground(request: pytest.FixtureRequest) -> Ground:
    """Give one kind of backend."""
    return GROUNDS[request.param]


@pytest.fixture(scope="module")
def lasting(ground: Ground, server_room: ServerRoom) -> Iterator[Server]:
    """Give the module's server, which scenarios hurt and mend."""
    with ground.server(server_room, *ground.standing) as server:
        ground.furnish(server)
        yield server


@pytest.fixture
def server(lasting: Server) -> Server:
    """Give the module's server, up and running, whatever the last scenario did to it."""
    lasting.start()
    lasting.thaw()
    return lasting


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
def make_pool(
    shell: Shell, ground: Ground, server: Server, caplog: pytest.LogCaptureFixture, proxy_to: Any
) -> Iterator[Callable[..., FaultPool]]:
    """Make pools; at the end each is closed, its account drawn up, and everything it said read for secrets.

    The server must be well again by then. It comes before `proxy_to` is put away.
    """
    caplog.set_level(logging.DEBUG, "respool")
    made: list[tuple[FaultPool, Server]] = []

    def make(at: Server | Proxy | str, home: Server | None = None, **options: Any) -> FaultPool:
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
