"""Pools by URL: the scheme is the name of an entry point in the group ``respool.adapters``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs

__all__ = ["Backend", "ServerLimits"]

GROUP = "respool.adapters"


@attrs.frozen(kw_only=True)
class ServerLimits:
    """What a server says about itself, for `respool doctor`; None where it does not say or has no limit."""

    version: str
    product: str
    max_connections: int | None = None
    used_connections: int | None = None
    idle_limit: float | None = None
    """Seconds after which the server (or a proxy before it) closes an idle session."""
    lifetime_limit: float | None = None
    """Seconds after which the server closes any session."""
    notes: tuple[str, ...] = ()
    """Further facts that the user should know, one sentence each (behind a proxy, unsupported version)."""


@attrs.frozen(kw_only=True)
class Backend:
    """What a URL scheme stands for: the object behind an entry point of the group ``respool.adapters``.

    Every maker takes the URL and the adapter's own keyword options (``hygiene=``, ``configure=``,
    ``connect=``, ``timeouts=``) and raises ValueError for a URL that it cannot read and TypeError for an
    option that it does not know. Nothing in here may import a driver before a maker is called.
    """

    name: str
    """The backend in one word, as people write it: ``Postgres``."""
    adapter: Callable[..., Any] | None = None
    """Makes the `Adapter` of a URL; None where there is only an asynchronous one."""
    async_adapter: Callable[..., Any] | None = None
    """Makes the `AsyncAdapter` of a URL; None where there is only a blocking one."""
    prepare: Callable[[Any], None] | None = None
    """Set up, once and on one resource, what ``work`` needs (a small table); must be repeatable."""
    work: Callable[[Any], None] | None = None
    """One unit of default work that really reads and writes on a resource, for `respool load`."""
    async_prepare: Callable[[Any], Awaitable[None]] | None = None
    async_work: Callable[[Any], Awaitable[None]] | None = None
    limits: Callable[[Any], ServerLimits] | None = None
    """Read the server's own limits through one resource, for `respool doctor`."""
    async_limits: Callable[[Any], Awaitable[ServerLimits]] | None = None
    driver: str = ""
    """The distribution that the blocking adapter needs, for install hints: ``psycopg[binary]``."""
    async_driver: str = ""
    extra: str = ""
    """What to install: ``respool[postgres]``."""
