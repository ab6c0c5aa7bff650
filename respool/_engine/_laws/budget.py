"""The trim: what the formulas get wrong about this workload, learned from the error budget.

The target wait may be exceeded by 1 % of arrivals. Spending less means that the pool is larger than it need
be, spending more that it is too small: the trim is the integral of the difference, in resources.
"""

from __future__ import annotations

import attrs

__all__ = ["NEARLY", "SHARE", "Premium", "Trim"]

SHARE = 0.01
MEMORY = 30.0
"""Half-life, s, of the volume the error is measured against: the trim moves about one gain in this time."""
LEAST = 2.0
"""Late arrivals the budget is taken to allow at least: with few arrivals the trim moves slowly."""


REMEMBERED = 300.0
"""Half-life, s, of the record that the keep times answer for: several bursts and the calms between them."""
DOUBT = 100.0
"""Good waits put on record from the start, so that the first creates of a pool's life prove nothing."""
SPENT = 0.5
"""Share of the budget that may be spent before a create becomes dearer than its price."""
STEP = 0.2
"""Share of the budget for which it becomes dearer by its price once more."""
DEAREST = 40.0
"""The highest premium; beyond, no gap would be worth closing for."""
NEARLY = 0.75
"""Share of the budget from which a caller who waits is worth a create, where creates come singly."""


@attrs.define(eq=False, repr=False)
class Premium:
    """By what factor a create is dearer than its price, for those whom it makes late.

    Ski rental minimises cost and knows no deadline: bursts that come more rarely than a create is worth find
    the pool small each time. Where that spends the budget of late arrivals, the target wait has precedence;
    what is not spent may be saved in resources.
    """

    _arrivals: float = attrs.field(default=DOUBT, init=False)
    _late: float = attrs.field(default=0.0, init=False)

    def observe(self, passed: float, arrivals: int, late: int) -> None:
        """Take in one tick: its length, s, and how many arrivals waited longer than the target wait."""
        keep = 2.0 ** (-passed / REMEMBERED)
        self._arrivals = DOUBT + (self._arrivals - DOUBT) * keep + arrivals
        self._late = self._late * keep + late

    @property
    def spent(self) -> float:
        """The share of the budget of late arrivals that is spent."""
        return self._late / self._arrivals / SHARE

    def factor(self) -> float:
        """Return the factor on the price of a create, from 1."""
        return min(DEAREST, 1.0 + max(0.0, self.spent - SPENT) / STEP)


@attrs.define(eq=False, repr=False)
class Trim:
    """An offset to the target, in resources."""

    offset: float = attrs.field(default=0.0, init=False)
    _volume: float = attrs.field(default=0.0, init=False)

    def observe(self, passed: float, arrivals: int, late: int, *, have: int, target: int) -> None:
        """Take in one tick.

        Good waits of a pool that is larger than its target say nothing against the target, and bad waits of
        one that is smaller say nothing for it: such errors do not wind the integral up.

        Args:
            passed: Seconds since the last tick.
            arrivals: Callers since then.
            late: Those of them that waited longer than the target wait.
            have: Resources open now.
            target: What they should have been.
        """
        self._volume = self._volume * 2.0 ** (-passed / MEMORY) + arrivals
        # At the start the volume is small; the present pace says what it will become.
        volume = max(self._volume, arrivals * MEMORY / max(passed, 1e-3))
        error = (late - SHARE * arrivals) / max(LEAST, SHARE * volume)
        if (error < 0 and have > target) or (error > 0 and have < target):
            return
        step = error * (1.0 + 0.1 * target)
        self.offset = max(-target / 2, min(self.offset + step, 1.0 + target / 2))
