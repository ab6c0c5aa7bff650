"""What the cheaper levels clean, what each level costs, and what happens to prepared statements."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row
from psycopg.types.numeric import IntDumper

from respool import ResourceSpoiled
from tests.adapters.postgres.hand import Hand
from tests.servers import PostgresServer


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every message that cleaning sends: one entry, one round trip."""
    from respool_postgres import _talk

    sent: list[bytes] = []

    def count(name: str) -> None:
        ask = getattr(_talk, name)

        def counted(pgconn: Any, statements: bytes, *rest: Any) -> Any:
            sent.append(statements)
            return ask(pgconn, statements, *rest)

        monkeypatch.setattr(_talk, name, counted)

    count("_ask")
    count("_ask_on_loop")
    return sent


def test_a_clean_return_at_transaction_level_costs_no_round_trip(hand: Hand, trips: list[bytes]) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, "SELECT 1")
    assert not adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert [] == trips


@pytest.mark.parametrize("level", ["transaction", "none"])
def test_the_cheaper_levels_never_ask_for_the_dictionary_of_a_connection(hand: Hand, level: str) -> None:
    """Once it is there, every attribute is dearer; without it the collector sees the values themselves."""
    adapter, conn = hand.lease(hygiene=level)
    assert hand.run(adapter.validate(conn))
    assert adapter.probe(conn)
    assert not adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert any(each is conn.pgconn for each in gc.get_referents(conn))


def test_a_committed_transaction_leaves_the_transaction_level_clean(hand: Hand) -> None:
    adapter = hand.adapter(hygiene="transaction")
    conn = hand.create(adapter)
    hand.execute(conn, "SELECT 1")
    assert adapter.is_dirty(conn)
    hand.run(conn.commit())
    assert not adapter.is_dirty(conn)


@pytest.mark.parametrize("end", ["SELECT 1", "SELECT 1 / 0"])
def test_transaction_level_rolls_back_and_leaves_the_session(
    hand: Hand, end: str, trips: list[bytes]
) -> None:
    adapter = hand.adapter(hygiene="transaction")
    conn = hand.create(adapter)
    hand.execute(conn, "SET work_mem = '1234kB'")
    hand.run(conn.commit())
    try:
        hand.execute(conn, end)
    except psycopg.DataError:
        pass
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert TransactionStatus.IDLE == conn.info.transaction_status
    assert "1234kB" == hand.ask(conn, "SHOW work_mem")
    assert [b"ROLLBACK"] == trips


def test_transaction_level_notices_what_has_no_transaction_status(hand: Hand) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    block = conn.pipeline()
    hand.enter(block)
    assert adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match="pipeline"):
        hand.run(adapter.reset(conn))


@pytest.mark.parametrize("hygiene", ["session", "transaction", "none"])
def test_a_connection_closed_by_its_holder_is_given_up_at_every_level(hand: Hand, hygiene: str) -> None:
    """Behaviour 90."""
    adapter, conn = hand.lease(hygiene=hygiene)
    hand.run(conn.close())
    assert adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match="closed"):
        hand.run(adapter.reset(conn))


def test_none_leaves_an_open_transaction_alone(hand: Hand) -> None:
    adapter = hand.adapter(hygiene="none")
    conn = hand.create(adapter)
    hand.execute(conn, "SELECT 1")
    assert not adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert TransactionStatus.INTRANS == conn.info.transaction_status


def test_a_session_reset_is_one_round_trip(hand: Hand, trips: list[bytes]) -> None:
    adapter, conn = hand.lease()
    hand.execute(conn, "SET work_mem = '1234kB'")
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert 1 == len(trips)


def test_a_session_reset_with_a_rollback_is_one_round_trip_too(hand: Hand, trips: list[bytes]) -> None:
    adapter = hand.adapter()
    conn = hand.create(adapter)
    hand.execute(conn, "SELECT 1")
    hand.run(adapter.reset(conn))
    assert 1 == len(trips)


