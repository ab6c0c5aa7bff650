"""What the engine asks a shell to do. A shell carries these out and decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from ._slot import Slot
    from ._waiters import Waiter

__all__ = ["Abort", "Command", "Create", "Destroy", "Reset", "SlotCommand", "Validate", "Wake"]


@attrs.frozen(eq=False)
class SlotCommand:
    """An adapter call for one slot; the call's result comes back as an event of the engine."""

    slot: Slot

    method = ""


@attrs.frozen(eq=False)
class Create(SlotCommand):
    """Call ``create``; answer with `Engine.created` or `Engine.create_failed`."""

    method = "create"


@attrs.frozen(eq=False)
class Validate(SlotCommand):
    """Call ``validate``; answer with `Engine.validated`."""

    method = "validate"


@attrs.frozen(eq=False)
class Reset(SlotCommand):
    """Call ``reset``; answer with `Engine.was_reset`."""

    method = "reset"


@attrs.frozen(eq=False)
class Destroy(SlotCommand):
    """Call ``destroy``; answer with `Engine.destroyed`."""

    method = "destroy"


@attrs.frozen(eq=False)
class Abort:
    """End the call that now runs for the slot: ``abort``, and what else the shell can do; no answer."""

    slot: Slot


@attrs.define(eq=False)
class Wake:
    """Wake who waits: the waiter has an answer, or should look again.

    Alone of the commands it is not frozen: every lease that is waited for makes one, and frozen costs double.
    """

    waiter: Waiter


Command = SlotCommand | Abort | Wake
