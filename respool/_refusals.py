"""The exception that a refused caller gets: its wait, the pool's state, the last failure, the holders."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

import attrs

from ._errors import BackendError, PoolClosed, PoolError, PoolRejected, PoolTimeout
from ._scrub import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._engine import Engine, Refusal, Slot, Waiter
    from ._stats import PoolStats

__all__ = ["Acquirer", "blame", "capture_acquirer", "error_from"]

_OLDEST = 3
"""How many of the oldest leases a time-out names."""
_DEEPEST = 12
"""How many frames of a stack are kept, from the caller outwards."""
_NOT_THE_CALLERS = (os.path.dirname(__file__), threading.__file__)


@attrs.frozen
class Acquirer:
    """Who asked for a lease: thread or task, and the stack; kept only where ``leak_after`` is set."""

    who: object
    """Equal for the same thread or task."""
    frames: tuple[tuple[CodeType, int], ...] = attrs.field(repr=False)
    """Code and line, innermost first. The source is read when somebody looks: reading it for every lease,
    as `traceback.extract_stack` does, cost more than the rest of such a lease."""

    def __str__(self) -> str:
        lines = [(code.co_filename, line, code.co_name, None) for code, line in reversed(self.frames)]
        return "".join(traceback.format_list(traceback.StackSummary.from_list(lines)))


def capture_acquirer(who: object) -> Acquirer:
    """Remember the caller's stack, without the pool's own frames and those that every thread begins with."""
    found: list[tuple[CodeType, int]] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(found) < _DEEPEST:
        code = frame.f_code
        if not code.co_filename.startswith(_NOT_THE_CALLERS):
            found.append((code, frame.f_lineno))
        frame = frame.f_back
    return Acquirer(who, tuple(found))


def error_from(engine: Engine, waiter: Waiter, refusal: Refusal, now: float) -> PoolError:
    """Make the exception that a refused caller gets; its ``__cause__`` is set."""
    stats = engine.stats(now)
    if refusal.why == "closed":
        return PoolClosed(f"pool {stats.name!r} is closed")
    if refusal.why == "rejected":
        return PoolRejected(f"pool {stats.name!r} refuses at once: {refusal.detail} ({_state(stats)})")
    error: PoolError
    if refusal.why == "backend":
        what = describe(refusal.cause) if refusal.cause is not None else "no reason given"
        error = BackendError(f"pool {stats.name!r} cannot create a resource: {what}")
    else:
        text = _timeout_text(engine, waiter, stats, refusal, now)
        error = PoolTimeout(text, phase=refusal.phase, stats=stats)
    error.__cause__ = refusal.cause
    return error


def blame(refused: PoolError, broken: BaseException, timeout: float | None) -> None:
    """Show a caller who gets no resource for a further attempt what broke the one before.

    A `BackendError` keeps the cause that it has: that is the driver's own exception. A time-out names what
    was left of ``timeout`` for this attempt, which says nothing to a caller who does not know of it.
    """
    if not isinstance(refused, BackendError):
        refused.__cause__ = broken
    if isinstance(refused, PoolTimeout) and timeout:
        refused.args = (f"further attempt within the {_seconds(timeout)} s of run(): {refused}",)


def _timeout_text(engine: Engine, waiter: Waiter, stats: PoolStats, refusal: Refusal, now: float) -> str:
    reporter = engine.reporter
    within = "at once" if not waiter.timeout else f"within {_seconds(waiter.timeout)} s"
    text = f"no {engine.settings.noun} from pool {stats.name!r} {within} ({_state(stats)}"
    if reporter.last_error is not None:
        age = now - reporter.last_error_at
        text += f"; last {reporter.last_failed} failed {age:.1f} s ago: {reporter.last_error}"
    if refusal.detail:
        text += f"; {refusal.detail}"
    text += ")"
    if engine.paused:
        text += "; the pool is paused, resume() ends it"
    if stats.max_size == 0:
        text += "; max_size is 0, resize() wakes the pool"
    return text + _holders_text(engine, waiter, now)


def _seconds(timeout: float) -> str:
    """Write a timeout as a float, whatever it was given as: 2 as "2.0", and 0.1 + 0.2 as "0.3"."""
    return str(float(f"{timeout:g}"))


def _holders_text(engine: Engine, waiter: Waiter, now: float) -> str:
    """Name the oldest leases where ``leak_after`` is set, and say whether the caller holds one."""
    held = _held(engine)
    if not held:
        return ""
    text = ""
    me = waiter.acquirer
    if me is not None and any(slot.acquirer.who == me.who for slot in held):
        text += "; nested acquire: this thread or task already holds a lease of this pool"
    for slot in held[:_OLDEST]:
        text += f"\nheld for {now - slot.lent_at:.1f} s, acquired at:\n{slot.acquirer}"
    return text


def _held(engine: Engine) -> Sequence[Slot]:
    held = [s for s in engine.ledger if s.acquirer is not None and engine.lane.loan_of(s) is not None]
    return sorted(held, key=lambda slot: slot.lent_at)


def _state(stats: PoolStats) -> str:
    parts = [
        f"size {stats.size}/{stats.max_size}",
        f"in use {stats.in_use}",
        f"idle {stats.idle}",
        f"waiting {stats.waiting}",
    ]
    busy: list[tuple[str, Any]] = [
        ("creating", stats.creating),
        ("checking", stats.checking),
        ("resetting", stats.resetting),
        ("stuck", stats.stuck),
    ]
    parts += [f"{name} {count}" for name, count in busy if count]
    return ", ".join(parts)
