"""Everything a session can carry is gone after a reset at "session", or the connection is given up."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from respool import ResourceSpoiled
from tests.adapters.postgres.hand import Hand
from tests.servers import Endpoint

Connection = psycopg.Connection[Any]

SETTINGS = {
    "a session setting": ("SET work_mem = '1234kB'", "SHOW work_mem"),
    "a setting by function": ("SELECT set_config('work_mem', '1234kB', false)", "SHOW work_mem"),
    "the search path": ("SET search_path = pg_catalog", "SHOW search_path"),
    "the time zone": ("SET TIME ZONE 'Asia/Kathmandu'", "SHOW TimeZone"),
    "the date style": ("SET DateStyle = 'German'", "SHOW DateStyle"),
    "the client encoding": ("SET client_encoding = 'LATIN1'", "SHOW client_encoding"),
    "the application's name": ("SET application_name = 'somebody'", "SHOW application_name"),
    "the session's transaction mode": (
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
        "SELECT current_setting('default_transaction_isolation')"
        " || current_setting('default_transaction_read_only')"
        " || current_setting('default_transaction_deferrable')",
    ),
    "a statement timeout": ("SET statement_timeout = '1h'", "SHOW statement_timeout"),
    "a lock timeout": ("SET lock_timeout = '1h'", "SHOW lock_timeout"),
    "the replication role": ("SET session_replication_role = replica", "SHOW session_replication_role"),
    "a role": ("SET ROLE pg_monitor", "SELECT current_user"),
    "a session user": ("SET SESSION AUTHORIZATION pg_monitor", "SELECT session_user || current_user"),
    "a custom setting": ("SET my.tenant = 'a'", "SELECT coalesce(current_setting('my.tenant', true), '')"),
    "a temporary table": ("CREATE TEMP TABLE soil (i int)", "SELECT coalesce(to_regclass('soil')::text, '')"),
    "a temporary view": (
        "CREATE TEMP VIEW soiled AS SELECT 1",
        "SELECT coalesce(to_regclass('soiled')::text, '')",
    ),
    "a temporary function": (
        "CREATE FUNCTION pg_temp.soil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT count(*) FROM pg_proc WHERE pronamespace = pg_my_temp_schema()",
    ),
    "a temporary sequence": (
        "CREATE TEMP SEQUENCE soil_seq",
        "SELECT coalesce(to_regclass('soil_seq')::text, '')",
    ),
    "a listened channel": ("LISTEN soil", "SELECT count(*) FROM pg_listening_channels()"),
    "a session advisory lock": (
        "SELECT pg_advisory_lock(4711)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    "a shared advisory lock taken twice": (
        "SELECT pg_advisory_lock_shared(4711), pg_advisory_lock_shared(4711)",
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    ),
    "a held cursor": (
        "DECLARE soil CURSOR WITH HOLD FOR SELECT 1",
        "SELECT count(*) FROM pg_cursors",
    ),
    "a prepared statement": ("PREPARE soil AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements"),
}


@pytest.mark.parametrize("soil", SETTINGS)
def test_what_one_lease_set_the_next_does_not_see(hand: Hand, soil: str) -> None:
    """Behaviour 89. One statement, and the question that shows its trace."""
    statement, question = SETTINGS[soil]
    adapter, conn = hand.lease()
    clean = hand.ask(conn, question)
    hand.execute(conn, statement)
    assert clean != hand.ask(conn, question)
    hand.run(adapter.reset(conn))
    assert clean == hand.ask(conn, question)


OPEN = {
    "an open transaction": ["SELECT 1"],
    "a failed transaction": ["SELECT 1", "SELECT 1 / 0"],
    "an open transaction with a savepoint": ["SAVEPOINT soil"],
    "a local setting": ["SET LOCAL work_mem = '1234kB'"],
    "a setting in a failed transaction": ["SET work_mem = '1234kB'", "SELECT 1 / 0"],
    "a transaction's advisory lock": ["SELECT pg_advisory_xact_lock(4712)"],
    "a table lock": ["LOCK TABLE pg_class IN ACCESS SHARE MODE"],
    "an open cursor": ["DECLARE soil CURSOR FOR SELECT 1"],
    "a large object's descriptor": ["SELECT lo_open(lo_create(0), 131072)"],
}


@pytest.mark.parametrize("soil", OPEN)
def test_an_open_transaction_is_rolled_back_with_all_it_held(hand: Hand, soil: str) -> None:
    """Behaviour 89. Without autocommit, so that the driver begins the transaction."""
    adapter = hand.adapter()
    conn = hand.create(adapter)
    for statement in OPEN[soil]:
        try:
            hand.execute(conn, statement)
        except psycopg.DataError:
            pass
    hand.run(adapter.reset(conn))
    assert TransactionStatus.IDLE == conn.info.transaction_status
    assert 0 == hand.ask(conn, "SELECT count(*) FROM pg_cursors")
    assert 0 == hand.ask(
        conn, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
    )
    assert "4MB" == hand.ask(conn, "SHOW work_mem")


BESIDE = (
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT soil",
    "ROLLBACK TO soil",
    "SELECT 1 / 0",
    "RESET ROLE",
    "DISCARD TEMP",
    "DEALLOCATE ALL",
    "CLOSE ALL",
    "NOTIFY soil",
    "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
)


@pytest.mark.parametrize("seed", range(25))
def test_what_several_together_left_the_next_does_not_see(hand: Hand, seed: int) -> None:
    """Behaviour 89. One may undo another, fail because of it, or hide it."""
    rng = random.Random(seed)
    statements = [statement for statement, _ in SETTINGS.values()]
    statements += [statement for several in OPEN.values() for statement in several]
    questions = [question for _, question in SETTINGS.values()]
    adapter, conn = hand.lease(connect={"autocommit": rng.random() < 0.5})
    clean = [hand.ask(conn, question) for question in questions]
    attributes = _attributes(conn)
    hand.run(adapter.reset(conn))
    done = [rng.choice((*statements, *BESIDE)) for _ in range(rng.randint(2, 8))]
    for statement in done:
        with contextlib.suppress(psycopg.Error):
            hand.execute(conn, statement)
    if rng.random() < 0.5:
        conn.row_factory, conn.prepare_threshold = dict_row, 1
    if adapter.is_dirty(conn):
        hand.run(adapter.reset(conn))
    assert TransactionStatus.IDLE == conn.info.transaction_status
    assert attributes == _attributes(conn)
    assert clean == [hand.ask(conn, question) for question in questions], done


def test_uncommitted_work_is_not_committed(hand: Hand, other: psycopg.Connection[tuple[object, ...]]) -> None:
    """Behaviour 89. Leaving a lease never commits."""
    other.execute("CREATE TABLE IF NOT EXISTS uncommitted (i int)")
    adapter = hand.adapter()
    conn = hand.create(adapter)
    hand.execute(conn, "INSERT INTO uncommitted VALUES (1)")
    hand.run(adapter.reset(conn))
    assert (0,) == other.execute("SELECT count(*) FROM uncommitted").fetchone()


def test_lastval_and_cached_sequence_values_are_forgotten(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 89."""
    other.execute("CREATE SEQUENCE IF NOT EXISTS counted CACHE 50")
    adapter, conn = hand.lease()
    hand.ask(conn, "SELECT nextval('counted')")
    hand.run(adapter.reset(conn))
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        hand.ask(conn, "SELECT lastval()")


