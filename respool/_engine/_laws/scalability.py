"""Where more concurrency serves fewer: the Universal Scalability Law, fitted while the pool works.

N. Gunther: S(n) = S1 * (1 + alpha * (n - 1) + beta * n * (n - 1)), so throughput n / S(n) peaks at
sqrt((1 - alpha) / beta). Weighted least squares of the hold time on n - 1 and n(n - 1), each observation as
heavy as the leases it rests on; the past fades.
"""

from __future__ import annotations

import math

import attrs

__all__ = ["Fit", "Regression", "ScalabilityLimit"]

Matrix = list[list[float]]


@attrs.frozen(eq=False, repr=False)
class Fit:
    """A fitted law: hold alone, its linear and its quadratic part, and the latter's standard error."""

    alone: float
    linear: float
    quadratic: float
    doubt: float

    def hold(self, n: float) -> float:
        """Return the predicted hold at concurrency ``n``, s."""
        return self.alone + self.linear * (n - 1) + self.quadratic * n * (n - 1)

    def throughput(self, n: float) -> float:
        """Return the predicted leases per second at concurrency ``n``."""
        return n / self.hold(n)

    def peak(self) -> float:
        """Return the concurrency of the highest throughput, at least 1."""
        spare = self.alone - self.linear
        return max(1.0, math.sqrt(spare / self.quadratic)) if spare > 0 else 1.0


@attrs.define(eq=False, repr=False)
class Regression:
    """The sums of the normal equations; three unknowns."""

    half_life: float = 60.0
    _xx: Matrix = attrs.field(factory=lambda: [[0.0] * 3 for _ in range(3)], init=False)
    _xy: list[float] = attrs.field(factory=lambda: [0.0] * 3, init=False)
    _yy: float = attrs.field(default=0.0, init=False)
    _seen: float = attrs.field(default=0.0, init=False)

    def add(self, passed: float, n: float, hold: float, weight: float) -> None:
        """Enter one observation, ``passed`` seconds after the last."""
        keep = 2.0 ** (-passed / self.half_life)
        x = (1.0, n - 1, n * (n - 1))
        for i in range(3):
            self._xy[i] = self._xy[i] * keep + weight * x[i] * hold
            for j in range(3):
                self._xx[i][j] = self._xx[i][j] * keep + weight * x[i] * x[j]
        self._yy = self._yy * keep + weight * hold * hold
        self._seen = self._seen * keep + 1.0

    def fit(self) -> Fit | None:
        """Return the best law with no negative part, or None while the data cannot tell."""
        if self._seen < 8:
            return None
        # Two crowds alone, small and large, cannot tell a slope from a bend: then it is taken for a bend.
        for columns in ((0, 1, 2), (0, 2)):
            fit = self._solve(columns)
            if fit is not None and fit.alone > 0 and fit.linear >= 0 and fit.quadratic > 0:
                return fit
        return None

    def _solve(self, columns: tuple[int, ...]) -> Fit | None:
        inverse = inverted([[self._xx[i][j] for j in columns] for i in columns])
        if inverse is None:
            return None
        values = [0.0, 0.0, 0.0]
        for row, i in enumerate(columns):
            values[i] = sum(cell * self._xy[j] for cell, j in zip(inverse[row], columns, strict=True))
        missed = self._yy - sum(value * xy for value, xy in zip(values, self._xy, strict=True))
        scatter = max(0.0, missed) / (self._seen - len(columns))  # `fit` has seen eight
        doubt = math.sqrt(scatter * inverse[-1][-1])
        return Fit(values[0], values[1], values[2], doubt)


def inverted(matrix: Matrix) -> Matrix | None:
    """Invert a small symmetric matrix by Gauss-Jordan; None when it is as good as singular."""
    size = len(matrix)
    scale = [math.sqrt(matrix[i][i]) for i in range(size)]
    if min(scale) <= 0.0:
        return None
    # Scaled to a unit diagonal: n(n-1) is orders of magnitude larger than 1.
    rows = [
        [matrix[i][j] / scale[i] / scale[j] for j in range(size)] + [float(i == j) for j in range(size)]
        for i in range(size)
    ]
    for i in range(size):
        if rows[i][i] < 1e-6:
            return None
        rows[i] = [cell / rows[i][i] for cell in rows[i]]
        for j in range(size):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [[rows[i][size + j] / scale[i] / scale[j] for j in range(size)] for i in range(size)]


ENOUGH = 40
"""Leases one observation rests on at least. Fewer, and chance alone makes hold and concurrency rise together:
a long lease adds to both."""
TURNS = 3
"""Times each resource must have changed hands in it: else the leases that end began under another crowd."""
DRIFT = 0.2
"""Relative change of concurrency from its beginning to its end at which it is thrown away, for the same
reason: while a pool ramps up, leases of a small crowd end and make the large one look quick."""
SATURATED = 1.0
"""Seconds of an unbroken line before a limit is thought of: without a line, nobody is in the way."""
EXPLORED = 1.25
"""The pool must have worked this far beyond the peak before it believes in one."""
WORTH = 1.1
"""The predicted gain in throughput that justifies a limit."""
RECENT = 0.5
"""Time constant, s, of the pace that a limit must improve on."""
CALM = 60.0
"""Seconds without a line after which a limit is forgotten."""
TRIAL = 2.0
"""Seconds of a full line after which a limit is judged by what it did."""
PROOF = 1.02
"""The gain in throughput by which it must have proved itself; one that was worth having gave `WORTH`."""
FIRST_BAN = 30.0
"""Seconds without a new limit after one had to be withdrawn; doubled each time."""


