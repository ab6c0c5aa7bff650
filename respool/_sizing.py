"""How a pool decides its size: the policies a user can give as ``sizing=``."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

from ._scrub import quoted

__all__ = ["Elastic", "Fixed", "Signals", "Sizing", "SizingPolicy"]

LONGEST_WAIT = 3600.0
"""A target wait beyond an hour, s, is no target: the caller's timeout would strike first."""
DEAREST = 86_400.0
"""A create worth more than a day of an idle resource, s: such a resource should not be pooled elastically."""


@attrs.frozen(kw_only=True)
class Signals:
    """What a `SizingPolicy` is told: the pool now, and what the engine has learned. Times are seconds."""

    now: float
    """Monotonic clock."""
    min_size: int
    max_size: int
    """The most there may be now: the option, or less after a refusal by the backend."""
    size: int
    """Everything that counts against the maximum, creates in flight included."""
    idle: int
    in_use: int
    creating: int
    waiting: int
    peak: int
    """The most resources in use at once since the policy was last asked."""
    arrivals: float
    """Callers per second since the policy was last asked."""
    hold: float
    """Mean time a lease lasts; a lower bound while none has ended."""
    create_time: float
    """Mean time a create takes; 0 before the first."""
    elapsed: float
    """Seconds since the policy was last asked."""


class SizingPolicy(Protocol):
    """Decides how many resources a pool should have. A policy that remembers anything serves one pool."""

    def target(self, signals: Signals, /) -> int:
        """Return how many resources should be open now.

        The pool opens what is missing in the background, as fast as ``max_creating`` and the backend allow,
        and closes what is too many, the coldest idle ones first and at most two at a time. It never leaves
        ``min_size`` and ``max_size``, and opens one for a caller who finds nothing open whatever the target.

        Called under the pool's lock: when a caller must wait, and ten times a second while the pool is busy,
        never more often. It must return within microseconds, and must not block or call the pool. Where it
        raises, or returns what is no int of 0 or more, the last good target is kept, and `PolicyFailed` and
        one WARNING tell.
        """
        ...


def _size(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise TypeError(f"size is {quoted(value)}, it must be an int")
    if value is not None and value < 0:
        raise ValueError(f"size is {quoted(value)}, it must be at least 0")


@attrs.frozen
class Fixed:
    """Exactly ``size`` resources: opened at once, never closed for lack of use.

    Without a size it is ``max_size``, also after a `resize`.
    """

    size: int | None = attrs.field(default=None, validator=_size)


def _between(most: float, *, zero: bool) -> Any:
    def check(_: Any, option: attrs.Attribute[Any], value: Any) -> None:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{option.name} is {quoted(value)}, it must be a number of seconds")
        least_ok = value >= 0 if zero else value > 0
        if not (least_ok and value <= most):
            least = "0" if zero else "more than 0"
            raise ValueError(
                f"{option.name} is {quoted(value)}, it must be a number of seconds, {least} to {most:g}"
            )

    return check


@attrs.frozen(kw_only=True)
class Elastic:
    """As many resources as the load needs, by two numbers; the default.

    Args:
        target_wait: The wait, in seconds, that 99 of 100 callers should not exceed wherever ``max_size``
            allows it; 0 means that nobody should have to wait.
        create_price: What one create is worth, in seconds of an idle resource: how long it pays to keep one
            that nobody needs rather than make it again.
    """

    target_wait: float = attrs.field(default=0.010, validator=_between(LONGEST_WAIT, zero=True))
    create_price: float = attrs.field(default=30.0, validator=_between(DEAREST, zero=False))


Sizing = Elastic | Fixed | SizingPolicy
"""What ``sizing=`` takes."""
