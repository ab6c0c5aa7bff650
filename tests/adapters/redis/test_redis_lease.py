"""What a pooled user gets: a client of which everything runs on one connection, and that never reconnects."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
from redis import exceptions as errors

from respool import Fault, ResourceSpoiled
from respool_redis import AsyncRedisAdapter, RedisAdapter
from tests.adapters.redis.hand import in_any_order, is_old_redis_py

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.adapters.redis.hand import Hand

PATIENCE = 10.0


@pytest.fixture
def lease(server: Any) -> Iterator[tuple[RedisAdapter, redis.Redis]]:
    """A blocking adapter and a client, for what only threads can do."""
    adapter = RedisAdapter(server.url)
    client = adapter.create()
    yield adapter, client
    adapter.destroy(client)


def until(condition: Any) -> None:
    """Wait for something that another thread or process does."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def names(other: Any) -> list[str]:
    """List the names of all sessions that have one."""
    return sorted(entry["name"] for entry in other.client_list() if entry["name"])


def test_the_resource_is_redis_pys_own_class(hand: Hand) -> None:
    _, client = hand.lease()
    assert isinstance(client, redis.Redis if hand.colour == "sync" else redis.asyncio.Redis)


def test_everything_runs_on_the_one_connection(hand: Hand, other: Any) -> None:
    """Pipelines, transactions, scripts, locks, monitors, clients of the client: one session in all."""
    _, client = hand.lease(connect={"client_name": "one"})
    mine = hand.run(client.client_id())
    assert [mine, mine] == hand.run(client.pipeline().client_id().client_id().execute())
    assert [mine] == hand.run(client.pipeline(transaction=False).client_id().execute())
    assert hand.run(client.register_script("return 1")()) == 1
    lock = client.lock(f"lock:{mine}", timeout=5)
    assert hand.run(lock.acquire())
    hand.run(lock.release())
    assert ["one"] == names(other)


def test_a_watched_transaction_sees_the_others_change(hand: Hand, other: Any) -> None:
    adapter, client = hand.lease()
    pipe = client.pipeline()
    hand.run(pipe.watch("kept"))
    assert hand.run(client.get("kept")) == b"yes"
    other.set("kept", "changed")
    pipe.multi()
    pipe.set("kept", "mine")
    with pytest.raises(errors.WatchError) as caught:
        hand.run(pipe.execute())
    assert adapter.classify(caught.value) is Fault.BENIGN
    assert not adapter.is_dirty(client)


def test_a_pipeline_that_still_watches_means_giving_the_connection_up(hand: Hand) -> None:
    adapter, client = hand.lease()
    pipe = client.pipeline()
    hand.run(pipe.watch("kept"))
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="outlived"):
        hand.run(adapter.reset(client))
    hand.run(pipe.reset())


def test_a_command_that_cannot_be_sent_is_in_nobodys_way(hand: Hand) -> None:
    """Not of another thread, not of another task, not of the pool's own clean-up."""
    adapter, client = hand.lease()
    for call in (
        lambda: client.set("mine", object()),
        lambda: client.pipeline().set("mine", object()).execute(),
    ):
        with pytest.raises(errors.DataError):
            hand.run(call())
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(hand.run(adapter.validate(client))))
    thread.start()
    thread.join(PATIENCE)
    assert [True] == answers
    assert not adapter.is_dirty(client)


@pytest.mark.parametrize("protocol", [2, 3])
def test_pub_sub_runs_on_the_connection_and_leaves_it_usable(hand: Hand, other: Any, protocol: int) -> None:
    """While it is subscribed the connection is its alone; closing it unsubscribes and does not hang up."""
    adapter, client = hand.lease(connect={"protocol": protocol, "client_name": "one"})
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    hand.run(pubsub.psubscribe("n*"))
    until(lambda: other.publish("news", "hello") == 2)
    seen: list[Any] = []
    until(
        lambda: seen.append(hand.run(pubsub.get_message(timeout=1))) or sum(_is_message(m) for m in seen) == 2
    )
    assert ["one"] == names(other)
    with pytest.raises(errors.PubSubError, match="subscribed"):
        hand.run(client.get("kept"))
    hand.close_pubsub(pubsub)
    other.publish("news", "nobody")
    assert hand.run(client.get("kept")) == b"yes"
    assert other.publish("news", "nobody") == 0
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert hand.run(adapter.validate(client))


