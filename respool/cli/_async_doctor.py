"""The examination of an asyncio adapter for `respool doctor --asyncio`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

from respool import Backend, PoolError, ServerLimits, SupportsProbe

from .._config import Settings
from .._registry import made
from ._opened import Opened

__all__ = ["examine", "probe_of"]

ROUNDS = 5


def examine(
    backend: Backend, url: str, own: dict[str, Any], settings: Settings
) -> tuple[dict[str, float], ServerLimits | None]:
    """Time each method of the asyncio adapter, and read the server's limits through it."""
    if backend.async_adapter is None:
        raise TypeError(f"the {backend.name} backend has no asyncio adapter")
    return asyncio.run(_examine(backend, url, made(backend.async_adapter, url, own), settings))


async def _examine(
    backend: Backend, url: str, adapter: Any, settings: Settings
) -> tuple[dict[str, float], ServerLimits | None]:
    times: dict[str, float] = {}
    probe = probe_of(adapter)
    resource = await _timed(times, "create", adapter.create)
    opened = Opened(url, adapter, resource, asyncio.get_running_loop().call_later)

    async def ask(method: str) -> Any:
        with opened.asked(method):
            return await _timed(times, method, lambda: getattr(adapter, method)(resource))

    try:
        for _ in range(ROUNDS):
            if not await ask("validate"):
                raise PoolError("validate of a fresh resource is False")
            await ask("reset")
            if probe is not None:
                began = perf_counter()
                with opened.asked("probe"):
                    probe(resource)
                times["probe"] = min(times.get("probe", 1.0), perf_counter() - began)
        with opened.asked("reading its limits"), opened.answered(settings.create_timeout):
            limits = await backend.async_limits(resource) if backend.async_limits is not None else None
    except BaseException:
        with suppress(Exception):  # it is worth less than what comes out here
            await adapter.destroy(resource)
        raise
    await ask("destroy")
    return times, limits


def probe_of(adapter: object) -> Callable[[Any], bool] | None:
    """Give the adapter's probe, where it has one."""
    return adapter.probe if isinstance(adapter, SupportsProbe) else None


async def _timed(times: dict[str, float], name: str, call: Callable[[], Awaitable[Any]]) -> Any:
    """Await a call, and keep the shortest time of each name."""
    began = perf_counter()
    result = await call()
    took = perf_counter() - began
    times[name] = min(times.get(name, took), took)
    return result
