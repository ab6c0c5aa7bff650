"""respool: pools anything that is expensive to make and worth using again."""

from __future__ import annotations

from ._adapter import (
    Adapter,
    AsyncAdapter,
    Fault,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsProbe,
)
from ._config import Hygiene, PoolOptions, Timeouts
from ._errors import (
    BackendError,
    PoolClosed,
    PoolError,
    PoolMisuse,
    PoolRejected,
    PoolTimeout,
    ResourceSpoiled,
)
from ._registry import Backend, ServerLimits

__all__ = [
    "Adapter",
    "AsyncAdapter",
    "Backend",
    "BackendError",
    "Fault",
    "Hygiene",
    "PoolClosed",
    "PoolError",
    "PoolMisuse",
    "PoolOptions",
    "PoolRejected",
    "PoolTimeout",
    "ResourceSpoiled",
    "ServerLimits",
    "SupportsAbort",
    "SupportsClassify",
    "SupportsDirty",
    "SupportsProbe",
    "Timeouts",
]
