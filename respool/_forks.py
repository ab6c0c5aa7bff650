"""What happens to pools in the child of a fork."""

from __future__ import annotations

import os
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ._engine import Engine

__all__ = ["Forked", "remember", "renounce"]


class Forked(Protocol):
    """What has to be told of a fork."""

    def after_fork(self) -> None:
        """In the child: touch nothing that was inherited, and begin with an empty pool."""
        ...


_cores: weakref.WeakSet[Forked] = weakref.WeakSet()
"""All cores of the process. Module state, for ``os.register_at_fork`` takes a function once and for all."""
_inherited: list[list[Any]] = []
"""The parent's resources, kept for good: a child may drop its pool, and no driver may say goodbye then."""


def remember(core: Forked) -> None:
    """Have a core told of every fork, in the child, for as long as it lives."""
    _cores.add(core)


def renounce(engine: Engine) -> Engine:
    """End the inherited leases, and keep the resources; give what else to keep as long as the pool."""
    for slot in engine.ledger:
        loan = engine.lane.loan_of(slot)
        if loan is not None:
            loan._hold.clear()
            loan._end = "inherited"
    _inherited.append([slot.resource for slot in engine.ledger])
    return engine


def _after_fork_in_child() -> None:
    for core in tuple(_cores):
        core.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