def _is_message(message: Any) -> bool:
    return bool(message) and message["type"] in ("message", "pmessage")


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_health_check_of_the_drivers_own_stays_out_of_unsubscribing(
    hand: Hand, other: Any, protocol: int
) -> None:
    """It took a message, or in RESP2 a subscriber's answer to a PING, for a broken connection."""
    adapter, client = hand.lease(connect={"protocol": protocol, "health_check_interval": 60})
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    until(lambda: other.publish("news", "unread"))
    client.connection_pool.leased.next_health_check = 0  # now
    hand.close_pubsub(pubsub)
    assert hand.run(client.get("kept")) == b"yes"
    hand.run(adapter.reset(client))
    assert hand.run(adapter.validate(client))


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_subscription_in_multi_mixes_no_replies_up(hand: Hand, protocol: int) -> None:
    """It is only queued, and so is the end of it: EXEC was answered with what unsubscribing had left."""
    adapter, client = hand.lease(connect={"protocol": protocol})
    hand.do(client, "MULTI")
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    hand.close_pubsub(pubsub)
    with pytest.raises(errors.ConnectionError, match="was in MULTI"):
        hand.do(client, "EXEC")
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        hand.do(client, "GET", "kept")
    with pytest.raises(ResourceSpoiled, match="closed during the lease"):
        hand.run(adapter.reset(client))


def test_a_pub_sub_object_may_wait_for_messages(hand: Hand, other: Any) -> None:
    _, client = hand.lease()
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    until(lambda: other.publish("news", "hello"))
    assert [b"subscribe", b"news", 1] == hand.run(pubsub.parse_response(block=True))
    assert [b"message", b"news", b"hello"] == hand.run(pubsub.parse_response(block=True))
    hand.close_pubsub(pubsub)
    assert hand.run(client.ping())


def test_a_push_handler_ends_with_its_pub_sub_object_and_the_connection(hand: Hand) -> None:
    """It stays in the driver's parser, where it would go on hearing."""
    adapter, client = hand.lease(connect={"protocol": 3})
    hand.close_pubsub(client.pubsub(push_handler_func=print))  # it has never subscribed
    assert hand.run(client.ping())
    pubsub = client.pubsub(push_handler_func=print)
    hand.run(pubsub.subscribe("news"))
    hand.close_pubsub(pubsub)
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        hand.run(client.ping())
    with pytest.raises(ResourceSpoiled, match="closed during the lease"):
        hand.run(adapter.reset(client))


@pytest.mark.parametrize("level", ["session", "transaction", "none"])
def test_a_pub_sub_object_that_outlives_its_lease_takes_its_connection_along(hand: Hand, level: Any) -> None:
    """Closing and collecting it later disturbs nobody."""
    adapter, client = hand.lease(hygiene=level)
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="pub/sub"):
        hand.run(adapter.reset(client))
    hand.run(adapter.destroy(client))
    following = hand.create(adapter)
    hand.close_pubsub(pubsub)
    del pubsub
    gc.collect()
    assert hand.run(following.ping())
    assert adapter.probe(following)


def test_a_pub_sub_object_cannot_subscribe_in_a_later_lease(hand: Hand) -> None:
    adapter, client = hand.lease()
    early, used = client.pubsub(), client.pubsub()
    hand.run(used.subscribe("news"))
    hand.close_pubsub(used)
    hand.run(adapter.reset(client))
    assert not adapter.is_dirty(client)
    for pubsub in (early, used):
        with pytest.raises(errors.ConnectionError, match="outlived"):
            hand.run(pubsub.subscribe("news"))
    assert hand.run(client.get("kept")) is not None
    assert not adapter.is_dirty(client)


def test_collecting_a_pub_sub_object_within_the_lease_disturbs_nobody(lease: Any) -> None:
    adapter, client = lease
    pubsub = client.pubsub()
    pubsub.subscribe("news")
    del pubsub
    gc.collect()
    assert client.ping()
    adapter.reset(client)
    assert adapter.validate(client)