def _prepare_often(hand: Hand, conn: Any) -> None:
    for _ in range(7):
        hand.execute(conn, "SELECT 'often'")


def _prepared(hand: Hand, conn: Any) -> list[str]:
    found = hand.run(hand.execute(conn, "SELECT name FROM pg_prepared_statements").fetchall())
    return [name for (name,) in found]


def test_what_psycopg_prepared_by_itself_stays(hand: Hand, trips: list[bytes]) -> None:
    adapter, conn = hand.lease()
    _prepare_often(hand, conn)
    hand.run(adapter.reset(conn))
    assert ["_pg3_0"] == _prepared(hand, conn)
    _prepare_often(hand, conn)
    assert ["_pg3_0"] == _prepared(hand, conn)
    assert 1 == len(trips)


@pytest.mark.parametrize(
    "soil",
    [
        ["BEGIN", "SELECT 1"],
        ["CREATE TEMP TABLE soil (i int)"],
        ["CREATE TEMP TABLE soil (i int)", "DROP TABLE soil", "CREATE TEMP VIEW soiled AS SELECT 1"],
        ["PREPARE _pg3_9 AS SELECT 1"],
        ["DEALLOCATE {name}"],
        ["DO 'BEGIN EXECUTE ''DEALLOCATE ALL''; END'"],
    ],
)
def test_prepared_statements_go_with_what_they_may_refer_to(hand: Hand, soil: list[str]) -> None:
    """And psycopg's cache knows: the same query works and is prepared again."""
    adapter, conn = hand.lease()
    for _ in range(2):  # the second time the session has a temporary schema already
        _prepare_often(hand, conn)
        (name,) = _prepared(hand, conn)
        for statement in soil:
            hand.execute(conn, statement.format(name=name))
        hand.run(adapter.reset(conn))
        assert [] == _prepared(hand, conn)
    _prepare_often(hand, conn)
    assert 1 == len(_prepared(hand, conn))


@pytest.mark.parametrize("kind", ["int", "text"])
def test_a_statement_of_a_table_that_the_commit_dropped_goes_every_time(
    hand: Hand, trips: list[bytes], kind: str
) -> None:
    """Nothing but the session's temporary schema tells of it, which is there from the first one on."""
    adapter, conn = hand.lease()
    for column in ("int", "int", kind):
        hand.execute(conn, "BEGIN")
        hand.execute(conn, f"CREATE TEMP TABLE soil (i {column}) ON COMMIT DROP")
        for _ in range(7):
            hand.execute(conn, "SELECT * FROM soil")
        hand.execute(conn, "COMMIT")
        hand.run(adapter.reset(conn))
        assert [] == _prepared(hand, conn)
    assert 4 == len(trips)


def test_a_rollback_at_transaction_level_forgets_prepared_statements(hand: Hand, trips: list[bytes]) -> None:
    adapter, conn = hand.lease(hygiene="transaction")
    _prepare_often(hand, conn)
    hand.execute(conn, "BEGIN")
    hand.run(adapter.reset(conn))
    assert [b"ROLLBACK", b"DEALLOCATE ALL;"] == trips
    assert [] == _prepared(hand, conn)
    _prepare_often(hand, conn)
    assert 1 == len(_prepared(hand, conn))


def test_a_connection_that_was_not_used_needs_no_reset(hand: Hand, trips: list[bytes]) -> None:
    """Not even at "session": nothing was sent, says the kernel; a check in between changes nothing."""
    adapter, conn = hand.lease(configure=hand.configure("SET work_mem = '1MB'"))
    assert not adapter.is_dirty(conn)
    for _ in range(2):
        assert hand.run(adapter.validate(conn))
        assert not adapter.is_dirty(conn)
        hand.execute(conn, "SELECT 1")
        assert adapter.is_dirty(conn)
        hand.run(adapter.reset(conn))
        assert not adapter.is_dirty(conn)


