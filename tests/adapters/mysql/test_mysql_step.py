"""The rest of an answer never reaches the next lease: a connection out of step is given up."""

from __future__ import annotations

from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT, FIELD_TYPE
from pymysql.converters import conversions

from respool import ResourceSpoiled
from tests.adapters.mysql.hand import Hand, create_anew

LEVELS = ["session", "transaction", "none"]


def _out_of_step(hand: Hand, hygiene: str, row: int) -> tuple[Any, Any]:
    def stumble(text: str) -> int:
        if int(text) == row:
            raise ValueError("a decoder that stumbles over one row")
        return int(text)

    conv = {**conversions, FIELD_TYPE.LONG: stumble, FIELD_TYPE.LONGLONG: stumble}
    adapter, conn = hand.lease(hygiene=hygiene, connect={"conv": conv})
    with pytest.raises(ValueError, match="stumbles"):
        hand.execute(conn, "SELECT n FROM numbers WHERE n <= 300")
    return adapter, conn


@pytest.mark.parametrize("row", [3, *range(250, 258)])
@pytest.mark.parametrize("hygiene", LEVELS)
def test_an_answer_that_broke_off_in_the_middle_gives_the_connection_up(
    hand: Hand, hygiene: str, row: int
) -> None:
    """No wrong result is ever returned, wherever the count of packets, modulo 256, stands."""
    adapter, conn = _out_of_step(hand, hygiene, row)
    for call in (adapter.probe, adapter.validate):
        with pytest.raises(ResourceSpoiled, match="half read"):
            hand.run(call(conn))
    if hygiene != "none":
        assert adapter.is_dirty(conn)
        with pytest.raises(ResourceSpoiled, match="half read"):
            hand.run(adapter.reset(conn))


@pytest.mark.parametrize("hygiene", LEVELS)
def test_a_command_whose_answer_nobody_read_gives_the_connection_up(hand: Hand, hygiene: str) -> None:
    """As when an interrupt strikes between the sending and the reading."""
    adapter, conn = hand.lease(hygiene=hygiene)
    hand.run(conn._execute_command(pymysql.constants.COMMAND.COM_QUERY, "SELECT 1"))
    with pytest.raises(ResourceSpoiled, match="half read"):
        adapter.probe(conn)
    assert adapter.is_dirty(conn) is (hygiene != "none")


def test_an_interrupt_while_sending_closes_the_connection(prepared: Any, monkeypatch: Any) -> None:
    """Half a command is on the wire, and nobody knows which half."""
    hand = Hand("sync", prepared.url)
    adapter, conn = hand.lease(hygiene="transaction")

    class Interrupted:
        def __getattr__(self, name: str) -> Any:
            return getattr(sock, name)

        def sendall(self, data: bytes) -> None:
            sock.sendall(data[:7])
            raise KeyboardInterrupt

    sock = conn._sock
    monkeypatch.setattr(conn, "_sock", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        hand.execute(conn, "SELECT 1")
    assert adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match="closed"):
        adapter.reset(conn)
    monkeypatch.undo()
    hand.close()


@pytest.mark.parametrize("hygiene", LEVELS)
def test_a_file_of_more_packets_than_the_count_goes_through(
    hand: Hand, hygiene: str, other: Any, tmp_path: Any
) -> None:
    """PyMySQL sends it in pieces of 16 kB: after 4 MB the number of a packet is 0 again, as a command's."""
    rows = 6_000
    file = tmp_path / "rows.txt"
    file.write_text("".join(f"{n}\t{'x' * 1_000}\n" for n in range(rows)))
    adapter, conn = hand.lease(hygiene=hygiene, connect={"local_infile": True})
    with other.cursor() as cursor:
        create_anew(cursor, "TABLE loaded", "(id INT PRIMARY KEY, filling TEXT)")
        hand.execute(conn, f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE loaded")
        assert rows == hand.ask(conn, "SELECT COUNT(*) FROM loaded")
        cursor.execute("DROP TABLE loaded")
    assert adapter.probe(conn)
    assert adapter.is_dirty(conn) is (hygiene == "session")


WHOLE = {
    "a query": "SELECT n FROM numbers WHERE n <= 9",
    "a statement": "SET @a = 1",
    "one with a warning": "SELECT CAST('x' AS SIGNED)",
    "more than one": "SELECT 1; SET @a = 1; SELECT 2",
}


@pytest.mark.filterwarnings("ignore:Truncated incorrect:Warning")
@pytest.mark.parametrize("statement", WHOLE)
def test_an_answer_read_to_its_end_keeps_the_connection(hand: Hand, statement: str) -> None:
    adapter, conn = hand.lease(hygiene="transaction", connect={"client_flag": CLIENT.MULTI_STATEMENTS})
    hand.execute(conn, WHOLE[statement])
    hand.run(conn.show_warnings())
    assert adapter.probe(conn)
    assert not adapter.is_dirty(conn)
    assert hand.run(adapter.validate(conn))


REFUSED = {
    "a statement": lambda hand, conn: hand.execute(conn, "SELEKT"),
    "a query that fails among its rows": lambda hand, conn: hand.execute(conn, FAILS_LATE),
    "a second result": lambda hand, conn: hand.run(_second(hand, conn)),
    "a character set": lambda hand, conn: hand.run(_of_mysql(hand, conn)),
    "a database": lambda hand, conn: hand.run(conn.select_db("nowhere")),
}
FAILS_LATE = (
    "SELECT (SELECT n FROM numbers AS t WHERE n <= 9 AND n * 300 <= s.n) FROM numbers AS s WHERE n <= 900"
)


def _second(hand: Hand, conn: Any) -> Any:
    cursor = hand.cursor(conn)
    hand.run(cursor.execute("SELECT 1; SELEKT"))
    return cursor.nextset()


def _of_mysql(hand: Hand, conn: Any) -> Any:
    """Name a character set that the drivers know and MariaDB does not."""
    if not hand.is_mariadb:
        pytest.skip("MySQL knows every character set that the drivers know")
    return (conn.set_character_set if hand.colour == "sync" else conn.set_charset)("gb18030")


@pytest.mark.parametrize("command", REFUSED)
def test_an_error_that_the_server_answers_ends_the_answer(hand: Hand, command: str) -> None:
    """The connection is in step, and a rollback tells what the session is in."""
    adapter, conn = hand.lease(hygiene="transaction", connect={"client_flag": CLIENT.MULTI_STATEMENTS})
    with pytest.raises(pymysql.err.MySQLError):
        REFUSED[command](hand, conn)
    assert adapter.probe(conn)
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not adapter.is_dirty(conn)
    assert 42 == hand.ask(conn, "SELECT 42")


@pytest.mark.parametrize("packets", range(248, 262))
def test_no_length_of_an_answer_looks_half_read(hand: Hand, packets: int) -> None:
    """The drivers count packets modulo 256."""
    adapter, conn = hand.lease(hygiene="transaction")
    hand.execute(conn, f"SELECT n FROM numbers WHERE n <= {packets}")
    assert not adapter.is_dirty(conn)
    assert adapter.probe(conn)
