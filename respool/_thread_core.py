"""The thread shell's inside: one mutex around the engine, a keeper, and workers.

The mutex guards the engine and nothing else. No adapter call, no log record, no listener and no start of a
thread happens under it. Only a collection may strike there, or a signal handler, and end a lease: a generator
that is collected leaves its ``with`` block in whatever thread allocates at that moment. So every lock here
knows its owner, and what comes in the middle of something else is put off. Leases also end while the
interpreter does, and then no other thread runs any more: nobody waits there, neither for a thread nor for a
lock that one of them was stopped with.

The `Pool` that the user holds refers to the core, and a thread only while it does something: a pool that is
dropped is collected with its reference cycles, and the keeper closes it; see `respool._leash`.
"""

from __future__ import annotations

import os
import random
import threading
from collections import deque
from functools import partial
from sys import is_finalizing
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, TypeVar

from ._bound_adapter import BoundAdapter, traits_of
from ._engine import (
    COUNTS,
    NEVER,
    Abort,
    Destroy,
    Engine,
    Reset,
    SlotCommand,
    Wake,
)
from ._errors import PoolMisuse
from ._forks import remember, renounce
from ._keeper import Keeper
from ._leash import Tether
from ._log import logger
from ._recorder import end_recordings
from ._scrub import describe
from ._sizers import sizer_for
from ._thread_calls import Calls, is_stuck
from ._thread_waiters import AGAIN, LONGEST_NAP
from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._config import Settings
    from ._events import PoolEvent
    from ._recording import Recording

__all__ = ["ThreadCore"]

R = TypeVar("R")
ANSWERED = ("ask", "add", "switch")
"""Events whose answer the caller needs at once: these cannot be put off."""
COARSE = 0.1
"""How long the keeper pauses after an error, s."""
MOST_WORKERS = 64
MOST_ENDERS = 4
"""Destroys have workers of their own, few: one that hangs must never delay a creation."""


