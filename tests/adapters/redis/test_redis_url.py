"""URLs and arguments: read strictly, refused with the name of the thing, never with a password."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import redis

from respool_redis import AsyncRedisAdapter, RedisAdapter
from respool_redis._target import read_target
from tests.adapters.redis.hand import Hand

if TYPE_CHECKING:
    from tests.servers import Endpoint, ServerRoom

SECRET = "sEcret"

BAD_URLS = {
    "http://localhost": "begins with",
    "localhost:6379": "begins with",
    "redis:localhost": "begins with",
    f"redis://:{SECRET}@localhost:port": "port",
    f"redis://user:pa:{SECRET}": "port",
    "redis://localhost:0": "port",
    "redis://localhost:70000": "port",
    f"redis://:{SECRET}#word@localhost": "percent-encoded",
    f"redis://:a/{SECRET}@localhost": "percent-encoded",
    f"redis://:{SECRET}/word@localhost": "percent-encoded",
    f"redis://:{SECRET}?word@localhost": "percent-encoded",
    f"redis://:{SECRET}\N{FULLWIDTH QUESTION MARK}@localhost": "percent-encoded",
    "redis://[::1": "host",
    f"redis://:12?{SECRET}=1@localhost": "percent-encoded",
    "redis://localhost/one": "database",
    "redis://localhost?db=one": "db",
    "redis://localhost?socket_timeout=soon": "socket_timeout",
    "redis://localhost?port=abc": "port in the Redis URL is no number",
    "redis://localhost?port=70000": "port in the Redis URL is no number",
    "redis://localhost?decode_responses=perhaps": "decode_responses in the Redis URL must be true or false",
    "redis://localhost?socket_keepalive=maybe": "socket_keepalive in the Redis URL must be true or false",
    "unix:///" + 30 * "long/": "has 151 bytes, it must have at most",
    "redis://localhost?client_nam=x": "did you mean 'client_name'",
    "redis://localhost?max_connections=5": "max_size",
    "unix://": "path",
}


@pytest.fixture(params=[RedisAdapter, AsyncRedisAdapter])
def kind(request: pytest.FixtureRequest) -> Any:
    """Both adapters."""
    return request.param


@pytest.mark.parametrize(("url", "word"), BAD_URLS.items(), ids=range(len(BAD_URLS)))
def test_a_bad_url_is_refused_by_name_and_never_quoted(kind: Any, url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word) as caught:
        kind(url)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    assert SECRET not in str(caught.value.__context__)


@pytest.mark.parametrize(
    ("connect", "word"),
    [
        ({"client_nam": "x"}, "did you mean 'client_name'"),
        ({"retry": None}, "never reconnects"),
        ({"retry_on_timeout": True}, "never reconnects"),
        ({"single_connection_client": True}, "every lease is one connection"),
        ({"redis_connect_func": print}, "configure="),
        ({"maint_notifications_config": None}, "middle of a session"),
        ({"credential_provider": 5}, "credential_provider"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_argument_that_a_pool_cannot_honour_is_refused_with_the_reason(
    kind: Any, connect: Any, word: str
) -> None:
    with pytest.raises(TypeError, match=word):
        kind("redis://localhost", connect=connect)


@pytest.mark.parametrize(
    ("connect", "error", "says"),
    [
        ({"port": 99999}, ValueError, "port is 99999, it must be a number from 1 to 65535"),
        ({"host": b"db"}, TypeError, "host is b'db', it must be a str"),
        ({"ssl": True, "ssl_ca_certs": 5.0}, TypeError, "ssl_ca_certs is 5.0, it must be a str or a path"),
        ({"ssl": True, "ssl_ca_certs": 10**30}, TypeError, "it must be a str or a path"),
        ({"port": -1}, ValueError, "port is -1, it must be a number from 1 to 65535"),
        ({"port": 0}, ValueError, "port is 0, it must be a number from 1 to 65535"),
        ({"protocol": 4}, ValueError, "protocol is 4, it must be 2 or 3"),
        ({"protocol": "x"}, ValueError, "protocol is 'x', it must be 2 or 3"),
        ({"protocol": True}, ValueError, "protocol is True, it must be 2 or 3"),
        ({"protocol": [3]}, TypeError, "protocol is [3], it must be 2 or 3"),
        (
            {"socket_timeout": 0},
            ValueError,
            "socket_timeout is 0, it must be a number of seconds, more than 0",
        ),
        ({"socket_timeout": -1}, ValueError, "socket_timeout is -1"),
        ({"socket_timeout": float("nan")}, ValueError, "socket_timeout is nan"),
        ({"socket_timeout": float("inf")}, ValueError, "socket_timeout is inf"),
        ({"socket_timeout": "5"}, TypeError, "socket_timeout is '5', it must be a number of seconds"),
        ({"socket_connect_timeout": -1}, ValueError, "socket_connect_timeout is -1"),
        ({"socket_read_size": 0}, ValueError, "socket_read_size is 0, it must be at least 1"),
        ({"socket_read_size": "x"}, TypeError, "socket_read_size is 'x', it must be an int"),
        ({"socket_keepalive_options": 3}, TypeError, "socket_keepalive_options is 3, it must map"),
        ({"socket_keepalive_options": {"a": 1}}, TypeError, "socket_keepalive_options has 'a': 1, it must"),
        ({"socket_keepalive_options": {1: "x"}}, TypeError, "socket_keepalive_options has 1: 'x', it must"),
        ({"host": ""}, ValueError, "host is '', it must be a name or an address"),
        ({"host": "a\0b"}, ValueError, r"host is 'a\x00b', it must be a name or an address"),
        ({"port": 1.5}, TypeError, "port is 1.5, it must be an int"),
    ],
)
def test_a_value_with_which_no_command_would_work_is_refused(
    kind: Any, connect: Any, error: type[Exception], says: str
) -> None:
    """redis-py's own error comes at each connect, or each command, and looks like an outage."""
    with pytest.raises(error, match=re.escape(says)):
        kind("redis://localhost", connect=connect)


