"""Pools of Redis and Valkey connections: `redis_pool`, `async_redis_pool` and their adapters.

Only `backend` can be had without redis-py: everything else is loaded when it is first asked for, so that an
entry point can be looked at on a machine where the driver is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._backend import backend

if TYPE_CHECKING:
    from ._adapter import RedisAdapter, redis_pool
    from ._async_adapter import AsyncRedisAdapter, async_redis_pool

__all__ = ["AsyncRedisAdapter", "RedisAdapter", "async_redis_pool", "backend", "redis_pool"]

_HOMES = {
    "AsyncRedisAdapter": "_async_adapter",
    "RedisAdapter": "_adapter",
    "async_redis_pool": "_async_adapter",
    "redis_pool": "_adapter",
}


def __getattr__(name: str) -> Any:
    """Load a public name, and with it the driver, on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ._backend import load

    value = getattr(load(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
