"""How a thread or a timer, which outlives a pool, refers to it so that a dropped pool is collected.

What a thread refers to is never collected. And a pool whose adapter or listener is a method of its owner is
in a reference cycle: the core refers to the adapter, that to the owner, the owner to the pool, and the pool
to the core. So a `Leash` refers to the core weakly, and the cycle is collected as a whole. Two things follow.

* A collection finalizes all that it finds, in no order: a resource would end in its own way before the
  adapter could end it. So the leash keeps the resources; one that refers to the owner keeps that as well.
* Weak references are cleared first: a callback of theirs would find no core. A `Tether` ends while all
  is still there, and hands the core over to the leash: the cycle lives on until its resources are destroyed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._forks import Forked

__all__ = ["Leash", "Tether"]


class Tether:
    """Held by a pool alone: it ends with the pool, by reference count or by collection, and says so.

    No `weakref.finalize`: that would refer to the core for good, or else come too late.
    """

    __slots__ = ("_cut",)

    def __init__(self, cut: Callable[[], object]) -> None:
        self._cut = cut
        """Called wherever a collection strikes: it takes no lock and raises nothing."""

    def __del__(self) -> None:
        self._cut()


C = TypeVar("C", bound="Forked")


class Leash(Generic[C]):
    """Refers to a core weakly, and strongly from the end of its tether until somebody asks for it."""

    def __init__(self, core: C) -> None:
        self._core = ref(core)
        self._left: C | None = None
        self.keeps: tuple[object, ...] = ()
        """What no collection may end as long as a thread or a timer has this leash."""

    def hand_over(self, core: C) -> None:
        """Take the core from its tether."""
        self._left = core

    def look(self) -> C | None:
        """Give the core; None where it is gone, or is being collected and will be handed over in a moment."""
        return self._left or self._core()

    def take(self) -> None:
        """Refer to the core weakly from now on: the caller has it, and has tethered it again."""
        if self._left is not None:
            self._core = ref(self._left)
            self._left = None

    def after_fork(self) -> None:
        """In the child: as the core says."""
        core = self.look()
        if core is not None:
            core.after_fork()
