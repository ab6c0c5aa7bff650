"""From what the user states (``sizing=`` and the classic knobs) to the engine's sizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._engine import Fixed as FixedSizer
from ._engine import OnDemand
from ._sizing import Fixed

if TYPE_CHECKING:
    from ._config import Settings
    from ._engine import Sizer

__all__ = ["sizer_for"]


def sizer_for(settings: Settings) -> Sizer:
    """Make the sizer of one pool."""
    sizing = settings.sizing
    if sizing is None:
        return OnDemand()
    if isinstance(sizing, Fixed):
        return FixedSizer(settings.max_size if sizing.size is None else sizing.size)
    raise TypeError(f"sizing is {sizing!r}, it must be a sizing policy such as Fixed()")
