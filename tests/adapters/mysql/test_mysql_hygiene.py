"""Everything a session can carry is gone after a reset at "session", or the connection is given up."""

from __future__ import annotations

import contextlib
import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest

from respool import ResourceSpoiled
from tests.adapters.mysql.hand import Hand, create_anew
from tests.shells.rig import eventually

SETTINGS = {
    "a session setting": ("SET lock_wait_timeout = 7", "SELECT @@lock_wait_timeout"),
    "the SQL mode": ("SET sql_mode = 'ANSI'", "SELECT @@sql_mode"),
    "an empty SQL mode": ("SET sql_mode = ''", "SELECT @@sql_mode"),
    "the character set": ("SET NAMES latin1", "SELECT @@character_set_connection"),
    "the client's character set": ("SET character_set_client = latin1", "SELECT @@character_set_client"),
    "the results' character set": ("SET character_set_results = NULL", "SELECT @@character_set_results"),
    "the collation": ("SET collation_connection = utf8mb4_bin", "SELECT @@collation_connection"),
    "the database": ("USE elsewhere", "SELECT DATABASE()"),
    "a role": ("SET ROLE soil_role", "SELECT CURRENT_ROLE()"),
    "autocommit": ("SET autocommit = 0", "SELECT @@autocommit"),
    "the isolation level": (
        "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "SELECT @@{isolation}",
    ),
    "the access mode": ("SET SESSION TRANSACTION READ ONLY", "SELECT @@{read_only}"),
    "the time zone": ("SET time_zone = '+05:45'", "SELECT @@time_zone"),
    "the clock": ("SET timestamp = 12345", "SELECT NOW() < '1980-01-01'"),
    "foreign key checks": ("SET foreign_key_checks = 0", "SELECT @@foreign_key_checks"),
    "safe updates": ("SET sql_safe_updates = 1", "SELECT @@sql_safe_updates"),
    "a row limit": ("SET sql_select_limit = 1", "SELECT @@sql_select_limit"),
    "the idle limit": ("SET wait_timeout = 99", "SELECT @@wait_timeout"),
    "a statement limit": ("SET {limit} = 99", "SELECT @@{limit}"),
    "the binary log switch": ("SET sql_log_bin = 0", "SELECT @@sql_log_bin"),
    "the names of the months": ("SET lc_time_names = 'de_DE'", "SELECT @@lc_time_names"),
    "the last insert id": ("SELECT LAST_INSERT_ID(77)", "SELECT LAST_INSERT_ID()"),
    "a next insert id": ("SET insert_id = 99", "SELECT @@insert_id"),
    "profiling": ("SET profiling = 1", "SELECT @@profiling"),
    "a user variable": ("SET @soil = 1", "SELECT @soil"),
    "a temporary table": ("CREATE TEMPORARY TABLE soil (i INT)", "SELECT COUNT(*) FROM soil"),
    "a prepared statement": ("PREPARE soil FROM 'SELECT 1'", "EXECUTE soil"),
    "an open handler": ("HANDLER kept OPEN AS soil", "HANDLER soil READ FIRST"),
    "a user's lock": ("SELECT GET_LOCK('soil', 0)", "SELECT IS_USED_LOCK('soil')"),
    "locked tables": ("LOCK TABLES kept READ", "SELECT COUNT(*) FROM elsewhere.nothing"),
}
OF_MARIADB = {"limit": "max_statement_time", "isolation": "tx_isolation", "read_only": "tx_read_only"}
OF_MYSQL = {
    "limit": "max_execution_time",
    "isolation": "transaction_isolation",
    "read_only": "transaction_read_only",
}


@pytest.mark.filterwarnings("ignore:.*profiling.* is deprecated:Warning")
@pytest.mark.parametrize("soil", SETTINGS)
def test_what_one_lease_left_the_next_does_not_see(hand: Hand, soil: str) -> None:
    """Behaviour 89. One statement, and the question that shows its trace."""
    names = OF_MARIADB if hand.is_mariadb else OF_MYSQL
    statement, question = (each.format_map(names) for each in SETTINGS[soil])
    adapter, conn = hand.lease()
    clean = hand.ask(conn, question)
    hand.execute(conn, statement)
    assert clean != hand.ask(conn, question)
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not adapter.is_dirty(conn)
    assert clean == hand.ask(conn, question)


BESIDE = (
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT soil",
    "SELECT * FROM kept FOR UPDATE",
    "SELECT nothing",
    "UNLOCK TABLES",
    "DEALLOCATE PREPARE soil",
    "SET TRANSACTION READ ONLY",
    "SET ROLE NONE",
    "SET autocommit = 1",
)


