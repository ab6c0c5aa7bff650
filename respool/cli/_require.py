"""Gates for CI: ``--require "p99_wait<=0.010"``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import attrs
import click

from ._numbers import finite

__all__ = ["NAMES", "Requirement", "RequirementType"]

NAMES = ("p99_wait", "resource_seconds", "failed", "creates", "peak_size")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_SHAPE = re.compile(r"\s*(\w+)\s*(<=|>=|<|>)\s*([0-9.eE+-]+)\s*\Z")


@attrs.frozen
class Requirement:
    """A bound on one of a point's numbers."""

    name: str
    sign: str
    bound: float

    def holds(self, point: Any) -> bool:
        """Whether a point keeps it."""
        return _OPERATORS[self.sign](getattr(point, self.name), self.bound)

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.bound:g}"


class RequirementType(click.ParamType):  # type: ignore[type-arg]  # generic for the type checker only
    """Reads a requirement."""

    name = "name<=number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Requirement:
        """Read ``name<=number``."""
        found = _SHAPE.match(str(value))
        if not found or found[1] not in NAMES:
            self.fail(
                f"{value!r} must be one of {', '.join(NAMES)}, then <=, <, >= or >, then a number", param, ctx
            )
        try:
            return Requirement(found[1], found[2], finite(found[3]))
        except ValueError:
            self.fail(f"{found[3]!r} is no finite number", param, ctx)
