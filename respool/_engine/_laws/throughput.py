"""The ceiling at the throughput peak: set where the law of scalability finds one, kept while it proves good.

The law needs crowds of several sizes. A pool that starts under more load than can be served is full within a
second and sees one size only; so where a line has stood for long, and nothing is known of smaller crowds, one
is tried, as congestion control does. Whatever set a limit, it is judged by what is served under it.
"""

from __future__ import annotations

import math

import attrs

from .scalability import Fit, Regression

__all__ = ["ScalabilityLimit"]

ENOUGH = 40
"""Leases one observation rests on at least. Fewer, and chance alone makes hold and concurrency rise together:
a long lease adds to both."""
TURNS = 3
"""Times each resource must have changed hands in it: else the leases that end began under another crowd."""
DRIFT = 0.2
"""Relative change of concurrency from its beginning to its end at which it is thrown away, for the same
reason: while a pool ramps up, leases of a small crowd end and make the large one look quick."""
SATURATED = 1.0
"""Seconds of an unbroken line before a limit is thought of: without a line, nobody is in the way."""
EXPLORED = 1.25
"""The pool must have worked this far beyond the peak before it believes in one."""
WORTH = 1.1
"""The predicted gain in throughput that justifies a limit."""
RECENT = 0.5
"""Time constant, s, of the pace that a limit must improve on."""
CALM = 60.0
"""Seconds without a line after which a limit is forgotten."""
TRIAL = 2.0
"""Seconds of a full line after which a limit is judged by what it did."""
SETTLES = 3.0
"""Holds that the larger crowd is given at most to go before the trial begins: until it has gone, nobody new
is served."""
PROOF = 1.02
"""The gain in throughput by which it must have proved itself; one that was worth having gave `WORTH`."""
FIRST_BAN = 30.0
"""Seconds without a new limit after one had to be withdrawn; doubled each time."""
PATIENCE = 10.0
"""Seconds of an unbroken line after which a smaller crowd is tried."""
CREATES = 10.0
"""Create times of an unbroken line besides: what was closed for nothing must be made again."""
UNIFORM = 0.15
"""The deviation of the crowd's size below which nothing is known of a smaller one."""
FEWER = 0.75
"""The part of the crowd that is tried. Where holds are constant, a quarter of the trial's work is lost."""
FEWEST = 4
"""The smallest crowd for which a smaller one is tried."""
SEEN = 2
"""Observations that such a trial lasts at least."""
DEAR = 60.0
"""Lengths of one that has failed until the next: they cost a 240th of what is served at most."""


@attrs.define(eq=False, repr=False)
class Trial:
    """A limit on trial: it must serve more than was served without it."""

    before: float
    """Leases per second without it."""
    settling: float
    """Seconds that the larger crowd is still given to go."""
    to_see: int = 0
    """Observations that it still waits for."""
    seconds: float = attrs.field(default=0.0, init=False)
    served: int = attrs.field(default=0, init=False)

    def take(self, passed: float, ended: int, *, settled: bool) -> float | None:
        """Take in one tick; give the pace, in leases per second, when the trial is over."""
        if self.settling > 0.0:
            self.settling = 0.0 if settled else self.settling - passed
            return None
        self.seconds += passed
        self.served += ended
        if self.seconds < TRIAL or self.to_see > 0:
            return None
        return self.served / self.seconds

    def again(self) -> None:
        """Begin the next one of a limit that stands."""
        self.seconds, self.served = 0.0, 0


