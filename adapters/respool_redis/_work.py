"""Default work for `respool load`, and the server's own limits for `respool doctor`; imports no driver."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from respool import ServerLimits

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "async_clear",
    "async_limits",
    "async_prepare",
    "async_work",
    "clear",
    "limits",
    "prepare",
    "work",
]

_COUNTER = "respool:load:count"
_KEYS = 1000
_KEEP = 600
"""Seconds after which what a load left behind is gone, should it not come to its end."""

_RESET_SINCE = (6, 2)


def _key() -> str:
    return f"respool:load:{random.randrange(_KEYS)}"


def _everything() -> list[str]:
    return [_COUNTER, *(f"respool:load:{number}" for number in range(_KEYS))]


def prepare(client: Any) -> None:
    """Set the counter to zero."""
    client.set(_COUNTER, 0, ex=_KEEP)


def work(client: Any) -> None:
    """Write one key, read it back, count: three commands, three round trips."""
    key = _key()
    client.set(key, "respool", ex=_KEEP)
    client.get(key)
    client.incr(_COUNTER)


def clear(client: Any) -> None:
    """Delete every key."""
    client.delete(*_everything())


async def async_prepare(client: Any) -> None:
    """Set the counter to zero."""
    await client.set(_COUNTER, 0, ex=_KEEP)


async def async_work(client: Any) -> None:
    """Write one key, read it back, count: three commands, three round trips."""
    key = _key()
    await client.set(key, "respool", ex=_KEEP)
    await client.get(key)
    await client.incr(_COUNTER)


async def async_clear(client: Any) -> None:
    """Delete every key."""
    await client.delete(*_everything())


def limits(client: Any) -> ServerLimits:
    """Read version, clients and idle timeout of the server."""
    from redis.exceptions import ResponseError

    try:
        info = client.info()
    except ResponseError:
        info = None
    try:
        settings = client.config_get("timeout", "maxclients")
    except ResponseError:
        settings = None
    return _limits(info, settings)


async def async_limits(client: Any) -> ServerLimits:
    """Read version, clients and idle timeout of the server."""
    from redis.exceptions import ResponseError

    try:
        info = await client.info()
    except ResponseError:
        info = None
    try:
        settings = await client.config_get("timeout", "maxclients")
    except ResponseError:
        settings = None
    return _limits(info, settings)


def _limits(told: Mapping[str, Any] | None, settings: Mapping[Any, Any] | None) -> ServerLimits:
    """Read what the server has told; a user without @dangerous commands is told neither."""
    info = told or {}
    valkey = "valkey_version" in info
    version = str(info["valkey_version"] if valkey else info.get("redis_version", "unknown"))
    known = {_text(name): int(value) for name, value in (settings or {}).items()}
    most = known.get("maxclients", info.get("maxclients"))
    return ServerLimits(
        version=version,
        product="Valkey" if valkey else "Redis",
        max_connections=int(most) if most is not None else None,
        used_connections=int(info["connected_clients"]) if "connected_clients" in info else None,
        idle_limit=float(known["timeout"]) if known.get("timeout") else None,
        notes=(*_notes(info, version), *_blind(told is None, settings is None)),
    )


def _notes(info: Mapping[str, Any], version: str) -> list[str]:
    notes = []
    if _numbers(version) < _RESET_SINCE:
        notes.append("Redis before 6.2 has no RESET: a connection whose session was changed is replaced")
    if str(info.get("role", "master")) != "master":
        notes.append("this server is a replica: writes fail")
    if int(info.get("cluster_enabled", 0)):
        notes.append("this server is part of a cluster: keys of other nodes are answered with MOVED")
    return notes


def _blind(info: bool, config: bool) -> list[str]:
    notes = []
    if info:
        notes.append("INFO is not allowed here: the version and the number of clients are not known")
    if config:
        notes.append("CONFIG GET is not allowed here: whether idle clients are closed is not known")
    return notes


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdecimal()) or _RESET_SINCE


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
