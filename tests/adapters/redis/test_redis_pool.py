"""The adapters in their pools: what a user of `redis_pool` and `async_redis_pool` sees."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions as errors

from respool import BackendError, Timeouts, open_pool
from respool_redis import RedisAdapter, async_redis_pool, redis_pool
from tests.adapters.redis.hand import in_any_order

if TYPE_CHECKING:
    from tests.servers import Endpoint, ServerRoom

CANARY = "canary-Pa55word"
PATIENCE = 10.0


def soil(client: Any) -> None:
    """Leave a good deal behind."""
    client.execute_command("WATCH", "kept")
    client.execute_command("SELECT", 7)
    client.execute_command("CLIENT", "SETNAME", "soiled")
    client.execute_command("MULTI")


def test_no_lease_sees_what_another_left(server: Endpoint) -> None:
    """Behaviours 4 and 89."""
    with redis_pool(server.url, max_size=1) as pool:
        with pool.acquire() as client:
            before = client.client_info()
            soil(client)
        with pool.acquire() as client:
            after = client.client_info()
        same = ("id", "db", "name", "flags", "user")
        assert [before[name] for name in same] == [after[name] for name in same]
        assert pool.stats().created == 1


def test_no_async_lease_sees_what_another_left(server: Endpoint) -> None:
    """Behaviour 89."""

    async def main() -> None:
        async with async_redis_pool(server.url, max_size=1) as pool:
            async with pool.acquire() as client:
                before = await client.client_info()
                await client.execute_command("SELECT", 7)
                await client.execute_command("MULTI")
            async with pool.acquire() as client:
                after = await client.client_info()
            same = ("id", "db", "name", "flags", "user")
            assert [before[name] for name in same] == [after[name] for name in same]

    asyncio.run(main())


def test_a_pub_sub_object_that_outlives_its_lease_never_disturbs_the_next(server: Endpoint) -> None:
    """Behaviour 88. Its connection is given up; closing and collecting it later hurts nobody."""
    with redis_pool(server.url, max_size=1) as pool:
        with pool.acquire() as client:
            pubsub = client.pubsub()
            pubsub.subscribe("news")
        with pool.acquire() as client:
            pubsub.close()
            del pubsub
            gc.collect()
            assert client.ping()
        assert pool.stats().created == 2


def test_a_connection_that_was_killed_while_idle_is_never_handed_out(server: Endpoint, other: Any) -> None:
    """Behaviour 87."""
    with redis_pool(server.url, max_size=1) as pool:
        with pool.acquire() as client:
            first = client.client_id()
        other.client_kill_filter(_id=first)
        with pool.acquire() as client:
            assert client.client_id() != first


def test_run_tries_again_after_a_broken_connection_only(server: Endpoint, other: Any) -> None:
    """Behaviour 91."""
    tries: list[Any] = []

    def work(client: Any) -> Any:
        tries.append(client.client_id())
        if len(tries) == 1:
            other.client_kill_filter(_id=tries[0])
        return client.get("kept")

    def wrong(client: Any) -> None:
        tries.append(client.client_id())
        client.lpush("kept", 1)

    with redis_pool(server.url, max_size=2) as pool:
        assert pool.run(work, attempts=2) == b"yes"
        assert len(tries) == 2
        with pytest.raises(errors.ResponseError, match="WRONGTYPE"):
            pool.run(wrong, attempts=2)
        assert len(tries) == 3


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@in_any_order
def test_a_detached_client_is_ended_by_the_pool_behind_it(server: Endpoint) -> None:
    """Behaviour 100. Nothing tells it that it is detached; in a lease its own `close` must end nothing."""
    with redis_pool(server.url, max_size=1) as pool:
        client = pool.acquire().detach()
    gc.collect()  # what earlier tests have left shall not be collected in between
    before = descriptors()
    client.close()
    assert client.ping()
    client.connection_pool.disconnect()
    with pytest.raises(errors.ConnectionError):
        client.ping()
    assert 1 == before - descriptors()
    del client
    gc.collect()
    assert 2 == before - descriptors()


@in_any_order
def test_a_detached_async_client_is_ended_by_the_pool_behind_it(server: Endpoint) -> None:
    """Behaviour 100."""

    async def main() -> None:
        async with async_redis_pool(server.url, max_size=1) as pool:
            client = (await pool.acquire()).detach()
        gc.collect()
        before = descriptors()
        assert await client.ping()
        await client.connection_pool.disconnect()
        with pytest.raises(errors.ConnectionError):
            await client.ping()
        del client
        gc.collect()
        assert 2 == before - descriptors()

    asyncio.run(main())


def test_a_wrong_password_fails_at_once_and_is_not_told(server_room: ServerRoom) -> None:
    """Behaviours 46 and 135."""
    with server_room.redis("--requirepass", "right") as server:
        url = f"redis://:{CANARY}@{server.host}:{server.port}"
        before = time.monotonic()
        with redis_pool(url, timeout=60) as pool, pytest.raises(BackendError) as caught:
            pool.acquire().__enter__()
        assert time.monotonic() - before < 30
        assert CANARY not in f"{caught.value!r} {caught.value} {pool!r} {pool.stats()!r}"


def test_refresh_changes_the_login_without_an_error_to_anybody(server_room: ServerRoom) -> None:
    """Behaviour 124."""
    with server_room.redis() as server:
        with redis_pool(server.url, max_size=1) as pool, pool.acquire() as admin:
            for user in ("one", "two"):
                admin.execute_command("ACL", "SETUSER", user, "on", f">{user}", "allkeys", "+@all")
        login = {"username": "one", "password": "one"}
        with redis_pool(server.url, connect=login, max_size=2) as pool:
            held = pool.acquire()
            assert held.resource.acl_whoami() in ("one", b"one")
            done = pool.refresh(RedisAdapter(server.url, connect={"username": "two", "password": "two"}))
            assert held.resource.ping()
            held.release()
            assert done.wait(PATIENCE)
            with pool.acquire() as client:
                assert client.acl_whoami() in ("two", b"two")


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_pool_is_opened_by_url(server: Endpoint, scheme: str) -> None:
    url = server.url.replace("redis://", f"{scheme}://")
    connect = {"client_name": "by-url"}
    with open_pool(url, max_size=1, connect=connect) as pool, pool.acquire() as client:
        assert client.client_getname() in ("by-url", b"by-url")


def test_the_pools_phase_timeouts_reach_the_driver(server: Endpoint) -> None:
    with redis_pool(server.url, create_timeout=3.5, max_size=1) as pool, pool.acquire() as client:
        assert client.get_connection_kwargs()["socket_connect_timeout"] == 3.5
    assert Timeouts().create == 10


def test_an_unknown_option_is_refused_with_a_guess(server: Endpoint) -> None:
    with pytest.raises(TypeError, match="max_size"):
        redis_pool(server.url, max_siz=1)  # type: ignore[call-arg]  # that is the point