@attrs.define(eq=False, repr=False)
class ScalabilityLimit:
    """A ceiling at the throughput peak, withdrawn when throughput falls under it.

    Holds that are bound by the interpreter look like contention; only what happens after the limit tells them
    apart.
    """

    regression: Regression = attrs.field(factory=Regression)
    limit: int | None = attrs.field(default=None, init=False)
    """The concurrency that serves most, None while more is not known to hurt."""
    _trial: Trial = attrs.field(factory=lambda: Trial(0.0, 0.0), init=False)
    _tried: int | None = attrs.field(default=None, init=False)
    """The limit that was set to see what it does, not because the law says so."""
    _refuge: tuple[int, float] | None = attrs.field(default=None, init=False)
    """A larger one that has proved itself, with the pace before it: where to go back to."""
    _busy: float = attrs.field(default=0.0, init=False)
    _ended: int = attrs.field(default=0, init=False)
    _passed: float = attrs.field(default=0.0, init=False)
    _explored: float = attrs.field(default=0.0, init=False)
    _hold: float = attrs.field(default=0.0, init=False)
    """Of the last observation, s."""
    _streak: float = attrs.field(default=0.0, init=False)
    _patience: float = attrs.field(default=PATIENCE, init=False)
    _head: float = attrs.field(default=-1.0, init=False)
    _tail: float = attrs.field(default=0.0, init=False)
    _calm: float = attrs.field(default=0.0, init=False)
    _pace: float = attrs.field(default=0.0, init=False)
    _banned_until: float = attrs.field(default=-math.inf, init=False)
    _ban: float = attrs.field(default=FIRST_BAN, init=False)

    def observe(
        self,
        now: float,
        passed: float,
        busy: float,
        ended: int,
        waiting: int,
        max_size: int,
        create_time: float,
    ) -> None:
        """Take in one tick.

        Args:
            now: Seconds on the monotonic clock.
            passed: Seconds since the last tick.
            busy: Resource-seconds in use since then.
            ended: Leases that ended since then.
            waiting: Waiters now.
            max_size: What the limit would lower.
            create_time: Mean seconds of a create.
        """
        self._patience = max(PATIENCE, CREATES * create_time)
        self._passed += passed
        self._busy += busy
        self._ended += ended
        self._saturate(passed, ended, waiting)
        if passed > 0.0:
            self._note(busy / passed)
        if self._passed > 0.0 and self._ended >= max(ENOUGH, TURNS * self._busy / self._passed):
            self._enter(now, max_size)
        if self.limit is not None and waiting > 0:
            pace = self._trial.take(passed, ended, settled=self._tail <= self.limit + 1)
            if pace is not None:
                self._judge(self.limit, pace, now)

    def _note(self, concurrency: float) -> None:
        """Remember the concurrency at an observation's beginning and end."""
        if self._head < 0.0:
            self._head = concurrency
        self._tail = concurrency

    def _saturate(self, passed: float, ended: int, waiting: int) -> None:
        """Measure the pace of a line that does not break."""
        if waiting > 0:
            self._streak += passed
            self._pace += (ended / passed - self._pace) * -math.expm1(-passed / RECENT) if passed else 0.0
            self._calm = 0.0
            return
        self._streak = self._pace = 0.0
        self._calm += passed
        if self._calm > CALM:
            self.limit = self._refuge = None

    def _enter(self, now: float, max_size: int) -> None:
        """Make an observation of the ticks since the last one."""
        concurrency, self._hold = self._busy / self._passed, self._busy / self._ended
        drift = abs(self._tail - self._head)
        if concurrency >= 1.0 and drift <= 1.0 + DRIFT * concurrency:
            self.regression.add(self._passed, concurrency, self._hold, self._ended)
            self._explored = max(self._explored, concurrency)
            self._trial.to_see -= 1
        self._busy, self._ended, self._passed = 0.0, 0, 0.0
        self._head = -1.0
        if now >= self._banned_until and (self.limit is not None or self._streak >= SATURATED):
            self._revise(max_size)

    def _revise(self, max_size: int) -> None:
        """Set a limit, or move it; only `_judge` and the end of the trouble take it back."""
        fit = self.regression.fit()
        pace = self._trial.before if self.limit is not None else self._pace
        peak = None if fit is None else self._useful_peak(fit, pace, max_size)
        if peak is None:
            if self.limit is None:
                self._explore()
        elif self.limit is None:
            self._set(peak, pace)
        elif abs(peak - self.limit) > max(1, self.limit // 10):
            # Under a limit all crowds are alike: what they say of a much smaller one is chance.
            self.limit = max(peak, round(FEWER * self.limit))

    def _useful_peak(self, fit: Fit, pace: float, max_size: int) -> int | None:
        """Give the peak if it promises more than the pace that was measured without a limit."""
        peak = round(fit.peak())
        if peak >= max_size or self._explored < EXPLORED * peak or fit.quadratic < fit.doubt:
            return None
        return peak if fit.throughput(peak) >= WORTH * pace else None

    def _explore(self) -> None:
        """Try a smaller crowd where all were alike."""
        crowd, deviation, pace = self.regression.crowd()
        if self._streak >= self._patience and self.regression.tells and deviation < UNIFORM:
            self._go_down(crowd, pace)

    def _go_down(self, crowd: float, pace: float) -> None:
        if crowd >= FEWEST:
            self._set(round(FEWER * crowd), pace, to_see=SEEN)
            self._tried = self.limit

    def _set(self, limit: int, pace: float, to_see: int = 0) -> None:
        self.limit, self._tried = limit, None
        self._trial = Trial(pace, max(TRIAL, SETTLES * self._hold), to_see)

    def _judge(self, limit: int, pace: float, now: float) -> None:
        """Keep the limit, or take it back; one that was tried and is good may be followed by a smaller."""
        trial, tried = self._trial, limit == self._tried
        if pace < PROOF * trial.before:
            self._withdraw(now, DEAR * trial.seconds if tried else 0.0)
        elif tried and self.regression.fit() is None:
            self._go_down(limit, pace)
            self._refuge = limit, trial.before
        trial.again()

    def _withdraw(self, now: float, pause: float) -> None:
        self.limit, before = self._refuge or (None, 0.0)
        self._trial, self._refuge = Trial(before, 0.0), None
        self._banned_until, self._ban = now + max(self._ban, pause), 2 * self._ban
