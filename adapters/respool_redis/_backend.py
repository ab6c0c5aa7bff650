"""The object behind the entry points; imports no driver before a maker is called."""

from __future__ import annotations

import importlib
from typing import Any

from respool import Backend

from . import _work

__all__ = ["backend", "load"]


def load(module: str) -> Any:
    """Import a module of this package that needs redis-py; raise ImportError that says what to install."""
    importlib.import_module("._driver", __package__)
    return importlib.import_module(f".{module}", __package__)


def _adapter(url: str, **options: Any) -> Any:
    return load("_adapter").RedisAdapter(url, **options)


def _async_adapter(url: str, **options: Any) -> Any:
    return load("_async_adapter").AsyncRedisAdapter(url, **options)


backend = Backend(
    name="Redis",
    adapter=_adapter,
    async_adapter=_async_adapter,
    prepare=_work.prepare,
    work=_work.work,
    async_prepare=_work.async_prepare,
    async_work=_work.async_work,
    clear=_work.clear,
    async_clear=_work.async_clear,
    limits=_work.limits,
    async_limits=_work.async_limits,
    driver="redis",
    async_driver="redis",
    extra="respool[redis]",
)
