"""Whether a caller should be refused at once because the line would outlast its deadline."""

from __future__ import annotations

__all__ = ["EXPERIENCE", "PATIENCE", "predicted_wait", "refuses"]

EXPERIENCE = 20
"""Leases that must have ended before the mean hold is trusted to turn anybody away."""
PATIENCE = 0.9
"""Share of the timeout the predicted wait may reach: the rest is for the hold time's scatter."""


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
