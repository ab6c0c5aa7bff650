"""Somebody is still inside the driver when his lease ends: a thread left behind, a sibling of a `gather`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any

import psycopg
import pytest

from respool import ResourceSpoiled, Timeouts
from respool_postgres import PostgresAdapter, _talk, async_postgres_pool
from tests.adapters.postgres.hand import Hand
from tests.servers import Endpoint


@pytest.fixture
def talks(monkeypatch: pytest.MonkeyPatch, hand: Hand) -> list[bool]:
    """Every message of ours: whether the lock was held."""
    held: list[bool] = []
    name = "_ask" if hand.colour == "sync" else "_ask_on_loop"
    ask = getattr(_talk, name)

    def asked(pgconn: Any, *rest: Any) -> Any:
        held.append(any(conn.lock.locked() for _, conn in hand.made if conn.pgconn is pgconn))
        return ask(pgconn, *rest)

    monkeypatch.setattr(_talk, name, asked)
    return held


@pytest.mark.parametrize("phase", ["validate", "reset"])
@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_talk_has_the_connection_to_itself(hand: Hand, talks: list[bool], phase: str, hygiene: str) -> None:
    """Who kept the connection of an earlier lease has to wait, and then finds it as it should be."""
    adapter, conn = hand.lease(hygiene=hygiene)
    hand.execute(conn, "BEGIN")
    hand.run(getattr(adapter, phase)(conn))
    assert talks == [True] * len(talks) != []
    assert not conn.lock.locked()


@pytest.mark.parametrize("phase", ["validate", "reset"])
def test_nothing_is_said_beside_somebody_who_is_inside(hand: Hand, talks: list[bool], phase: str) -> None:
    adapter, conn = hand.lease()
    hand.run(conn.lock.acquire())
    assert adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match="still running"):
        hand.run(getattr(adapter, phase)(conn))
    assert [] == talks
    conn.lock.release()
    assert hand.run(adapter.validate(conn))


def test_a_lock_that_is_promised_to_who_has_waited_is_not_taken_from_him(postgres_server: Endpoint) -> None:
    """Nobody holds it, and yet the next statement is his."""
    hand = Hand("async", postgres_server.url)
    adapter, conn = hand.lease()

    async def scenario() -> None:
        await conn.lock.acquire()
        waiting = asyncio.ensure_future(conn.execute("SELECT 1"))
        await asyncio.sleep(0)
        conn.lock.release()
        with pytest.raises(ResourceSpoiled):
            await adapter.reset(conn)
        assert (1,) == await (await waiting).fetchone()
        await adapter.reset(conn)

    hand.run(scenario())
    hand.close()


LEFT_BEHIND = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from respool_postgres import postgres_pool

threads = ThreadPoolExecutor(4)
ends = set()


def slow(conn, done):
    return conn.execute("SELECT 'of the first lease', pg_sleep(60)").fetchall()


def often(conn, done):
    while not done.is_set():
        conn.execute("SELECT generate_series(1, 200)").fetchall()


with postgres_pool(sys.argv[1], max_size=2, connect={"autocommit": True}) as pool:
    for turn in range(40):
        left = slow if turn % 2 else often
        done = threading.Event()
        try:
            with pool.acquire(timeout=30) as conn:
                future = threads.submit(left, conn, done)
                future.result(timeout=0.01)
        except TimeoutError:
            pass
        with pool.acquire(timeout=30) as conn:
            row = conn.execute("SELECT 'of the second lease'").fetchone()
        done.set()
        end = future.exception(30)
        if left is slow:
            ends.add((row[0], type(end).__name__))
print(ends)
"""


