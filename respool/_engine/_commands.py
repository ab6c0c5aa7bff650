"""What the engine asks a shell to do. A shell carries these out and decides nothing.

Plain classes: every lease that is waited for makes a `Wake`, which costs double where it is frozen, and what
attrs generated for all of them was a fortieth of ``import respool``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._slot import Slot
    from ._waiters import Waiter

__all__ = ["Abort", "Command", "Create", "Destroy", "Reset", "SlotCommand", "Validate", "Wake"]


class SlotCommand:
    """An adapter call for one slot; the call's result comes back as an event of the engine."""

    __slots__ = ("slot",)
    method = ""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot


class Create(SlotCommand):
    """Call ``create``; answer with `Engine.created` or `Engine.create_failed`."""

    __slots__ = ()
    method = "create"


class Validate(SlotCommand):
    """Call ``validate``; answer with `Engine.validated`."""

    __slots__ = ()
    method = "validate"


class Reset(SlotCommand):
    """Call ``reset``; answer with `Engine.was_reset`."""

    __slots__ = ()
    method = "reset"


class Destroy(SlotCommand):
    """Call ``destroy``; answer with `Engine.destroyed`."""

    __slots__ = ()
    method = "destroy"


class Abort:
    """End the call that now runs for the slot: ``abort``, and what else the shell can do; no answer."""

    __slots__ = ("slot",)

    def __init__(self, slot: Slot) -> None:
        self.slot = slot


class Wake:
    """Wake a waiter: it has an answer, or should look again."""

    __slots__ = ("waiter",)

    def __init__(self, waiter: Waiter) -> None:
        self.waiter = waiter


Command = SlotCommand | Abort | Wake