class ThreadCore:
    """One pool's engine under threads; leases, keeper and workers refer to it."""

    def __init__(
        self, settings: Settings, bound: BoundAdapter, make_loan: Callable[[ThreadCore], Any]
    ) -> None:
        self.settings = settings
        self.bound = bound
        self._make_loan = make_loan
        self._inherited: list[Any] = []
        """After a fork: the parent's engines, kept so that no driver says goodbye on the parent's sockets."""
        self._drops = 0
        """How often the tether has ended since the keeper last looked."""
        self._orphaned = False
        """Whether the user has dropped the pool, and the keeper knows."""
        self._tether: Tether | None = None
        """Replaces the one that the pool had, once that has ended; see `_see_dropped`."""
        self.leash = Keeper(self)
        self._start()
        remember(self.leash)  # a weak reference to the core itself ends with its first collection

    def _start(self) -> None:
        """Begin with an empty engine: at birth, and again in the child of a fork."""
        self.pid = os.getpid()
        self.mutex = threading.RLock()
        self._late: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        """Events that came while this thread was in the middle of another one."""
        strict = self.settings.fairness == "strict"
        self.engine = Engine(
            self.settings,
            traits_of(self.bound, strict=strict),
            now=monotonic(),
            draw=random.Random().random,
            sizer=sizer_for(self.settings),
            source=self.bound,
            make_loan=partial(self._make_loan, self),
            counts=COUNTS,
        )
        self.lane = self.engine.lane
        self.give = self.lane.give
        self._calls = Calls(self, self.engine)
        self.reset_here = self._calls.reset_here
        self.do_chore = self._calls.do_chore
        self._makers = self._make_workers("", MOST_WORKERS)
        self._cleaners = self._make_workers("-clean", MOST_WORKERS)
        self._enders = self._make_workers("-end", MOST_ENDERS)
        self._hires = False
        """Whether the workers have got something to do since they were last counted."""
        self._aborts: list[Abort] = []
        from ._speaker import Speaker  # late, as the events come with it; no lock is held

        self._speaker = Speaker(self.engine)
        self.recordings: list[Recording] = []
        self.leash.keeps = (self.engine.ledger.resources, self.recordings)
        self._wakes_at = NEVER

    def _make_workers(self, work: str, most: int) -> Workers[SlotCommand]:
        return Workers(f"respool-{self.settings.name}{work}", most, is_stuck)

    # ------------------------------------------------------------------ events

    def do(self, event: Callable[..., R], *args: Any) -> R:
        """Tell the engine of an event, with the time, and see its commands on their way.

        What the event takes by name comes as a `partial`: to pass it through here costs every event double.

        Raises:
            PoolMisuse: Its answer is needed, and this thread is in the middle of another event.
        """
        engine = self.engine
        if self.mutex._is_owned() or (is_finalizing() and self._is_locked_for_ever()):  # type: ignore[attr-defined]  # `threading.Condition` asks it, its stub lacks it
            nothing: R = self._put_off(event, args)
            return nothing
        try:
            with self.mutex:
                now = monotonic()
                if engine.torn:
                    engine.mend(now)
                engine.torn = True
                result = event(*args, now)
                while self._late:
                    late, late_args = self._late.popleft()
                    late(*late_args, now)
                if engine.commands:
                    self._dispatch(engine)
                engine.torn = False
                wakes_at = engine.wakes_at
            if self._hires or self._aborts or engine.reporter.events:
                self._follow_up()
            if wakes_at < self._wakes_at:
                self._hire_keeper()
        except BaseException:
            # What an interrupt has left undone, the keeper's next tick does.
            self._hire_keeper()
            raise
        return result

    def _put_off(self, event: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        """Leave an event to the one that this thread is in the middle of, or to the keeper."""
        if getattr(event, "func", event).__name__ in ANSWERED:
            raise PoolMisuse(
                f"pool {self.settings.name!r} was asked by a finalizer or a signal handler that interrupted "
                "the pool itself: nothing can be waited for there, leave it to another thread"
            )
        self._late.append((event, args))
        self.leash.ring()
        return None

    def _is_locked_for_ever(self) -> bool:
        """Whether the interpreter ends, and has stopped a thread in the middle of an event."""
        free = self.mutex.acquire(blocking=False)
        if free:
            self.mutex.release()
        return not free

    def _dispatch(self, engine: Engine) -> None:
        """Start every command, then take it off the queue; the caller holds the mutex.

        An interrupt in between starts it twice, and `Engine.started` lets only one of the two begin.
        """
        pending = engine.commands
        while pending:
            command = pending[0]
            if isinstance(command, Wake):
                command.waiter.wake()  # type: ignore[attr-defined]  # every waiter here is a ThreadWaiter
            elif isinstance(command, Abort):
                self._aborts.append(command)
            else:
                self._workers_for(command).submit(self._calls.carry_out, command)
                self._hires = True
            pending.popleft()

    def _workers_for(self, command: SlotCommand) -> Workers[SlotCommand]:
        if isinstance(command, Reset):
            return self._cleaners
        return self._enders if isinstance(command, Destroy) else self._makers

    def _follow_up(self) -> None:
        """Do what must not happen under the mutex."""
        if self._hires:
            self._hires = False
            self._staff()
        if self._aborts:
            self._abort_all()
        if self.engine.reporter.events:
            self._speaker.announce()

    def _staff(self) -> None:
        for workers in self._all_workers():
            workers.staff()

    def _all_workers(self) -> tuple[Workers[Any], ...]:
        # The speaker's last: what the others do makes events.
        return self._makers, self._cleaners, self._enders, self._speaker.workers

    @property
    def short(self) -> bool:
        """Whether the system has refused to start a thread that is needed."""
        # Written out, for speed: every thread that goes to sleep asks.
        makers, cleaners, enders, tellers = self._all_workers()
        return self.leash.refused or makers.short or cleaners.short or enders.short or tellers.short

    def staff_again(self) -> None:
        """Try once more to have the threads that were refused."""
        if self.leash.refused:
            self._hire_keeper()
        self._staff()

    def do_one_here(self, *, barred: bool = False) -> bool:
        """Carry out a command in the caller's thread if no worker can be started; False: there is none.

        Who closes does so whenever threads are refused. Who waits for a resource might be late through a call
        that hangs, and the keeper's ticks too: ``barred``, only where there will never be a thread again.
        """
        if not self.short or (barred and not any(workers.barred for workers in self._all_workers())):
            return False
        return any(workers.do_here() for workers in self._all_workers())

    def _dismiss(self) -> None:
        for workers in self._all_workers():
            workers.dismiss()

    def _abort_all(self) -> None:
        while True:
            try:
                slot = self._aborts.pop().slot
            except IndexError:
                return  # another thread, which came by as well, has taken the last one
            try:
                if slot.source.abort is not None:  # another adapter of this pool may be able to
                    slot.source.abort(slot.resource)
            except Exception as exc:
                logger.debug("pool %r: abort raised %s", self.settings.name, describe(exc))

    def listen(self, listener: Callable[[PoolEvent], object]) -> None:
        """Add a listener while the pool lives."""
        self._speaker.announcer.listen(listener)
        self.do(self.engine.listen, True)

    def unlisten(self, listener: Callable[[PoolEvent], object]) -> None:
        """Remove a listener once it has heard everything; with none left, leases take the fast lane again."""
        if not self.mutex._is_owned():  # type: ignore[attr-defined]  # as in `do`
            self._speaker.finish()
        self.do(self.engine.listen, self._speaker.announcer.unlisten(listener))

    # ------------------------------------------------------------------ the keeper

    def _hire_keeper(self) -> None:
        """Have the keeper look again."""
        if not self.engine.closed:
            self.leash.hire()

    def turn(self) -> float | None:
        """Tick, on the keeper's thread; give for how long nothing is due, or None when everything is gone."""
        engine = self.engine
        try:
            if self._drops:
                self._see_dropped()
            if self._orphaned and not engine.closing:
                self.do(engine.close)
            self.do(engine.tick)
            # Whoever should have done it may have been interrupted, or no thread could be started.
            self._staff()
            if self.do_one_here(barred=True):
                return 0.0
        except BaseException:
            # A bug, or something raised in here that ends a thread: without its keeper the pool is lost.
            logger.exception("pool %r: the keeper goes on after an error", self.settings.name)
            sleep(COARSE)
        with self.mutex:  # or what is gone by now would not be seen, and nobody rings once it is
            closed, self._wakes_at = engine.closed, engine.next_wakeup(monotonic())
        if not closed:
            return min(self._wakes_at - monotonic(), AGAIN if self.short else LONGEST_NAP)
        if self._orphaned:
            end_recordings(self)
        self._dismiss()
        return None

    def abandon(self) -> None:
        """The user has dropped the pool: close it, without a lock (a collection may strike anywhere)."""
        self._drops += 1
        self.leash.hand_over(self)
        self.leash.ring()

    def _see_dropped(self) -> None:
        """Tether the core again, now that the pool is dropped.

        When that tether ends too, everything that could refer to a lease has been collected, and its
        finalizers have run: leases that are still open then will never be released.
        """
        self._drops = 0
        again, self._orphaned = self._orphaned, True
        self._tether = Tether(self.abandon)
        self.leash.take()
        if again:
            self.do(self.engine.forsake)

    def part(self, timeout: float) -> bool:
        """After the last slot has gone: wait for the threads to end."""
        if is_finalizing():
            return True  # they have been stopped where they were
        deadline = monotonic() + timeout
        self.leash.hand_over(self)  # a finalizer may have closed it in the middle of a collection
        if not self.leash.join(deadline):
            self._dismiss()
        return all(workers.join(deadline - monotonic()) for workers in self._all_workers())

    # ------------------------------------------------------------------ fork

    def after_fork(self) -> None:
        """In the child: touch nothing that was inherited, and begin with an empty pool."""
        before = self.engine
        self._inherited.append(renounce(before))
        self.leash.begin()
        self._start()
        self.engine.inherit(before, monotonic())
