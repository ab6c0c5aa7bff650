"""The table of events, from their classes."""

from __future__ import annotations

import inspect

import attrs

import respool
from respool import PoolEvent

__all__ = ["write"]


def write() -> str:
    """Write a row per event."""
    rows = ["| event | fields | when |", "|---|---|---|"]
    for name in respool.__all__:
        event = getattr(respool, name)
        if inspect.isclass(event) and issubclass(event, PoolEvent) and event is not PoolEvent:
            rows.append(f"| `{name}` | {_fields(event)} | {_when(event)} |")
    return "\n".join(rows)


def _fields(event: type[PoolEvent]) -> str:
    common = {field.name for field in attrs.fields(PoolEvent)}
    return ", ".join(f"`{field.name}`" for field in attrs.fields(event) if field.name not in common)


def _when(event: type[PoolEvent]) -> str:
    text = inspect.getdoc(event)
    assert text is not None
    return " ".join(text.split()).replace("``", "`")
