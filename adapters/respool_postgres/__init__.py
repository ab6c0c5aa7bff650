"""Postgres for respool, through psycopg 3: blocking and asynchronous.

The driver is imported when the first adapter or helper is asked for; `backend` needs none, so that a list of
installed backends costs nothing and works without it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._backend import backend

if TYPE_CHECKING:
    from ._adapter import PostgresAdapter
    from ._async_adapter import AsyncPostgresAdapter
    from ._async_helper import async_postgres_pool
    from ._helper import postgres_pool

__all__ = [
    "AsyncPostgresAdapter",
    "PostgresAdapter",
    "async_postgres_pool",
    "backend",
    "postgres_pool",
]

_HOMES = {
    "AsyncPostgresAdapter": "_async_adapter",
    "PostgresAdapter": "_adapter",
    "async_postgres_pool": "_async_helper",
    "postgres_pool": "_helper",
}


def __getattr__(name: str) -> Any:
    """Load what needs the driver when it is asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    """List what is not loaded yet, too."""
    return sorted({*globals(), *__all__})