@pytest.mark.parametrize("query", ["protocol=4", "socket_timeout=0"])
def test_a_value_with_which_no_command_would_work_is_refused_in_the_url(kind: Any, query: str) -> None:
    with pytest.raises(ValueError, match=query.partition("=")[0]):
        kind(f"redis://localhost?{query}")


@pytest.mark.parametrize(
    "connect",
    [
        {"protocol": None},
        {"protocol": "3"},
        {"socket_timeout": None},
        {"socket_keepalive_options": {4: 9, 5: b"\1"}},
        {"port": "6380"},
    ],
)
def test_a_value_that_redis_py_takes_is_taken(kind: Any, connect: Any) -> None:
    kind("redis://localhost", connect=connect)


def test_an_unknown_hygiene_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match="'session', 'transaction', 'none'"):
        kind("redis://localhost", hygiene="spotless")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://", "localhost:6379/0"),
        ("redis://host", "host:6379/0"),
        ("valkey://host:7000/3", "host:7000/3"),
        ("REDIS://host/", "host:6379/0"),
        ("rediss://user:p%40ss@host:7001?db=4", "host:7001/4"),
        ("valkeys://host", "host:6379/0"),
        ("redis://[::1]:7000", "::1:7000/0"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock?db=1"),
        ("redis://ignored?unix_socket_path=/run/redis.sock", "/run/redis.sock?db=0"),
    ],
)
def test_a_url_says_where_to_connect(kind: Any, url: str, place: str) -> None:
    assert repr(place) in repr(kind(url))


@pytest.mark.parametrize(
    ("word", "expected"), [("true", True), ("no", False), ("off", False), ("False", False)]
)
def test_a_no_in_the_url_is_a_no(word: str, expected: bool) -> None:
    target = read_target(f"redis://host?decode_responses={word}", {}, {"tcp": redis.Connection})
    assert expected is target.options["decode_responses"]


def test_a_port_among_the_parameters_is_a_number() -> None:
    target = read_target("redis://host?port=7000", {}, {"tcp": redis.Connection})
    assert 7000 == target.options["port"]


def test_arguments_win_over_the_url(kind: Any) -> None:
    assert "'host:6379/7'" in repr(kind("redis://host/3", connect={"db": 7}))


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_the_url_is_what_is_connected_to(hand: Hand, server: Endpoint, scheme: str) -> None:
    url = f"{scheme}://{server.host}:{server.port}/5?client_name=from-url&decode_responses=yes"
    _, client = hand.lease(url)
    assert ("5", "from-url") == (hand.look(client)["db"], hand.look(client)["name"])
    hand.run(client.set("mine", "text"))
    assert hand.run(client.get("mine")) == "text"


def test_a_unix_socket_works_like_any_connection(colour: str, server_room: ServerRoom, tmp_path: Any) -> None:
    path = tmp_path / "s"
    with server_room.redis("--unixsocket", str(path)):
        hand = Hand(colour, f"unix://{path}?db=2")
        adapter, client = hand.lease()
        assert hand.look(client)["db"] == "2"
        hand.do(client, "SELECT", 5)
        hand.run(adapter.reset(client))
        assert hand.look(client)["db"] == "2"
        assert hand.run(adapter.validate(client))
        assert adapter.probe(client)
        hand.close()
