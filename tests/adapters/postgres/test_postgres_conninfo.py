"""What a conninfo may be, what the driver is told beside it, and what is said of one that cannot be read."""

from __future__ import annotations

import re
import traceback
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from respool import Timeouts
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter
from respool_postgres._conninfo import defaults, read
from tests.adapters.postgres.hand import Hand

CANARY = "cAnArY"

MALFORMED = [
    f"postgresql://me:{CANARY}%zz@host/db",
    f"postgresql://me:x%zz{CANARY}@host/db",
    f"postgresql://me:{CANARY}@host/db?nonsense=1",
    f"postgresql://me:{CANARY}@host/db?password={CANARY}&nonsense",
    f"postgresql://me@host/db?password=1&{CANARY}=2",
    f"postgresql://me:se#{CANARY}/db",
    f"postgresql://me:{CANARY}@host:port/db",
    f"postgresql://me:a/{CANARY}?b{CANARY}=1@host/db",
    f"postgresql://me:{CANARY}@[::1/db",
    f"mysql://me:{CANARY}@host/db",
    f"host=h password={CANARY} nonsense=1",
    f"host=h password = '{CANARY}",
    f"host=h password=correct {CANARY} horse",
    f'host=h password=a" {CANARY}" b" c',
    f"password='a b' {CANARY}",
    f"host=h sslpassword={CANARY} x",
    CANARY,
    f"host=localhost user=me pwd={CANARY}",
    f"host=h user={CANARY} nonsense=1",
    f"host=h secret={CANARY}",
    f"host=h user=me {CANARY}",
    f"host=h dbname=postgresql://me:{CANARY}@host/db nonsense=1",
    f"host=h nonsense=1 {CANARY}=2",
    f"host=h user='me {CANARY}",
    f"Server=h;Uid=me;Pwd={CANARY}",
    f"me:{CANARY}@host/db",
    f"me:{CANARY}@host/db?x=1",
    f"jdbc:postgresql://h/db?user={CANARY}&passwrd={CANARY}",
    f"postgresql+psycopg://me:{CANARY}@h/db",
    f"me:{CANARY}://h nonsense",
    f"postgresql://me@h/db?pwd={CANARY}",
    f"postgresql://me@h/db?pwd={CANARY}@{CANARY}",
    f"postgresql://h/db?token={CANARY}",
    f"postgresql://h/db?sslpasword={CANARY}",
    f"postgresql://h/db?user={CANARY}&nonsense=1",
    f"postgresql://h/db?nonsense=1&{CANARY}=2",
    f"postgresql://h/db?{CANARY}",
    f"postgresql://me:{CANARY} {CANARY}@h/db?nonsense=1",
    f"postgresql://me@h:{CANARY}/db",
    f"postgresql://{CANARY}@host:port/db",
    f"postgresql://me@h@{CANARY}/db?nonsense=1",
    f"host=h password={CANARY}\udc80",
]


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
@pytest.mark.parametrize("conninfo", MALFORMED)
def test_a_malformed_conninfo_is_refused_at_once_without_its_secret(make: Any, conninfo: str) -> None:
    """Neither in the message nor in the traceback below it."""
    with pytest.raises(ValueError, match="cannot read the conninfo") as caught:
        make(conninfo)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("conninfo", "said"),
    [
        ("postgresql://host/db?nonsense=1", 'invalid URI query parameter: "nonsense"'),
        (f"postgresql://me:{CANARY}@host/db?nonsense=1", 'invalid URI query parameter: "nonsense"'),
        ("host=h nonsense=1", 'invalid connection option "nonsense"'),
        ("host=h dbname", 'missing = after "dbname"'),
        ("postgresql://host:54x2/db", "its port is no number"),
        ("host=a,b port=5,6 user=me pwd=x y=z", "'host=a,b port=5,6 user=*** pwd=***': invalid connection"),
        ("host=h user=me stray", """'host=h user=*** ***': missing = after "***" in"""),
        ("host = h dbname='a b' sslmode", "'host=h dbname=*** sslmode': missing = after \"sslmode\""),
        (
            "postgresql://me@[::1]:5,h:6/db?sslmode=no&pwd=x",
            "'postgresql://***@[::1]:5,h:6/db?sslmode=no&pwd=***'",
        ),
        ("mysql://me:x@h/db", "'mysql://***@h/db'"),
    ],
)
def test_the_message_says_what_is_wrong(conninfo: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        PostgresAdapter(conninfo)


def test_a_malformed_conninfo_from_a_callable_is_a_config_fault(hand: Hand) -> None:
    adapter = hand.adapter(lambda: f"postgresql://me:{CANARY}@host:port/db")
    with pytest.raises(ValueError, match="its port is no number") as caught:
        hand.run(adapter.create())
    assert "config" == adapter.classify(caught.value).value
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("conninfo", [f"postgresql://me:{CANARY}@h:5/d", f"host=h user=me password={CANARY}"])
def test_repr_says_where_to_and_no_secret(conninfo: str) -> None:
    adapter = PostgresAdapter(conninfo, connect={"password": CANARY, "dbname": "other"})
    assert CANARY not in repr(adapter)
    assert "me@h" in repr(adapter)
    assert "/other" in repr(adapter)
    assert CANARY not in repr(adapter._plan)


def test_repr_does_not_ask_for_credentials() -> None:
    def conninfo() -> str:
        raise AssertionError("nobody connects")

    assert "<PostgresAdapter a conninfo asked for at each create, hygiene='session'>" == repr(
        PostgresAdapter(conninfo)
    )


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
def test_arguments_that_nobody_knows_are_refused(make: Any) -> None:
    with pytest.raises(
        TypeError, match=r"unknown argument 'connect_timout' in connect=, did you mean 'connect_timeout'"
    ):
        make("", connect={"connect_timout": 3})
    with pytest.raises(TypeError, match="row_factory goes beside connect="):
        make("", connect={"row_factory": dict_row})
    with pytest.raises(TypeError, match="not both"):
        make("", row_factory=dict_row, connection_class=psycopg.Connection)
    with pytest.raises(TypeError, match="must be a subclass of psycopg"):
        make("", connection_class=dict)
    with pytest.raises(TypeError, match="conninfo is a int"):
        make(5432)
    with pytest.raises(
        ValueError, match="hygiene is 'sesion', it must be one of 'session', 'transaction', 'none'"
    ):
        make("", hygiene="sesion")


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
@pytest.mark.parametrize(
    ("connect", "error", "says"),
    [
        ({"user": f"a\0{CANARY}"}, ValueError, "user in connect= has a character 0 in it"),
        ({"password": f"\0{CANARY}"}, ValueError, "password in connect= has a character 0 in it"),
        (
            {"password": CANARY.encode()},
            TypeError,
            "password in connect= is a bytes, it must be a str or a num",
        ),
        ({"host": ["a", "b"]}, TypeError, "host in connect= is a list, it must be a str or a number"),
        ({"host": 5}, TypeError, "host in connect= is a int, it must be a str"),
        ({"hostaddr": True}, TypeError, "hostaddr in connect= is a bool, it must be a str"),
    ],
)
def test_a_value_that_libpq_would_misread_is_refused_unseen(
    make: Any, connect: Any, error: type[Exception], says: str
) -> None:
    """It reads up to the 0: what came after it, the host for one, would be the default's."""
    with pytest.raises(error, match=says) as caught:
        make("host=db.example", connect=connect)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
@pytest.mark.parametrize(
    ("connect", "error", "says"),
    [
        ({"autocommit": "off"}, TypeError, "autocommit in connect= is 'off', it must be True or False"),
        ({"cursor_factory": 3}, TypeError, "cursor_factory in connect= is 3, it must be a class of cursors"),
        ({"prepare_threshold": "5"}, TypeError, "prepare_threshold in connect= is '5', it must be an int"),
        ({"prepare_threshold": -1}, ValueError, "prepare_threshold in connect= is -1, it must be an int, at"),
    ],
)
def test_an_argument_that_the_first_query_would_stumble_over_is_refused(
    make: Any, connect: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        make("host=db.example", connect=connect)


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
@pytest.mark.parametrize("threshold", [None, 0, 5])
def test_a_threshold_that_psycopg_takes_is_taken(make: Any, threshold: int | None) -> None:
    make("host=db.example", connect={"prepare_threshold": threshold})


@pytest.mark.parametrize("conninfo", ["user=a\0 host=db.example", "postgresql://a\0@db.example/orders"])
def test_a_conninfo_is_not_read_up_to_a_zero(conninfo: str) -> None:
    with pytest.raises(ValueError, match="it has a character 0 in it, where libpq stops reading"):
        PostgresAdapter(conninfo)


@pytest.mark.parametrize("connect", [{"host": Path("/run/pg")}, {"port": 5433}, {"keepalives": False}])
def test_a_path_and_a_number_are_written_out(connect: Any) -> None:
    PostgresAdapter("", connect=connect)


@pytest.mark.parametrize("make", [PostgresAdapter, AsyncPostgresAdapter])
@pytest.mark.parametrize("row_factory", [5, "dict_row", {}], ids=repr)
def test_a_row_factory_that_cannot_be_called_is_refused(make: Any, row_factory: Any) -> None:
    """The first query of the first lease would fail."""
    with pytest.raises(TypeError, match=f"row_factory is {row_factory!r}, it must be callable"):
        make(row_factory=row_factory)


async def later() -> str:
    """Give a conninfo to whoever awaits it."""
    return ""


def test_a_blocking_adapter_refuses_a_conninfo_that_must_be_awaited() -> None:
    source: Any = later
    with pytest.raises(TypeError, match="conninfo is a coroutine function, here it must be"):
        PostgresAdapter(source)
    AsyncPostgresAdapter(source)


def test_a_bad_conninfo_callable_is_named(hand: Hand) -> None:
    adapter = hand.adapter(lambda: 7)
    with pytest.raises(TypeError, match="conninfo is a int, it must be a str"):
        hand.run(adapter.create())

    def broken() -> str:
        raise RuntimeError("the vault is sealed")

    def mistaken() -> str:
        raise AttributeError(CANARY)

    with pytest.raises(RuntimeError):
        hand.run(hand.adapter(broken).create())
    with pytest.raises(Exception, match="the conninfo callable failed with AttributeError") as caught:
        hand.run(hand.adapter(mistaken).create())
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("conninfo", "create", "expected"),
    [
        ("host=a", 10, 10),
        ("host=a", 3.9, 3),
        ("host=a", 0.5, 2),
        ("host=a,b,c", 10, 3),
        ("host=a", float("inf"), 86400),
    ],
)
def test_the_create_timeout_is_shared_among_the_hosts(
    conninfo: str, create: float, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libpq counts per host, in whole seconds, and takes 1 for 2."""
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    assert expected == defaults(read(conninfo), Timeouts(create=create))["connect_timeout"]


def test_what_the_user_says_wins_over_our_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = read("host=a connect_timeout=7 keepalives_idle=5 tcp_user_timeout=0")
    assert {"keepalives_interval", "keepalives_count"} == defaults(given, Timeouts()).keys()
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "4")
    assert "connect_timeout" not in defaults({}, Timeouts())


def test_keepalives_reach_the_connection(hand: Hand) -> None:
    _, conn = hand.lease(connect={"keepalives_idle": 11})
    said = conn.info.get_parameters()
    assert ("11", "10", "3", "30000") == tuple(
        said[name]
        for name in ("keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    )


def test_driver_arguments_pass_through(hand: Hand) -> None:
    adapter = hand.adapter(
        connect={"autocommit": True, "prepare_threshold": None, "application_name": "mine"}
    )
    conn = hand.create(adapter)
    assert conn.autocommit
    assert conn.prepare_threshold is None
    assert "mine" == hand.ask(conn, "SHOW application_name")