@pytest.mark.filterwarnings("ignore:.*profiling.* is deprecated:Warning")
@pytest.mark.parametrize("seed", range(25))
def test_what_several_together_left_the_next_does_not_see(hand: Hand, seed: int) -> None:
    """Behaviour 89. One may undo another, fail because of it, or hide it."""
    rng = random.Random(seed)
    names = OF_MARIADB if hand.is_mariadb else OF_MYSQL
    statements = [statement.format_map(names) for statement, _ in SETTINGS.values()]
    questions = [question.format_map(names) for _, question in SETTINGS.values()]
    adapter, conn = hand.lease(connect={"autocommit": rng.random() < 0.5})
    clean = [hand.ask(conn, question) for question in questions]
    hand.run(adapter.reset(conn))
    done = [rng.choice((*statements, *BESIDE)) for _ in range(rng.randint(2, 8))]
    for statement in done:
        with contextlib.suppress(pymysql.err.MySQLError):
            hand.execute(conn, statement)
    if rng.random() < 0.3:
        conn.cursorclass = hand.cursors.DictCursor
    if adapter.is_dirty(conn):
        hand.run(adapter.reset(conn))
    assert clean == [hand.ask(conn, question) for question in questions], done
    assert hand.cursors.Cursor is conn.cursorclass


def test_an_open_transaction_is_rolled_back_and_its_locks_are_gone(hand: Hand, other: Any) -> None:
    adapter, conn = hand.lease()
    hand.execute(conn, "START TRANSACTION")
    hand.execute(conn, "UPDATE kept SET note = 'soiled' WHERE id = 1")
    hand.run(adapter.reset(conn))
    assert "one" == hand.ask(conn, "SELECT note FROM kept WHERE id = 1")
    with other.cursor() as cursor:
        assert 1 == cursor.execute("SELECT id FROM kept WHERE id = 1 FOR UPDATE NOWAIT")


def test_a_row_left_locked_by_a_duplicate_key_is_free_again(hand: Hand, other: Any) -> None:
    adapter, conn = hand.lease(connect={"autocommit": False})
    with pytest.raises(pymysql.err.IntegrityError):
        hand.execute(conn, "INSERT INTO kept VALUES (2, 'again')")
    with other.cursor() as cursor, pytest.raises(pymysql.err.OperationalError):
        cursor.execute("SELECT id FROM kept WHERE id = 2 FOR UPDATE NOWAIT")
    hand.run(adapter.reset(conn))
    with other.cursor() as cursor:
        assert 1 == cursor.execute("SELECT id FROM kept WHERE id = 2 FOR UPDATE NOWAIT")


def test_a_setting_for_the_next_transaction_is_not_left_to_the_next_lease(hand: Hand) -> None:
    adapter, conn = hand.lease()
    hand.execute(conn, "SET TRANSACTION READ ONLY")
    hand.run(adapter.reset(conn))
    hand.execute(conn, "UPDATE kept SET note = 'one' WHERE id = 1")


DISTRIBUTED = ("XA START 'soil'", "UPDATE kept SET note = 'soiled' WHERE id = 1", "XA END 'soil'")


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_distributed_transaction_that_was_not_prepared_goes_with_its_connection(
    hand: Hand, other: Any, hygiene: str
) -> None:
    adapter, conn = hand.lease(hygiene=hygiene)
    for statement in DISTRIBUTED:
        hand.execute(conn, statement)
    with pytest.raises(pymysql.err.OperationalError, match="1399"):
        hand.run(adapter.reset(conn))
    hand.put_away()
    with other.cursor() as cursor:
        eventually(lambda: _is_free(cursor), "the row is free")


def _is_free(cursor: Any) -> bool:
    try:
        return bool(cursor.execute("SELECT id FROM kept WHERE id = 1 AND note = 'one' FOR UPDATE NOWAIT"))
    except pymysql.err.OperationalError:
        return False


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("hygiene", ["session", "transaction"])
def test_a_prepared_transaction_is_not_left_bound_to_the_connection(
    hand: Hand, other: Any, hygiene: str, failing: bool
) -> None:
    """Behaviour 89. COM_RESET_CONNECTION answers "ok", and then InnoDB refuses every statement."""
    adapter, conn = hand.lease(hygiene=hygiene)
    if not hand.is_mariadb:
        hand.execute(conn, "SET xa_detach_on_prepare = OFF")  # else it never is bound to one there
    for statement in (*DISTRIBUTED, "XA PREPARE 'soil'"):
        hand.execute(conn, statement)
    if failing:
        assert "error 1399" == hand.ask(conn, "COMMIT")
    try:
        assert adapter.is_dirty(conn)
        with pytest.raises(pymysql.err.OperationalError, match="1399"):
            hand.run(adapter.reset(conn))
    finally:
        hand.put_away()
        with other.cursor() as cursor:
            eventually(lambda: _rolled_back(cursor), "the prepared transaction belongs to the server")


