"""The adapter calls of an `AsyncPool`, one coroutine each, and their results as events of the engine.

A call that is cancelled reports to the engine first and passes the cancellation on then. Where the engine has
given the call up, the cancellation was our own and ends here.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio import CancelledError
from functools import partial
from typing import TYPE_CHECKING, Any

from ._adapter import Fault
from ._engine import Create, Destroy, Phase, Reset, SlotCommand, Validate
from ._log import logger
from ._scrub import describe

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

    from ._async_core import AsyncCore
    from ._bound_adapter import BoundAdapter
    from ._engine import Engine, Slot

__all__ = ["Calls"]

KEEPS_READY = sys.version_info < (3, 12)
"""Whether a finished future that gives the resource is the quickest hand-out; see `respool._acquiring`."""


class Calls:
    """Calls the adapter for one pool."""

    def __init__(self, core: AsyncCore, engine: Engine) -> None:
        self._core = core
        self._engine = engine
        """The core's, until a fork gives the core another one."""
        self._halves: dict[int, _Rest] = {}
        """Resets, by slot number, that began in place and turned out to wait for something."""

    async def carry_out(self, command: SlotCommand) -> None:
        """Carry out one command in the current task."""
        self._core.catch_up()
        if self._core.engine is not self._engine or not self._core.do(self._engine.started, command):
            return
        slot = command.slot
        if isinstance(command, Create):
            await self._create(slot)
        elif isinstance(command, Validate):
            await self._validate(slot)
        elif isinstance(command, Reset):
            await self._reset(slot)
        else:
            assert isinstance(command, Destroy), "there are four commands for a slot"
            await self._destroy(slot)

    def abort(self, slot: Slot) -> None:
        """End the call that runs on a resource, by the adapter's own means."""
        bound: BoundAdapter = slot.source
        if bound.abort is None or slot.resource is None:
            return
        try:
            bound.abort(slot.resource)
        except Exception as exc:
            logger.debug("pool %r: abort raised %s", self._core.settings.name, describe(exc))

    async def _create(self, slot: Slot) -> None:
        core, bound = self._core, slot.source
        try:
            resource = await bound.adapter.create()
        except BaseException as exc:
            given_up = slot.phase is Phase.STUCK
            core.do(self._create_failed, slot, exc, bound)
            _pass_on(exc, given_up)
            return
        try:
            unfit: BaseException | None = bound.refuse_product(resource)
            if unfit is None:
                slot.glance = bound.glance_at(resource)
        except BaseException as exc:
            unfit = exc
            await self._end_unfit(bound, resource)
        if unfit is not None:
            given_up = slot.phase is Phase.STUCK
            core.do(partial(self._create_failed, fatal=True), slot, unfit, bound)
            _pass_on(unfit, given_up)
            return
        if KEEPS_READY and core.loop is not None:
            slot.ready = core.loop.create_future()
            slot.ready.set_result(resource)
        core.do(self._engine.created, slot, resource)

    async def _end_unfit(self, bound: BoundAdapter, resource: object) -> None:
        """Destroy what was made if looking at it has raised: it never comes into the pool."""
        try:
            bound.finished("destroy", await bound.adapter.destroy(resource))
        except BaseException as exc:
            logger.debug("pool %r: destroy raised %s", self._core.settings.name, describe(exc))

    def _create_failed(
        self, slot: Slot, exc: BaseException, bound: BoundAdapter, now: float, *, fatal: bool = False
    ) -> None:
        if isinstance(exc, CancelledError | GeneratorExit):
            fault = Fault.BENIGN  # the loop ends, or somebody thinks so: it says nothing of the backend
        else:
            fault = bound.fault_of_create(exc)
            fatal = fatal or not isinstance(exc, Exception)
        self._engine.create_failed(slot, exc, fault, now, fatal=fatal)

    async def _validate(self, slot: Slot) -> None:
        core, bound = self._core, slot.source
        try:
            ok = bound.finished("validate", await bound.adapter.validate(slot.resource))
        except BaseException as exc:
            given_up = slot.phase is Phase.STUCK
            core.do(partial(self._engine.validated, ok=False, exc=exc, fault=bound.fault_of(exc)), slot)
            _pass_on(exc, given_up)
            return
        core.do(partial(self._engine.validated, ok=bool(ok)), slot)

    async def _reset(self, slot: Slot) -> None:
        core, bound = self._core, slot.source
        half = self._halves.pop(slot.number, None)
        try:
            done = await (bound.adapter.reset(slot.resource) if half is None else half)
            bound.finished("reset", done)
        except BaseException as exc:
            given_up = slot.phase is Phase.STUCK
            core.do(partial(self._engine.was_reset, ok=False, exc=exc, fault=bound.fault_of(exc)), slot)
            _pass_on(exc, given_up)
            return
        core.do(partial(self._engine.was_reset, ok=True), slot)

    async def _destroy(self, slot: Slot) -> None:
        core, bound = self._core, slot.source
        error: BaseException | None = None
        # Kept to the end: the engine drops its reference in mid-event, where no finalizer should run.
        resource = slot.resource
        cut_short = await self._end_half(slot)
        try:
            if isinstance(cut_short, GeneratorExit):
                raise cut_short  # the loop is closed, and nothing can be awaited any more
            bound.finished("destroy", await bound.adapter.destroy(resource))
        except BaseException as exc:
            error = exc
        given_up = slot.phase is Phase.STUCK
        try:
            if error is not None and core.loop is not None and core.loop.is_closed():
                self.abort(slot)  # the loop was closed in the middle: nothing gentler is left
            core.do(partial(self._engine.destroyed, exc=error), slot)
            if error is not None:
                _pass_on(error, given_up)
        finally:
            del error  # its traceback refers to this frame, and so to the resource
        if cut_short is not None:
            raise cut_short

    # ------------------------------------------------------------------ resets in place

    def reset_here(self, slot: Slot) -> bool:
        """Run a local reset to its end at once; False: it waits for something, and a `Reset` ends it."""
        bound: BoundAdapter = slot.source
        coro = bound.adapter.reset(slot.resource)
        ended, what = self._first_step(coro)
        if ended:
            bound.finished("reset", what)
            return True
        self._halves[slot.number] = _Rest(coro, what)
        return False

    def _first_step(self, coro: Coroutine[Any, Any, Any]) -> tuple[bool, Any]:
        """Drive a coroutine to its end (True, its result) or its first wait (False, its future).

        In nobody's task: in the releaser's, an ``asyncio.timeout`` inside it would later cancel the releaser.
        """
        loop = self._core.loop
        task = None if loop is None else asyncio.current_task(loop)
        try:
            # The interpreter handles no signal between `try` or `finally` and the call that follows.
            if loop is not None and task is not None:
                asyncio._leave_task(loop, task)
            return False, coro.send(None)
        except StopIteration as stop:
            return True, stop.value
        finally:
            if loop is not None and task is not None:
                asyncio._enter_task(loop, task)

    async def _end_half(self, slot: Slot) -> BaseException | None:
        """A slot is destroyed instead of reset (the pool closes): its reset still comes to its end first.

        Never beside the destroy, and never in its stead: one that hangs gets half of the destroy's time at
        most, and then is cancelled. Give what somebody else has interrupted it with, to be raised in the end.
        """
        half = self._halves.pop(slot.number, None)
        if half is None:
            return None
        settings = self._core.settings
        try:
            async with asyncio.timeout(min(settings.reset_timeout, settings.destroy_timeout / 2)):
                await half
        except BaseException as exc:
            logger.debug("pool %r: reset raised %s", settings.name, describe(exc))
            given_up = slot.phase is Phase.STUCK
            return None if isinstance(exc, Exception) or given_up else exc
        return None


class _Rest:
    """The rest of a coroutine that was begun outside any task and now waits for a future."""

    def __init__(self, coro: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coro = coro
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        waits_for = self._waits_for
        while True:
            thrown: BaseException | None = None
            sent = None
            try:
                sent = yield waits_for
            except BaseException as exc:
                thrown = exc
            try:
                waits_for = self._coro.send(sent) if thrown is None else self._coro.throw(thrown)
            except StopIteration as stop:
                return stop.value


def _pass_on(exc: BaseException, given_up: bool) -> None:
    """Raise what must never be swallowed; a cancellation of our own has served its purpose."""
    if isinstance(exc, CancelledError) and given_up:
        return
    if isinstance(exc, CancelledError | KeyboardInterrupt | SystemExit | GeneratorExit):
        raise exc
