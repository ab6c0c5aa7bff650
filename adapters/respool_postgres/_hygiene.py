"""What is cleaned between two leases, as statements and as talks that both colours of the adapter hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from respool import ResourceSpoiled

from ._driver import psycopg
from ._private import prepared_count, prepared_forgotten, unfinished

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from ._session import Session
    from ._talk import Talk

__all__ = ["clean_session", "end_transaction", "forget_prepared", "ping", "refuse_busy", "reported"]

_IDLE = psycopg.pq.TransactionStatus.IDLE
_IN_BLOCK = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR)
_NO_PIPELINE = psycopg.pq.PipelineStatus.OFF
_EMPTY = psycopg.pq.ExecStatus.EMPTY_QUERY

# `DISCARD ALL` does all of this at once, but would also throw psycopg's prepared statements away, and cannot
# share a round trip with a rollback. The order matters: the privileges first, so that the rest is allowed;
# RESET ROLE after the session's user, for a role may have been given at connect time.
_CLEAN = b"""\
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
RESET ALL;
CLOSE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), pg_catalog.pg_my_temp_schema() <> 0;
SELECT from_sql FROM pg_catalog.pg_prepared_statement();
DISCARD TEMP;
DISCARD SEQUENCES;
"""
# The places of the two answers among the results, from the end. Counting the statements here, not there,
# saves the server a fifth of the whole: it plans the text anew each time.
_TEMPORARY, _PREPARED = -4, -3
_FORGET_PREPARED = b"DEALLOCATE ALL;"
_REPORTED = (
    b"client_encoding",
    b"DateStyle",
    b"IntervalStyle",
    b"search_path",  # from 18 on
    b"standard_conforming_strings",
    b"TimeZone",
)
"""The settings that a statement's text is read by, as far as the server tells the client of each change."""


def refuse_busy(conn: Any) -> bool:
    """Look, without I/O, at what a lease has left under way.

    Returns:
        Whether a transaction is open, which a rollback ends.

    Raises:
        ResourceSpoiled: Something is open that nobody but the one who opened it can end.
    """
    pgconn = conn.pgconn
    status = pgconn.transaction_status
    if left := unfinished(conn):
        raise ResourceSpoiled(left)
    if pgconn.pipeline_status != _NO_PIPELINE:
        raise ResourceSpoiled("it was left in pipeline mode")
    if status != _IDLE and status not in _IN_BLOCK:
        state = psycopg.pq.TransactionStatus(status).name
        raise ResourceSpoiled(f"a query or COPY is unfinished (transaction status {state})")
    return bool(status != _IDLE)


def end_transaction(conn: Any) -> Talk[None]:
    """Roll back what is open, if anything is; psycopg's prepared statements go then, as in its own rollback.

    Not in one message with the rollback: pgbouncer takes notice of ``DEALLOCATE ALL`` where it stands alone.
    """
    if not refuse_busy(conn):
        return
    yield b"ROLLBACK"
    if prepared_count(conn):
        yield from forget_prepared(conn)


def forget_prepared(conn: Any) -> Talk[None]:
    """Deallocate every prepared statement, and tell psycopg's cache."""
    yield _FORGET_PREPARED
    prepared_forgotten(conn)


def clean_session(conn: Any, session: Session) -> Talk[None]:
    """Make the session what it was when it began; one round trip, two where prepared statements must go.

    psycopg's own prepared statements outlive this, unless the lease rolled back, or any lease so far has made
    temporary objects (an ON COMMIT DROP leaves no trace but the schema, which a session has from its first
    temporary object on), or somebody else prepared or deallocated any: their plans may then refer to what is
    gone. Nor do they outlive another time zone and the like: '01/02/2026'::date was turned into a day when it
    was prepared.
    """
    rolled_back = refuse_busy(conn)
    session.before.restore(conn)
    stale = rolled_back or session.had_temporary or reported(conn) != session.home
    first = (b"ROLLBACK;" if rolled_back else b"") + (_FORGET_PREPARED if stale else b"")
    results = yield first + _CLEAN
    session.had_temporary = results[_TEMPORARY].get_value(0, 1) == b"t"
    if stale:  # and so they are gone already
        prepared_forgotten(conn)
    elif session.had_temporary or _has_others(results[_PREPARED], prepared_count(conn)):
        yield from forget_prepared(conn)
    session.before.drop_notifications(conn)


def reported(conn: Any) -> list[bytes | None]:
    """Give the settings by which the server reads statements; it has told of them already."""
    return list(map(conn.pgconn.parameter_status, _REPORTED))


def ping() -> Talk[bool]:
    """Ask the server for nothing at all and see that it answers."""
    results = yield b""
    return bool(results[-1].status == _EMPTY)


def _has_others(prepared: PGresult, ours: int) -> bool:
    """Tell whether statements were prepared or deallocated past psycopg's cache."""
    rows = prepared.ntuples
    return rows != ours or any(prepared.get_value(row, 0) == b"t" for row in range(rows))
