"""The one place where psycopg is first imported: it says what to install where that fails."""

from __future__ import annotations

try:
    import psycopg
    from psycopg import BaseConnection, conninfo, rows
except ImportError as missing:
    raise ImportError(
        f"respool_postgres needs psycopg 3 and cannot import it ({missing}): pip install 'respool[postgres]'"
    ) from missing

__all__ = ["BaseConnection", "conninfo", "psycopg", "rows"]
