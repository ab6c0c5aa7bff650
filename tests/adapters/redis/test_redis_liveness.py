"""Free liveness: what the server closed is never handed out; a hung call can be ended."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis.utils
from redis import exceptions as errors

from respool import Adapter, Fault, ResourceSpoiled, Timeouts
from respool._bound_adapter import bind_adapter
from respool_redis import AsyncRedisAdapter, RedisAdapter
from tests.adapters.redis.hand import Hand, is_old_redis_py

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Endpoint, Proxy, RedisServer

PATIENCE = 10.0


def test_probe_asks_nobody(hand: Hand, other: Any) -> None:
    """Behaviour 87. A silent connection is fine; nothing is sent."""
    adapter, client = hand.lease()
    before = other.info("stats")["total_commands_processed"]
    assert all(adapter.probe(client) for _ in range(100))
    assert other.info("stats")["total_commands_processed"] <= before + 1


@pytest.mark.parametrize("how", ["killed", "left"])
def test_probe_sees_that_the_server_hung_up(hand: Hand, other: Any, how: str) -> None:
    """Behaviour 87."""
    adapter, client = hand.lease()
    if how == "killed":
        other.client_kill_filter(_id=hand.run(client.client_id()))
    else:
        hand.send(client, "QUIT")
    assert not eventually(lambda: adapter.probe(client))


def eventually(probe: Callable[[], bool]) -> bool:
    """Probe until the answer is no or an error."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if not probe():
                return False
        except errors.ConnectionError:
            return False
        time.sleep(0.005)
    return True


def test_probe_suspects_what_was_said_unasked_and_validate_decides(hand: Hand) -> None:
    """Behaviour 87."""
    adapter, client = hand.lease()
    hand.send(client, "PING")
    assert not eventually(lambda: adapter.probe(client))
    assert not hand.run(adapter.validate(client))


def test_probe_sees_bytes_that_are_already_in_the_drivers_buffer(hand: Hand) -> None:
    """Two replies in one segment, of which the driver read one."""
    adapter, client = hand.lease()
    connection = client.connection_pool.leased
    hand.run(connection.send_packed_command(connection.pack_commands([("PING",), ("ECHO", "two")])))
    hand.run(asyncio.sleep(0.05)) if hand.colour == "async" else time.sleep(0.05)
    assert hand.run(connection.read_response()) == b"PONG"
    assert not adapter.probe(client)
    if hand.colour == "sync":
        assert adapter.glance(client) is None, "a glance would not see them"


@pytest.fixture
def blocking(server: Endpoint) -> Iterator[Hand]:
    """The blocking adapter alone."""
    with contextlib.closing(Hand("sync", server.url)) as hand:
        yield hand


def read_the_first(client: Any, *commands: tuple[Any, ...], meanwhile: Callable[[], Any] = bool) -> None:
    """Send commands, and read one reply after all that the server has said has come in."""
    connection = client.connection_pool.leased
    connection.send_packed_command(connection.pack_commands(commands))
    connection.ledger.pending = 1  # the book knows of one
    meanwhile()
    time.sleep(0.05)
    assert connection.read_response() == b"PONG"


@pytest.mark.parametrize("level", ["session", "transaction"])
def test_a_release_sees_what_a_hand_out_does_not_look_for(blocking: Hand, level: Any) -> None:
    """Bytes in the driver's buffer: a glance sees the wire alone."""
    adapter, client = blocking.lease(hygiene=level)
    glance = adapter.glance(client)
    read_the_first(client, ("PING",), ("ECHO", "two"))
    assert not glance(0)
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="unread"):
        adapter.reset(client)


def test_a_check_that_was_answered_twice_has_failed(blocking: Hand) -> None:
    """The second answer may come in together with the first."""
    adapter, client = blocking.lease()
    connection = client.connection_pool.leased
    send = connection.send_packed_command

    def send_more(command: Any, **kwargs: Any) -> None:
        send([*command, *connection.pack_command("ECHO", "two")], **kwargs)
        time.sleep(0.05)

    connection.send_packed_command = send_more
    assert not adapter.validate(client)


@pytest.mark.skipif(is_old_redis_py(), reason="redis-py 5.0 cannot read pushes of every kind")
def test_what_the_server_pushed_costs_no_connection(blocking: Hand, other: Any) -> None:
    """At "transaction" a user may have keys tracked; an invalidation that nobody has read is taken in."""
    adapter, client = blocking.lease(hygiene="transaction", connect={"protocol": 3})
    blocking.do(client, "CLIENT", "TRACKING", "ON", "BCAST")
    read_the_first(client, ("PING",), meanwhile=lambda: other.set("kept", "no"))
    assert adapter.is_dirty(client)
    adapter.reset(client)
    assert not adapter.is_dirty(client)
    assert client.get("kept") == b"no"


@pytest.mark.skipif(is_old_redis_py(), reason="redis-py 5.0 cannot read pushes of every kind")
@pytest.mark.parametrize(("pushes", "verdict"), [(1, True), (2, True), (99, False)])
def test_a_push_that_comes_in_with_the_answer_is_no_second_answer(
    blocking: Hand, other: Any, pushes: int, verdict: bool
) -> None:
    """It is taken in by another question; a line that never falls silent is given up."""
    adapter, client = blocking.lease(hygiene="transaction", connect={"protocol": 3})
    blocking.do(client, "CLIENT", "TRACKING", "ON", "BCAST")
    connection = client.connection_pool.leased
    send, left = connection.send_packed_command, iter(range(pushes))

    def send_and_wait(command: Any, **kwargs: Any) -> None:
        send(command, **kwargs)
        time.sleep(0.05)  # the answer is there, and then the push
        if next(left, None) is not None:
            other.set("kept", "no")
            time.sleep(0.05)

    connection.send_packed_command = send_and_wait
    assert adapter.validate(client) is verdict