def _rolled_back(cursor: Any) -> bool:
    try:
        cursor.execute("XA ROLLBACK 'soil'")
    except pymysql.err.OperationalError:
        return False
    return True


def test_an_unread_result_is_read_to_its_end(hand: Hand) -> None:
    adapter, conn = hand.lease()
    cursor = hand.cursor(conn, hand.cursors.SSCursor)
    hand.run(cursor.execute("SELECT n FROM numbers WHERE n <= 5000"))
    assert (1,) == hand.run(cursor.fetchone())
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert 42 == hand.ask(conn, "SELECT 42")
    hand.run(cursor.close())
    assert 43 == hand.ask(conn, "SELECT 43")


def test_a_connection_with_too_long_an_unread_result_is_given_up(hand: Hand) -> None:
    """Behaviour 90."""
    adapter, conn = hand.lease()
    cursor = hand.cursor(conn, hand.cursors.SSCursor)
    hand.run(cursor.execute("SELECT n FROM numbers WHERE n <= 200000"))
    with pytest.raises(ResourceSpoiled, match="left unread"):
        hand.run(adapter.reset(conn))
    hand.run(adapter.destroy(conn))


def test_unread_further_results_are_read_to_their_end(hand: Hand) -> None:
    """Behaviour 89. The first result is read, the second starts a transaction, the third is never seen."""
    adapter, conn = hand.lease(connect={"client_flag": pymysql.constants.CLIENT.MULTI_STATEMENTS})
    cursor = hand.cursor(conn)
    hand.run(cursor.execute("SELECT 1; START TRANSACTION; SELECT 2; SELECT 3"))
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert not hand.is_in_transaction(conn)


def test_a_database_chosen_where_there_was_none_gives_the_connection_up(hand: Hand) -> None:
    adapter, conn = hand.lease(hand.url.rpartition("/")[0])
    assert hand.ask(conn, "SELECT DATABASE()") is None
    hand.run(conn.select_db("elsewhere"))
    with pytest.raises(ResourceSpoiled, match="database"):
        hand.run(adapter.reset(conn))


def test_a_role_taken_by_the_init_command_is_the_role_to_return_to(hand: Hand) -> None:
    adapter, conn = hand.lease(connect={"init_command": "SET ROLE soil_role"})
    hand.execute(conn, "SET ROLE NONE")
    hand.run(adapter.reset(conn))
    assert "soil_role" in hand.ask(conn, "SELECT CURRENT_ROLE()")


def test_the_init_command_runs_again_after_a_reset(hand: Hand) -> None:
    adapter, conn = hand.lease(connect={"init_command": "SET @greeting = 'hello'"})
    hand.execute(conn, "SET @greeting = 'soil'")
    hand.run(adapter.reset(conn))
    assert "hello" == hand.ask(conn, "SELECT @greeting")


CHOSEN = (
    "CONCAT_WS(' ', @@character_set_client, @@character_set_results, @@collation_connection, @@autocommit)"
)


@pytest.mark.parametrize(
    "init_command",
    ["SET NAMES latin1", "SET character_set_results = NULL", "SET autocommit = 0", "SET autocommit = 1"],
)
@pytest.mark.parametrize("autocommit", [True, False, None])
def test_what_the_init_command_and_the_arguments_both_choose_is_the_same_in_every_lease(
    hand: Hand, init_command: str, autocommit: bool | None
) -> None:
    adapter, conn = hand.lease(connect={"init_command": init_command, "autocommit": autocommit})
    first = hand.ask(conn, f"SELECT {CHOSEN}")
    assert ("latin1" in init_command) == first.startswith("latin1 latin1")
    for _ in range(2):
        hand.execute(conn, "SET NAMES greek, autocommit = 1 - @@autocommit")
        hand.run(adapter.reset(conn))
        assert first == hand.ask(conn, f"SELECT {CHOSEN}")


