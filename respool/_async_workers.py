"""Tasks that carry out a pool's commands: there while there is work, gone when there is none."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from ._engine import SlotCommand

__all__ = ["GIVEN_UP", "AsyncWorkers"]

GIVEN_UP = "respool: the call took longer than its timeout"
"""The message with which an overdue call is cancelled, so that an adapter can tell it from a loop's end."""
PAUSE = 0.25
"""Seconds for which nothing new begins once others cancel our tasks: most likely the loop is ending."""


class AsyncWorkers:
    """A group of short-lived tasks with one queue of commands.

    A task takes one command after the other and ends when there is none. Starting one costs 6 us where waking
    one that sleeps would cost 3 (on 3.12 and 3.13), and none is left for others to wait for or to cancel.
    A task whose call was given up does not count against ``most``: a hung call never keeps the others from
    their work. All of it happens on the pool's loop.
    """

    def __init__(
        self,
        name: str,
        most: int,
        context: Context,
        carry_out: Callable[[SlotCommand], Coroutine[Any, Any, Any]],
        cancelled: Callable[[asyncio.AbstractEventLoop], None],
    ) -> None:
        self._name = name
        self._most = most
        self._context = context
        self._carry_out = carry_out
        self._cancelled = cancelled
        """Called when somebody else has cancelled one of the tasks, before anything follows from it."""
        self._jobs: deque[SlotCommand] = deque()
        self._doing: dict[int, asyncio.Task[None]] = {}
        self._starting: set[asyncio.Task[None]] = set()
        """Tasks that have not looked at the queue yet."""
        self._given_up: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        """Set while no task is to be started."""
        self._at_rest = False
        self.tasks: set[asyncio.Task[None]] = set()
        """Kept here because the loop refers to its tasks only weakly."""

    def submit(self, command: SlotCommand, loop: asyncio.AbstractEventLoop) -> None:
        """Queue a command, and start a task for it if the limit allows."""
        self._jobs.append(command)
        if self._pause is None:
            self._staff(loop)

    def end(self, number: int) -> None:
        """Cancel the call that runs for this slot: the engine has given it up."""
        task = self._doing.get(number)
        if task is not None:
            self._given_up.add(task)
            task.cancel(GIVEN_UP)

    def hold(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start no task for a while."""
        if self._pause is None and not self._at_rest and not loop.is_closed():
            self._pause = loop.call_later(PAUSE, self._staff, loop)

    def rest(self) -> None:
        """Leave no timer behind: no command will come any more."""
        self._at_rest = True
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None

    def _staff(self, loop: asyncio.AbstractEventLoop) -> None:
        self._pause = None
        room = self._most - len(self.tasks) + len(self._given_up)
        for _ in range(min(len(self._jobs) - len(self._starting), room)):
            # Not by the loop's task factory: an eager one would run adapter code inside the event that asks
            # for it. In the context of the pool's maker: the caller's own may belong to a request long gone.
            task = asyncio.Task(self._work(loop), loop=loop, name=self._name, context=self._context.copy())
            # A loop that is closed around an open pool is reported by the pool, once, not task by task.
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # as asyncio.gather does
            # First of all: a task that an interrupt left in the sets below would count as busy for ever.
            task.add_done_callback(self._ended)
            self.tasks.add(task)
            self._starting.add(task)

    async def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Carry out commands until there are no more."""
        me = asyncio.current_task(loop)
        assert me is not None, "it runs as a task"
        self._starting.discard(me)
        while self._jobs and me not in self._given_up:
            command = self._jobs.popleft()
            number = command.slot.number
            self._doing[number] = me
            try:
                await self._carry_out(command)
            except asyncio.CancelledError:
                if me not in self._given_up:
                    self._cancelled(loop)
                raise
            finally:
                # No variable may keep the slot: the sweep counts its references to tell whether it is owned.
                del command
                self._doing.pop(number, None)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._starting.discard(task)
        self._given_up.discard(task)
        loop = task.get_loop()
        if task.cancelled():
            self.hold(loop)
            return
        task.exception()  # looked at: what matters has been told to the engine
        if self._jobs and self._pause is None:
            self._staff(loop)
