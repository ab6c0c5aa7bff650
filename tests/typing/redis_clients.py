"""What mypy must see of the Redis helpers. Checked, never run."""

from __future__ import annotations

from typing import assert_type

import redis
import redis.asyncio

from respool import AsyncPool, Backend, Lease, Pool
from respool_redis import AsyncRedisAdapter, RedisAdapter, async_redis_pool, backend, redis_pool


def plain() -> None:
    pool = redis_pool("redis://h", max_size=4, connect={"decode_responses": True})
    assert_type(pool, Pool[redis.Redis])
    assert_type(pool.acquire(), Lease[redis.Redis])
    with pool.acquire() as client:
        assert_type(client, redis.Redis)


async def asynchronous() -> None:
    pool = async_redis_pool("redis://h", max_size=4)
    assert_type(pool, AsyncPool[redis.asyncio.Redis])
    async with pool.acquire() as client:
        assert_type(client, redis.asyncio.Redis)


def with_configure() -> None:
    def configure(client: redis.Redis) -> None: ...

    async def later(client: redis.asyncio.Redis) -> None: ...

    assert_type(redis_pool("redis://h", configure=configure), Pool[redis.Redis])
    assert_type(async_redis_pool("redis://h", configure=later), AsyncPool[redis.asyncio.Redis])


def adapters() -> None:
    assert_type(Pool(RedisAdapter("redis://h")), Pool[redis.Redis])
    assert_type(AsyncPool(AsyncRedisAdapter("redis://h")), AsyncPool[redis.asyncio.Redis])
    assert_type(backend, Backend)
