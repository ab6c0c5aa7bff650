"""How a talk is held: one text, whether a thread waits for the answers (`hold`) or a loop (`hold_on_loop`).

A talk is a generator that yields statements and is sent their results. It has the connection's lock, and goes
past psycopg's caches and its own waiting. Those would do, and cost twice the processor time; this runs after
every lease whose session is cleaned.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from ._driver import psycopg
from ._faults import ServerSilent
from ._session import session_of
from ._turns import take_turn, take_turn_on_loop

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGconn, PGresult

    from ._session import Session

__all__ = ["Talk", "hold", "hold_on_loop"]

R = TypeVar("R")
Talk = Generator[bytes, "list[PGresult]", R]

LOOK_EVERY = 0.1
"""Seconds between two looks at the clock while a thread awaits an answer; psycopg's own interval."""

_FATAL_ERROR = psycopg.pq.ExecStatus.FATAL_ERROR


def hold(talk: Talk[R], conn: psycopg.Connection[Any], seconds: float) -> R:
    """Hold a talk in this thread, for at most so long.

    Raises:
        ResourceSpoiled: Somebody else is inside the driver.
        ServerSilent: Time is up.
    """
    deadline = monotonic() + seconds
    session, pgconn = session_of(conn), conn.pgconn
    take_turn(conn.lock)
    try:
        statements = next(talk)
        while True:
            statements = talk.send(_checked(_ask(pgconn, statements, session, deadline, seconds)))
    except StopIteration as end:
        answer: R = end.value
        return answer
    finally:
        conn.lock.release()


async def hold_on_loop(talk: Talk[R], conn: psycopg.AsyncConnection[Any], seconds: float) -> R:
    """Hold a talk on the running loop, for at most so long.

    Raises:
        ResourceSpoiled: Somebody else is inside the driver.
        ServerSilent: Time is up.
    """
    deadline = monotonic() + seconds
    pgconn = conn.pgconn
    take_turn_on_loop(conn.lock)
    try:
        statements = next(talk)
        while True:
            statements = talk.send(_checked(await _ask_on_loop(pgconn, statements, deadline, seconds)))
    except StopIteration as end:
        answer: R = end.value
        return answer
    finally:
        conn.lock.release()


def _ask(
    pgconn: PGconn, statements: bytes, session: Session, deadline: float, seconds: float
) -> list[PGresult]:
    """Send statements in one message and collect their results."""
    pgconn.send_query(statements)
    while pgconn.flush():  # the wire is full, which so few bytes hardly ever see
        if not session.line.is_writable(LOOK_EVERY) and monotonic() >= deadline:
            raise _silent(seconds)
    results: list[PGresult] = []
    while not _collects(pgconn, results):
        if session.poll(LOOK_EVERY * 1000):
            _read(pgconn)
        elif monotonic() >= deadline:
            raise _silent(seconds)
    return results


async def _ask_on_loop(pgconn: PGconn, statements: bytes, deadline: float, seconds: float) -> list[PGresult]:
    """Do as `_ask`."""
    loop, wire = asyncio.get_running_loop(), pgconn.socket
    pgconn.send_query(statements)
    while pgconn.flush():
        if not await _comes(loop, loop.add_writer, loop.remove_writer, wire, deadline):
            raise _silent(seconds)
    results: list[PGresult] = []
    while not _collects(pgconn, results):
        if not await _comes(loop, loop.add_reader, loop.remove_reader, wire, deadline):
            raise _silent(seconds)
        _read(pgconn)
    return results


async def _comes(
    loop: asyncio.AbstractEventLoop,
    add: Callable[..., object],
    remove: Callable[[int], object],
    wire: int,
    deadline: float,
) -> bool:
    """Wait until the loop says that the wire is ready; False: the deadline came first."""
    ready: asyncio.Future[bool] = loop.create_future()
    alarm = loop.call_later(deadline - monotonic(), _answer, ready, False)
    add(wire, _answer, ready, True)
    try:
        return await ready
    finally:
        remove(wire)
        alarm.cancel()


def _answer(ready: asyncio.Future[bool], comes: bool) -> None:
    if not ready.done():
        ready.set_result(comes)


def _collects(pgconn: PGconn, results: list[PGresult]) -> bool:
    """Take what has been read of the answer; True: that was all of it."""
    while not pgconn.is_busy():
        result = pgconn.get_result()
        if result is None:
            return True
        results.append(result)
    return False


def _read(pgconn: PGconn) -> None:
    """Read what has come; notifications go to whom the driver would give them."""
    pgconn.consume_input()
    while (notify := pgconn.notifies()) is not None:
        if pgconn.notify_handler is not None:
            pgconn.notify_handler(notify)


def _checked(results: list[PGresult]) -> list[PGresult]:
    """Give results that hold no error.

    Raises:
        psycopg.Error: One of them is an error.
    """
    for result in results:
        if result.status == _FATAL_ERROR:
            raise psycopg.errors.error_from_result(result)
    return results


def _silent(seconds: float) -> ServerSilent:
    return ServerSilent(f"no answer within {seconds:g} s")
