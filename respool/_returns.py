"""How a lease begins and ends in both shells: the hand-out check, and the way back after the block."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from ._bound_adapter import gravest, traits_of
from ._engine import SOMEBODY_WAITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._adapter import Fault
    from ._bound_adapter import BoundAdapter
    from ._engine import Engine, Loan, Slot

__all__ = [
    "Shell",
    "bring_back",
    "clean",
    "doubt",
    "fail",
    "is_clean",
    "passes",
    "switch",
    "unusual",
]


class Shell(Protocol):
    """What both shells' cores have in common."""

    engine: Engine
    bound: BoundAdapter

    @property
    def give(self) -> Callable[[Slot], int]:
        """Take a slot back by the fast lane; see `Lane.give`."""
        ...

    def do(self, event: Callable[..., Any], *args: Any) -> Any:
        """Tell the engine of an event, with the time, and carry out what it says."""
        ...

    def reset_here(self, slot: Slot) -> bool:
        """Run a local ``reset``; raises what it raises; False: the rest of it belongs to a `Reset`."""
        ...


def bring_back(core: Shell, slot: Slot, exc: BaseException) -> Fault | None:
    """Bring a slot back whose block ended with an exception.

    Give the adapter's verdict on that; None where it has none, or several on the members of a group.
    """
    bound: BoundAdapter = slot.source
    faults = bound.faults_of(exc)
    fault = gravest(faults)
    core.do(_give_back, core, slot, bound.resets, fault is None, fault)
    return fault if len(faults) == 1 else None


def is_clean(slot: Slot) -> bool:
    """Ask the adapter whether the block has left nothing to undo; runs in the releasing thread."""
    is_dirty = slot.dirty_test
    try:
        return is_dirty is None or not is_dirty(slot.resource)
    except Exception:
        return False


def clean(core: Shell, slot: Slot) -> None:
    """Have a slot reset that its holder has given back: here if the adapter says so, else elsewhere."""
    bound: BoundAdapter = slot.source
    if bound.is_dirty is not None and core.engine.reporter.observed:
        core.do(core.engine.reporter.soiled, slot)
    if not bound.local:
        core.do(_give_back, core, slot, True, False, None)
        return
    try:
        ended = core.reset_here(slot)
    except Exception as failure:
        core.do(_reset_in_place_failed, core, slot, failure, bound.fault_of(failure))
        return
    except BaseException:
        core.do(_give_back, core, slot, True, True, None)
        raise
    if not ended:
        core.do(_give_back, core, slot, True, False, None)
    elif code := core.give(slot):
        unusual(core, slot, code)


def unusual(core: Shell, slot: Slot, code: int) -> None:
    """Do what `Lane.give` left to the slow path."""
    if code != SOMEBODY_WAITS:
        core.do(core.engine.give_back, slot)
    elif core.engine.traits.strict or core.engine.owes_match(monotonic()):  # strict order nudges nobody
        core.do(core.engine.match)


def passes(core: Shell, lease: Loan) -> bool:
    """Probe a resource at its hand-out; one that does not pass is out of the lease afterwards."""
    slot = lease._hold[0]
    try:
        glance = slot.glance
        if (glance is not None and not glance(0)) or (probe := slot.probe) is None or probe(slot.resource):
            return True
    except Exception as exc:
        fail(core, lease, exc)
    else:
        doubt(core, lease)
    return False


def fail(core: Shell, lease: Loan, exc: Exception) -> None:
    """A hand-out's probe has raised: take the resource out of the lease, for good."""
    core.do(core.engine.probe_failed, lease._hold.pop(), exc)


def doubt(core: Shell, lease: Loan) -> None:
    """A hand-out's probe has said no: take the resource out of the lease and have it validated."""
    core.do(core.engine.doubted, lease._hold.pop())


def switch(core: Shell, bound: BoundAdapter, over: float, now: float) -> int:
    """Let another adapter make resources, and have the old ones replaced; give the new generation."""
    engine = core.engine
    makers = {id(maker): maker for maker in (bound, *(slot.source for slot in engine.ledger))}
    traits = traits_of(*makers.values(), strict=engine.traits.strict, cancels=engine.traits.cancels)
    core.bound = bound
    return engine.refresh(now, over, bound, traits)


def _give_back(core: Shell, slot: Slot, soiled: bool, doubt: bool, fault: Fault | None, now: float) -> None:
    core.engine.give_back(slot, now, soiled=soiled, doubt=doubt, fault=fault)


def _reset_in_place_failed(core: Shell, slot: Slot, exc: Exception, fault: Fault | None, now: float) -> None:
    core.engine.reset_in_place_failed(slot, exc, fault, now)
