"""What a real server's refusals mean, and that no message of ours tells a secret."""

from __future__ import annotations

import gc
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions as errors

from respool import Fault, ResourceSpoiled
from tests.adapters.redis.hand import Hand
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Endpoint, ServerRoom

CANARY = "canary-Pa55word"


@pytest.fixture
def hands(colour: str) -> Iterator[Any]:
    """Makes hands of one colour on servers of the test's own."""
    made: list[Hand] = []

    def make(url: str) -> Hand:
        made.append(Hand(colour, url))
        return made[-1]

    yield make
    for hand in made:
        hand.close()


def failure(hand: Hand, url: str | None = None, **options: Any) -> tuple[Fault, BaseException]:
    """Fail to create, and tell what that means."""
    adapter = hand.adapter(url, **options)
    with pytest.raises(Exception) as caught:  # noqa: PT011 -- which one is what is to be found out
        hand.run(adapter.create())
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert CANARY not in repr(adapter)
    return adapter.classify(caught.value), caught.value


def test_what_is_wrong_with_a_login_is_no_outage(hands: Any, server_room: ServerRoom) -> None:
    with server_room.redis("--requirepass", "right") as server:
        hand = hands(server.url)
        for connect in (
            {},
            {"password": CANARY},
            {"username": "nobody", "password": CANARY},
            {"protocol": 2},
        ):
            assert failure(hand, connect=connect)[0] is Fault.CONFIG
        assert failure(hand, connect={"protocol": 2, "password": CANARY})[0] is Fault.CONFIG
        _, client = hand.lease(connect={"password": "right"})
        assert hand.run(client.ping())


