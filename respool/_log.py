"""The one logger, ``respool``: nothing above DEBUG in normal life, one WARNING per distinct trouble."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._stats import PoolStats

__all__ = ["logger", "warn_open"]

logger = logging.getLogger("respool")


def warn_open(stats: PoolStats, timeout: float | None) -> None:
    """Log what is still open after a close has waited for its whole timeout; without one it waits on."""
    if timeout is None:
        return
    logger.warning(
        "pool %r: close() has waited %g s; still held: %d, in a call: %d, stuck: %d",
        *(stats.name, timeout, stats.in_use, stats.size - stats.in_use - stats.idle, stats.stuck),
    )
