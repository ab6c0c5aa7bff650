"""`PoolStats`: one consistent, frozen snapshot of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import attrs

__all__ = ["PoolStats"]


def _read_only(counts: Mapping[str, int]) -> Mapping[str, int]:
    return MappingProxyType(dict(counts))


@attrs.frozen(kw_only=True)
class PoolStats:
    """A pool's state and counters at one moment, taken under the pool's lock.

    ``size == idle + in_use + creating + checking + resetting + closing`` always holds, and ``size`` never
    exceeds ``max_size`` but while a shrinking `resize` waits for holders. ``stuck`` counts calls that were
    given up and have not returned; they are outside ``size``.
    """

    name: str
    min_size: int
    max_size: int
    size: int
    idle: int
    in_use: int
    creating: int
    checking: int
    resetting: int
    closing: int
    stuck: int
    waiting: int
    oldest_wait: float
    """Seconds that the oldest waiter has waited; 0.0 when nobody waits."""
    target: int
    """How many resources the sizing policy wants open."""
    ceiling: int
    """What the pool allows itself at most: ``max_size``, or less after a refusal by the backend."""
    acquired: int
    waited: int
    """Acquires that did not find a resource at once and were served later."""
    timeouts: int
    rejected: int
    would_reject: int
    """Acquires that ``admission="report"`` would have refused."""
    created: int
    create_failures: int
    recovered: int
    """Resources brought back from forgotten leases and interrupted callers."""
    destroyed: Mapping[str, int] = attrs.field(converter=_read_only, hash=False)
    """Destroyed resources by reason; read-only."""
    last_error: str | None
    """The last failure of the adapter, without secrets."""
    reason: str = ""
    """Why the target last changed: "grew to 7: demand p99 6.3, target wait 10 ms"."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it be pickled and copied, though no read-only view can be: a time-out carries it."""
        told = {each.name: getattr(self, each.name) for each in attrs.fields(type(self))}
        return partial(type(self), **told | {"destroyed": dict(self.destroyed)}), ()
