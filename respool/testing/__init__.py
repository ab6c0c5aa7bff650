"""For tests: scripted adapters and virtual time, and the conformance kit for authors of adapters.

The kit's two classes are loaded when they are first asked for, because they need pytest; the rest does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._clock import Timer, VirtualClock
from ._ledger import Call, Resource
from ._scripted import AsyncScriptedAdapter, ScriptedAdapter
from ._steps import Aborted, ScriptedError, Step, error, never, ok, slow, value

if TYPE_CHECKING:
    from ._kit import AdapterTests, AsyncAdapterTests

__all__ = [
    "Aborted",
    "AdapterTests",
    "AsyncAdapterTests",
    "AsyncScriptedAdapter",
    "Call",
    "Resource",
    "ScriptedAdapter",
    "ScriptedError",
    "Step",
    "Timer",
    "VirtualClock",
    "error",
    "never",
    "ok",
    "slow",
    "value",
]


def __getattr__(name: str) -> Any:
    """Load the kit, and with it pytest, when it is asked for."""
    if name in {"AdapterTests", "AsyncAdapterTests"}:
        from . import _kit

        return getattr(_kit, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
