"""What the levels "transaction" and "none" clean, what they leave, and when a return costs nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import pymysql
import pytest

from respool import ResourceSpoiled
from tests.adapters.mysql.hand import Hand, create_anew


def _questions(other: Any) -> int:
    """Count what the whole server was asked so far, this question included."""
    with other.cursor() as cursor:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_lease_that_sent_nothing_is_clean_whatever_autocommit_says(hand: Hand, hygiene: str) -> None:
    for autocommit in (True, False):
        adapter, conn = hand.lease(hygiene=hygiene, connect={"autocommit": autocommit})
        assert not adapter.is_dirty(conn)
        assert hand.run(adapter.validate(conn))
        assert not adapter.is_dirty(conn)


def test_a_query_in_autocommit_leaves_nothing_to_do_at_transaction(hand: Hand) -> None:
    """Behaviour 89. A clean return costs no round trip."""
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "UPDATE kept SET note = 'one' WHERE id = 1")
    assert 1 == hand.ask(conn, "SELECT 1")
    assert not adapter.is_dirty(conn)


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_reset_with_nothing_to_do_sends_nothing(hand: Hand, other: Any, hygiene: str) -> None:
    adapter, conn = hand.lease(hygiene=hygiene)
    before = _questions(other)
    hand.run(adapter.reset(conn))
    assert before + 1 == _questions(other)


def test_with_autocommit_off_whatever_was_sent_is_rolled_back(hand: Hand, other: Any) -> None:
    """Behaviour 89. After a duplicate key no flag shows that a row is locked."""
    adapter, conn = hand.lease(hygiene="transaction", connect={"autocommit": False})
    with pytest.raises(pymysql.err.IntegrityError):
        hand.execute(conn, "INSERT INTO kept VALUES (2, 'again')")
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not adapter.is_dirty(conn)
    with other.cursor() as cursor:
        assert 1 == cursor.execute("SELECT id FROM kept WHERE id = 2 FOR UPDATE NOWAIT")


def test_autocommit_switched_off_in_the_lease_is_noticed(hand: Hand, other: Any) -> None:
    """Behaviour 89. What asyncmy 0.2 gets wrong: it keeps saying that autocommit is on."""
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "SET autocommit = 0")
    with pytest.raises(pymysql.err.IntegrityError):
        hand.execute(conn, "INSERT INTO kept VALUES (2, 'again')")
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    with other.cursor() as cursor:
        assert 1 == cursor.execute("SELECT id FROM kept WHERE id = 2 FOR UPDATE NOWAIT")
    assert 1 == hand.ask(conn, "SELECT @@autocommit"), "and it is on again"


def test_a_transaction_in_autocommit_is_rolled_back(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "START TRANSACTION")
    hand.execute(conn, "UPDATE kept SET note = 'soiled' WHERE id = 1")
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert "one" == hand.ask(conn, "SELECT note FROM kept WHERE id = 1")


BLOCK = (
    "BEGIN NOT ATOMIC {began}; UPDATE kept SET note = 'soiled' WHERE id = 1;"
    " {more}; SIGNAL SQLSTATE '45000'; END"
)
LATE = "SELECT (SELECT n FROM numbers AS t WHERE n <= 9 AND n * 2 <= s.n) FROM numbers AS s WHERE n <= 9"
BLOCKS = {
    "alone": ("START TRANSACTION", "SET @a = 1", ()),
    "followed by a query": ("START TRANSACTION", "SET @a = 1", ("SELECT 1", "SELECT 2")),
    "with autocommit off": ("SET autocommit = 0", "SET @a = 1", ()),
    "with autocommit off, followed by a query": ("SET autocommit = 0", "SET @a = 1", ("SELECT 1",)),
    "among the rows of a query": ("START TRANSACTION", LATE, ()),
}


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("case", BLOCKS)
def test_what_a_block_that_failed_left_open_is_not_left_to_the_next_lease(
    hand: Hand, case: str, buffered: bool
) -> None:
    """Behaviour 89. An error packet carries no status flags: the driver goes on with those from before."""
    began, more, after = BLOCKS[case]
    adapter, conn = hand.lease(hygiene="transaction")
    cursor = hand.cursor(conn, hand.cursors.Cursor if buffered else hand.cursors.SSCursor)
    with pytest.raises(pymysql.err.MySQLError):  # noqa: PT012  # one or the other
        hand.run(cursor.execute(BLOCK.format(began=began, more=more)))
        hand.run(cursor.fetchall())
    hand.run(cursor.close())
    for statement in after:
        hand.execute(conn, statement)
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not adapter.is_dirty(conn)
    assert not hand.is_in_transaction(conn)
    assert 1 == hand.ask(conn, "SELECT @@autocommit")
    assert "one" == hand.ask(conn, "SELECT note FROM kept WHERE id = 1")


def test_a_driver_that_does_not_know_of_autocommit_is_told_at_first(hand: Hand, other: Any) -> None:
    """The server's own setting is what a lease returns to, though no argument names it."""
    with other.cursor() as cursor:
        try:
            cursor.execute("SET GLOBAL init_connect = 'SET autocommit = 0'")
            create_anew(cursor, "USER reader@'%'", "IDENTIFIED BY 'x'")
            url = hand.url.replace("root@", "reader:x@").rpartition("/")[0]
            adapter, conn = hand.lease(url, hygiene="transaction", connect={"autocommit": None})
            assert 0 == hand.ask(conn, "SELECT @@autocommit")
            hand.run(adapter.reset(conn))
            assert 0 == hand.ask(conn, "SELECT @@autocommit")
        finally:
            cursor.execute("SET GLOBAL init_connect = ''")