def test_a_role_given_at_connect_time_is_the_one_that_comes_back(hand: Hand) -> None:
    """Behaviour 89. `SET SESSION AUTHORIZATION DEFAULT` alone would end as the login role."""
    adapter, conn = hand.lease(connect={"options": "-c role=pg_monitor -c work_mem=2345kB"})
    assert "pg_monitor" == hand.ask(conn, "SELECT current_user")
    hand.execute(conn, "RESET ALL; SET ROLE pg_read_all_data; SET work_mem = '99kB'")
    hand.run(adapter.reset(conn))
    assert "pg_monitor2345kB" == hand.ask(conn, "SELECT current_user || current_setting('work_mem')")


def test_a_reset_that_the_server_refuses_gives_the_connection_up(
    hand: Hand, postgres_server: Endpoint
) -> None:
    adapter, conn = hand.lease(connect={"options": "-c lock_timeout=50ms"})
    hand.execute(conn, "CREATE TEMP TABLE t ()")
    table = hand.ask(conn, "SELECT pg_my_temp_schema()::regnamespace || '.t'")
    with psycopg.connect(postgres_server.url) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            hand.run(adapter.reset(conn))
    hand.put_away()
    assert conn.closed


def test_a_reset_works_where_transactions_are_read_only(hand: Hand) -> None:
    """Behaviour 89. As on a standby."""
    adapter, conn = hand.lease(connect={"options": "-c default_transaction_read_only=on"})
    hand.execute(conn, "SET work_mem = '99kB'")
    hand.run(adapter.reset(conn))
    assert "4MBon" == hand.ask(
        conn, "SELECT current_setting('work_mem') || current_setting('default_transaction_read_only')"
    )