def test_a_thread_that_outlives_its_lease_does_not_crash_the_interpreter(postgres_server: Endpoint) -> None:
    """Behaviour 89. Neither in one long call nor between many short ones; its call ends with an error."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", LEFT_BEHIND, postgres_server.url],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "{('of the second lease', 'OperationalError')}\n" == done.stdout


def test_a_connection_is_closed_when_nobody_is_inside_any_more(postgres_server: Endpoint) -> None:
    """Who is inside hears that the connection is lost."""
    adapter = PostgresAdapter(postgres_server.url)
    conn = adapter.create()
    errors: list[BaseException] = []

    def stay() -> None:
        try:
            conn.execute("SELECT pg_sleep(60)")
        except psycopg.OperationalError as exc:
            errors.append(exc)

    thread = threading.Thread(target=stay)
    thread.start()
    while not conn.lock.locked():
        time.sleep(0.001)
    adapter.destroy(conn)
    thread.join(30)
    assert conn.closed
    assert not conn.lock.locked()
    assert 1 == len(errors)


def _kept_stream(hand: Hand, conn: Any) -> Any:
    """A generator in the middle of its rows: it holds the lock, and no hang-up wakes it."""
    stream = conn.cursor().stream("SELECT generate_series(1, 100000)")
    if hand.colour == "sync":
        next(stream)
    else:
        hand.run(stream.__anext__())
    return stream


def _exhaust(hand: Hand, stream: Any) -> None:
    async def exhaust() -> None:
        async for _ in stream:
            pass

    if hand.colour == "sync":
        list(stream)
    else:
        hand.run(exhaust())


def test_a_connection_of_which_somebody_keeps_a_generator_is_hung_up_and_not_closed(
    hand: Hand, other: psycopg.Connection[Any]
) -> None:
    """Whoever goes on with the generator finds a lost connection, no other thread's memory."""
    adapter = hand.adapter(timeouts=Timeouts(destroy=0.2))
    conn = hand.run(adapter.create())
    pid = conn.info.backend_pid
    stream = _kept_stream(hand, conn)
    with pytest.raises(Exception, match="still running: hung up, to be closed when nobody refers to it"):
        hand.run(adapter.destroy(conn))
    assert not conn.closed
    while other.execute("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() != (0,):
        time.sleep(0.01)
    with pytest.raises(psycopg.OperationalError):
        _exhaust(hand, stream)


class _Polite(psycopg.Connection[Any]):
    """Says a last word."""

    def close(self) -> None:
        if not self.closed:
            self.execute("SELECT 'goodbye'")
        super().close()


class _AsyncPolite(psycopg.AsyncConnection[Any]):
    """Says a last word."""

    async def close(self) -> None:
        if not self.closed:
            await self.execute("SELECT 'goodbye'")
        await super().close()


def test_a_class_that_closes_in_its_own_way_may_say_a_last_word(hand: Hand) -> None:
    """It takes the lock for it."""
    adapter = hand.adapter(connection_class=_Polite if hand.colour == "sync" else _AsyncPolite)
    conn = hand.run(adapter.create())
    hand.run(adapter.destroy(conn))
    assert conn.closed


def test_a_sibling_that_outlives_its_lease_never_reads_the_rows_of_the_next(
    postgres_server: Endpoint,
) -> None:
    """Behaviour 89. The next connection gets the descriptor's number, and the sibling still waits on that."""
    ends = set()

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise LookupError

    async def slow(conn: psycopg.AsyncConnection[Any]) -> Any:
        return await (await conn.execute("SELECT 'of the first lease', pg_sleep(0.1)")).fetchall()

    async def scenario() -> None:
        async with async_postgres_pool(postgres_server.url, max_size=2) as pool:
            for _ in range(8):
                try:
                    async with pool.acquire(timeout=30) as conn:
                        sibling = asyncio.create_task(slow(conn))
                        await asyncio.gather(sibling, fails())
                except LookupError:
                    pass
                async with pool.acquire(timeout=30) as conn:
                    cursor = await conn.execute("SELECT 'of the second lease', pg_sleep(0.2)")
                    assert ("of the second lease", "") == await cursor.fetchone()
                await asyncio.wait([sibling])
                ends.add(type(sibling.exception()))

    asyncio.run(scenario())
    assert {psycopg.OperationalError} == ends