@pytest.fixture
def plain(hand: Hand, other: Any) -> Iterator[Callable[[str], str]]:
    """Have the server run something at the login of a user without privileges; gives the user's URL."""
    with other.cursor() as cursor:
        create_anew(cursor, "USER plain@'%'", "IDENTIFIED BY 'x'")
        cursor.execute("GRANT ALL ON respool.* TO plain@'%'")

        def url_with(init_connect: str) -> str:
            cursor.execute("SET GLOBAL init_connect = %s", (init_connect,))
            return hand.url.replace("root@", "plain:x@")

        yield url_with
        cursor.execute("SET GLOBAL init_connect = ''")


@pytest.mark.parametrize(
    "init_connect",
    [
        "SET @tenant = 7, time_zone = '+05:00'",
        "SET @tenant = 7, time_zone = '+05:00';",
        "SET @tenant = 7; SELECT 1; SET time_zone = '+05:00'",
    ],
)
def test_what_the_server_runs_at_a_login_it_ran_after_a_reset(
    hand: Hand, plain: Callable[[str], str], init_connect: str
) -> None:
    adapter, conn = hand.lease(plain(init_connect))
    for _ in range(2):
        assert "7+05:00" == hand.ask(conn, "SELECT CONCAT(@tenant, @@time_zone)")
        hand.execute(conn, "SET @tenant = 8, time_zone = '+00:00'")
        hand.run(adapter.reset(conn))
    assert "7+05:00" == hand.ask(conn, "SELECT CONCAT(@tenant, @@time_zone)")
    if hand.colour == "sync":
        assert "error 1064" == hand.ask(conn, "SELECT 1; SELECT 2"), (
            "several statements are refused as before"
        )


def test_what_the_server_runs_at_no_login_of_those_who_look_after_it_is_not_run(
    hand: Hand, plain: Callable[[str], str]
) -> None:
    plain("SET @tenant = 7")
    adapter, conn = hand.lease()
    assert hand.ask(conn, "SELECT @tenant") is None
    hand.run(adapter.reset(conn))
    assert hand.ask(conn, "SELECT @tenant") is None


def test_what_the_server_can_no_longer_run_gives_the_connection_up(
    hand: Hand, plain: Callable[[str], str], other: Any
) -> None:
    """As the server itself would refuse the login."""
    with other.cursor() as cursor:
        create_anew(cursor, "TABLE passing", "(id INT)")
        adapter, conn = hand.lease(plain("SELECT COUNT(*) FROM respool.passing"))
        cursor.execute("DROP TABLE passing")
    hand.execute(conn, "SELECT 1")
    with pytest.raises(pymysql.err.ProgrammingError):
        hand.run(adapter.reset(conn))


def test_the_idle_limit_of_an_interactive_client_stays(hand: Hand, other: Any) -> None:
    with other.cursor() as cursor:
        cursor.execute("SET GLOBAL interactive_timeout = 1234")
        try:
            adapter, conn = hand.lease(connect={"client_flag": pymysql.constants.CLIENT.INTERACTIVE})
        finally:
            cursor.execute("SET GLOBAL interactive_timeout = 28800")
    assert 1234 == hand.ask(conn, "SELECT @@wait_timeout")
    hand.run(adapter.reset(conn))
    assert 1234 == hand.ask(conn, "SELECT @@wait_timeout")


def test_the_session_is_as_the_connect_arguments_made_it(hand: Hand) -> None:
    own = {"charset": "latin1", "sql_mode": "ANSI_QUOTES,ANSI", "autocommit": False}
    adapter, conn = hand.lease(connect=own)
    charset = "@@character_set_client, @@character_set_results, @@collation_connection"
    question = f"SELECT CONCAT_WS(' ', {charset}, @@sql_mode, @@autocommit + 0)"
    clean = hand.ask(conn, question)
    assert clean.startswith("latin1 latin1 latin1_swedish_ci")
    assert clean.endswith(" 0")
    hand.execute(conn, "SET NAMES utf8mb4, autocommit = 1, sql_mode = ''")
    hand.run(adapter.reset(conn))
    assert clean == hand.ask(conn, question)


def test_configure_runs_after_create_and_after_every_reset(hand: Hand) -> None:
    configure = hand.configure("SET @tenant = 'a'", "SET time_zone = '+01:00'")
    adapter, conn = hand.lease(configure=configure)
    for _ in range(2):
        assert "a+01:00" == hand.ask(conn, "SELECT CONCAT(@tenant, @@time_zone)")
        hand.execute(conn, "SET @tenant = 'b', time_zone = '+02:00'")
        hand.run(adapter.reset(conn))
    assert "a+01:00" == hand.ask(conn, "SELECT CONCAT(@tenant, @@time_zone)")


