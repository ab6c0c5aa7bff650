"""What a reading of the meter covers."""

from __future__ import annotations

from respool._engine._growth import View
from respool._engine._ledger import Ledger
from respool._engine._meter import NEVER, Meter


def test_a_reading_after_a_rest_covers_only_the_time_since_somebody_came() -> None:
    """Else one waiter after a quiet hour would look like a line that has stood for an hour."""
    meter, ledger = Meter(), Ledger()

    def read(now: float) -> None:
        view = View(
            now=now,
            min_size=0,
            max_size=9,
            size=0,
            idle=0,
            in_use=0,
            creating=0,
            closing=0,
            waiting=0,
            promised=0,
            ledger=ledger,
        )
        meter.read(view, frozenset(), 9)

    meter.awake(5.0)
    assert 5.1 == meter.due
    read(5.1)
    assert NEVER == meter.due
    meter.awake(3600.0)
    read(3600.1)
    assert abs(0.1 - meter.passed) < 1e-9
