"""The adapter calls of a `Pool`, on whatever thread carries them out, and their results as engine events."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from ._engine import Create, Phase, Reset, SlotCommand, Validate
from ._log import logger
from ._scrub import describe
from ._workers import reaches_nobody

if TYPE_CHECKING:
    from ._adapter import Fault
    from ._bound_adapter import BoundAdapter
    from ._engine import Engine, Slot, Waiter
    from ._thread_core import ThreadCore

__all__ = ["Calls", "is_stuck"]


def is_stuck(command: SlotCommand) -> bool:
    """Tell whether a call was given up and has not returned."""
    return command.slot.phase is Phase.STUCK


class Calls:
    """Calls the adapter for one pool."""

    def __init__(self, core: ThreadCore, engine: Engine) -> None:
        self._core = core
        self._engine = engine
        """The core's, until a fork gives the core another one."""

    def carry_out(self, command: SlotCommand) -> None:
        """Carry out one command on this worker's thread."""
        if not self._core.do(self._engine.started, command):
            return
        slot = command.slot
        if isinstance(command, Create):
            self._create(slot)
        elif isinstance(command, Validate):
            self._validate(slot)
        elif isinstance(command, Reset):
            self._reset(slot)
        else:
            self._destroy(slot)

    def _create(self, slot: Slot) -> None:
        bound: BoundAdapter = slot.source
        try:
            resource = bound.adapter.create()
        except BaseException as exc:
            fatal = not isinstance(exc, Exception)
            fault = bound.fault_of_create(exc)
            self._core.do(self._create_failed, slot, exc, fault, fatal)
            _pass_on(exc)
            return
        try:
            unfit: BaseException | None = bound.refuse_product(resource)
            if unfit is None:
                slot.glance = bound.glance_at(resource)
        except BaseException as exc:
            unfit = exc
            self._end_unfit(bound, resource)
        if unfit is None:
            self._core.do(self._engine.created, slot, resource)
        else:
            self._core.do(self._create_failed, slot, unfit, bound.fault_of_create(unfit), True)

    def _end_unfit(self, bound: BoundAdapter, resource: object) -> None:
        """Destroy what was made if looking at it has raised: it never comes into the pool."""
        try:
            bound.finished("destroy", bound.adapter.destroy(resource))
        except BaseException as exc:
            logger.debug("pool %r: destroy raised %s", self._core.settings.name, describe(exc))

    def _create_failed(self, slot: Slot, exc: BaseException, fault: Fault, fatal: bool, now: float) -> None:
        self._engine.create_failed(slot, exc, fault, now, fatal=fatal)

    def reset_here(self, slot: Slot) -> bool:
        """Run a local reset in the releasing thread."""
        bound: BoundAdapter = slot.source
        bound.finished("reset", bound.adapter.reset(slot.resource))
        return True

    def _validate(self, slot: Slot) -> None:
        bound: BoundAdapter = slot.source
        try:
            ok = bound.finished("validate", bound.adapter.validate(slot.resource))
        except BaseException as exc:
            self._core.do(partial(self._engine.validated, ok=False, exc=exc, fault=bound.fault_of(exc)), slot)
            _pass_on(exc)
            return
        self._core.do(partial(self._engine.validated, ok=bool(ok)), slot)

    def do_chore(self, waiter: Waiter) -> None:
        """Carry out the reset that a waiting caller was given, on its own thread."""
        self._engine.taken_up(waiter, monotonic())
        slot = waiter.chore
        if slot is not None and slot.started:  # else an interrupt came before it was handed over
            self._reset(slot, by=waiter)

    def _reset(self, slot: Slot, *, by: Waiter | None = None) -> None:
        """Clean; ``by``: the caller on whose thread this is."""
        bound: BoundAdapter = slot.source
        try:
            bound.finished("reset", bound.adapter.reset(slot.resource))
        except BaseException as exc:
            fault = bound.fault_of(exc)
            self._core.do(partial(self._engine.was_reset, ok=False, exc=exc, fault=fault, by=by), slot)
            _pass_on(exc)
            return
        self._core.do(partial(self._engine.was_reset, ok=True, by=by), slot)

    def _destroy(self, slot: Slot) -> None:
        bound: BoundAdapter = slot.source
        # Kept to the end: the engine drops its reference under the mutex, where no finalizer should run.
        resource = slot.resource
        try:
            bound.finished("destroy", bound.adapter.destroy(resource))
        except BaseException as exc:
            self._core.do(partial(self._engine.destroyed, exc=exc), slot)
            _pass_on(exc)
            return
        self._core.do(self._engine.destroyed, slot)


def _pass_on(exc: BaseException) -> None:
    """Raise what is meant for the caller, where this runs on the thread of one, who cleans or closes."""
    if not reaches_nobody(exc):
        raise exc
