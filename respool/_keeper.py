"""`Keeper`: the thread that ticks a pool's engine when something is due."""

from __future__ import annotations

import threading
from sys import is_finalizing
from typing import TYPE_CHECKING

from ._leash import Leash
from ._thread_waiters import LONGEST_NAP
from ._workers import OwnThread, join_until

if TYPE_CHECKING:
    from ._thread_core import ThreadCore

__all__ = ["Keeper"]


class Keeper(Leash["ThreadCore"]):
    """Sleeps until the engine asks for a tick or somebody rings; its sleep keeps no core alive."""

    def __init__(self, core: ThreadCore) -> None:
        super().__init__(core)
        self._name = f"respool-{core.settings.name}-keeper"
        self.begin()

    def begin(self) -> None:
        """Begin without a thread: at birth, and again in the child of a fork."""
        self.thread: threading.Thread | None = None
        self.refused = False
        """Whether the system has refused to start the thread."""
        self._hiring = threading.RLock()
        self._alarm = threading.Lock()
        self._alarm.acquire()

    def hire(self) -> None:
        """Have the thread look again; there is one from the first time on."""
        if is_finalizing():
            return
        if not self.is_there() and not self._hiring._is_owned():  # type: ignore[attr-defined]  # as `Workers.staff`
            with self._hiring:
                if not self.is_there():
                    self.thread = OwnThread(self._keep, self._name)
                    try:
                        self.thread.start()
                    except RuntimeError:
                        self.thread, self.refused = None, True
                        return
                    self.refused = False
        self.ring()

    def is_there(self) -> bool:
        """Whether there is a thread, which no interrupt has kept from starting and nothing has ended."""
        return self.thread is not None and self.thread.is_alive()

    def ring(self) -> None:
        """Wake the thread; safe in a finalizer and in a signal handler."""
        try:
            self._alarm.release()
        except RuntimeError:
            pass

    def join(self, deadline: float) -> bool:
        """Wait for the thread to end; False: there is none, or it is this one."""
        self.ring()
        with self._hiring:  # one that another thread is starting has started afterwards
            thread = self.thread
        if thread is None or not thread.ident or thread is threading.current_thread():
            return False
        join_until(thread, deadline)
        return True

    def _keep(self) -> None:
        """Let the core take its turns until everything is gone."""
        me = threading.current_thread()
        # One that an interrupt in its start made seem missing has been replaced.
        while self.thread is me:
            nap = self._take_turn()
            if nap is None:
                break
            if nap > 0:
                self._alarm.acquire(timeout=nap)
        self.ring()  # perhaps what woke this one was meant for its replacement

    def _take_turn(self) -> float | None:
        """Do what is due, and say for how long nothing is; None: for ever. A sleeper has no core."""
        core = self.look()
        if core is None:
            return LONGEST_NAP  # it is being collected, and its tether rings
        return core.turn()