def test_a_refused_login_is_told_at_once_under_gevent_too(redis_server: Endpoint) -> None:
    """A cooperative socket waits where the system's says that there is nothing to read."""
    pytest.importorskip("gevent")
    program = f"""
from gevent import monkey

monkey.patch_all()

from respool import BackendError
from respool_redis import redis_pool

with redis_pool("{redis_server.url}", connect={{"username": "nobody", "password": "wrong"}}) as pool:
    try:
        pool.acquire(timeout=20)
    except BackendError:
        pass
with redis_pool("{redis_server.url}") as pool:
    assert pool.run(lambda client: client.ping())
    assert pool.run(lambda client: client.ping())
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=15)


def test_a_user_who_may_not_ping_is_told_at_once(hands: Any, server_room: ServerRoom) -> None:
    """Without PING nobody could tell whether a connection answers."""
    with server_room.redis("--user", "mute", "on", f">{CANARY}", "~*", "&*", "+@all", "-ping") as server:
        url = server.url.replace("redis://", f"redis://mute:{CANARY}@")
        fault, exc = failure(hands(url))
        assert Fault.CONFIG is fault
        assert "'ping'" in str(exc)


def test_a_database_that_there_is_not_is_no_outage(hand: Hand) -> None:
    fault, error = failure(hand, connect={"db": 99})
    assert fault is Fault.CONFIG
    assert "index" in str(error)


def test_the_users_own_bad_select_is_benign(hand: Hand) -> None:
    adapter, client = hand.lease()
    with pytest.raises(errors.ResponseError) as caught:
        hand.do(client, "SELECT", 99)
    assert adapter.classify(caught.value) is Fault.BENIGN


def test_too_many_clients_is_capacity(hands: Any, server_room: ServerRoom) -> None:
    with server_room.redis("--maxclients", "2") as server:
        hand = hands(server.url)
        kept = [hand.lease() for _ in range(2)]
        assert failure(hand)[0] is Fault.CAPACITY
        assert all(hand.run(client.ping()) for _, client in kept)


def test_nobody_at_the_port_is_an_outage(colour: str, hands: Any) -> None:
    assert failure(hands(f"redis://127.0.0.1:{free_port()}"))[0] is Fault.BACKEND_DOWN


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # redis-py 5.0 forgets to close it
def test_a_socket_that_is_not_there_is_an_outage(hands: Any, tmp_path: Any) -> None:
    assert failure(hands(f"unix://{tmp_path}/none.sock"))[0] is Fault.BACKEND_DOWN
    gc.collect()


def test_a_server_that_hangs_up_during_the_login_is_an_outage(hands: Any, server_room: ServerRoom) -> None:
    with server_room.redis("--maxclients", "1") as server:
        hand = hands(server.url)
        adapter, _ = hand.lease()
        error = errors.ConnectionError("Connection closed by server.")
        assert adapter.classify(error) is Fault.RESOURCE_BROKEN
        server.kill()
        assert failure(hand)[0] is Fault.BACKEND_DOWN


def test_a_replica_refuses_to_write_and_is_a_broken_resource(hands: Any, server_room: ServerRoom) -> None:
    """What a failover leaves behind (behaviour of section 9, 11)."""
    with server_room.redis("--replicaof", f"127.0.0.1 {free_port()}") as server:
        hand = hands(server.url)
        adapter, client = hand.lease()
        with pytest.raises(errors.ReadOnlyError) as caught:
            hand.run(client.set("mine", 1))
        assert adapter.classify(caught.value) is Fault.RESOURCE_BROKEN


def test_a_replica_without_its_master_is_an_outage(hands: Any, server_room: ServerRoom) -> None:
    with server_room.redis("--replicaof", f"127.0.0.1 {free_port()}") as server:
        hand = hands(server.url)
        adapter, client = hand.lease()
        hand.run(client.config_set("replica-serve-stale-data", "no"))
        with pytest.raises(errors.RedisError) as caught:
            hand.run(client.get("mine"))
        assert adapter.classify(caught.value) is Fault.BACKEND_DOWN


def test_a_server_without_reset_has_changed_sessions_replaced(hands: Any, server_room: ServerRoom) -> None:
    """Redis before 6.2; clean sessions are used again as ever."""
    with server_room.redis("--rename-command", "RESET", "") as server:
        hand = hands(server.url)
        adapter, client = hand.lease()
        hand.run(client.set("mine", 1))
        assert not adapter.is_dirty(client)
        hand.do(client, "SELECT", 5)
        with pytest.raises(ResourceSpoiled, match=r"6\.2"):
            hand.run(adapter.reset(client))


def test_a_server_without_resp3_is_no_outage_and_the_error_says_what_to_do(
    hands: Any, server_room: ServerRoom
) -> None:
    with server_room.redis("--rename-command", "HELLO", "") as server:
        hand = hands(server.url)
        fault, error = failure(hand, connect={"protocol": 3})
        assert fault is Fault.CONFIG
        assert any("'protocol': 2" in note for note in error.__notes__)
        adapter, client = hand.lease(connect={"protocol": 2})
        hand.do(client, "SELECT", 5)
        hand.run(adapter.reset(client))
        assert hand.look(client)["db"] == "0"


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (errors.ResponseError("WRONGTYPE"), Fault.BENIGN),
        (errors.WatchError("Watched variable changed."), Fault.BENIGN),
        (errors.LockError("not owned"), Fault.BENIGN),
        (errors.NoPermissionError("this user has no permissions"), Fault.BENIGN),
        (errors.PubSubError("busy"), Fault.BENIGN),
        (KeyError("the user's own"), Fault.BENIGN),
        (TimeoutError("the user's own"), Fault.BENIGN),
        (KeyboardInterrupt(), Fault.BENIGN),
        (errors.ConnectionError("Connection reset"), Fault.RESOURCE_BROKEN),
        (errors.TimeoutError("Timeout reading"), Fault.RESOURCE_BROKEN),
        (errors.InvalidResponse("Protocol Error"), Fault.RESOURCE_BROKEN),
        (errors.ReadOnlyError("READONLY"), Fault.RESOURCE_BROKEN),
        (ResourceSpoiled("unread"), Fault.RESOURCE_BROKEN),
        (errors.BusyLoadingError("LOADING"), Fault.BACKEND_DOWN),
        (errors.ClusterDownError("CLUSTERDOWN The cluster is down"), Fault.BACKEND_DOWN),
        (errors.ConnectionError("max number of clients reached"), Fault.CAPACITY),
        (errors.AuthenticationError("invalid password"), Fault.CONFIG),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.name,
)
def test_what_an_error_in_use_means(redis_server: Any, colour: str, error: Any, fault: Fault) -> None:
    """Behaviour 91."""
    hand = Hand(colour, redis_server.url)
    assert hand.adapter().classify(error) is fault
    hand.close()


def test_a_configure_that_fails_is_the_configurations_fault_and_leaves_nothing_open(
    hand: Hand, other: Any
) -> None:
    """Behaviour 47."""

    def configure(client: Any) -> None:
        raise ValueError("no such mode")

    fault, _ = failure(hand, configure=configure, connect={"client_name": "half-made"})
    assert fault is Fault.CONFIG
    names = {entry["name"] for entry in other.client_list()}
    assert "half-made" not in names


def test_credentials_are_asked_for_at_each_create(hand: Hand, other: Any) -> None:
    """Tokens that rotate: the next connection logs in with the next one."""
    rules = ("reset", "on", "allkeys", "+@all")
    other.execute_command("ACL", "SETUSER", "rotating", *rules, ">token-1")
    tokens = iter(["token-1", "token-2"])
    adapter = hand.adapter(connect={"username": "rotating", "password": lambda: next(tokens)})
    first = hand.create(adapter)
    other.execute_command("ACL", "SETUSER", "rotating", *rules, ">token-2")
    other.execute_command("ACL", "SETUSER", "rotating", "resetpass", ">token-2")
    second = hand.create(adapter)
    assert hand.look(second)["user"] == "rotating"
    assert hand.run(first.ping())
    hand.do(first, "SELECT", 5)
    # Redis 8.0 gives a login that it refuses in the middle of a pipeline no answer at all.
    with pytest.raises(ResourceSpoiled, match=r"no longer valid|2 commands got 1 replies"):
        hand.run(adapter.reset(first))


def test_credentials_may_come_from_redis_pys_provider_or_from_a_pair(hand: Hand, other: Any) -> None:
    from redis.credentials import UsernamePasswordCredentialProvider

    other.execute_command("ACL", "SETUSER", "provided", "reset", "on", ">word", "allkeys", "+@all")
    for provider in (UsernamePasswordCredentialProvider("provided", "word"), lambda: ("provided", "word")):
        _, client = hand.lease(connect={"credential_provider": provider})
        assert hand.look(client)["user"] == "provided"


class OnlyBlocking:
    """A provider of somebody's own, with the one method that redis-py asks of it."""

    def __init__(self, given: Any) -> None:
        self._given = given

    def get_credentials(self) -> Any:
        return self._given


