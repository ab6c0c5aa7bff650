"""The object behind the entry points; imports no driver before a maker is called."""

from __future__ import annotations

from typing import Any

from respool import Backend

from . import _work

__all__ = ["backend"]


def _adapter(url: str, **options: Any) -> Any:
    from ._adapter import RedisAdapter

    return RedisAdapter(url, **options)


def _async_adapter(url: str, **options: Any) -> Any:
    from ._async_adapter import AsyncRedisAdapter

    return AsyncRedisAdapter(url, **options)


backend = Backend(
    name="Redis",
    adapter=_adapter,
    async_adapter=_async_adapter,
    prepare=_work.prepare,
    work=_work.work,
    async_prepare=_work.async_prepare,
    async_work=_work.async_work,
    limits=_work.limits,
    async_limits=_work.async_limits,
    driver="redis",
    async_driver="redis",
    extra="respool[redis]",
)