@attrs.define(eq=False, repr=False)
class ScalabilityLimit:
    """A ceiling at the throughput peak, withdrawn when throughput falls under it.

    Holds that are bound by the interpreter look like contention; only what happens after the limit tells them
    apart.
    """

    regression: Regression = attrs.field(factory=Regression)
    limit: int | None = attrs.field(default=None, init=False)
    """The concurrency that serves most, None while more is not known to hurt."""
    _busy: float = attrs.field(default=0.0, init=False)
    _ended: int = attrs.field(default=0, init=False)
    _passed: float = attrs.field(default=0.0, init=False)
    _explored: float = attrs.field(default=0.0, init=False)
    _streak: float = attrs.field(default=0.0, init=False)
    _head: float = attrs.field(default=-1.0, init=False)
    _tail: float = attrs.field(default=0.0, init=False)
    _calm: float = attrs.field(default=0.0, init=False)
    _pace: float = attrs.field(default=0.0, init=False)
    _before: float = attrs.field(default=0.0, init=False)
    _trial: float = attrs.field(default=0.0, init=False)
    _served: int = attrs.field(default=0, init=False)
    _banned_until: float = attrs.field(default=-math.inf, init=False)
    _ban: float = attrs.field(default=FIRST_BAN, init=False)

    def observe(
        self, now: float, passed: float, busy: float, ended: int, waiting: int, max_size: int
    ) -> None:
        """Take in one tick.

        Args:
            now: Seconds on the monotonic clock.
            passed: Seconds since the last tick.
            busy: Resource-seconds in use since then.
            ended: Leases that ended since then.
            waiting: Waiters now.
            max_size: What the limit would lower.
        """
        self._passed += passed
        self._busy += busy
        self._ended += ended
        self._saturate(passed, ended, waiting)
        if passed > 0.0:
            self._note(busy / passed)
        if self._passed > 0.0 and self._ended >= max(ENOUGH, TURNS * self._busy / self._passed):
            self._enter(now, max_size)
        if self.limit is not None and waiting > 0:
            self._judge(now, passed, ended)

    def _note(self, concurrency: float) -> None:
        """Remember the concurrency at an observation's beginning and end."""
        if self._head < 0.0:
            self._head = concurrency
        self._tail = concurrency

    def _saturate(self, passed: float, ended: int, waiting: int) -> None:
        """Measure the pace of a line that does not break."""
        if waiting > 0:
            self._streak += passed
            self._pace += (ended / passed - self._pace) * -math.expm1(-passed / RECENT) if passed else 0.0
            self._calm = 0.0
            return
        self._streak = self._pace = 0.0
        self._calm += passed
        if self._calm > CALM:
            self.limit = None

    def _enter(self, now: float, max_size: int) -> None:
        concurrency = self._busy / self._passed
        drift = abs(self._tail - self._head)
        if concurrency >= 1.0 and drift <= 1.0 + DRIFT * concurrency:
            self.regression.add(self._passed, concurrency, self._busy / self._ended, self._ended)
            self._explored = max(self._explored, concurrency)
        self._busy, self._ended, self._passed = 0.0, 0, 0.0
        self._head = -1.0
        if now >= self._banned_until and (self.limit is not None or self._streak >= SATURATED):
            self._revise(max_size)

    def _revise(self, max_size: int) -> None:
        """Set a limit, or move it; only `_judge` and the end of the trouble take it back."""
        fit = self.regression.fit()
        pace = self._before if self.limit is not None else self._pace
        peak = None if fit is None else self._useful_peak(fit, pace, max_size)
        if peak is None:
            return
        if self.limit is None:
            self._before, self._trial, self._served = pace, 0.0, 0
            self.limit = peak
        elif abs(peak - self.limit) > max(1, self.limit // 10):
            self.limit = peak

    def _useful_peak(self, fit: Fit, pace: float, max_size: int) -> int | None:
        """Give the peak if it promises more than the pace that was measured without a limit."""
        peak = round(fit.peak())
        if peak >= max_size or self._explored < EXPLORED * peak or fit.quadratic < fit.doubt:
            return None
        return peak if fit.throughput(peak) >= WORTH * pace else None

    def _judge(self, now: float, passed: float, ended: int) -> None:
        self._trial += passed
        self._served += ended
        if self._trial < TRIAL:
            return
        expected = self._before * self._trial
        if self._served < PROOF * expected:
            self.limit = None
            self._banned_until, self._ban = now + self._ban, 2 * self._ban
        self._trial, self._served = 0.0, 0
