"""The law of one owner, as a check that tests call after every step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ._slot import Phase
from ._waiters import NEVER

if TYPE_CHECKING:
    from ._maintenance import Maintenance

__all__ = ["check"]

IN_FLIGHT = (Phase.CREATING, Phase.CHECKING, Phase.RESETTING, Phase.CLOSING, Phase.STUCK)


def check(engine: Maintenance) -> None:
    """Assert that every slot has exactly one owner and that all counts agree.

    Raises:
        AssertionError: Names the slot and what is wrong with it.
    """
    _check_owners(engine)
    _check_counts(engine)
    _check_soiled(engine)
    _check_waiters(engine)


def _check_owners(engine: Maintenance) -> None:
    resting = Counter(slot.number for slot in engine.lane.resting())
    for number, times in resting.items():
        assert number in engine.ledger.slots, f"slot {number} is idle and not on the ledger"
        assert times == 1, f"slot {number} is idle {times} times"
    for slot in engine.ledger:
        held = engine.lane.loan_of(slot) is not None
        idle = slot.number in resting
        if slot.phase is Phase.LIVE:
            assert held != idle, f"{slot!r} has {'two owners' if held else 'no owner'}"
            assert slot.command is None, f"{slot!r} is live and has a command in flight"
        else:
            assert slot.phase in IN_FLIGHT, f"{slot!r} is on the ledger"
            assert not held, f"{slot!r} is held"
            assert not idle, f"{slot!r} is idle"
            assert slot.command is not None, f"{slot!r} has no command in flight"


def _check_counts(engine: Maintenance) -> None:
    ledger = engine.ledger
    phases = Counter(slot.phase for slot in ledger)
    for phase in Phase:
        assert phases[phase] == ledger.count[phase], (
            f"{phase.value}: {phases[phase]}, counted {ledger.count[phase]}"
        )
    creating = {slot.number for slot in ledger if slot.phase is Phase.CREATING}
    assert engine._outdated <= creating, f"of {engine._outdated} only {creating} are being created"
    closing = sum(slot.counted for slot in ledger if slot.phase is Phase.CLOSING)
    assert closing == ledger.closing, f"{closing} are closing, counted {ledger.closing}"
    counted = sum(slot.counted for slot in ledger)
    assert counted == ledger.size, f"size is {counted}, counted {ledger.size}"
    ended = sum(ledger.destroyed.values())
    kept = {slot.number: slot.resource for slot in ledger if slot.resource is not None}
    assert kept == ledger.resources, f"of the resources {ledger.resources} the slots have {kept}"
    living = len(kept)
    assert ledger.created == ended + living + ledger.left, (
        f"created {ledger.created}, destroyed {ended}, living {living}, taken out {ledger.left}"
    )


def _check_soiled(engine: Maintenance) -> None:
    soiled = list(engine.soiled)
    assert len(soiled) == len(set(soiled)), "a slot waits twice to be cleaned"
    for slot in soiled:
        assert slot.phase is Phase.RESETTING, f"{slot!r} waits to be cleaned"
        assert not slot.started, f"{slot!r} waits to be cleaned and somebody has begun"
    assert not soiled or engine._soiled_due < NEVER, f"{soiled} wait to be cleaned, and nobody will look"
    chores = [waiter.chore for waiter in engine.line if waiter.chore is not None]
    assert len(chores) == len(set(chores)), "two waiters clean the same slot"


def _check_waiters(engine: Maintenance) -> None:
    waiting = list(engine.line)
    assert len(waiting) == engine.line.count, f"{len(waiting)} wait, counted {engine.line.count}"
    for waiter in waiting:
        assert not waiter.answered, "an answered waiter stands in line"
    if waiting and not engine.paused and not engine.closing and engine.traits.strict:
        fit = [slot for slot in engine.lane.resting() if not slot.mark]
        assert not fit, f"{len(waiting)} wait while {fit} are idle and fit"
