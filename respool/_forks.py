"""What happens to pools in the child of a fork."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._engine import Engine

__all__ = ["remember", "renounce"]


class _Forked(Protocol):
    def after_fork(self) -> None:
        """In the child: touch nothing that was inherited, and begin with an empty pool."""
        ...


_cores: weakref.WeakSet[_Forked] = weakref.WeakSet()
"""All cores of the process: the one piece of state that a fork makes necessary."""


def remember(core: _Forked) -> None:
    """Have a core told of every fork, in the child, for as long as it lives."""
    _cores.add(core)


def renounce(engine: Engine) -> tuple[Any, ...]:
    """End the inherited leases; give what to keep, so that no driver says goodbye on the parent's socket."""
    for slot in engine.ledger:
        loan = engine.lane.loan_of(slot)
        if loan is not None:
            loan._hold.clear()
            loan._end = "inherited"
    return engine, [slot.resource for slot in engine.ledger]


def _after_fork_in_child() -> None:
    for core in tuple(_cores):
        core.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