def test_a_pub_sub_thread_that_outlives_its_lease_ends(lease: Any) -> None:
    adapter, client = lease
    pubsub = client.pubsub()
    pubsub.subscribe(news=print)
    thread = pubsub.run_in_thread(
        sleep_time=60, exception_handler=lambda _error, _pubsub, thread: thread.stop()
    )
    until(lambda: client.connection_pool.leased.ledger.reading)
    with pytest.raises(ResourceSpoiled):
        adapter.reset(client)
    adapter.destroy(client)
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_pub_sub_thread_that_was_stopped_leaves_the_connection_usable(lease: Any, other: Any) -> None:
    adapter, client = lease
    heard = threading.Event()
    pubsub = client.pubsub()
    pubsub.subscribe(news=lambda _: heard.set())
    thread = pubsub.run_in_thread(sleep_time=0.01)
    until(lambda: other.publish("news", "hello"))
    assert heard.wait(PATIENCE)
    thread.stop()
    thread.join(PATIENCE)
    assert client.ping()
    adapter.reset(client)
    assert adapter.validate(client)


def test_a_pub_sub_object_closed_under_a_thread_that_reads_ends_the_connection(lease: Any) -> None:
    """The thread would get the answer to whatever the lease asks next."""
    adapter, client = lease
    failed: list[Exception] = []
    pubsub = client.pubsub()
    pubsub.subscribe(news=print)
    pubsub.parse_response()
    thread = pubsub.run_in_thread(
        sleep_time=60, exception_handler=lambda error, _pubsub, thread: (failed.append(error), thread.stop())
    )
    until(lambda: client.connection_pool.leased.ledger.reading)
    pubsub.close()
    thread.join(PATIENCE)
    assert [errors.ConnectionError] == [type(error) for error in failed]
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        client.ping()
    with pytest.raises(ResourceSpoiled, match="closed during the lease"):
        adapter.reset(client)


def test_a_pub_sub_object_closed_under_a_task_that_reads_ends_the_connection(server: Any) -> None:
    async def main() -> None:
        adapter = AsyncRedisAdapter(server.url)
        client = await adapter.create()
        pubsub = client.pubsub()
        await pubsub.subscribe("news")
        await pubsub.parse_response()
        reading = asyncio.create_task(pubsub.parse_response())
        while not client.connection_pool.leased.ledger.reading:
            await asyncio.sleep(0)
        await getattr(pubsub, "aclose", pubsub.reset)()
        with pytest.raises(errors.ConnectionError):
            await reading
        with pytest.raises(errors.ConnectionError, match="never reconnects"):
            await client.ping()
        with pytest.raises(ResourceSpoiled, match="closed during the lease"):
            await adapter.reset(client)
        await adapter.destroy(client)

    asyncio.run(main())


def test_threads_may_share_a_leased_client(lease: Any) -> None:
    """Each gets the replies to its own commands."""
    adapter, client = lease
    wrong: list[Any] = []

    def work(me: int) -> None:
        for turn in range(50):
            client.set(f"thread:{me}", f"{me}:{turn}")
            found = client.pipeline().get(f"thread:{me}").echo(str(me)).execute()
            if found != [f"{me}:{turn}".encode(), str(me).encode()]:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert wrong == []
    assert not adapter.is_dirty(client)


def test_an_interrupt_between_a_commands_steps_never_leaves_others_waiting(lease: Any) -> None:
    """KeyboardInterrupt may leave the turn taken: the connection is given up, nobody hangs."""
    adapter, client = lease
    connection = client.connection_pool.leased
    connection.ledger.turn.acquire()
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="interrupted"):
        adapter.reset(client)
    with pytest.raises(errors.ConnectionError):
        client.ping()