def _change(conn: Connection, hand: Hand) -> None:
    for name, value in (
        ("autocommit", False),
        ("isolation_level", 4),
        ("read_only", True),
        ("deferrable", True),
    ):
        hand.run(getattr(conn, f"set_{name}")(value))
    conn.row_factory = dict_row
    conn.cursor_factory = conn.server_cursor_factory = type("Odd", (conn.cursor_factory,), {})
    conn.prepare_threshold, conn.prepared_max = None, 1
    conn.add_notice_handler(print)
    conn.add_notify_handler(print)
    conn.somebodys = "own"  # type: ignore[attr-defined]  # a stranger's attribute


def _attributes(conn: Connection) -> dict[str, object]:
    names = (
        "autocommit isolation_level read_only deferrable row_factory cursor_factory server_cursor_factory"
        " prepare_threshold prepared_max _notice_handlers _notify_handlers somebodys"
    )
    return {name: getattr(conn, name, None) for name in names.split()}


@pytest.mark.parametrize("in_transaction", [False, True])
def test_the_python_side_is_as_it_was(hand: Hand, in_transaction: bool) -> None:
    """Behaviour 89. Half of a session's state is Python's."""
    adapter, conn = hand.lease()
    before = _attributes(conn)
    before = {name: list(value) if isinstance(value, list) else value for name, value in before.items()}
    _change(conn, hand)
    if in_transaction:
        hand.execute(conn, "SELECT 1")
    hand.run(adapter.reset(conn))
    assert before == _attributes(conn)
    hand.execute(conn, "CREATE TEMP TABLE t (i int)")  # neither read only nor in a transaction
    assert TransactionStatus.IDLE == conn.info.transaction_status


def test_notifications_that_nobody_fetched_do_not_reach_the_next_lease(
    hand: Hand, other: psycopg.Connection[tuple[object, ...]]
) -> None:
    """Behaviour 89. Neither those in the driver's backlog nor those still on the wire."""
    adapter, conn = hand.lease()
    hand.execute(conn, "LISTEN soil")
    other.execute("NOTIFY soil, 'early'")
    hand.execute(conn, "SELECT 1")
    other.execute("NOTIFY soil, 'late'")
    hand.run(adapter.reset(conn))
    assert [] == _fetch_notifications(hand, conn)


def _fetch_notifications(hand: Hand, conn: Any) -> list[Any]:
    if hand.colour == "sync":
        return list(conn.notifies(timeout=0))

    async def fetch() -> list[Any]:
        return [notify async for notify in conn.notifies(timeout=0)]

    found: list[Any] = hand.run(fetch())
    return found


