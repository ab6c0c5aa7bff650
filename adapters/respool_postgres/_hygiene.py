"""What is cleaned between two leases, as statements and as talks that both colours of the adapter hold.

A talk is a generator that yields statements and is sent their results: one text, whether a thread waits for
them (`hold_talk`) or a loop (`within` and `exchange`, for psycopg's own waiting).
"""

from __future__ import annotations

from collections.abc import Generator
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from respool import ResourceSpoiled

from ._driver import psycopg
from ._faults import ServerSilent
from ._private import prepared_count, prepared_forgotten, unfinished

if TYPE_CHECKING:
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    from ._session import Session

__all__ = [
    "LOOK_EVERY",
    "Talk",
    "checked",
    "clean_session",
    "end_transaction",
    "hold_talk",
    "ping",
    "refuse_busy",
    "within",
]

R = TypeVar("R")
Talk = Generator[bytes, "list[PGresult]", R]

LOOK_EVERY = 0.1
"""Seconds between two looks at the clock while an answer is awaited; psycopg's own interval."""

_IDLE = psycopg.pq.TransactionStatus.IDLE
_IN_BLOCK = (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR)
_NO_PIPELINE = psycopg.pq.PipelineStatus.OFF
_FATAL_ERROR = psycopg.pq.ExecStatus.FATAL_ERROR
_EMPTY = psycopg.pq.ExecStatus.EMPTY_QUERY

# `DISCARD ALL` does all of this at once, but would also throw psycopg's prepared statements away, and cannot
# share a round trip with a rollback. The order matters: the privileges first, so that the rest is allowed;
# RESET ROLE after the session's user, for a role may have been given at connect time; the question about
# temporary objects before they are dropped.
_SESSION = """\
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
RESET ALL;
CLOSE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all(), {temporary};
SELECT from_sql FROM pg_catalog.pg_prepared_statement();
DISCARD TEMP;
DISCARD SEQUENCES;
"""
# The places of the two answers among the results, from the end. Counting the statements here, not there,
# saves the server a fifth of the whole: it plans the text anew each time.
_TEMPORARY, _PREPARED = -4, -3
# A session has a temporary schema from its first temporary object on and keeps it, so that the cheap question
# will do until then (the dear one costs 50 us, as much as all the rest).
_FIRST_TEMPORARY = _SESSION.format(temporary="pg_catalog.pg_my_temp_schema() <> 0").encode()
_ANY_TEMPORARY = _SESSION.format(
    temporary="""EXISTS (
    SELECT FROM pg_catalog.pg_depend
    WHERE refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
    AND refobjid = pg_catalog.pg_my_temp_schema())"""
).encode()
_FORGET_PREPARED = b"DEALLOCATE ALL;"


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

    psycopg's own prepared statements outlive this, unless the lease rolled back or made temporary objects, or
    somebody else prepared or deallocated any: their plans may then refer to what is gone.
    """
    rolled_back = refuse_busy(conn)
    session.before.restore(conn)
    first = b"ROLLBACK;" + _FORGET_PREPARED if rolled_back else b""
    statements = _ANY_TEMPORARY if session.had_temporary else _FIRST_TEMPORARY
    results = yield first + statements
    temporary = results[_TEMPORARY].get_value(0, 1) == b"t"
    session.had_temporary |= temporary
    if rolled_back:  # and so they are gone already
        prepared_forgotten(conn)
    elif temporary or _has_others(results[_PREPARED], prepared_count(conn)):
        yield from forget_prepared(conn)
    session.before.drop_notifications(conn)


def ping() -> Talk[bool]:
    """Ask the server for nothing at all and see that it answers."""
    results = yield b""
    return bool(results[-1].status == _EMPTY)


def hold_talk(talk: Talk[R], session: Session, pgconn: PGconn, seconds: float) -> R:
    """Hold a talk in this thread, for at most so long.

    psycopg's own waiting would do; this costs half the processor time, and it runs after every lease.

    Raises:
        ServerSilent: Time is up.
    """
    deadline = monotonic() + seconds
    try:
        statements = next(talk)
        while True:
            statements = talk.send(checked(_ask(pgconn, statements, session, deadline, seconds)))
    except StopIteration as end:
        answer: R = end.value
        return answer


def _ask(
    pgconn: PGconn, statements: bytes, session: Session, deadline: float, seconds: float
) -> list[PGresult]:
    """Send statements in one message and collect their results, past the connection's lock and caches."""
    pgconn.send_query(statements)
    while pgconn.flush():  # the wire is full, which so few bytes hardly ever see
        if not session.line.is_writable(LOOK_EVERY) and monotonic() >= deadline:
            raise ServerSilent(f"no answer within {seconds:g} s")
    results: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            if session.poll(LOOK_EVERY * 1000):
                pgconn.consume_input()
                while (notify := pgconn.notifies()) is not None:
                    if pgconn.notify_handler is not None:
                        pgconn.notify_handler(notify)
            elif monotonic() >= deadline:
                raise ServerSilent(f"no answer within {seconds:g} s")
        result = pgconn.get_result()
        if result is None:
            return results
        results.append(result)


def within(seconds: float, deadline: float, work: PQGen[Any]) -> Generator[Any, Any, Any]:
    """Run psycopg's generator until a deadline; it is looked at when something comes and every `LOOK_EVERY`.

    Raises:
        ServerSilent: Time is up.
    """
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if not ready and monotonic() >= deadline:
                raise ServerSilent(f"no answer within {seconds:g} s")
            wanted = work.send(ready)
    except StopIteration as end:
        return end.value


def checked(results: list[PGresult]) -> list[PGresult]:
    """Give results that hold no error.

    Raises:
        psycopg.Error: One of them is an error.
    """
    for result in results:
        if result.status == _FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    return results


def _has_others(prepared: PGresult, ours: int) -> bool:
    """Tell whether statements were prepared or deallocated past psycopg's cache."""
    rows = prepared.ntuples
    return rows != ours or any(prepared.get_value(row, 0) == b"t" for row in range(rows))
