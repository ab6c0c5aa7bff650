"""When callers come: arrival processes of an open system, and the closed loop.

``times`` yields ascending seconds from 0, endlessly unless the process itself ends; whoever runs it stops.
Rates that change smoothly are drawn by thinning (Lewis and Shedler, 1979), which is exact.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import attrs

from .distributions import (
    Distribution,
    a_distribution,
    at_least_one,
    floats,
    none_negative,
    not_negative,
    positive,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

__all__ = [
    "Arrivals",
    "Batches",
    "Bursts",
    "ClosedLoop",
    "Diurnal",
    "FlashCrowd",
    "OnOff",
    "Poisson",
    "Trace",
]


class Arrivals(Protocol):
    """A process of arrivals."""

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s, ascending."""
        ...


def thinned(rng: random.Random, rate: Callable[[float], float], highest: float) -> Iterator[float]:
    """Yield Poisson arrivals whose rate changes with time and never exceeds ``highest``."""
    now = 0.0
    while True:
        now += rng.expovariate(highest)
        if rng.random() * highest < rate(now):
            yield now


@attrs.frozen
class Poisson:
    """Independent callers at a steady ``rate`` per second."""

    rate: float = attrs.field(validator=positive)

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s."""
        now = 0.0
        while True:
            now += rng.expovariate(self.rate)
            yield now


@attrs.frozen
class Bursts:
    """A Markov-modulated Poisson process: calm and burst in turn, each for an exponential while.

    Args:
        calm: Arrivals per second between bursts.
        burst: Arrivals per second in a burst.
        calm_for: Mean length of the calm, s.
        burst_for: Mean length of a burst, s.
    """

    calm: float = attrs.field(validator=not_negative)
    burst: float = attrs.field(validator=positive)
    calm_for: float = attrs.field(validator=positive)
    burst_for: float = attrs.field(validator=positive)

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s."""
        start = 0.0
        while True:
            for rate, length in ((self.calm, self.calm_for), (self.burst, self.burst_for)):
                end = start + rng.expovariate(1.0 / length)
                yield from poisson_between(rng, rate, start, end)
                start = end


def poisson_between(rng: random.Random, rate: float, start: float, end: float) -> Iterator[float]:
    """Yield Poisson arrivals at ``rate`` within one stretch of time."""
    if rate <= 0.0:
        return
    now = start + rng.expovariate(rate)
    while now < end:
        yield now
        now += rng.expovariate(rate)


@attrs.frozen
class OnOff:
    """A job that runs for ``on`` seconds at ``rate`` per second, sleeps for ``off``, and starts again."""

    rate: float = attrs.field(validator=positive)
    on: float = attrs.field(validator=positive)
    off: float = attrs.field(validator=positive)

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s."""
        start = 0.0
        while True:
            yield from poisson_between(rng, self.rate, start, start + self.on)
            start += self.on + self.off


@attrs.frozen
class Diurnal:
    """Day and night: a sine around ``rate`` of relative height ``swing``, one day in ``period`` seconds."""

    rate: float = attrs.field(validator=positive)
    swing: float = attrs.field(default=0.8, validator=not_negative)
    period: float = attrs.field(default=600.0, validator=positive)

    def __attrs_post_init__(self) -> None:
        """Refuse a swing that would make the rate negative."""
        if self.swing > 1:
            raise ValueError(f"swing is {self.swing!r}, it must be at most 1")

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s, beginning at the mean on the way up."""
        turn = 2 * math.pi / self.period
        return thinned(
            rng,
            lambda now: self.rate * (1 + self.swing * math.sin(turn * now)),
            self.rate * (1 + self.swing),
        )


@attrs.frozen(kw_only=True)
class FlashCrowd:
    """A steady rate, and once a crowd: up within ``rise`` s, there for ``stay``, gone within ``fall``."""

    rate: float = attrs.field(validator=positive)
    peak: float = attrs.field(validator=positive)
    start: float = attrs.field(default=60.0, validator=not_negative)
    rise: float = attrs.field(default=1.0, validator=positive)
    stay: float = attrs.field(default=30.0, validator=not_negative)
    fall: float = attrs.field(default=10.0, validator=positive)

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s."""
        return thinned(rng, self.rate_at, max(self.rate, self.peak))

    def rate_at(self, now: float) -> float:
        """Return the rate at ``now``, arrivals per second."""
        up = (now - self.start) / self.rise
        down = (self.start + self.rise + self.stay + self.fall - now) / self.fall
        crowd = max(0.0, min(1.0, up, down))
        return self.rate + (self.peak - self.rate) * crowd


@attrs.frozen
class Batches:
    """Callers who come ``size`` at once, ``rate`` callers per second in all."""

    rate: float = attrs.field(validator=positive)
    size: int = attrs.field(validator=at_least_one)

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield arrival times, s; those of one batch are equal."""
        for now in Poisson(self.rate / self.size).times(rng):
            for _ in range(self.size):
                yield now


@attrs.frozen
class Trace:
    """Arrivals that were recorded, and, where known, how long each held its resource.

    Args:
        at: Arrival times, s, ascending.
        holds: One hold per arrival, s, or nothing.
        faster: What if: the same arrivals so many times as fast.
    """

    at: tuple[float, ...] = attrs.field(converter=floats, validator=none_negative)
    holds: tuple[float, ...] = attrs.field(default=(), converter=floats, validator=none_negative)
    faster: float = attrs.field(default=1.0, validator=positive)

    def __attrs_post_init__(self) -> None:
        """Refuse an empty trace, times that do not ascend and holds that do not match."""
        if not self.at:
            raise ValueError("at is (), it must hold at least one arrival")
        if any(later < earlier for earlier, later in zip(self.at, self.at[1:], strict=False)):
            raise ValueError("at must ascend: an arrival is earlier than the one before it")
        if self.holds and len(self.holds) != len(self.at):
            raise ValueError(
                f"holds has {len(self.holds)} values, it must have {len(self.at)}, one per arrival"
            )

    def times(self, rng: random.Random, /) -> Iterator[float]:
        """Yield the recorded times, s."""
        return (at / self.faster for at in self.at)


@attrs.frozen
class ClosedLoop:
    """So many callers and no more: each thinks, calls, and thinks again once it was served or refused."""

    callers: int = attrs.field(validator=at_least_one)
    think: Distribution = attrs.field(validator=a_distribution)

    def __attrs_post_init__(self) -> None:
        """Refuse callers who do not think: one who is refused would ask for ever at one moment."""
        if not self.think.mean > 0:
            raise ValueError(f"think is {self.think}, its mean must be more than 0")
