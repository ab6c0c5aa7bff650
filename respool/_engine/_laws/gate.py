"""Wait or create: a new resource is worth starting only if the line would last longer than the create."""

from __future__ import annotations

import math

import attrs

__all__ = ["Line", "create_in"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Line:
    """What the gate looks at."""

    waiting: int
    """Waiters nobody is about to serve (a resource being checked or reset is about to serve one)."""
    in_use: int
    open: int
    """Everything usable or soon so: in use, idle, being checked or reset; without what is being created."""
    creating: int


def create_in(line: Line, *, wanted: int, hold: float, slope: float, create_time: float) -> float:
    """Return in how many seconds a create would be right: 0 now, ``inf`` not as things stand.

    Args:
        line: The counts of this moment; each create in flight already serves one waiter.
        wanted: The size worth having; below it a waiter is reason enough.
        hold: Mean hold, s.
        slope: By how much ``hold`` grows per second while nobody comes back.
        create_time: How long a create takes, s.
    """
    short = line.waiting - line.creating
    if short <= 0:
        return math.inf
    if line.in_use == 0 or line.open + line.creating < wanted:
        return 0.0
    missing = create_time * line.in_use / short - hold
    if missing < 0.0:
        return 0.0
    # A hair more than the exact moment, so that asking again then cannot miss it by rounding.
    return missing / slope * (1 + 1e-9) + 1e-9 if slope > 0.0 else math.inf
