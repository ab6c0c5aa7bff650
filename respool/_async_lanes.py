"""How the leases of an `AsyncPool` begin and end where nobody has to wait."""

from __future__ import annotations

from sys import getrefcount
from typing import TYPE_CHECKING, Any

from ._engine import DONE, ODD, SOMEBODY_WAITS
from ._returns import clean, doubt, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._bound_adapter import BoundAdapter
    from ._engine import Engine, Slot

__all__ = ["Lanes"]


class Lanes:
    """Mixed into the asyncio core: the engine's fast lane, or the same with the adapter's tests in between.

    Threads have the latter written out in `Pool.acquire` and `Lease.__exit__`.
    """

    engine: Engine
    bound: BoundAdapter
    plain: bool
    """Whether no adapter so far has a probe or a reset, so that the fast lane is all there is to a lease."""
    do: Callable[..., Any]
    reset_here: Callable[..., bool]

    def choose_lane(self) -> None:
        """Let leases begin and end by the engine's fast lane itself, where the adapter need not be asked."""
        self.plain = self.plain and self.bound.probe is None and not self.bound.resets
        self.lane = self.engine.lane
        self.give: Callable[[Slot], int] = self.lane.give
        self.take: Callable[[], Any] = self.lane.take if self.plain else self._take_fit
        self.end: Callable[[Slot], int] = self.give if self.plain else self._end_clean

    def _take_fit(self) -> Any:
        """Take a free resource that passes its hand-out check."""
        # `Lane.take` and `passes`, written out, like the way back below: four calls fewer per lease.
        # ``tests/shells/test_written_out.py`` holds both to the originals.
        lane = self.lane
        if lane.ahead.count:  # type: ignore[union-attr]  # order is strict here: there is a line
            return None
        try:
            slot = lane.idle.pop() if lane.lifo else lane.idle.popleft()
        except IndexError:
            return None
        if slot.mark:
            lane.put_back(slot)
            return None
        slot.left -= 1
        lease = slot.loan
        if getrefcount(slot.loan) > 3:
            lease = lane.renew(slot)
        lease._hold.append(slot)
        try:
            glance = slot.glance
            if (
                (glance is not None and not glance(0))
                or (probe := slot.probe) is None
                or probe(slot.resource)
            ):
                return lease
        except Exception as exc:
            fail(self, lease, exc)
        else:
            doubt(self, lease)
        return None

    def _end_clean(self, slot: Slot) -> int:
        """End a lease whose block ended well, by the way that the adapter asks for; see `Lane.give`."""
        is_dirty = slot.dirty_test
        if is_dirty is not None:
            try:
                dirty = is_dirty(slot.resource)
            except Exception:
                dirty = True
            if dirty:
                clean(self, slot)
                return DONE
        if slot.mark or not slot.left:
            return ODD
        lane = self.lane
        lane.idle.append(slot)
        return SOMEBODY_WAITS if lane.line.count else DONE
