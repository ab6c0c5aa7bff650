"""How long things take: holds, creates, think times. Every draw comes from the generator passed in."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from .._config import MOST_BITS, check_count
from .._scrub import quoted

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["BoundedPareto", "Constant", "Distribution", "Exponential", "Lognormal", "Recorded"]


FAR = 10
"""Standard deviations that no draw is away from its mean."""


def _finite(name: str, value: object) -> bool:
    # A Decimal or a bool would do here, and fail, or count, in the middle of a run.
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{name} is {quoted(value)}, it must be a number, an int or a float")
    return math.isfinite(value) if isinstance(value, float) else value.bit_length() <= MOST_BITS


def positive(_: object, field: attrs.Attribute[float], value: float) -> None:
    """Refuse a parameter that is not a finite number above 0."""
    if not (_finite(field.name, value) and value > 0):
        raise ValueError(f"{field.name} is {quoted(value)}, it must be a finite number more than 0")


def not_negative(_: object, field: attrs.Attribute[float], value: float) -> None:
    """Refuse a parameter that is not a finite number of at least 0."""
    if not (_finite(field.name, value) and value >= 0):
        raise ValueError(f"{field.name} is {quoted(value)}, it must be a finite number, 0 or more")


def at_least_one(_: object, field: attrs.Attribute[int], value: int) -> None:
    """Refuse what is no count of at least 1."""
    check_count(field.name, value, 1)


def none_negative(_: object, field: attrs.Attribute[tuple[float, ...]], values: tuple[float, ...]) -> None:
    """Refuse a series in which one is not a finite number of at least 0."""
    for index, value in enumerate(values):
        if not (_finite(f"{field.name}[{index}]", value) and value >= 0):
            raise ValueError(f"{field.name}[{index}] is {value!r}, it must be a finite number, 0 or more")


def a_distribution(_: object, field: attrs.Attribute[Any], value: object) -> None:
    """Refuse what nothing can be drawn from."""
    if isinstance(value, type) or not callable(getattr(value, "draw", None)):
        raise TypeError(f"{field.name} is {value!r}, it must be a distribution, such as Constant(0.05)")


def is_a(kind: type) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Make a check that refuses what is of another kind."""

    def check(_: object, field: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            raise TypeError(f"{field.name} is {value!r}, it must be of type {kind.__name__}")

    return check


def all_are(kind: type) -> Callable[[Any, attrs.Attribute[Any], object], None]:
    """Make a check that refuses a series in which one is of another kind."""

    def check(_: object, field: attrs.Attribute[Any], values: object) -> None:
        if not isinstance(values, tuple | list) or not all(isinstance(value, kind) for value in values):
            raise TypeError(f"{field.name} is {values!r}, it must be a tuple of {kind.__name__}")

    return check


def floats(values: Iterable[float]) -> tuple[float, ...]:
    """Make a tuple; a converter with a type of its own, where ``tuple`` itself would lose the element's."""
    if not isinstance(values, Iterable):
        raise TypeError(f"{quoted(values)} was given for a series of numbers")
    return tuple(values)


class Distribution(Protocol):
    """A distribution of durations in seconds."""

    @property
    def mean(self) -> float:
        """The mean duration, s."""
        ...

    def draw(self, rng: random.Random, /) -> float:
        """Draw one duration, s."""
        ...


@attrs.frozen
class Constant:
    """Always the same."""

    mean: float = attrs.field(validator=not_negative)

    def draw(self, rng: random.Random, /) -> float:
        """Return the one value."""
        return self.mean


@attrs.frozen
class Exponential:
    """Memoryless: the holds of Erlang's formulas."""

    mean: float = attrs.field(validator=positive)

    def draw(self, rng: random.Random, /) -> float:
        """Draw one duration, s."""
        return rng.expovariate(1.0 / self.mean)


@attrs.frozen
class Lognormal:
    """Skewed as query times are; given by its mean and its coefficient of variation."""

    mean: float = attrs.field(validator=positive)
    cv: float = attrs.field(default=1.0, validator=positive)

    def __attrs_post_init__(self) -> None:
        """Refuse what some draws of would be larger than a float can be."""
        variance = math.log1p(self.cv * self.cv)
        if not math.log(self.mean) + FAR * math.sqrt(variance) < math.log(sys.float_info.max):
            raise ValueError(f"mean is {self.mean!r} and cv is {self.cv!r}, draws must fit into a float")

    def draw(self, rng: random.Random, /) -> float:
        """Draw one duration, s."""
        variance = math.log1p(self.cv * self.cv)
        return rng.lognormvariate(math.log(self.mean) - variance / 2, math.sqrt(variance))


@attrs.frozen
class BoundedPareto:
    """Heavy-tailed between two bounds: most are short, most of the work is in the long ones."""

    low: float = attrs.field(validator=positive)
    high: float = attrs.field(validator=positive)
    alpha: float = attrs.field(default=1.2, validator=positive)

    def __attrs_post_init__(self) -> None:
        """Refuse bounds in the wrong order."""
        if not self.low < self.high:
            raise ValueError(f"low is {self.low!r}, it must be less than high, which is {self.high!r}")

    @property
    def mean(self) -> float:
        """The mean duration, s."""
        a, low, high = self.alpha, self.low, self.high
        if math.isclose(a, 1.0):
            return math.log(high / low) * low / (1 - low / high)
        spread = math.pow(low, 1 - a) - math.pow(high, 1 - a)
        return math.pow(low, a) / (1 - math.pow(low / high, a)) * a / (a - 1) * spread

    def draw(self, rng: random.Random, /) -> float:
        """Draw one duration, s, by inversion."""
        cut = 1 - (self.low / self.high) ** self.alpha
        return float(self.low * (1 - rng.random() * cut) ** (-1 / self.alpha))


@attrs.frozen
class Recorded:
    """Durations that were measured, drawn with replacement."""

    values: tuple[float, ...] = attrs.field(converter=floats)

    def __attrs_post_init__(self) -> None:
        """Refuse an empty record and values that are no durations."""
        if not self.values or not all(_finite("a value", value) and value >= 0 for value in self.values):
            raise ValueError("values must hold at least one duration, each finite and 0 or more")

    @property
    def mean(self) -> float:
        """The mean duration, s."""
        return math.fsum(self.values) / len(self.values)

    def draw(self, rng: random.Random, /) -> float:
        """Draw one of the recorded durations, s."""
        return rng.choice(self.values)