def test_tasks_may_share_a_leased_client(server: Any) -> None:
    """Each gets the replies to its own commands; one that is cancelled ends the connection, not the reply."""

    async def work(client: Any, me: int) -> list[Any]:
        seen = []
        for turn in range(20):
            await client.set(f"task:{me}", f"{me}:{turn}")
            seen += await client.pipeline().get(f"task:{me}").echo(str(me)).execute()
        return seen

    async def main() -> None:
        adapter = AsyncRedisAdapter(server.url)
        client = await adapter.create()
        found = await asyncio.gather(*(work(client, me) for me in range(8)))
        for me, seen in enumerate(found):
            assert [
                value for turn in range(20) for value in (f"{me}:{turn}".encode(), str(me).encode())
            ] == seen
        assert not adapter.is_dirty(client)
        await adapter.destroy(client)

    asyncio.run(main())


def test_a_cancelled_command_never_leaves_its_reply_to_another(server: Any) -> None:
    async def main() -> None:
        adapter = AsyncRedisAdapter(server.url)
        client = await adapter.create()
        waiting = asyncio.create_task(client.blpop(["nothing"], timeout=0))
        queued = asyncio.create_task(client.get("kept"))
        for _ in range(20):
            await asyncio.sleep(0)
        waiting.cancel()
        results = await asyncio.gather(waiting, queued, return_exceptions=True)
        assert isinstance(results[0], asyncio.CancelledError)
        assert isinstance(results[1], errors.ConnectionError)
        assert adapter.is_dirty(client)
        with pytest.raises(ResourceSpoiled):
            await adapter.reset(client)
        await adapter.destroy(client)

    asyncio.run(main())


def test_a_lease_never_reconnects(hand: Hand, other: Any) -> None:
    """A session that changed unseen is worse than an error."""
    adapter, client = hand.lease(connect={"client_name": "killed"})
    other.client_kill_filter(_id=hand.run(client.client_id()))
    for _ in range(3):
        with pytest.raises(errors.ConnectionError) as caught:
            hand.run(client.get("kept"))
        assert adapter.classify(caught.value) is Fault.RESOURCE_BROKEN
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        hand.run(client.pipeline().get("kept").execute())
    with pytest.raises(errors.ConnectionError):
        hand.run(client.pubsub().subscribe("news"))
    assert names(other) == []
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(client))
    with pytest.raises(errors.ConnectionError):
        adapter.probe(client)


def test_a_connection_lost_while_watching_is_a_broken_resource(hand: Hand, other: Any) -> None:
    """redis-py then says WatchError."""
    adapter, client = hand.lease()
    pipe = client.pipeline()
    hand.run(pipe.watch("kept"))
    other.client_kill_filter(_id=hand.run(client.client_id()))
    pipe.multi()
    pipe.get("kept")
    with pytest.raises(errors.RedisError) as caught:
        hand.run(pipe.execute())
    assert adapter.classify(caught.value) is Fault.RESOURCE_BROKEN


def test_no_call_of_the_user_reconnects(hand: Hand) -> None:
    """Not the pool behind the client, not the retry policy."""
    adapter, client = hand.lease()
    hand.run(client.connection_pool.disconnect())
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        hand.run(client.connection_pool.leased.connect())
    with pytest.raises(errors.ConnectionError, match="never reconnects"):
        hand.run(client.ping())
    assert adapter.is_dirty(client)


def test_closing_the_client_does_not_end_the_lease(hand: Hand) -> None:
    adapter, client = hand.lease()
    hand.run(client.close() if hand.colour == "sync" or is_old_redis_py() else client.aclose())
    assert hand.run(client.ping())
    assert not adapter.is_dirty(client)


def test_destroy_leaves_nothing_open(hand: Hand, other: Any) -> None:
    adapter = hand.adapter(connect={"client_name": "counted"})
    clients = [hand.run(adapter.create()) for _ in range(3)]
    assert ["counted"] * 3 == names(other)
    for client in clients:
        hand.run(adapter.destroy(client))
    until(lambda: names(other) == [])


@in_any_order
def test_a_dropped_client_is_closed(server: Any, other: Any) -> None:
    adapter = RedisAdapter(server.url, connect={"client_name": "dropped"})
    client: Any = adapter.create()
    assert ["dropped"] == names(other)
    del client
    gc.collect()
    until(lambda: names(other) == [])
