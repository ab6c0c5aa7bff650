"""`Announcer`: brings a pool's events to its listeners and to the log; imported with the first pool."""

from __future__ import annotations

import logging
import warnings
from time import monotonic
from typing import TYPE_CHECKING

import attrs

from . import _events as tell
from ._engine import NEVER
from ._log import logger
from ._workers import reaches_nobody

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Sequence

__all__ = ["Announcer"]

_LEVELS: dict[type[tell.PoolEvent], int] = {
    tell.OutageBegan: logging.WARNING,
    tell.OutageEnded: logging.INFO,
    tell.ConfigFault: logging.WARNING,
    tell.CapacityReached: logging.WARNING,
    tell.PolicyFailed: logging.WARNING,
    tell.ResourceGivenUp: logging.WARNING,
    tell.LeaseLeaking: logging.WARNING,
    tell.LeaseReturned: logging.INFO,
    tell.EventsLost: logging.WARNING,
}
_REPEATED = (tell.ResourceGivenUp, tell.CapacityReached, tell.PolicyFailed, tell.EventsLost)
"""Troubles that come again and again while they last: one WARNING in `_PAUSE` seconds, DEBUG otherwise."""
_PAUSE = 60.0
_INTERRUPTS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What is meant for whoever runs the thread or ends the coroutine, though it struck in a listener."""


class Announcer:
    """Brings a pool's events to its listeners and to the log, outside the pool's lock and in order."""

    def __init__(self, name: str, listeners: Sequence[Callable[[tell.PoolEvent], object]]) -> None:
        self._name = name
        self._listeners = tuple(listeners)
        self._warned: dict[tuple[type, object], float] = {}
        self._broken: set[int] = set()

    def listen(self, listener: Callable[[tell.PoolEvent], object]) -> None:
        """Add a listener, from the next event on."""
        self._listeners = (*self._listeners, listener)

    def unlisten(self, listener: Callable[[tell.PoolEvent], object]) -> bool:
        """Take a listener away; True while any is left."""
        self._listeners = tuple(other for other in self._listeners if other is not listener)
        return bool(self._listeners)

    def announce(self, events: deque[tell.PoolEvent], most: int, within: float = NEVER) -> bool:
        """Take events one by one and deliver them; the caller makes sure to be the only one.

        Args:
            events: Where they wait, in order.
            most: How many to deliver.
            within: Begin no other one after so many seconds.

        Returns:
            Whether it ended because there were no more.
        """
        until = monotonic() + within
        for _ in range(most):
            try:
                event = events.popleft()
            except IndexError:
                return True
            self._log(event)
            for listener in self._listeners:
                self._tell(listener, event)
            if monotonic() >= until:
                break
        return not events

    def _tell(self, listener: Callable[[tell.PoolEvent], object], event: tell.PoolEvent) -> None:
        try:
            listener(event)
        except BaseException as exc:
            # No cancellation either: a listener has none but its own, and the caller's task goes on.
            if isinstance(exc, _INTERRUPTS) and not reaches_nobody(exc):
                raise
            level = logging.DEBUG if id(listener) in self._broken else logging.WARNING
            self._broken.add(id(listener))
            logger.log(level, "pool %r: a listener raised on %r", self._name, event, exc_info=True)

    def _log(self, event: tell.PoolEvent) -> None:
        level = _LEVELS.get(type(event), logging.DEBUG)
        if isinstance(event, tell.ResourceDestroyed) and event.error and not _is_cut_short(event.error):
            level = self._once(event, event.reason)
        elif isinstance(event, tell.ResourceGivenUp) and event.method == "create":
            level = logging.DEBUG  # the outage that it begins, or belongs to, is told already
        elif isinstance(event, _REPEATED):
            level = self._once(event, getattr(event, "method", ""))
        if isinstance(event, tell.LeaseForgotten):
            self._warn_forgotten(event)
        if logger.isEnabledFor(level):
            logger.log(level, "pool %r: %s", self._name, _text(event))

    def _once(self, event: tell.PoolEvent, which: object) -> int:
        last = self._warned.get((type(event), which), float("-inf"))
        if event.at - last < _PAUSE:
            return logging.DEBUG
        self._warned[type(event), which] = event.at
        return logging.WARNING

    def _warn_forgotten(self, event: tell.LeaseForgotten) -> None:
        where = f", acquired at:\n{event.stack}" if event.stack else "; set leak_after to see where"
        text = f"pool {self._name!r}: a lease was never released, its resource is recovered{where}"
        try:
            warnings.warn(text, ResourceWarning, stacklevel=2)
        except ResourceWarning:
            # Warnings are errors here, but there is no caller to raise it at, and this may be the keeper.
            logger.warning("%s", text)


def _is_cut_short(error: str) -> bool:
    """Whether an error is a cancellation: the loop has ended, or the call was given up, which is told."""
    return error.partition(":")[0] in ("CancelledError", "GeneratorExit")


def _text(event: tell.PoolEvent) -> str:
    """Say an event in words: its name, then what it carries."""
    words = "".join(" " + c.lower() if c.isupper() else c for c in type(event).__name__).strip()
    carried = {
        name: getattr(event, name)
        for name in (field.name for field in attrs.fields(type(event)))
        if name not in ("pool", "at")
    }
    return words + "".join(f", {name}: {_value(value)}" for name, value in carried.items())


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
