"""respool: pools anything that is expensive to make and worth using again."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._adapter import (
    Adapter,
    AsyncAdapter,
    Fault,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsGlance,
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
from ._factory import make_pool
from ._sizing import Elastic, Fixed, Signals, Sizing, SizingPolicy
from ._threads import Lease, Pool, Refresh

if TYPE_CHECKING:
    from ._adapter_options import (
        check_configure,
        check_configured,
        check_connect,
        check_hygiene,
        check_timeouts,
    )
    from ._async_factory import make_async_pool, open_async_pool
    from ._asyncio import AsyncLease, AsyncPool, AsyncRefresh
    from ._bridge import in_threads
    from ._events import (
        Acquired,
        AcquireFailed,
        CapacityReached,
        CheckFailed,
        ConfigFault,
        CreateFailed,
        DirtyReturn,
        EventsLost,
        LeaseForgotten,
        LeaseLeaking,
        LeaseReturned,
        OutageBegan,
        OutageEnded,
        PolicyFailed,
        PoolClosing,
        PoolEvent,
        PoolPaused,
        PoolRefreshed,
        PoolResized,
        PoolResumed,
        Released,
        ResourceCreated,
        ResourceDestroyed,
        ResourceGivenUp,
        TargetChanged,
        WouldReject,
    )
    from ._recording import Recording
    from ._registry import Backend, ServerLimits, open_pool
    from ._stats import PoolStats

__all__ = [
    "AcquireFailed",
    "Acquired",
    "Adapter",
    "AsyncAdapter",
    "AsyncLease",
    "AsyncPool",
    "AsyncRefresh",
    "Backend",
    "BackendError",
    "CapacityReached",
    "CheckFailed",
    "ConfigFault",
    "CreateFailed",
    "DirtyReturn",
    "Elastic",
    "EventsLost",
    "Fault",
    "Fixed",
    "Hygiene",
    "Lease",
    "LeaseForgotten",
    "LeaseLeaking",
    "LeaseReturned",
    "OutageBegan",
    "OutageEnded",
    "PolicyFailed",
    "Pool",
    "PoolClosed",
    "PoolClosing",
    "PoolError",
    "PoolEvent",
    "PoolMisuse",
    "PoolOptions",
    "PoolPaused",
    "PoolRefreshed",
    "PoolRejected",
    "PoolResized",
    "PoolResumed",
    "PoolStats",
    "PoolTimeout",
    "Recording",
    "Refresh",
    "Released",
    "ResourceCreated",
    "ResourceDestroyed",
    "ResourceGivenUp",
    "ResourceSpoiled",
    "ServerLimits",
    "Signals",
    "Sizing",
    "SizingPolicy",
    "SupportsAbort",
    "SupportsClassify",
    "SupportsDirty",
    "SupportsGlance",
    "SupportsProbe",
    "TargetChanged",
    "Timeouts",
    "WouldReject",
    "check_configure",
    "check_configured",
    "check_connect",
    "check_hygiene",
    "check_timeouts",
    "in_threads",
    "make_async_pool",
    "make_pool",
    "open_async_pool",
    "open_pool",
]

_LAZY = {
    "AsyncLease": "._asyncio",
    "AsyncPool": "._asyncio",
    "AsyncRefresh": "._asyncio",
    "Backend": "._registry",
    "PoolStats": "._stats",
    "Recording": "._recording",
    "ServerLimits": "._registry",
    "check_configure": "._adapter_options",
    "check_configured": "._adapter_options",
    "check_connect": "._adapter_options",
    "check_hygiene": "._adapter_options",
    "check_timeouts": "._adapter_options",
    "in_threads": "._bridge",
    "make_async_pool": "._async_factory",
    "open_async_pool": "._async_factory",
    "open_pool": "._registry",
}
"""Where to find each name that is imported on first use; one that is neither here nor imported above is an
event. What needs asyncio takes longer to import than all the rest, and the events a tenth of it."""


if not TYPE_CHECKING:  # a type checker that sees it accepts every misspelled name

    def __getattr__(name: str) -> Any:
        """Import what is used for the first time."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_LAZY.get(name, "._events"), __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    """Show also what is not imported yet."""
    return sorted({*globals(), *__all__})
