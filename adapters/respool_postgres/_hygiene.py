"""What is cleaned between two leases, as statements and as generators that both colours of the adapter run.

A generator yields what it wants to wait for and is sent what has come, as psycopg's own do: one text, whether
a thread waits or a loop.
"""

from __future__ import annotations

import select
from time import monotonic
from typing import TYPE_CHECKING, Any

from respool import ResourceSpoiled

from ._driver import psycopg, waiting
from ._faults import ServerSilent
from ._private import exchange, prepared_count, prepared_forgotten, unfinished

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGconn, PGresult

    from ._session import Session

__all__ = ["LOOK_EVERY", "clean_session", "end_transaction", "ping", "refuse_busy", "wait", "within"]

LOOK_EVERY = 0.1
"""Seconds between two looks at the clock while an answer is awaited; psycopg's own interval."""

_WAIT, _READY = waiting.Wait, waiting.Ready
_EVENTS = {_WAIT.R: select.POLLIN, _WAIT.W: select.POLLOUT, _WAIT.RW: select.POLLIN | select.POLLOUT}
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
SELECT pg_catalog.pg_advisory_unlock_all(), {temporary},
    pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE from_sql)
    FROM pg_catalog.pg_prepared_statement();
DISCARD TEMP;
DISCARD SEQUENCES;
"""
_ANSWER = -3  # the place of the SELECT among the results, from the end
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


def end_transaction(conn: Any) -> PQGen[None]:
    """Roll back what is open, if anything is; psycopg's prepared statements go then, as in its own rollback.

    Not in one message with the rollback: pgbouncer takes notice of ``DEALLOCATE ALL`` where it stands alone.
    """
    if not refuse_busy(conn):
        return
    _checked((yield from exchange(conn.pgconn, b"ROLLBACK")))
    if prepared_count(conn):
        yield from forget_prepared(conn)


def forget_prepared(conn: Any) -> PQGen[None]:
    """Deallocate every prepared statement, and tell psycopg's cache."""
    _checked((yield from exchange(conn.pgconn, _FORGET_PREPARED)))
    prepared_forgotten(conn)


def clean_session(conn: Any, session: Session) -> PQGen[None]:
    """Make the session what it was when it began; one round trip, two where prepared statements must go.

    psycopg's own prepared statements outlive this, unless the lease rolled back or made temporary objects, or
    somebody else prepared or deallocated any: their plans may then refer to what is gone.
    """
    rolled_back = refuse_busy(conn)
    session.before.restore(conn)
    first = b"ROLLBACK;" + _FORGET_PREPARED if rolled_back else b""
    statements = _ANY_TEMPORARY if session.had_temporary else _FIRST_TEMPORARY
    results = yield from exchange(conn.pgconn, first + statements)
    temporary, prepared, by_hand = _answer(_checked(results)[_ANSWER])
    session.had_temporary |= temporary
    if rolled_back:  # and so they are gone already
        prepared_forgotten(conn)
    elif temporary or by_hand or prepared != prepared_count(conn):
        yield from forget_prepared(conn)
    session.before.drop_notifications(conn)


def ping(pgconn: PGconn) -> PQGen[bool]:
    """Ask the server for nothing at all and see that it answers."""
    results = yield from exchange(pgconn, b"")
    return _checked(results)[-1].status == _EMPTY


def wait(work: PQGen[Any], descriptor: int) -> Any:
    """Run a generator in this thread; psycopg's own `wait` did not look at the clock before 3.3."""
    poll = select.poll()
    try:
        wanted = next(work)
        while True:
            poll.register(descriptor, _EVENTS[wanted])
            wanted = work.send(_ready(poll.poll(LOOK_EVERY * 1000)))
    except StopIteration as end:
        return end.value


def _ready(found: list[tuple[int, int]]) -> int:
    if not found:
        return 0
    events = found[0][1]
    readable = events & ~select.POLLOUT  # an error is found by reading
    return (_READY.R if readable else 0) | (_READY.W if events & select.POLLOUT else 0)


def within(seconds: float, work: PQGen[Any]) -> Generator[Any, Any, Any]:
    """Run a generator for at most so long; it is looked at when something comes and every `LOOK_EVERY`.

    Raises:
        ServerSilent: Time is up.
    """
    deadline = monotonic() + seconds
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if not ready and monotonic() >= deadline:
                raise ServerSilent(f"no answer within {seconds:g} s")
            wanted = work.send(ready)
    except StopIteration as end:
        return end.value


def _checked(results: list[PGresult]) -> list[PGresult]:
    for result in results:
        if result.status == _FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    return results


def _answer(result: PGresult) -> tuple[bool, int, bool]:
    temporary, prepared, by_hand = (result.get_value(0, column) for column in (1, 2, 3))
    return temporary == b"t", int(prepared or b"0"), by_hand != b"0"