def test_a_provider_needs_one_method(hand: Hand, other: Any) -> None:
    other.execute_command("ACL", "SETUSER", "provided", "reset", "on", ">word", "allkeys", "+@all")
    _, client = hand.lease(connect={"credential_provider": OnlyBlocking(("provided", "word"))})
    assert hand.look(client)["user"] == "provided"


@pytest.mark.parametrize(
    "given", [5, (), (CANARY, "b", "c"), ("a", 5), b"secret", {"username": "a", "password": CANARY}]
)
def test_credentials_that_are_none_fail_at_once_and_are_not_shown(hand: Hand, given: Any) -> None:
    fault, exc = failure(hand, connect={"credential_provider": OnlyBlocking(given)})
    assert fault is Fault.CONFIG
    assert str(exc) == "credentials must be a password or a pair of user name and password, all str"


def test_asynchronous_credentials_are_awaited(redis_server: Any, server_room: ServerRoom) -> None:
    async def token() -> str:
        return "right"

    with server_room.redis("--requirepass", "right") as server:
        hand = Hand("async", server.url)
        for connect in ({"password": token}, {"username": "default", "password": token}):
            _, client = hand.lease(connect=connect)
            assert hand.run(client.ping())
        hand.close()


def test_no_repr_tells_a_secret(hands: Any, server_room: ServerRoom) -> None:
    """Behaviour 135."""
    with server_room.redis("--requirepass", CANARY) as server:
        hand = hands(f"redis://:{CANARY}@{server.host}:{server.port}/2")
        adapter, client = hand.lease()
        shown = (adapter, client, client.connection_pool, client.connection_pool.leased, adapter._target)
        assert not [thing for thing in shown if CANARY in repr(thing)]
        hand.do(client, "SELECT", 5)
        hand.run(adapter.reset(client))
