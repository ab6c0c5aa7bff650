"""The password is seen nowhere, whatever goes wrong; all other scenarios look for it in what they were told.

Here are the ways out that they do not have: events, the command line, addresses that cannot even be read.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner

import respool
from respool.cli._main import cli
from tests.faults.grounds import CANARY, Ground
from tests.faults.rig import FaultPool, eventually, see_no_secret, tell_all
from tests.servers import Proxy, Server

MakePool = Callable[..., FaultPool]


def test_no_event_tells_it(
    ground: Ground, server: Server, proxy: Proxy, make_pool: MakePool, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 135. Every lease is told to a listener here, through a failure of each kind."""
    events: list[object] = []
    pool = make_pool(proxy, max_size=2, on_event=events.append, leak_after=0.0)
    pool.fill(2)
    proxy.reset()
    assert pool.ask().served
    proxy.refuse()
    proxy.reset()
    pool.ask(timeout=0.2)
    proxy.accept()
    proxy.hang_new()
    pool.ask(timeout=1.3)
    proxy.resume()
    assert pool.ask().served
    wrong = make_pool(
        ground.url(server, password=CANARY + "!"), max_size=2, on_event=events.append, name="wrong"
    )
    wrong.ask(timeout=5.0)
    eventually(lambda: [e for e in events if isinstance(e, respool.ConfigFault)], "the event")
    see_no_secret(repr(events) + "".join(map(str, events)))
    see_no_secret(tell_all(pool, caplog.records) + tell_all(wrong, caplog.records))


@pytest.mark.parametrize("asynchronous", [False, True], ids=["threads", "asyncio"])
@pytest.mark.parametrize("command", ["load", "doctor"])
@pytest.mark.parametrize("case", ["right", "wrong password", "unknown database", "nobody there"])
def test_no_command_prints_it(
    ground: Ground, server: Server, proxy: Proxy, command: str, case: str, asynchronous: bool
) -> None:
    """Behaviour 135. Neither as JSON nor in its errors."""
    urls = {
        "right": ground.url(server),
        "wrong password": ground.url(server, password=CANARY + "!"),
        "unknown database": ground.url(server, database="99" if ground.kind == "redis" else "nowhere"),
        "nobody there": ground.url(proxy),
    }
    proxy.refuse()
    arguments = [command, urls[case], "--json", *(["--asyncio"] if asynchronous else [])]
    if command == "load":
        arguments += ["--duration", "0.2", "--workers", "2", "--timeout", "0.2"]
    result = CliRunner().invoke(cli, arguments)
    assert result.output
    if case == "right":
        assert 0 == result.exit_code, result.output
    see_no_secret(result.output + repr(result.exception))
    if result.exc_info is not None:
        see_no_secret("".join(traceback.format_exception(result.exc_info[1])))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda url: url.replace("127.0.0.1", "127.0.0.1:x"),
        lambda url: url.replace("%40", "@").replace("%2F", "/").replace("%3A", ":"),
        lambda url: url + "?nonsense=1",
        lambda url: url.replace("@", ""),
        lambda url: url.replace("://", ":/"),
    ],
    ids=["a port that is none", "not encoded", "an unknown parameter", "no @", "no scheme"],
)
def test_an_address_that_cannot_be_read_is_not_quoted(
    ground: Ground, server: Server, spoil: Callable[[str], str]
) -> None:
    """Behaviour 135."""
    url = spoil(ground.url(server))
    made: Any = None
    for opener in (respool.open_pool, respool.open_async_pool):
        try:
            made = opener(url, timeout=0.2)
        except Exception as exc:
            see_no_secret("".join(traceback.format_exception(exc)) + repr(exc))
        else:
            see_no_secret(repr(made) + repr(made.stats()))
            if isinstance(made, respool.Pool):
                made.close()
