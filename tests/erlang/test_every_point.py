"""Every point of the agreement with Erlang C; long, run by ``tox -e erlang``."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.simulation.agreement import Interval, Measured, exact, measure

POINTS = [(servers, tenths) for servers in (2, 4, 10, 20) for tenths in range(5, 10)]
WIDTH = 0.05
RARE = 0.01
"""Where fewer than 1 % wait, the width is measured against what 1 % would give."""
MOST = 2_000_000


@pytest.mark.parametrize(("servers", "tenths"), POINTS)
def test_the_simulator_agrees_with_erlang_c(servers: int, tenths: int) -> None:
    load = Fraction(tenths, 10)
    wanted = exact(servers, load)
    scale = max(1.0, RARE / wanted[0])
    measured = narrowed(servers, load, wanted, scale)
    for value, found in zip(wanted, parts(measured), strict=True):
        assert abs(value - found.mean) <= found.half
        assert found.half <= WIDTH * scale * value


def parts(measured: Measured) -> tuple[Interval, Interval, Interval]:
    """Give the three intervals."""
    return measured.waiting, measured.mean, measured.p99


def narrowed(servers: int, load: Fraction, wanted: tuple[float, float, float], scale: float) -> Measured:
    """Lengthen the runs until every interval is narrow; seeds are fixed, so it ends the same every time."""
    leases = 20_000
    while True:
        measured = measure(servers, load, leases, seed=1000 * servers + int(load * 100))
        widest = max(
            (
                found.half / (scale * value)
                for value, found in zip(wanted, parts(measured), strict=True)
                if value
            ),
            default=0.0,
        )
        if widest <= WIDTH or leases >= MOST:
            return measured
        leases = min(MOST, int(leases * max(1.5, 1.2 * (widest / WIDTH) ** 2)))
