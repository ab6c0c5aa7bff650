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
from ._sizing import Fixed, SizingPolicy
from ._stats import PoolStats
from ._threads import Lease, Pool, Refresh

__all__ = [
    "Adapter",
    "AsyncAdapter",
    "Backend",
    "BackendError",
    "Fault",
    "Fixed",
    "Hygiene",
    "Lease",
    "Pool",
    "PoolClosed",
    "PoolError",
    "PoolMisuse",
    "PoolOptions",
    "PoolRejected",
    "PoolStats",
    "PoolTimeout",
    "Refresh",
    "ResourceSpoiled",
    "ServerLimits",
    "SizingPolicy",
    "SupportsAbort",
    "SupportsClassify",
    "SupportsDirty",
    "SupportsProbe",
    "Timeouts",
]
