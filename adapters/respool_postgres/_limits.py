"""The server's own limits, for `respool doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool import ServerLimits

from ._driver import psycopg, rows

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["async_limits", "limits"]

_ASK = """
SELECT current_setting('server_version') AS version,
    split_part(version(), ' ', 1) AS product,
    current_setting('max_connections')::int AS max_connections,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
    (SELECT coalesce(sum(numbackends), 0)::int FROM pg_catalog.pg_stat_database) AS used,
    (SELECT setting::int / 1000.0 FROM pg_catalog.pg_settings
        WHERE name = 'idle_session_timeout')::float8 AS idle_session,
    (SELECT setting::int / 1000.0 FROM pg_catalog.pg_settings
        WHERE name = 'idle_in_transaction_session_timeout')::float8 AS idle_transaction,
    (SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database()) AS database_limit,
    (SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = session_user) AS role_limit,
    pg_catalog.pg_is_in_recovery() AS standby,
    pg_catalog.pg_backend_pid() AS pid
"""


def limits(conn: psycopg.Connection[Any]) -> ServerLimits:
    """Read the limits through one connection; leaves no transaction open unless there was one."""
    with conn.transaction(), conn.cursor(row_factory=rows.dict_row) as cursor:
        found = cursor.execute(_ASK).fetchone()
    with conn.transaction(), conn.cursor(row_factory=rows.dict_row) as cursor:
        again = cursor.execute("SELECT pg_catalog.pg_backend_pid() AS pid").fetchone()
    return _report(conn.info.backend_pid, found or {}, again or {})


async def async_limits(conn: psycopg.AsyncConnection[Any]) -> ServerLimits:
    """Read the limits through one connection; leaves no transaction open unless there was one."""
    async with conn.transaction(), conn.cursor(row_factory=rows.dict_row) as cursor:
        found = await (await cursor.execute(_ASK)).fetchone()
    async with conn.transaction(), conn.cursor(row_factory=rows.dict_row) as cursor:
        again = await (await cursor.execute("SELECT pg_catalog.pg_backend_pid() AS pid")).fetchone()
    return _report(conn.info.backend_pid, found or {}, again or {})


def _report(pid: int, found: Mapping[str, Any], again: Mapping[str, Any]) -> ServerLimits:
    own = [found[name] for name in ("database_limit", "role_limit") if (found[name] or -1) >= 0]
    return ServerLimits(
        version=found["version"],
        product=found["product"],
        max_connections=min([found["max_connections"] - found["reserved"], *own]),
        used_connections=found["used"],
        idle_limit=found["idle_session"] or None,
        notes=tuple(_notes(pid, found, again)),
    )


def _notes(pid: int, found: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    notes = []
    if pid != found["pid"]:  # a proxy hands out cancel keys of its own
        notes.append(
            "a proxy such as pgbouncer stands between: the limits are those of the server behind it, "
            "and sessions at the proxy may end sooner; if it pools by transaction, use hygiene='transaction'"
        )
    if again["pid"] != found["pid"]:
        notes.append(
            "the proxy gives every transaction another server session: use hygiene='transaction', for "
            "session state cannot be kept or cleaned there"
        )
    if found["reserved"]:
        notes.append(
            f"{found['reserved']} of {found['max_connections']} connections are reserved for administrators"
        )
    if found["idle_transaction"]:
        notes.append(f"a transaction that idles for {found['idle_transaction']:g} s ends the session")
    if found["standby"]:
        notes.append("the server is a standby: it reads only")
    return notes