ANSWERED = {
    "a ping": lambda hand, conn: hand.run(conn.ping(reconnect=False)),
    "a commit": lambda hand, conn: hand.run(conn.commit()),
    "a rollback": lambda hand, conn: hand.run(conn.rollback()),
    "a database": lambda hand, conn: hand.run(conn.select_db("respool")),
    "autocommit off and on": lambda hand, conn: [hand.run(conn.autocommit(on)) for on in (False, True)],
    "a character set": lambda hand, conn: hand.run(
        conn.set_character_set("utf8mb4") if hand.colour == "sync" else conn.set_charset("utf8mb4")
    ),
    "a look at the warnings": lambda hand, conn: hand.run(conn.show_warnings()),
    "an error, and a commit": lambda hand, conn: (hand.ask(conn, "SELEKT"), hand.run(conn.commit())),
}


@pytest.mark.parametrize("command", ANSWERED)
def test_what_the_driver_keeps_no_result_of_leaves_nothing_to_do(hand: Hand, command: str) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    ANSWERED[command](hand, conn)
    assert not adapter.is_dirty(conn)
    assert adapter.probe(conn)


def test_a_committed_transaction_leaves_nothing_to_do(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    hand.run(conn.begin())
    hand.execute(conn, "UPDATE kept SET note = 'one' WHERE id = 1")
    hand.run(conn.commit())
    assert not adapter.is_dirty(conn)


def test_an_unread_result_is_read_to_its_end_at_transaction(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    cursor = hand.cursor(conn, hand.cursors.SSCursor)
    hand.run(cursor.execute("SELECT n FROM numbers WHERE n <= 5000"))
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not adapter.is_dirty(conn)
    assert 42 == hand.ask(conn, "SELECT 42")


def test_too_long_an_unread_result_gives_the_connection_up_at_transaction(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    cursor = hand.cursor(conn, hand.cursors.SSCursor)
    hand.run(cursor.execute("SELECT n FROM numbers WHERE n <= 200000"))
    with pytest.raises(ResourceSpoiled, match="left unread"):
        hand.run(adapter.reset(conn))


def test_a_distributed_transaction_gives_the_connection_up_at_transaction(hand: Hand) -> None:
    """Behaviour 89. It refuses the rollback; only a reset of the session ends it."""
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "XA START 'soil'")
    assert adapter.is_dirty(conn)
    with pytest.raises(pymysql.err.MySQLError):
        hand.run(adapter.reset(conn))


def test_settings_survive_at_transaction(hand: Hand) -> None:
    """Behaviour 89. The cheap half, for those who know their code."""
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "SET @soil = 1")
    hand.run(adapter.reset(conn))
    assert 1 == hand.ask(conn, "SELECT @soil")


def test_at_none_nothing_is_ever_touched(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="none")
    hand.execute(conn, "START TRANSACTION")
    assert not adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert hand.is_in_transaction(conn)


ROUND_TRIPS = {
    "transaction, autocommit, nothing open": ("transaction", True, "SELECT 1", 0),
    "transaction, autocommit, a transaction open": ("transaction", True, "START TRANSACTION", 1),
    "transaction, autocommit, an error": ("transaction", True, "SELEKT", 1),
    "transaction, autocommit switched off": ("transaction", True, "SET autocommit = 0", 2),
    "transaction, autocommit off": ("transaction", False, "SELECT 1", 1),
    "session, autocommit": ("session", True, "SELECT 1", 2),
    "session, autocommit, a transaction open": ("session", True, "START TRANSACTION", 3),
    "session, autocommit off": ("session", False, "SELECT 1", 3),
    "session, another database": ("session", True, "USE elsewhere", 3),
}


@pytest.mark.parametrize("case", ROUND_TRIPS)
def test_a_return_costs_the_round_trips_that_the_page_says(hand: Hand, other: Any, case: str) -> None:
    hygiene, autocommit, statement, expected = ROUND_TRIPS[case]
    adapter, conn = hand.lease(hygiene=hygiene, connect={"autocommit": autocommit})
    with contextlib.suppress(pymysql.err.ProgrammingError):
        hand.execute(conn, statement)
    before = _questions(other)
    if adapter.is_dirty(conn):
        hand.run(adapter.reset(conn))
    assert expected == _questions(other) - before - 1
