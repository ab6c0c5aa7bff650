"""`Speaker`: delivers a `Pool`'s events, a few on a caller's thread in passing, the rest on a worker's."""

from __future__ import annotations

import threading
import weakref
from sys import is_finalizing
from time import monotonic, sleep
from typing import TYPE_CHECKING

from ._announcer import Announcer
from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._engine import Engine

__all__ = ["Speaker"]

MOST_AT_ONCE = 16
"""Events that a caller delivers in passing; its own are one or two."""
LONGEST_TURN = 0.005
"""Seconds after which it begins no other one."""
PATIENCE = 1.0
"""Seconds to wait for a slow listener."""
PAUSE = 0.001


class _Turn:
    """Somebody's turn to deliver events; it ends, at the latest, when nobody refers to it any more."""

    __slots__ = ("__weakref__", "thread")

    def __init__(self) -> None:
        self.thread = threading.get_ident()


def _nobody() -> None:
    """Stand in for the reference to a turn while it is nobody's."""


class Speaker:
    """Has events delivered in order, one at a time, without keeping any caller long."""

    def __init__(self, engine: Engine) -> None:
        settings = engine.settings
        self.announcer = Announcer(settings.name, settings.on_event)
        self.workers: Workers[_Turn] = Workers(f"respool-{settings.name}-news", 1, lambda call: False)
        self._engine = engine
        self._speaking: Callable[[], _Turn | None] = _nobody
        self._called: Callable[[], _Turn | None] = _nobody
        self._lock = threading.RLock()

    def announce(self) -> None:
        """Deliver a few events; whoever finds another thread at it leaves them to that one.

        A caller delivers other callers' events as well, so what would keep it long is left to a worker.
        """
        events = self._engine.reporter.events
        while events and not is_finalizing():
            turn = self._take_turn()
            if turn is None:
                return
            try:
                all_told = self.announcer.announce(events, MOST_AT_ONCE, LONGEST_TURN)
            finally:
                self._speaking = _nobody
            if not all_told:
                self._have_rest_told()
                return

    def _have_rest_told(self) -> None:
        """Have a worker deliver what is left; one who was called and has not begun will find it."""
        if self._called() is None:
            turn = _Turn()
            self._called = weakref.ref(turn)  # an interrupt before the next line, and nobody is called
            self.workers.submit(self._tell_rest, turn)
        self.workers.staff()
        if self._engine.closed:
            self.workers.dismiss()

    def _tell_rest(self, call: _Turn) -> None:
        """Deliver all there is, on a worker's thread; whoever has the turn now will call again."""
        self._called = _nobody
        events = self._engine.reporter.events
        while events:
            turn = self._take_turn()
            if turn is None:
                return
            try:
                self.announcer.announce(events, len(events))
            finally:
                self._speaking = _nobody

    def finish(self) -> None:
        """Wait, but not for long, until what has happened by now is told."""
        now = monotonic()
        while self._is_behind(now) and monotonic() < now + PATIENCE and not is_finalizing():
            self.announce()
            sleep(PAUSE)

    def _is_behind(self, moment: float) -> bool:
        """Whether something from before that moment is still to be told, and not by this thread itself."""
        turn = self._speaking()
        if turn is not None:
            return turn.thread != threading.get_ident()
        try:
            return self._engine.reporter.events[0].at <= moment
        except IndexError:
            return False

    def _take_turn(self) -> _Turn | None:
        """Become the one who delivers, if nobody is. A plain lock would not do: one that an interrupt leaves
        locked, between the locking and the ``try``, would silence the pool for good.
        """
        with self._lock:
            if self._speaking() is not None:
                return None
            turn = _Turn()
            self._speaking = weakref.ref(turn)
            return turn
