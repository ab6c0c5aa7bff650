"""How a pool decides its size: the policies a user can give as ``sizing=``."""

from __future__ import annotations

from typing import Any, Protocol

import attrs

__all__ = ["Fixed", "SizingPolicy"]


class SizingPolicy(Protocol):
    """What decides how many resources there should be; one value may serve many pools."""

    def make_sizer(self, settings: Any, /) -> Any:
        """Make the engine's sizer for one pool."""
        ...


@attrs.frozen
class Fixed:
    """Exactly ``size`` resources (default: ``max_size``): opened at once, never closed for lack of use."""

    size: int | None = attrs.field(default=None)

    @size.validator
    def _check(self, _: Any, value: Any) -> None:
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise TypeError(f"size is {value!r}, it must be an int")
        if value is not None and value < 0:
            raise ValueError(f"size is {value!r}, it must be at least 0")
