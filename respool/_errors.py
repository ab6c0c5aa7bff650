"""The error family: everything a pool says to its caller when it cannot give what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from ._stats import PoolStats

__all__ = [
    "BackendError",
    "PoolClosed",
    "PoolError",
    "PoolMisuse",
    "PoolRejected",
    "PoolTimeout",
    "ResourceSpoiled",
]

PhaseName = Literal["wait", "create", "validate"]
"""What a caller waits for: a resource that others hold, or an adapter call."""


class PoolError(Exception):
    """Base of what a pool raises when it cannot serve."""


class PoolClosed(PoolError):
    """The pool is closed, or was closed while the caller waited."""


class PoolTimeout(PoolError):
    """No resource within the caller's timeout.

    Attributes:
        phase: What the caller was waiting for when time ran out: ``"wait"`` (a resource that others
            hold), ``"create"`` or ``"validate"``.
        stats: The pool's snapshot at that moment.

    ``__cause__`` is the backend's last error during the wait or of an outage that still lasts, or a
    `TimeoutError` that names the call which has not returned; None where others simply held everything.
    """

    def __init__(self, message: str, *, phase: PhaseName = "wait", stats: PoolStats | None = None) -> None:
        super().__init__(message)
        self.phase: PhaseName = phase
        self.stats: PoolStats | None = stats


class PoolRejected(PoolError):
    """Refused at once: ``max_waiting`` is reached, or the predicted wait would outlast the deadline."""


class BackendError(PoolError):
    """The adapter failed in a way that waiting cannot mend; ``__cause__`` is the driver's own exception."""


class PoolMisuse(RuntimeError):
    """A mistake of the caller: released twice, used after release, inherited through fork, a second loop."""


class ResourceSpoiled(Exception):
    """Raised by an adapter's ``reset`` or ``validate``: this resource cannot be made clean, give it up.

    Any exception does the same; this one says that it is no bug and no fault of the backend.
    """


for _name in __all__:
    globals()[_name].__module__ = "respool"  # so that a traceback says respool.PoolTimeout
