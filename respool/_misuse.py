"""What a caller is told who uses a lease after its end."""

from __future__ import annotations

from typing import Any

from ._errors import PoolMisuse

__all__ = ["misuse"]

_ENDS = {
    "": "it was released before; a lease is used once, acquire() gives the next one",
    "discarded": "it was discarded before",
    "detached": "it was detached before: the resource is the caller's own",
    "inherited": "it was inherited through fork and belongs to the parent; acquire() one in this process",
}


def misuse(lease: Any, act: str) -> PoolMisuse:
    """Make the error for an act on a lease that has ended."""
    return PoolMisuse(f"cannot {act} this lease of pool {lease._core.settings.name!r}: {_ENDS[lease._end]}")