def _in_copy(hand: Hand, conn: Any) -> Any:
    copy = conn.cursor().copy("COPY (SELECT generate_series(1, 100000)) TO STDOUT")
    hand.enter(copy)
    return copy


def _in_stream(hand: Hand, conn: Any) -> Any:
    stream = conn.cursor().stream("SELECT generate_series(1, 100000)")
    if hand.colour == "sync":
        next(stream)
    else:
        hand.run(stream.__anext__())
    return stream


def _in_notifies(hand: Hand, conn: Any) -> Any:
    hand.execute(conn, "LISTEN soil")
    _, other = hand.lease()
    hand.execute(other, "NOTIFY soil")
    notifies = conn.notifies()
    if hand.colour == "sync":
        next(notifies)
    else:
        hand.run(notifies.__anext__())
    return notifies


def _in_block(name: str) -> Callable[[Hand, Any], Any]:
    def enter(hand: Hand, conn: Any) -> Any:
        block = getattr(conn, name)()
        hand.enter(block)
        return block

    return enter


def _in_two_phases(hand: Hand, conn: Any) -> None:
    hand.run(conn.set_autocommit(False))
    hand.run(conn.tpc_begin(conn.xid(1, "respool", "soil")))


class _Odd(Loader):
    def load(self, data: Any) -> str:
        return "odd"


def _send(hand: Hand, conn: Any) -> None:
    conn.pgconn.send_query(b"SELECT pg_sleep(0)")


HOPELESS: dict[str, Callable[[Hand, Any], Any]] = {
    "a COPY in progress": _in_copy,
    "an unread result": _in_stream,
    "a query in flight": _send,
    "a notifies() generator": _in_notifies,
    "a transaction() block": _in_block("transaction"),
    "a pipeline() block": _in_block("pipeline"),
    "a two-phase transaction": _in_two_phases,
    "a registered loader": lambda hand, conn: conn.adapters.register_loader("int4", _Odd),
    "a registered type": lambda hand, conn: conn.adapters.types.add(psycopg.types.TypeInfo("soil", 99999, 0)),
    "the lock held": lambda hand, conn: hand.run(conn.lock.acquire()),
    "closed": lambda hand, conn: hand.run(conn.close()),
}


@pytest.mark.parametrize("soil", HOPELESS)
def test_what_cannot_be_undone_is_noticed_and_the_connection_given_up(hand: Hand, soil: str) -> None:
    """Behaviours 88 to 90."""
    adapter, conn = hand.lease()
    kept = HOPELESS[soil](hand, conn)
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(conn))
    hand.run(conn.close())
    if hand.colour == "async" and hasattr(kept, "aclose"):
        try:
            hand.run(kept.aclose())
        except psycopg.Error:
            pass


def test_configure_runs_after_create_and_after_every_reset(hand: Hand) -> None:
    """ "As it was" means as it was after configure."""

    def more(conn: Any) -> None:
        conn.row_factory = dict_row
        conn.add_notice_handler(print)
        conn.adapters.register_loader("int4", _Odd)

    configure = hand.configure("SET work_mem = '777kB'", "LISTEN mine", more=more)
    adapter, conn = hand.lease(configure=configure)
    for _ in range(3):
        hand.execute(conn, "SET work_mem = '1MB'; UNLISTEN *")
        conn.add_notice_handler(repr)
        hand.run(adapter.reset(conn))
    found = hand.run(
        hand.execute(
            conn, "SELECT 1 AS i, current_setting('work_mem') AS m, pg_listening_channels() AS c"
        ).fetchone()
    )
    assert {"i": "odd", "m": "777kB", "c": "mine"} == found
    assert [print] == conn._notice_handlers