def test_the_hand_out_glances_at_the_wire(blocking: Hand, other: Any) -> None:
    adapter, client = blocking.lease()
    assert bind_adapter(adapter, Adapter).glance
    glance = adapter.glance(client)
    assert not glance(0)
    other.client_kill_filter(_id=client.client_id())
    assert not eventually(lambda: not glance(0))
    adapter, client = blocking.lease(hygiene="none")
    assert adapter.glance(client) is None, "nothing is cleaned there, so nothing sees what was left"


def test_validate_wants_its_own_answer(hand: Hand) -> None:
    adapter, client = hand.lease()
    assert hand.run(adapter.validate(client))
    decoding, text_client = hand.lease(connect={"decode_responses": True})
    assert hand.run(decoding.validate(text_client))
    assert hand.run(text_client.get("nothing")) is None


@pytest.mark.skipif(
    is_old_redis_py() and redis.utils.HIREDIS_AVAILABLE,
    reason="redis-py 5.0 on hiredis reads no pushes",
)
def test_validate_skips_what_the_server_pushes(hand: Hand, other: Any) -> None:
    """An invalidation is no reply."""
    adapter, client = hand.lease(hygiene="none", connect={"protocol": 3})
    hand.do(client, "CLIENT", "TRACKING", "ON", "BCAST")
    other.set("kept", "yes")
    assert not eventually(lambda: adapter.probe(client))
    assert hand.run(adapter.validate(client))


def test_validate_ends_within_its_timeout_when_nobody_answers(
    colour: str, redis_server: Endpoint, proxy_to: Callable[[Endpoint], Proxy]
) -> None:
    """Behaviour 84."""
    proxy = proxy_to(redis_server)
    hand = Hand(colour, f"redis://{proxy.host}:{proxy.port}/0")
    adapter, client = hand.lease(timeouts=Timeouts(validate=0.2))
    proxy.hang()
    assert adapter.probe(client)
    before = time.monotonic()
    with pytest.raises((errors.TimeoutError, TimeoutError)):
        hand.run(adapter.validate(client))
    assert time.monotonic() - before < PATIENCE
    hand.close()


def test_reset_ends_within_its_timeout_when_nobody_answers(
    colour: str, redis_server: Endpoint, proxy_to: Callable[[Endpoint], Proxy]
) -> None:
    proxy = proxy_to(redis_server)
    hand = Hand(colour, f"redis://{proxy.host}:{proxy.port}/0")
    adapter, client = hand.lease(timeouts=Timeouts(reset=0.2))
    hand.do(client, "SELECT", 5)
    proxy.hang()
    with pytest.raises((errors.TimeoutError, TimeoutError)):
        hand.run(adapter.reset(client))
    hand.close()


def test_create_ends_within_its_timeout_when_the_server_is_frozen(
    colour: str, fresh_redis: RedisServer
) -> None:
    hand = Hand(colour, fresh_redis.url)
    adapter = hand.adapter(timeouts=Timeouts(create=0.3))
    fresh_redis.freeze()
    before = time.monotonic()
    with pytest.raises((errors.TimeoutError, TimeoutError)) as caught:
        hand.run(adapter.create())
    assert time.monotonic() - before < PATIENCE
    assert adapter.classify(caught.value) is Fault.BACKEND_DOWN
    fresh_redis.thaw()
    assert hand.run(hand.create(adapter).ping())
    hand.close()


def test_the_users_socket_timeout_is_back_after_our_own_calls(hand: Hand) -> None:
    adapter, client = hand.lease(
        connect={"socket_timeout": 0.3}, timeouts=Timeouts(create=9, validate=9, reset=9)
    )
    hand.run(adapter.validate(client))
    hand.do(client, "SELECT", 5)
    hand.run(adapter.reset(client))
    with pytest.raises(errors.TimeoutError):
        hand.run(client.blpop(["nothing"], timeout=0))


def test_abort_ends_a_call_that_hangs_in_a_thread(server: Endpoint) -> None:
    adapter = RedisAdapter(server.url, connect={"socket_timeout": None})
    client = adapter.create()
    caught: list[BaseException] = []

    def hang() -> None:
        try:
            client.blpop(["nothing"], timeout=0)
        except errors.ConnectionError as exc:
            caught.append(exc)

    thread = threading.Thread(target=hang)
    thread.start()
    while not client.connection_pool.leased.ledger.pending:
        time.sleep(0.001)
    adapter.abort(client)
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert adapter.classify(caught[0]) is Fault.RESOURCE_BROKEN
    adapter.destroy(client)
    adapter.abort(client)


def test_abort_ends_a_call_that_hangs_in_a_task(server: Endpoint) -> None:
    async def main() -> None:
        adapter = AsyncRedisAdapter(server.url, connect={"socket_timeout": None})
        client = await adapter.create()
        hung = asyncio.create_task(client.blpop(["nothing"], timeout=0))
        while not client.connection_pool.leased.ledger.pending:
            await asyncio.sleep(0)
        adapter.abort(client)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(errors.ConnectionError):
                await hung
        await adapter.destroy(client)
        adapter.abort(client)

    asyncio.run(main())
