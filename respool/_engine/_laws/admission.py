"""Whether a caller should be refused at once because the line would outlast its deadline."""

from __future__ import annotations

import math

__all__ = ["EXPERIENCE", "PATIENCE", "may_pass", "predicted_wait", "refuses"]

EXPERIENCE = 20
"""Leases that must have ended before the mean hold is trusted to turn anybody away."""
PATIENCE = 0.9
"""Share of the timeout the predicted wait may reach: the rest is for the hold time's scatter."""
CHANCE = 3.0
"""Standard deviations by which a line may be quicker than its mean."""
MOST_LUCK = 0.5
"""Share of its mean that a line takes at least: holds are seldom as scattered as the exponential."""


def predicted_wait(waiting: int, serving: int, hold: float) -> float:
    """Return a newcomer's wait behind ``waiting`` others, s: one comes back every hold / serving."""
    return (waiting + 1) * hold / serving


def refuses(
    *, waiting: int, serving: int, hold: float, ended: int, can_grow: bool, timeout: float | None
) -> bool:
    """Tell whether a newcomer cannot be served in time.

    Never while the pool can still grow, nobody is being served (an outage is no load), the hold time is not
    known well enough, or the caller would wait for ever. ``timeout`` 0 asks for what is idle, no prediction.
    """
    if can_grow or serving <= 0 or ended < EXPERIENCE or not timeout:
        return False
    return (waiting + 1) * hold > PATIENCE * timeout * serving


def may_pass(*, waiting: int, serving: int, hold: float, rate: float, timeout: float) -> bool:
    """Tell whether a line that seems too long may well be gone in time.

    A load that fits makes long lines too, now and then, and they shrink by themselves. So while callers come
    more slowly than they are served, ``rate`` in arrivals per second, a newcomer is turned away only where no
    luck would help: n exponential holds take n means, give or take the root of n, and half of it at least.
    """
    if rate * hold >= serving:
        return False
    ahead = waiting + 1
    luck = max(MOST_LUCK, 1.0 - CHANCE / math.sqrt(ahead))
    return luck * ahead * hold <= PATIENCE * timeout * serving
