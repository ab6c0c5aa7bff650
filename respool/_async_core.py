"""The asyncio shell's inside: the engine on one loop, one timer, and tasks.

Everything happens on the loop that owns the pool, so there is no lock. An event that comes from elsewhere (a
coroutine that is collected in another thread, or in the middle of another event) is put off and happens on
the loop. The `AsyncPool` that the user holds refers to the core, and the loop only while somebody waits or
something is done: a pool that is dropped is collected with its reference cycles, and closed on its loop; see
`respool._leash`.
"""

from __future__ import annotations

import asyncio
import random
import types
from asyncio import _get_running_loop
from collections import deque
from contextvars import copy_context
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from ._acquiring import NOWHERE, USED, home_of, unfree
from ._announcer import Announcer
from ._async_calls import Calls
from ._async_lanes import Lanes
from ._async_waiters import AsyncWaiter, who_asks
from ._async_workers import AsyncWorkers
from ._bound_adapter import BoundAdapter, traits_of
from ._engine import COUNTS, NEVER, TAKEN, Abort, Create, Destroy, Engine, Wake
from ._forks import remember, renounce
from ._leash import Leash
from ._misuse import wrong_loop
from ._recorder import end_recordings
from ._refusals import capture_acquirer, error_from
from ._returns import passes
from ._sizers import sizer_for

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ._acquiring import Quick
    from ._config import Settings
    from ._engine import SlotCommand
    from ._events import PoolEvent
    from ._leash import Tether
    from ._recording import Recording

__all__ = ["AsyncCore"]

MOST_CLEANERS = 64
"""Resets and checks at once. Quick ones need few; at 50 ms a round trip, 64 serve 1,280 leases/s."""
MOST_ENDERS = 8
"""Destroys have tasks of their own, few: ones that hang must never delay a reset."""
LONGEST_NAP = 3600.0
"""Seconds to the next tick at most. While anything is open there is a timer: through the leash, to which it
refers, it keeps the resources."""
MENDS_IN = 0.05
"""Seconds from an event that was interrupted to the next tick."""
UNBOUNDED = 1 << 30
"""How many creates run at once is the engine's business."""


