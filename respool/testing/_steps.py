"""Steps and scripts: what a scripted adapter does, call by call."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

from respool import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._ledger import Call

__all__ = ["Aborted", "Script", "ScriptedError", "Step", "error", "never", "ok", "slow", "value"]


class ScriptedError(Exception):
    """An error that a script raises on purpose; carries the `Fault` that ``classify`` gives for it."""

    __module__ = "respool.testing"  # what a traceback says

    def __init__(self, message: str = "scripted error", fault: Fault = Fault.RESOURCE_BROKEN) -> None:
        super().__init__(message)
        self.fault = fault


class Aborted(ScriptedError):
    """What a slow or hung call raises when ``abort`` ends it."""

    __module__ = "respool.testing"  # what a traceback says


_NATURAL: Any = object()


def _delay(_: object, field: attrs.Attribute[float], given: object) -> None:
    if not isinstance(given, int | float) or isinstance(given, bool):
        raise TypeError(f"delay is {given!r}, it must be a number of seconds")
    if not given >= 0:
        raise ValueError(f"delay is {given!r}, it must be a number of seconds, 0 or more")


def _raisable(_: object, field: attrs.Attribute[Any], given: object) -> None:
    if not _can_be_raised(given) and given is not None:
        raise TypeError(f"error is {given!r}, it must be an exception or a class of them")


def _can_be_raised(given: object) -> bool:
    return isinstance(given, BaseException) or (isinstance(given, type) and issubclass(given, BaseException))


@attrs.frozen(kw_only=True)
class Step:
    """One call's behaviour: wait, then raise, or give a value.

    Attributes:
        delay: Seconds to wait first; infinite for a call that hangs.
        error: What to raise then, an instance or a class; None for nothing.
        value: What to give back instead of the natural answer.
    """

    delay: float = attrs.field(default=0.0, validator=_delay)
    error: BaseException | type[BaseException] | None = attrs.field(default=None, validator=_raisable)
    value: Any = _NATURAL

    @property
    def gives_value(self) -> bool:
        """Tell whether the natural answer is replaced."""
        return self.value is not _NATURAL


Item: TypeAlias = "Step | BaseException | type[BaseException] | None"
Script: TypeAlias = "Item | Iterable[Item] | Callable[[Call], Item]"
"""One step for every call; steps in order, then ok; or a function that is asked at each call."""


def ok() -> Step:
    """Do what a right adapter does, at once."""
    return Step()


def error(exc: BaseException | type[BaseException] = ScriptedError) -> Step:
    """Raise."""
    return Step(error=exc)


def slow(seconds: float, then: Step | None = None) -> Step:
    """Take so many seconds of real time, then do ``then`` (default: ok)."""
    return attrs.evolve(_as_step(then), delay=seconds)


def never(then: Step | None = None) -> Step:
    """Hang until ``release_all`` or ``abort``; when released, do ``then`` (default: ok)."""
    return attrs.evolve(_as_step(then), delay=float("inf"))


def value(given: object) -> Step:
    """Give this back instead of the natural answer."""
    return Step(value=given)


def _as_step(item: Item) -> Step:
    if item is None:
        return ok()
    if isinstance(item, Step):
        return item
    if not _can_be_raised(item):
        raise TypeError(f"a script has {item!r}, it must be a Step, an exception or None")
    return error(item)


def _several(script: object) -> Iterable[Item]:
    if isinstance(script, str | bytes) or not isinstance(script, Iterable):
        raise TypeError(f"a script is {script!r}, it must be a Step, an exception, several or a function")
    return script


class Play:
    """A script being followed; safe to ask from several threads."""

    def __init__(self, script: Script) -> None:
        self._ask: Callable[[Call], Item] | None = None
        self._always: Item = None
        self._rest: Iterator[Item] = iter(())
        self._lock = threading.Lock()
        self._take(script)

    def _take(self, script: Script) -> None:
        if script is None or isinstance(script, Step | BaseException | type):
            self._always = _as_step(script)
        elif callable(script):
            self._ask = script
        else:
            self._rest = iter(_several(script))

    def step(self, call: Call) -> Step:
        """Give the step for this call."""
        if self._ask is not None:
            return _as_step(self._ask(call))
        with self._lock:
            return _as_step(next(self._rest, self._always))
