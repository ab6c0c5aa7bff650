"""What stands behind the pool: how long creates take, when they fail, and what crowding does to the work."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import attrs

from .distributions import (
    Constant,
    Distribution,
    a_distribution,
    all_are,
    at_least_one,
    is_a,
    not_negative,
    positive,
)

if TYPE_CHECKING:
    import random

__all__ = ["Brownout", "Connect", "Contention", "Outage", "SimulatedBackend"]


@attrs.frozen
class Contention:
    """The Universal Scalability Law: n at once take 1 + alpha (n - 1) + beta n (n - 1) times as long."""

    alpha: float = attrs.field(default=0.0, validator=not_negative)
    beta: float = attrs.field(default=0.0, validator=not_negative)

    def factor(self, n: int) -> float:
        """Return by how much ``n`` leases at once stretch each other's work."""
        return 1.0 + self.alpha * (n - 1) + self.beta * n * (n - 1) if n > 1 else 1.0

    def peak(self) -> float:
        """Return the concurrency of the highest throughput, ``inf`` without a quadratic part."""
        if self.beta == 0.0:
            return math.inf
        return max(1.0, math.sqrt(max(0.0, 1.0 - self.alpha) / self.beta))


@attrs.frozen
class Span:
    """From ``start`` to ``end``, seconds from the beginning of the run."""

    start: float = attrs.field(validator=not_negative)
    end: float = attrs.field(validator=positive)

    def __attrs_post_init__(self) -> None:
        """Refuse a span that ends before it starts."""
        if not self.start < self.end:
            raise ValueError(f"end is {self.end!r}, it must be more than start, which is {self.start!r}")

    def covers(self, now: float) -> bool:
        """Tell whether ``now`` lies within."""
        return self.start <= now < self.end


@attrs.frozen
class Outage(Span):
    """Nobody answers: open resources are dead, creates fail after ``fails_after`` seconds."""

    fails_after: float = attrs.field(default=0.001, validator=not_negative)


@attrs.frozen
class Brownout(Span):
    """Everything takes ``factor`` times as long."""

    factor: float = attrs.field(default=3.0, validator=positive)


@attrs.frozen
class Connect:
    """The outcome of one create: how long it takes, whether it works, whether the backend was full."""

    seconds: float
    ok: bool
    refused: bool = False


@attrs.frozen(kw_only=True)
class SimulatedBackend:
    """A backend in virtual time; answers questions, remembers nothing.

    Args:
        create: How long a create takes.
        close: How long a destroy takes.
        contention: What concurrency does to the holds; None: nothing.
        outages: When nobody answers.
        brownouts: When everything is slow.
        max_connections: Creates beyond so many open ones are refused; None: never.
    """

    create: Distribution = attrs.field(factory=lambda: Constant(0.05), validator=a_distribution)
    close: Distribution = attrs.field(factory=lambda: Constant(0.0), validator=a_distribution)
    contention: Contention | None = attrs.field(
        default=None, validator=attrs.validators.optional(is_a(Contention))
    )
    outages: tuple[Outage, ...] = attrs.field(default=(), validator=all_are(Outage))
    brownouts: tuple[Brownout, ...] = attrs.field(default=(), validator=all_are(Brownout))
    max_connections: int | None = attrs.field(default=None, validator=attrs.validators.optional(at_least_one))

    def connect(self, now: float, open_count: int, rng: random.Random) -> Connect:
        """Return the outcome of a create that starts at ``now`` beside ``open_count`` open resources."""
        seconds = self.create.draw(rng) * self.slowness(now)
        outage = self._outage_between(now, now + seconds)
        if outage is not None:
            return Connect(max(0.0, outage.start - now) + outage.fails_after, ok=False)
        if self.max_connections is not None and open_count >= self.max_connections:
            return Connect(seconds, ok=False, refused=True)
        return Connect(seconds, ok=True)

    def work(self, now: float, hold: float, in_use: int) -> float:
        """Return how long a lease lasts that starts at ``now`` as one of ``in_use``, s."""
        crowd = 1.0 if self.contention is None else self.contention.factor(in_use)
        return hold * crowd * self.slowness(now)

    def slowness(self, now: float) -> float:
        """Return the factor of the brown-outs in force at ``now``."""
        return math.prod(brownout.factor for brownout in self.brownouts if brownout.covers(now))

    def alive(self, created: float, now: float) -> bool:
        """Tell whether a resource created at ``created`` still works at ``now``: no outage came between."""
        return self._outage_between(created, now) is None

    def _outage_between(self, start: float, end: float) -> Outage | None:
        return next((outage for outage in self.outages if start < outage.end and outage.start <= end), None)
