"""Where more concurrency serves fewer: the Universal Scalability Law, fitted while the pool works.

N. Gunther: S(n) = S1 * (1 + alpha * (n - 1) + beta * n * (n - 1)), so throughput n / S(n) peaks at
sqrt((1 - alpha) / beta). Weighted least squares of the hold time on n - 1 and n(n - 1), each observation as
heavy as the leases it rests on; the past fades.
"""

from __future__ import annotations

import math

import attrs

__all__ = ["Fit", "Regression"]

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

    @property
    def tells(self) -> bool:
        """Whether there are observations enough to tell anything."""
        return self._seen >= 8

    def crowd(self) -> tuple[float, float, float]:
        """Return what the leases have seen: mean concurrency, its deviation as a share of that, the pace."""
        leases = self._xx[0][0]
        if leases <= 0.0:
            return 0.0, 0.0, 0.0
        others, square = self._xx[0][1] / leases, self._xx[1][1] / leases
        mean, deviation = others + 1.0, math.sqrt(max(0.0, square - others * others))
        return mean, deviation / mean, mean * leases / self._xy[0]

    def fit(self) -> Fit | None:
        """Return the best law with no negative part, or None while the data cannot tell."""
        if not self.tells:
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
