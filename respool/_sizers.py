"""From what the user states (``sizing=`` and the classic knobs) to the engine's sizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import NEVER, OnDemand
from ._engine import Elastic as ElasticSizer
from ._engine import Fixed as FixedSizer
from ._scrub import describe
from ._sizing import Elastic, Fixed, Signals
from ._workers import reaches_nobody

if TYPE_CHECKING:
    from ._config import Settings
    from ._engine import Meter, Sizer, Tick, View
    from ._sizing import SizingPolicy

__all__ = ["sizer_for"]

PAUSE = 0.099
"""A policy is not asked more often than this, s; a hair less than the meter's period, so that rounding does
not skip every other reading."""
AGAIN = 0.1
"""When a reading that came too soon is made up for, s after the one before: the meter's period."""
AT_ONCE = 2
"""Resources that may close per tick."""
ALL = 1 << 60
"""The size of `Fixed()`: the engine keeps every sizer within ``max_size``, also when that changes."""


def sizer_for(settings: Settings) -> Sizer:
    """Make the sizer of one pool."""
    sizing = Elastic() if settings.sizing is None else settings.sizing
    # max_idle, given explicitly, says when to close: two masters would fight.
    closes = "max_idle" not in settings.given or settings.max_idle is None
    if isinstance(sizing, Elastic):
        return ElasticSizer(sizing.target_wait, sizing.create_price, closes=closes)
    if isinstance(sizing, Fixed):
        return FixedSizer(ALL if sizing.size is None else sizing.size)
    return Policy(sizing, closes=closes)


class Policy(OnDemand):
    """Asks a user's policy, and survives it."""

    def __init__(self, policy: SizingPolicy, *, closes: bool) -> None:
        self._policy = policy
        self._closes = closes
        self._target = self._told = 0
        self._trouble: str | None = None
        self._asked_at = -NEVER
        self._again_at = NEVER
        """When to ask though nothing happens: the last reading came too soon after the one before."""
        self._arrivals = self._peak = 0
        self._limit = 0

    def bind(self, meter: Meter, limit: int) -> None:
        """Keep the meter: it knows hold and create times."""
        self._meter = meter
        self._limit = limit

    def wants(self, view: View, room: int) -> int:
        """Ask the policy when somebody must wait; one resource is opened whatever it says."""
        short = view.waiting - view.promised
        if short > 0 and view.now >= self._asked_at + PAUSE:
            self._ask(view)
        usable = view.size - view.closing
        return max(self._target - view.size, min(short, 1) if not usable else 0)

    def settles_for(self, now: float) -> bool:
        """Have the policy asked at its own pace also while no room is left: it may want fewer."""
        return now < self._asked_at + PAUSE

    def floor(self) -> int:
        """Keep the target open, whoever waits."""
        return self._target

    def surplus(self, view: View) -> int:
        """Close what is beyond the target, unless ``max_idle`` is given."""
        if not self._closes:
            return 0
        beyond = view.size - view.closing - max(view.min_size, self._target)
        return max(0, min(AT_ONCE, beyond))

    def tick(self, view: View, seen: Tick) -> None:
        """Ask the policy at every reading of the meter."""
        self._limit = seen.limit
        self._arrivals += seen.fast
        self._peak = max(self._peak, seen.peak)
        if view.now >= self._asked_at + PAUSE:
            self._ask(view)
        else:
            self._again_at = self._asked_at + AGAIN

    def due(self) -> float:
        """Say when a reading is to be made up for: it may have been the last one before the pool rests."""
        return self._again_at

    def change(self, view: View) -> str | None:
        """Say that the policy gave another target than was told."""
        if view.now >= self._again_at:
            self._ask(view)
        before, self._told = self._told, self._target
        if self._target == before:
            return None
        return f"{'grew' if self._target > before else 'shrank'} to {self._target}: the policy says so"

    def arrived(self, now: float, demand: int) -> None:
        """Count the callers of the slow path; the meter's readings hold the others."""
        self._arrivals += 1

    def trouble(self) -> str | None:
        """Give the policy's last failure, once."""
        trouble, self._trouble = self._trouble, None
        return trouble

    def _ask(self, view: View) -> None:
        try:
            target = self._policy.target(self._signals(view))
            if type(target) is not int or target < 0:
                raise TypeError(f"target is {target!r}, it must be an int, 0 or more")
            self._target = min(target, view.max_size)
        except BaseException as exc:
            if not reaches_nobody(exc):
                raise
            self._trouble = f"{describe(exc)}; the target stays {self._target}"
        finally:
            self._asked_at, self._again_at = view.now, NEVER
            self._arrivals = self._peak = 0

    def _signals(self, view: View) -> Signals:
        elapsed = min(view.now - self._asked_at, 3600.0)
        return Signals(
            now=view.now,
            min_size=view.min_size,
            max_size=min(self._limit, view.max_size),
            size=view.size,
            idle=view.idle,
            in_use=view.in_use,
            creating=view.creating,
            waiting=view.waiting,
            peak=max(self._peak, view.in_use),
            arrivals=self._arrivals / max(elapsed, 1e-3),
            hold=self._meter.hold.mean(view.now),
            create_time=self._meter.create_time.mean,
            elapsed=elapsed,
        )
