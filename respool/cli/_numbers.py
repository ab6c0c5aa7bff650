"""The numbers that a command takes: finite ones, for a load of ``nan`` seconds would never end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

__all__ = ["Finite", "FiniteRange", "Type", "finite"]

if TYPE_CHECKING:
    Type = click.ParamType[Any]
else:
    Type = click.ParamType  # generic for the type checker only, before click 8.3


def finite(text: Any) -> float:
    """Read a number.

    Raises:
        ValueError: It is none, or not a finite one.
    """
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text!r} is no finite number")
    return number


class Finite(Type):
    """A finite number; its bounds are checked elsewhere."""

    name = "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        try:
            return finite(value)
        except ValueError:
            self.fail(f"{value!r} is no finite number", param, ctx)


class FiniteRange(click.FloatRange):
    """A finite number between bounds; click's own lets ``nan`` and ``inf`` through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        number: float = super().convert(value, param, ctx)
        return Finite().convert(number, param, ctx)
