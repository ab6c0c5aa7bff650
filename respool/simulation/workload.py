"""What a pool is put under: who comes when, holds how long, waits how long, and comes back how often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from .._config import check_timeout
from .arrivals import Arrivals, ClosedLoop, Trace
from .distributions import Constant, Distribution, a_distribution, at_least_one, is_a, positive

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

__all__ = ["Call", "Retries", "Workload"]


@attrs.frozen
class Retries:
    """What callers do who were not served: ask again, so often and after such a pause."""

    attempts: int = attrs.field(default=3, validator=at_least_one)
    """Asks in all, the first included."""
    pause: Distribution = attrs.field(factory=lambda: Constant(0.1), validator=a_distribution)


@attrs.frozen
class Call:
    """One arrival: when, and how long it will hold its resource if the backend is not contended."""

    at: float
    hold: float


def _arrivals(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if isinstance(value, ClosedLoop) or (
        callable(getattr(value, "times", None)) and not isinstance(value, type)
    ):
        return
    raise TypeError(
        f"arrivals is {value!r}, it must be an arrival process, such as Poisson(50), or a ClosedLoop"
    )


def _timeout(_: object, field: attrs.Attribute[Any], value: object) -> None:
    check_timeout(value)


@attrs.frozen(kw_only=True)
class Workload:
    """A load to simulate.

    Args:
        arrivals: An open process, or a closed loop.
        hold: How long a lease lasts; may be left out for a trace that carries its holds.
        duration: Arrivals stop after this many seconds; the run ends when the last one was served.
        timeout: How long callers wait, s; None for ever.
        retries: What they do then; None: go away.
        name: For tables and pictures.
    """

    arrivals: Arrivals | ClosedLoop = attrs.field(validator=_arrivals)
    hold: Distribution | None = attrs.field(default=None, validator=attrs.validators.optional(a_distribution))
    duration: float = attrs.field(default=300.0, validator=positive)
    timeout: float | None = attrs.field(default=30.0, validator=_timeout)
    retries: Retries | None = attrs.field(default=None, validator=attrs.validators.optional(is_a(Retries)))
    name: str = attrs.field(default="", validator=is_a(str))

    def __attrs_post_init__(self) -> None:
        """Refuse a workload without hold times."""
        if self.hold is None and not (isinstance(self.arrivals, Trace) and self.arrivals.holds):
            raise ValueError("hold is None, it must be a distribution unless the trace carries its holds")

    def calls(self, rng: random.Random) -> Iterator[Call]:
        """Yield the calls of an open process until ``duration``; a closed loop has none of its own accord.

        Arrivals and holds are drawn from two independent streams, so that the same seed gives the same
        arrivals under another distribution of holds.
        """
        return (Call(at, hold) for at, hold in self.pairs(rng))

    def pairs(self, rng: random.Random) -> Iterator[tuple[float, float]]:
        """Yield the same calls as bare arrival and hold, which is quicker: there may be a million."""
        if isinstance(self.arrivals, ClosedLoop):
            return
        arriving, holding = split(rng), split(rng)
        recorded = self.holds(holding)
        draw = (lambda _: next(recorded)) if self.hold is None else self.hold.draw
        for at in self.arrivals.times(arriving):
            if at >= self.duration:
                return
            yield at, draw(holding)

    def holds(self, rng: random.Random) -> Iterator[float]:
        """Yield the hold of one call after another, s."""
        if self.hold is None:
            assert isinstance(self.arrivals, Trace)
            yield from self.arrivals.holds
            return
        while True:
            yield self.hold.draw(rng)


def split(rng: random.Random) -> random.Random:
    """Make a generator of its own out of another one's next draw."""
    return type(rng)(rng.getrandbits(64))
