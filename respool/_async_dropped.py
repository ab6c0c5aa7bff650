"""When the user drops an open `AsyncPool`: close it on its loop, or abort it if the loop is closed."""

from __future__ import annotations

import sys
import warnings
from functools import partial
from typing import TYPE_CHECKING

from ._leash import Tether

if TYPE_CHECKING:
    from ._async_core import AsyncCore

__all__ = ["tether_to"]


def tether_to(core: AsyncCore) -> Tether:
    """Make what a pool keeps so that its core is closed when the pool is dropped."""
    return Tether(partial(_abandon, core))


def _abandon(core: AsyncCore) -> None:
    """Close a dropped pool on its loop; called wherever a collection strikes, in any thread."""
    loop = core.loop
    if loop is None or core.engine.closed or sys.is_finalizing():
        return
    if loop.is_closed():
        _abort_open(core)
        return
    core.leash.hand_over(core)
    try:
        # If the loop is closed before it comes to this, the new tether ends as well, and aborts.
        loop.call_soon_threadsafe(_close, core, tether_to(core))
    except RuntimeError:
        pass  # it was closed this very moment, and the new tether has ended


def _close(core: AsyncCore, tether: Tether) -> None:
    """Close the engine, and tether the core again.

    When that tether ends too, everything that could refer to a lease has been collected, and its finalizers
    have run: leases that are still open then will never be released.
    """
    core.tether = tether
    core.leash.take()
    again, core.orphaned = core.orphaned, True
    core.stop_alarm()
    core.do(core.engine.forsake if again else core.engine.close)


def _abort_open(core: AsyncCore) -> None:
    """Abort what is open, and say so: the loop is closed, and nothing can be awaited any more."""
    slots = [slot for slot in core.engine.ledger if slot.resource is not None]
    if core.aborted or not slots:
        return
    core.aborted = True
    for slot in slots:
        core.abort(slot)
    warnings.warn(
        f"pool {core.settings.name!r} was never closed and its event loop is: {len(slots)} left open are "
        "aborted; close it with 'await pool.close()' or 'async with'",
        ResourceWarning,
        stacklevel=2,
    )