def test_a_loader_registered_beside_those_of_configure_is_noticed(hand: Hand) -> None:
    """Behaviour 89. Registering the same thing again in configure is no soil; another is."""
    configure = hand.configure(more=lambda conn: conn.adapters.register_loader("int4", _Odd))
    adapter, conn = hand.lease(configure=configure)
    for _ in range(2):
        hand.execute(conn, "SELECT 1")
        hand.run(adapter.reset(conn))
    conn.adapters.register_loader("int8", _Odd)
    with pytest.raises(ResourceSpoiled, match="type adapters"):
        hand.run(adapter.reset(conn))


class _Own(psycopg.Connection[Any]):
    """Gives its connections attributes."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        _furnish(self)


class _AsyncOwn(psycopg.AsyncConnection[Any]):
    """Gives its connections attributes."""

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        _furnish(self)


def _furnish(conn: Any) -> None:
    conn.tenant = None
    conn.cache, conn.log, conn._seen = {"a": 1}, ["x"], {"y"}


def _own(conn: Any) -> tuple[object, ...]:
    return conn.tenant, conn.cache, conn.log, conn._seen


REFURNISH: dict[str, Callable[[Any], object]] = {
    "a value": lambda conn: setattr(conn, "tenant", "alice"),
    "what is in a dict": lambda conn: conn.cache.update(a=2, b=3),
    "what is in a list": lambda conn: conn.log.append("soil"),
    "what is in a set": lambda conn: conn._seen.add("soil"),
    "another dict": lambda conn: setattr(conn, "cache", {"a": 1}),
    "an attribute that is deleted": lambda conn: delattr(conn, "tenant"),
}


@pytest.mark.parametrize("change", REFURNISH)
def test_the_attributes_of_a_class_of_the_users_are_as_they_were(hand: Hand, change: str) -> None:
    """Behaviour 89. What its constructor has set is the session's as well."""
    adapter, conn = hand.lease(connection_class=_Own if hand.colour == "sync" else _AsyncOwn)
    cache = conn.cache
    assert not adapter.is_dirty(conn)
    REFURNISH[change](conn)
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert (None, {"a": 1}, ["x"], {"y"}) == _own(conn)
    assert conn.cache is cache
    assert not adapter.is_dirty(conn)


def test_handlers_at_libpq_itself_are_as_they_were(hand: Hand) -> None:
    """Behaviour 89."""
    adapter, conn = hand.lease()
    heard: list[object] = []
    for name in ("notice_handler", "notify_handler"):
        setattr(conn.pgconn, name, heard.append)
        assert adapter.is_dirty(conn)
        hand.run(adapter.reset(conn))
        assert not adapter.is_dirty(conn)
    hand.execute(conn, "LISTEN mine; NOTIFY mine; DO 'BEGIN RAISE NOTICE ''x''; END'")
    assert [] == heard
    assert 1 == len(_fetch_notifications(hand, conn))


@pytest.mark.parametrize("used", [False, True])
def test_a_connection_that_was_made_to_block_in_its_writes_does_so_no_more(hand: Hand, used: bool) -> None:
    """Behaviour 89. On a loop the next lease's long write would hold up everybody else."""
    adapter, conn = hand.lease()
    conn.pgconn.nonblocking = 0
    if used:
        hand.execute(conn, "SELECT 1")
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert 1 == conn.pgconn.nonblocking
    assert not adapter.is_dirty(conn)


@pytest.mark.parametrize("used", [False, True])
def test_a_trace_ends_with_its_lease(hand: Hand, tmp_path: Path, used: bool) -> None:
    """Behaviour 89. Else it would go on writing what others ask."""
    adapter, conn = hand.lease()
    log = tmp_path / "trace"
    conn.pgconn.trace(os.open(log, os.O_CREAT | os.O_WRONLY))
    if used:
        hand.execute(conn, "SELECT 'mine'")
    if adapter.is_dirty(conn):
        hand.run(adapter.reset(conn))
    hand.execute(conn, "SELECT 'of another'")
    conn.pgconn.untrace()  # has it all written
    assert used == ("mine" in log.read_text())
    assert "another" not in log.read_text()
    assert "DISCARD" not in log.read_text()
