"""The conformance kit, on both adapters."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import redis
import redis.asyncio

from respool import Timeouts
from respool.testing import AdapterTests, AsyncAdapterTests
from respool_redis import AsyncRedisAdapter, RedisAdapter
from tests.servers import free_port

NAME = "respool-kit"
CANARY = "canary-Pa55word"
LOGIN = {"client_name": NAME, "username": "kit", "password": CANARY}


@pytest.fixture(autouse=True)
def admin(redis_server: Any) -> Any:
    """A plain client of somebody else's, and a user with a password for the adapters to log in as."""
    admin = redis.Redis.from_url(redis_server.url)
    admin.execute_command(
        "ACL", "SETUSER", "kit", "reset", "on", f">{CANARY}", "allkeys", "allchannels", "+@all"
    )
    yield admin
    admin.close()


def sessions(admin: redis.Redis) -> int:
    """Count the sessions that the adapter under test has open."""
    return sum(entry["name"] == NAME for entry in admin.client_list())


class TestRedisAdapter(AdapterTests[redis.Redis]):
    """The blocking adapter."""

    secrets = (CANARY,)
    timeouts = Timeouts(create=5, validate=2, reset=2, destroy=2)

    @pytest.fixture
    def adapter(self, redis_server: Any, admin: Any) -> RedisAdapter:
        self.admin = admin
        return RedisAdapter(redis_server.url, connect=LOGIN, timeouts=self.timeouts)

    def sever(self, resource: redis.Redis, /) -> None:
        self.admin.client_kill_filter(_id=resource.client_id())

    def soil(self, resource: redis.Redis, /) -> None:
        resource.select(5)
        resource.execute_command("MULTI")
        resource.set_response_callback("GET", str)

    def is_clean(self, resource: redis.Redis, /) -> bool:
        info: Any = resource.execute_command("CLIENT", "INFO")  # b"QUEUED" while in MULTI
        return b" db=0 " in info and "GET" not in resource.response_callbacks

    def count_open(self) -> int:
        return sessions(self.admin)

    def unreachable(self) -> RedisAdapter:
        return RedisAdapter(f"redis://127.0.0.1:{free_port()}", connect=LOGIN, timeouts=self.timeouts)

    def hang(self, resource: redis.Redis, /) -> None:
        resource.blpop(["respool:kit:none"], timeout=0)

    def use(self, resource: redis.Redis, /) -> None:
        resource.set("respool:kit", 1)


class TestAsyncRedisAdapter(AsyncAdapterTests[redis.asyncio.Redis]):
    """The asyncio adapter."""

    secrets = (CANARY,)
    timeouts = Timeouts(create=5, validate=2, reset=2, destroy=2)

    @pytest.fixture
    def adapter(self, redis_server: Any, admin: Any) -> AsyncRedisAdapter:
        self.admin = admin
        return AsyncRedisAdapter(redis_server.url, connect=LOGIN, timeouts=self.timeouts)

    async def sever(self, resource: redis.asyncio.Redis, /) -> None:
        number = await resource.client_id()
        await asyncio.to_thread(self.admin.client_kill_filter, _id=number)

    async def soil(self, resource: redis.asyncio.Redis, /) -> None:
        await resource.select(5)
        await resource.execute_command("MULTI")
        resource.set_response_callback("GET", str)

    async def is_clean(self, resource: redis.asyncio.Redis, /) -> bool:
        info: Any = await resource.execute_command("CLIENT", "INFO")  # b"QUEUED" while in MULTI
        return b" db=0 " in info and "GET" not in resource.response_callbacks

    async def count_open(self) -> int:
        return await asyncio.to_thread(sessions, self.admin)

    def unreachable(self) -> AsyncRedisAdapter:
        return AsyncRedisAdapter(f"redis://127.0.0.1:{free_port()}", connect=LOGIN, timeouts=self.timeouts)

    async def hang(self, resource: redis.asyncio.Redis, /) -> None:
        await resource.blpop(["respool:kit:none"], timeout=0)

    async def use(self, resource: redis.asyncio.Redis, /) -> None:
        await resource.set("respool:kit", 1)