class AsyncCore(Lanes):
    """One pool's engine under asyncio; leases and tasks refer to it."""

    def __init__(
        self, settings: Settings, bound: BoundAdapter, make_loan: Callable[[AsyncCore], Any]
    ) -> None:
        self.settings = settings
        self.bound = bound
        self._make_loan = make_loan
        self._context = copy_context()
        """What adapter calls see of context variables: what the pool's maker saw."""
        self._inherited: list[Any] = []
        """After a fork: the parent's engines, kept so that no driver says goodbye on the parent's sockets."""
        self.nothing: Any = None
        """A finished future that gives None, once there is a loop."""
        self.orphaned = False
        """Whether the user has dropped the pool, and the loop knows."""
        self.tether: Tether | None = None
        """Replaces the one that the pool had, once that has ended; see `respool._async_dropped`."""
        self.leash: Leash[AsyncCore] = Leash(self)
        self._start()
        remember(self.leash)  # a weak reference to the core itself ends with its first collection

    def _start(self) -> None:
        """Begin with an empty engine and without a loop: at birth, and again in the child of a fork."""
        self.loop: asyncio.AbstractEventLoop | None = None
        """The loop that owns the pool: the first one in which it is used."""
        self.home: Any = NOWHERE
        """What says in which thread the loop runs; see `respool._acquiring`."""
        self.engine = Engine(
            self.settings,
            traits_of(self.bound, strict=True, cancels=True),
            now=monotonic(),
            draw=random.Random().random,
            sizer=sizer_for(self.settings),
            source=self.bound,
            make_loan=partial(self._make_loan, self),
            counts=COUNTS,
        )
        self.plain = True
        self.choose_lane()
        self.spare: Quick[Any] = unfree(self)
        """The request that is used again while nobody else refers to it; see `respool._acquiring`."""
        self._calls = Calls(self, self.engine)
        self.reset_here = self._calls.reset_here
        self.abort = self._calls.abort
        self._makers = self._make_workers("create", UNBOUNDED)
        self._cleaners = self._make_workers("clean", MOST_CLEANERS)
        self._enders = self._make_workers("end", MOST_ENDERS)
        self._workers = (self._makers, self._cleaners, self._enders)
        self._announcer = Announcer(self.settings.name, self.settings.on_event)
        self._announcing = self._happening = False
        self.recordings: list[Recording] = []
        self._late: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        """Events that came from elsewhere, or while another one happened."""
        self._alarm: asyncio.TimerHandle | None = None
        self._wakes_at = NEVER
        self.aborted = False
        """Whether what was open was aborted because the loop is closed."""
        sleepers = (self.engine.line, self.engine.latches.lines)
        # Tasks that work and tasks that wait have the core, and may have nobody else who refers to them.
        self.leash.keeps = (
            self.engine.ledger.resources,
            self.recordings,
            *(workers.tasks for workers in self._workers),
            *sleepers,
        )

    def _make_workers(self, work: str, most: int) -> AsyncWorkers:
        name = f"respool-{self.settings.name}-{work}"
        return AsyncWorkers(name, most, self._context, self._calls.carry_out, self._hold_creates)

    def _hold_creates(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin no create for a while: others cancel our tasks, and what is made now may be left open."""
        self._makers.hold(loop)

    # ------------------------------------------------------------------ the loop that owns the pool

    def check_in(self, *, binds: bool = True) -> None:
        """Make sure that the caller runs on the loop that owns the pool; the first caller's loop does.

        Args:
            binds: Whether the caller needs a loop; without one, an unused pool is anybody's.

        Raises:
            PoolMisuse: Says which loop owns the pool, and what to do.
        """
        running, loop = _get_running_loop(), self.loop
        if running is not None and running is loop:
            return
        if loop is None and running is not None:
            self._bind(running)
        elif binds or running is not None or (loop is not None and (loop.is_closed() or loop.is_running())):
            raise wrong_loop(self.settings.name, loop, running)

    def _bind(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop, self.home = loop, home_of(loop)
        self.nothing = loop.create_future()
        self.nothing.set_result(None)
        self._tick()

    # ------------------------------------------------------------------ events

    def do(self, event: Callable[..., Any], *args: Any) -> Any:
        """Tell the engine of an event, with the time, and see its commands on their way.

        Never refuses: bookkeeping must not fail because a coroutine ends in the wrong place. Such an event is
        put off and gives None; `check_in` refuses callers before they change anything.
        """
        loop = self.loop
        if self._happening or (loop is not None and loop is not _get_running_loop() and loop.is_running()):
            self._late.append((event, args))
            if loop is not None:
                loop.call_soon_threadsafe(self.catch_up)
            return None
        engine = self.engine
        try:
            try:
                self._happening = True
                now = monotonic()
                if engine.torn:
                    engine.mend(now)
                engine.torn = True
                result = event(*args, now)
                while self._late:
                    late, late_args = self._late.popleft()
                    late(*late_args, now)
                engine.torn = False
                if engine.commands:
                    self._dispatch(engine)
            finally:
                self._happening = False
            if engine.reporter.events:
                self._announce()
            if engine.closing or engine.wakes_at < self._wakes_at:
                self._set_alarm(now)
        except BaseException:
            self._mend_soon()
            raise
        return result

    def catch_up(self) -> None:
        """Carry out events that were put off; only the loop itself or a task of the pool's own calls this.

        So no event is under way, whatever an interrupt has left behind.
        """
        self._happening = False
        while self._late:
            event, args = self._late.popleft()
            self.do(event, *args)

    def _dispatch(self, engine: Engine) -> None:
        """Start every command, then take it off the queue.

        An interrupt in between starts it twice, and `Engine.started` lets only one of the two begin.
        """
        loop = self.loop
        if loop is None or loop.is_closed():
            return
        pending = engine.commands
        while pending:
            command = pending[0]
            if isinstance(command, Wake):
                command.waiter.wake()  # type: ignore[attr-defined]  # every waiter here is a sleeper
            elif isinstance(command, Abort):
                self.abort(command.slot)
                self._workers_for(command.slot.command).end(command.slot.number)
            else:
                self._workers_for(type(command)).submit(command, loop)
            pending.popleft()

    def _workers_for(self, command: type[SlotCommand]) -> AsyncWorkers:
        if command is Create:
            return self._makers
        return self._enders if command is Destroy else self._cleaners

    def listen(self, listener: Callable[[PoolEvent], object]) -> None:
        """Add a listener while the pool lives."""
        self._announcer.listen(listener)
        self.do(self.engine.listen, True)

    def unlisten(self, listener: Callable[[PoolEvent], object]) -> None:
        """Remove a listener; with none left, leases take the fast lane again."""
        self.do(self.engine.listen, self._announcer.unlisten(listener))

    def _announce(self) -> None:
        """Deliver events; those that a listener itself causes follow in the loop's next turn."""
        if self._announcing or (self.loop is not None and self.loop.is_closed()):
            return
        self._announcing = True
        events = self.engine.reporter.events
        try:
            self._announcer.announce(events, len(events))
        finally:
            self._announcing = False
        if events and self.loop is not None:
            self.loop.call_soon(self._announce)

    # ------------------------------------------------------------------ the one timer

    def _set_alarm(self, now: float) -> None:
        """Have the loop call when the engine next has something to do; moved only to come earlier."""
        loop, engine = self.loop, self.engine
        if loop is None or loop.is_closed():
            return
        if engine.closed:
            self._rest()
            return
        due = min(engine.wakes_at, now + LONGEST_NAP)
        if due < self._wakes_at:
            if self._alarm is not None:
                self._alarm.cancel()
            self._wakes_at = due
            self._alarm = loop.call_later(max(0.0, due - now), _ring, self.leash)

    def ring(self) -> None:
        """The timer has fired."""
        self._alarm, self._wakes_at = None, NEVER
        if self.spare._lease is not USED:
            # In use, or forgotten: with its lease in an interrupt, or never awaited; `__del__` reports that.
            self.spare = unfree(self)
        self._tick()

    def _tick(self) -> None:
        self.do(self.engine.tick)
        if self._alarm is None:
            self._set_alarm(monotonic())

    def _mend_soon(self) -> None:
        """Set the timer after an event that was interrupted: it is to be mended, or had yet to set it."""
        if self.loop is None or self.loop.is_closed():
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._wakes_at = monotonic() + MENDS_IN
        self._alarm = self.loop.call_later(MENDS_IN, _ring, self.leash)

    def _rest(self) -> None:
        """Stop every timer: the last slot is gone."""
        self.stop_alarm()
        for workers in self._workers:
            workers.rest()
        end_recordings(self)

    def stop_alarm(self) -> None:
        """Have the loop call no more, until an event asks for it again."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._wakes_at = None, NEVER

    # ------------------------------------------------------------------ callers

    def asking(self, timeout: float | None) -> Generator[Any, Any, Any]:
        """Ask until a resource passes its hand-out check, all within one deadline; give its lease.

        The caller has checked in. It is one generator, which another one may `yield from` and which, as
        `asked`, a coroutine may await: any further object would be one for each of ten thousand who wait.
        """
        loop, engine = self.loop, self.engine
        assert loop is not None, "the caller has checked in"
        waiter = AsyncWaiter(monotonic(), timeout)
        if self.settings.leak_after is not None:
            waiter.acquirer = capture_acquirer(who_asks())
        again = False
        while True:
            try:
                self.do(self._ask, engine, waiter, again)
                while waiter.loan is None and waiter.refusal is None:
                    waiter.signal = loop.create_future()
                    yield from waiter.signal
                    if waiter.nudged:
                        self.do(engine.retry, waiter)
            except BaseException:
                self.do(engine.cancel, waiter)
                raise
            if waiter.refusal is not None:
                raise error_from(engine, waiter, waiter.refusal, monotonic())
            lease: Any = waiter.loan
            waiter.loan = TAKEN
            if self.plain or passes(self, lease):
                return lease
            waiter.loan, again = None, True

    asked = types.coroutine(asking)

    def acquire_now(self) -> Any:
        """Ask for what is idle; refused at once where there is nothing, or None."""
        asking = self.asking(0)
        try:
            next(asking)
        except StopIteration as answer:
            return answer.value
        asking.close()  # called by a finalizer, in the middle of another event
        return None

    def _ask(self, engine: Engine, waiter: AsyncWaiter, again: bool, now: float) -> None:
        engine.ask(waiter, now, waits=waiter.timeout != 0, again=again)
        if waiter.signal is not None and waiter.answered:
            waiter.wake()  # the event was put off, and its waiter sleeps already

    # ------------------------------------------------------------------ the end

    async def part(self, timeout: float) -> bool:
        """After the last slot has gone: wait for the tasks to end."""
        me = asyncio.current_task()
        tasks = [task for workers in self._workers for task in workers.tasks if task is not me]
        if not tasks:
            return True
        _, left = await asyncio.wait(tasks, timeout=timeout)
        return not left

    # ------------------------------------------------------------------ fork

    def after_fork(self) -> None:
        """In the child: touch nothing that was inherited, and begin with an empty pool and no loop."""
        before = self.engine
        # The parent's tasks and futures as well: what they are in the middle of is the parent's.
        self._inherited.append((renounce(before), self.loop, self._workers, self._alarm))
        self._start()
        self.engine.inherit(before, monotonic())


def _ring(leash: Leash[AsyncCore]) -> None:
    core = leash.look()
    if core is not None:
        core.ring()