def test_a_check_of_a_used_connection_does_not_make_it_clean(hand: Hand) -> None:
    adapter, conn = hand.lease()
    hand.execute(conn, "SET work_mem = '1MB'")
    assert hand.run(adapter.validate(conn))
    assert adapter.is_dirty(conn)


@pytest.mark.parametrize(
    "change",
    [
        lambda conn: setattr(conn, "row_factory", dict_row),
        lambda conn: setattr(conn, "prepare_threshold", 0),
        lambda conn: setattr(conn, "my_own", 1),
        lambda conn: conn.add_notice_handler(print),
        lambda conn: conn.adapters.register_dumper(int, IntDumper),
        lambda conn: conn.pgconn.send_query(b"SELECT 1"),
    ],
)
def test_a_change_on_the_python_side_alone_is_noticed(hand: Hand, change: Callable[[Any], None]) -> None:
    adapter, conn = hand.lease()
    change(conn)
    assert adapter.is_dirty(conn)


def test_where_the_kernel_does_not_count_every_return_is_dirty(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Unix socket, another system: better a reset too many."""
    monkeypatch.setattr("respool_postgres._line._TCP_INFO", None)
    adapter, conn = hand.lease()
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert adapter.is_dirty(conn)


READ_BY = {
    "SET TIME ZONE 'Asia/Tokyo'": "SELECT ('2026-06-01 00:00'::timestamptz AT TIME ZONE 'UTC')::text",
    "SET DateStyle = 'ISO, DMY'": "SELECT '01/02/2026'::date::text",
    "SET IntervalStyle = 'sql_standard'": "SELECT ('-1 2:03:04'::interval)::text",
    "SET standard_conforming_strings = off": r"SELECT '\061'",
}


@pytest.mark.parametrize("setting", READ_BY)
def test_a_statement_that_was_prepared_under_another_setting_is_not_used_again(
    hand: Hand, setting: str, trips: list[bytes]
) -> None:
    """Its literals were read by that setting; the result would be wrong, and no error would say so."""
    adapter, conn = hand.lease()
    question = READ_BY[setting]
    right = hand.ask(conn, question)
    hand.execute(conn, setting)
    for _ in range(7):
        assert right != hand.ask(conn, question)
    hand.run(adapter.reset(conn))
    assert 1 == len(trips)
    assert right == hand.ask(conn, question)
    assert [] == _prepared(hand, conn)


def test_settings_of_configure_do_not_cost_the_prepared_statements(hand: Hand, trips: list[bytes]) -> None:
    """But those that it changes from one time to the next do."""
    zones = ["Asia/Tokyo", "Asia/Tokyo", "Asia/Kathmandu"]

    def more(conn: Any) -> None:
        conn.pgconn.exec_(f"SET TIME ZONE '{zones.pop(0)}'".encode())

    adapter, conn = hand.lease(configure=hand.configure(more=more))
    _prepare_often(hand, conn)
    hand.run(adapter.reset(conn))
    assert 1 == len(_prepared(hand, conn))
    assert 1 == len(trips)
    hand.run(adapter.reset(conn))
    assert [] == _prepared(hand, conn)
    assert b"DEALLOCATE ALL;" == trips[-1]


def test_a_setting_that_the_administrator_has_changed_costs_the_statements_once(
    hand: Hand, fresh_postgres: PostgresServer
) -> None:
    """The server tells everybody of it, and that is how it is from then on."""
    adapter, conn = hand.lease(fresh_postgres.url)
    hand.execute(conn, "ALTER SYSTEM SET TimeZone = 'Asia/Tokyo'")
    hand.execute(conn, "SELECT pg_reload_conf()")
    while "Asia/Tokyo" != hand.ask(conn, "SHOW TimeZone"):
        pass
    for _ in range(2):
        _prepare_often(hand, conn)
        hand.run(adapter.reset(conn))
    assert 1 == len(_prepared(hand, conn))
