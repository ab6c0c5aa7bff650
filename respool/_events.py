"""What a pool tells its listeners: frozen values, one class per kind of news.

Listeners are called outside the pool's lock, one event at a time and in order. One that raises is logged
and hurts nobody; one that is slow loses events, and is told how many. No event carries a resource, a password
or a token.
"""

from __future__ import annotations

from typing import Literal

import attrs

__all__ = [
    "AcquireFailed",
    "Acquired",
    "CapacityReached",
    "CheckFailed",
    "ConfigFault",
    "CreateFailed",
    "DirtyReturn",
    "EventsLost",
    "LeaseForgotten",
    "LeaseLeaking",
    "LeaseReturned",
    "OutageBegan",
    "OutageEnded",
    "PolicyFailed",
    "PoolClosing",
    "PoolEvent",
    "PoolPaused",
    "PoolRefreshed",
    "PoolResized",
    "PoolResumed",
    "Released",
    "ResourceCreated",
    "ResourceDestroyed",
    "ResourceGivenUp",
    "TargetChanged",
    "WouldReject",
]


@attrs.frozen(kw_only=True, repr=False)
class PoolEvent:
    """Base of all events: which pool, and when (seconds on the monotonic clock)."""

    pool: str
    at: float

    def __repr__(self) -> str:
        """Show every field; one for all classes, for making each its own is a third of this import."""
        told = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in attrs.fields(type(self)))
        return f"{type(self).__name__}({told})"


@attrs.frozen(kw_only=True, repr=False)
class Acquired(PoolEvent):
    """A caller got resource ``number`` after ``waited`` seconds.

    `Released` or `LeaseForgotten` ends it: `Released` at once where the resource does not pass its hand-out
    check, and the caller goes on waiting.
    """

    number: int
    waited: float


@attrs.frozen(kw_only=True, repr=False)
class Released(PoolEvent):
    """Resource ``number`` came back after ``held`` seconds."""

    number: int
    held: float


@attrs.frozen(kw_only=True, repr=False)
class AcquireFailed(PoolEvent):
    """A caller left without a resource."""

    why: Literal["timeout", "rejected", "closed", "backend", "cancelled"]
    waited: float


@attrs.frozen(kw_only=True, repr=False)
class WouldReject(PoolEvent):
    """``admission="report"`` lets this caller in whom ``"deadline"`` would have refused."""

    predicted_wait: float
    timeout: float


@attrs.frozen(kw_only=True, repr=False)
class ResourceCreated(PoolEvent):
    """A create succeeded after ``took`` seconds."""

    number: int
    took: float


@attrs.frozen(kw_only=True, repr=False)
class CreateFailed(PoolEvent):
    """A create failed; ``fault`` is the verdict's name."""

    fault: str
    error: str
    took: float


@attrs.frozen(kw_only=True, repr=False)
class CheckFailed(PoolEvent):
    """A validate or reset failed, and the resource is given up."""

    number: int
    method: Literal["validate", "reset", "probe"]
    error: str


@attrs.frozen(kw_only=True, repr=False)
class ResourceDestroyed(PoolEvent):
    """A resource is gone; ``error`` is what ``destroy`` raised, if it did."""

    number: int
    reason: str
    error: str | None


@attrs.frozen(kw_only=True, repr=False)
class ResourceGivenUp(PoolEvent):
    """An adapter call outlasted its phase timeout; what it still brings is destroyed."""

    number: int
    method: str


@attrs.frozen(kw_only=True, repr=False)
class DirtyReturn(PoolEvent):
    """The adapter's ``is_dirty`` says that there is, or may be, something to clean; nothing is committed."""

    number: int


@attrs.frozen(kw_only=True, repr=False)
class LeaseForgotten(PoolEvent):
    """Nobody refers to a lease that was not released; its resource is recovered."""

    number: int
    stack: str | None


@attrs.frozen(kw_only=True, repr=False)
class LeaseLeaking(PoolEvent):
    """A lease is held longer than ``leak_after``."""

    number: int
    held: float
    stack: str | None


@attrs.frozen(kw_only=True, repr=False)
class LeaseReturned(PoolEvent):
    """A lease that was reported as leaking came back after all."""

    number: int
    held: float


@attrs.frozen(kw_only=True, repr=False)
class OutageBegan(PoolEvent):
    """The backend does not answer; one probing create at a time from now on."""

    error: str


@attrs.frozen(kw_only=True, repr=False)
class OutageEnded(PoolEvent):
    """The backend answers again."""

    lasted: float


@attrs.frozen(kw_only=True, repr=False)
class ConfigFault(PoolEvent):
    """Waiting cannot help: the backend refuses what the pool was configured with."""

    error: str


@attrs.frozen(kw_only=True, repr=False)
class CapacityReached(PoolEvent):
    """The backend refuses one more; the pool's own ceiling is now ``ceiling``."""

    ceiling: int
    error: str


@attrs.frozen(kw_only=True, repr=False)
class TargetChanged(PoolEvent):
    """The sizing policy wants ``target`` resources open, and why."""

    target: int
    reason: str


@attrs.frozen(kw_only=True, repr=False)
class PolicyFailed(PoolEvent):
    """The user's sizing policy raised or gave no size; its last good target is kept."""

    error: str


@attrs.frozen(kw_only=True, repr=False)
class PoolResized(PoolEvent):
    """`resize` changed the limits."""

    min_size: int
    max_size: int


@attrs.frozen(kw_only=True, repr=False)
class PoolRefreshed(PoolEvent):
    """`refresh` was asked: ``old`` resources are to be replaced within ``over`` seconds."""

    old: int
    over: float


@attrs.frozen(kw_only=True, repr=False)
class PoolPaused(PoolEvent):
    """No leases are granted until `resume`."""


@attrs.frozen(kw_only=True, repr=False)
class PoolResumed(PoolEvent):
    """Leases are granted again."""


@attrs.frozen(kw_only=True, repr=False)
class EventsLost(PoolEvent):
    """The listeners are too slow: ``lost`` events, of leases above all, were dropped before this one."""

    lost: int


@attrs.frozen(kw_only=True, repr=False)
class PoolClosing(PoolEvent):
    """The pool gives out nothing more."""
