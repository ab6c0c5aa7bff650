"""How a pool decides its size: the policies a user can give as ``sizing=``."""

from __future__ import annotations

from typing import Protocol

__all__ = ["SizingPolicy"]


class SizingPolicy(Protocol):
    """What decides how many resources there should be."""
