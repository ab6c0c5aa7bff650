"""The rules of the pool, sans-IO: no thread, no loop, no clock, no adapter call."""

from __future__ import annotations

from ._commands import Abort, Command, Create, Destroy, Reset, SlotCommand, Validate, Wake
from ._elastic import Elastic
from ._engine import TAKEN, Engine
from ._growth import Fixed, OnDemand, Sizer, View
from ._lane import COUNTS, DONE, ODD, SOMEBODY_WAITS
from ._latches import Latch
from ._laws.elastic import Tick
from ._meter import Meter
from ._slot import TABLE, Loan, Phase, Slot
from ._state import Traits
from ._waiters import NEVER, Refusal, Waiter

__all__ = [
    "COUNTS",
    "DONE",
    "NEVER",
    "ODD",
    "SOMEBODY_WAITS",
    "TABLE",
    "TAKEN",
    "Abort",
    "Command",
    "Create",
    "Destroy",
    "Elastic",
    "Engine",
    "Fixed",
    "Latch",
    "Loan",
    "Meter",
    "OnDemand",
    "Phase",
    "Refusal",
    "Reset",
    "Sizer",
    "Slot",
    "SlotCommand",
    "Tick",
    "Traits",
    "Validate",
    "View",
    "Waiter",
    "Wake",
]