@pytest.mark.parametrize("more", ["nothing", "init_command", "configure", "a server with autocommit off"])
def test_a_lease_begins_outside_of_a_transaction(hand: Hand, other: Any, more: str) -> None:
    """Behaviour 89. With autocommit off a look at any table begins one, and SET TRANSACTION then fails."""
    look = "SELECT COUNT(*) FROM kept"
    connect = {"autocommit": False} | ({"init_command": look} if more == "init_command" else {})
    configure = hand.configure(look) if more == "configure" else None
    with other.cursor() as cursor:
        try:
            cursor.execute(f"SET GLOBAL autocommit = {int('server' not in more)}")
            adapter, conn = hand.lease(connect=connect, configure=configure)
            for _ in range(2):
                hand.execute(conn, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
                assert adapter.is_dirty(conn)
                hand.run(adapter.reset(conn))
        finally:
            cursor.execute("SET GLOBAL autocommit = 1")


def test_what_configure_left_open_is_rolled_back(hand: Hand, other: Any) -> None:
    configure = hand.configure("UPDATE kept SET note = 'soiled' WHERE id = 1")
    _, conn = hand.lease(configure=configure, connect={"autocommit": False})
    with other.cursor() as cursor:
        assert 1 == cursor.execute("SELECT id FROM kept WHERE id = 1 FOR UPDATE NOWAIT")
    assert "one" == hand.ask(conn, "SELECT note FROM kept WHERE id = 1")


ATTRIBUTES = {
    "cursorclass": lambda hand: hand.cursors.DictCursor,
    "autocommit_mode": lambda hand: False,
    "encoders": lambda hand: {},
    "decoders": lambda hand: {},
    "init_command": lambda hand: "SELECT 1",
    "sql_mode": lambda hand: "ANSI",
    "use_unicode": lambda hand: False,
    "something_of_my_own": lambda hand: object(),
}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_the_python_side_attributes_are_as_they_were(hand: Hand, name: str) -> None:
    """Behaviour 89. Nothing was sent, and still the next lease would see it."""
    adapter, conn = hand.lease()
    before = getattr(conn, name, "absent")
    assert not adapter.is_dirty(conn)
    setattr(conn, name, ATTRIBUTES[name](hand))
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert before == getattr(conn, name, "absent")
    assert not adapter.is_dirty(conn)


def test_a_decoder_put_into_the_table_itself_is_taken_out(hand: Hand) -> None:
    """Behaviour 89. And no other connection ever sees it, though aiomysql gives all of them one table."""
    adapter, conn = hand.lease()
    conn.decoders[pymysql.constants.FIELD_TYPE.LONG] = lambda text: "soil"
    assert 1 == hand.ask(hand.create(adapter), "SELECT 1")
    hand.run(adapter.reset(conn))
    assert 1 == hand.ask(conn, "SELECT 1")


def test_the_encoding_that_set_character_set_left_is_put_back(hand: Hand) -> None:
    adapter, conn = hand.lease()
    hand.run(conn.set_character_set("latin1") if hand.colour == "sync" else conn.set_charset("latin1"))
    hand.run(adapter.reset(conn))
    assert "utf8" == conn.encoding
    assert "日本" == hand.ask(conn, "SELECT '日本'")


@pytest.mark.parametrize("hygiene", ["session", "transaction"])
@pytest.mark.parametrize("statement", ["SELECT 1", "SET @a = 1", None])
def test_a_connection_closed_in_its_lease_is_given_up(
    hand: Hand, hygiene: str, statement: str | None
) -> None:
    """Behaviour 90."""
    adapter, conn = hand.lease(hygiene=hygiene)
    if statement:
        hand.execute(conn, statement)
    conn.close()
    assert adapter.is_dirty(conn)
    with pytest.raises(ResourceSpoiled, match="closed"):
        hand.run(adapter.reset(conn))
    with pytest.raises(ResourceSpoiled):
        adapter.probe(conn)


def test_a_connection_never_reconnects_in_its_lease(hand: Hand, other: Any) -> None:
    """Behaviour 89. A new session under an old connection would carry nothing of what was configured."""
    adapter, conn = hand.lease()
    with other.cursor() as cursor:
        cursor.execute(f"KILL {hand.ask(conn, 'SELECT CONNECTION_ID()')}")
    with pytest.raises(pymysql.err.OperationalError, match="never reconnects"):
        hand.run(_ping_with_reconnect(conn, hand))
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(conn))


def _ping_with_reconnect(conn: Any, hand: Hand) -> Any:
    if hand.colour == "async":
        return conn.ping(reconnect=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of PyMySQL, since 1.2
        return conn.ping(reconnect=True)
