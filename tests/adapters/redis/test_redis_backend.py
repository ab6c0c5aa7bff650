"""The object behind the entry points: default work, the server's limits, and a driver that may be missing."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import pytest
import redis

import respool_redis
from respool import Backend, SupportsAbort, SupportsClassify, SupportsDirty, SupportsProbe
from respool_redis import backend

if TYPE_CHECKING:
    from tests.adapters.redis.hand import Hand
    from tests.servers import Endpoint, ServerRoom

HIDDEN = """
import sys
sys.modules["redis"] = None
import respool_redis
assert respool_redis.backend.name == "Redis"
try:
    {use}
except ImportError as exc:
    assert "pip install 'respool[redis]'" in str(exc), exc
else:
    raise SystemExit("no ImportError")
"""


def test_the_schemes_lead_to_the_backend() -> None:
    found = {
        point.name: point.load() for point in entry_points(group="respool.adapters") if "redis" in point.value
    }
    assert {"redis": backend, "rediss": backend, "valkey": backend, "valkeys": backend} == found


def test_the_backend_is_had_without_the_driver_being_loaded() -> None:
    code = "import sys, respool_redis; respool_redis.backend; raise SystemExit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@pytest.mark.parametrize(
    "use", ["from respool_redis import redis_pool", "respool_redis.backend.adapter('redis://localhost')"]
)
def test_a_missing_driver_is_told_with_what_to_install(use: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDDEN.format(use=use)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_driver_that_is_too_old_is_told_with_what_to_install() -> None:
    code = "import redis; redis.__version__ = '4.6.0'\nfrom respool_redis import RedisAdapter"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "needs redis-py 5.0 or newer, found 4.6.0" in done.stderr


def test_the_package_has_no_other_names() -> None:
    assert sorted(respool_redis.__all__) == dir(respool_redis)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        respool_redis.nothing  # noqa: B018


def test_both_adapters_have_every_ability(hand: Hand) -> None:
    adapter = hand.adapter()
    for ability in (SupportsProbe, SupportsDirty, SupportsAbort, SupportsClassify):
        assert isinstance(adapter, ability)


def coloured(hand: Hand) -> Any:
    """Give the backend's functions of one colour: prepare, work, limits."""
    if hand.colour == "sync":
        return backend.prepare, backend.work, backend.limits
    return backend.async_prepare, backend.async_work, backend.async_limits


@pytest.mark.parametrize("decode", [False, True])
def test_the_default_work_reads_and_writes_and_leaves_the_session_clean(hand: Hand, decode: bool) -> None:
    make: Any = backend.adapter if hand.colour == "sync" else backend.async_adapter
    adapter = make(hand.url, connect={"decode_responses": decode})
    client = hand.create(adapter)
    prepare, work, _ = coloured(hand)
    for _ in range(2):
        hand.run(prepare(client))
    for _ in range(3):
        hand.run(work(client))
    assert int(hand.run(client.get("respool:load:count"))) == 3
    assert not adapter.is_dirty(client)


def test_the_limits_are_what_the_server_says(hand: Hand, server: Endpoint, other: Any) -> None:
    _, client = hand.lease()
    limits = hand.run(coloured(hand)[2](client))
    info = other.info()
    assert limits.product == ("Valkey" if "valkey_version" in info else "Redis")
    assert limits.version == info.get("valkey_version", info["redis_version"])
    assert limits.max_connections == info["maxclients"]
    assert limits.used_connections >= 2
    assert limits.idle_limit is None
    assert limits.notes == ()


def test_the_limits_know_an_idle_limit_and_what_is_special(colour: str, server_room: ServerRoom) -> None:
    from tests.adapters.redis.hand import Hand

    with server_room.redis("--timeout", "77", "--maxclients", "50", "--replicaof", "127.0.0.1 1") as server:
        hand = Hand(colour, server.url)
        _, client = hand.lease()
        limits = hand.run(coloured(hand)[2](client))
        assert (limits.max_connections, limits.idle_limit) == (50, 77.0)
        assert any("replica" in note for note in limits.notes)
        hand.close()


def test_the_limits_do_without_info(hand: Hand, server: Endpoint) -> None:
    """Redis counts INFO among the dangerous commands, which applications' users often lack."""
    admin = redis.Redis.from_url(server.url)
    admin.acl_setuser("app", enabled=True, nopass=True, keys=["*"], categories=["+@all", "-@dangerous"])
    _, client = hand.lease(connect={"username": "app", "password": "any"})
    limits = hand.run(coloured(hand)[2](client))
    assert (limits.version, limits.used_connections) == ("unknown", None)
    assert any("INFO" in note for note in limits.notes)
    assert hand.run(client.ping())
    admin.acl_deluser("app")
    admin.close()


def test_the_limits_do_without_config(colour: str, server_room: ServerRoom) -> None:
    from tests.adapters.redis.hand import Hand

    assert isinstance(backend, Backend)
    with server_room.redis("--rename-command", "CONFIG", "") as server:
        hand = Hand(colour, server.url)
        _, client = hand.lease()
        limits = hand.run(coloured(hand)[2](client))
        assert limits.max_connections is not None
        assert any("CONFIG" in note for note in limits.notes)
        hand.close()
