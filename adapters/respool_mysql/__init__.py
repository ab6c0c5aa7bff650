"""MySQL and MariaDB for respool: PyMySQL under threads, aiomysql under asyncio.

Importing this package loads no driver; using a name that needs one says what to install when it is missing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from ._async_pools import async_mysql_pool
from ._backend import backend
from ._pools import mysql_pool

if TYPE_CHECKING:
    from ._aio import AsyncMysqlAdapter
    from ._faults import UnsupportedServer
    from ._sync import MysqlAdapter

__all__ = [
    "AsyncMysqlAdapter",
    "MysqlAdapter",
    "UnsupportedServer",
    "async_mysql_pool",
    "backend",
    "mysql_pool",
]

_LAZY = {"AsyncMysqlAdapter": "._aio", "MysqlAdapter": "._sync", "UnsupportedServer": "._sync"}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load what needs a driver when it is first asked for (PEP 562)."""
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_LAZY[name], __name__), name)
