"""What a fault means: who is to blame for an error, by the driver's number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pymysql
import pymysql._auth
import pytest
from pymysql import err

from respool import Fault, ResourceSpoiled, Timeouts
from respool_mysql import UnsupportedServer
from tests.adapters.mysql.front import Front, error
from tests.adapters.mysql.hand import Hand, create_anew
from tests.servers import Endpoint, MysqlServer, Proxy, ServerRoom
from tests.shells.rig import eventually

CANARY = "s3cret-c4nary"

NUMBERS = {
    1040: Fault.CAPACITY,
    1203: Fault.CAPACITY,
    1226: Fault.CAPACITY,
    1044: Fault.CONFIG,
    1045: Fault.CONFIG,
    1049: Fault.CONFIG,
    1053: Fault.BACKEND_DOWN,
    1062: Fault.BENIGN,
    1064: Fault.BENIGN,
    1205: Fault.BENIGN,
    1213: Fault.BENIGN,
    1317: Fault.BENIGN,
    1836: Fault.RESOURCE_BROKEN,
    1927: Fault.RESOURCE_BROKEN,
    2002: Fault.BACKEND_DOWN,
    2003: Fault.BACKEND_DOWN,
    2006: Fault.RESOURCE_BROKEN,
    2013: Fault.RESOURCE_BROKEN,
    2055: Fault.RESOURCE_BROKEN,
    3024: Fault.BENIGN,
    4031: Fault.RESOURCE_BROKEN,
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_read_as_the_manual_means_it(hand: Hand, number: int) -> None:
    """Behaviour 91."""
    assert NUMBERS[number] is hand.adapter().classify(err.OperationalError(number, "words"))


@pytest.mark.parametrize(
    ("exc", "fault"),
    [
        (err.InterfaceError(0, ""), Fault.RESOURCE_BROKEN),
        (err.InterfaceError("Cancelled during execution"), Fault.RESOURCE_BROKEN),
        (err.InternalError("Packet sequence number wrong - got 3 expected 1"), Fault.RESOURCE_BROKEN),
        (err.Error("Already closed"), Fault.RESOURCE_BROKEN),
        (err.ProgrammingError("Cursor closed"), Fault.BENIGN),
        (err.OperationalError(1290, "running with the --read-only option"), Fault.RESOURCE_BROKEN),
        (err.OperationalError(1290, "running with the --secure-file-priv option"), Fault.BENIGN),
        (ResourceSpoiled("unread"), Fault.RESOURCE_BROKEN),
        (UnsupportedServer("old"), Fault.CONFIG),
        (ValueError("the user's own"), Fault.BENIGN),
        (ConnectionResetError("the user's own"), Fault.BENIGN),
        (KeyboardInterrupt(), Fault.BENIGN),
    ],
)
def test_what_has_no_number_is_read_by_its_kind(hand: Hand, exc: BaseException, fault: Fault) -> None:
    """Behaviour 91."""
    assert fault is hand.adapter().classify(exc)


def test_a_login_that_needs_a_missing_package_is_a_matter_of_configuration(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MySQL's default login, caching_sha2_password, without TLS; MariaDB has none that asks for it."""
    monkeypatch.setattr(pymysql._auth, "_have_cryptography", False)

    def configure(_: Any) -> None:
        pymysql._auth.sha2_rsa_encrypt(CANARY.encode(), b"salt", b"key")

    async def async_configure(_: Any) -> None:
        configure(_)

    adapter = hand.adapter(configure=configure if hand.colour == "sync" else async_configure)
    with pytest.raises(RuntimeError, match="cryptography") as refused:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(refused.value)


def _refusal(hand: Hand, url: str, **options: Any) -> tuple[err.MySQLError, Fault]:
    adapter = hand.adapter(url, **options)
    with pytest.raises(err.MySQLError) as refused:
        hand.create(adapter)
    assert CANARY not in f"{refused.value!r} {adapter!r} {adapter.login!r}"
    return refused.value, adapter.classify(refused.value)


def test_a_wrong_password_is_a_matter_of_configuration(hand: Hand, prepared: Endpoint) -> None:
    url = f"mysql://nobody:{CANARY}@{prepared.host}:{prepared.port}/respool"
    refused, fault = _refusal(hand, url)
    assert (1045, Fault.CONFIG) == (refused.args[0], fault)


def test_an_unknown_database_is_a_matter_of_configuration(hand: Hand, prepared: Endpoint) -> None:
    refused, fault = _refusal(hand, prepared.url.rpartition("/")[0] + "/nowhere")
    assert (1049, Fault.CONFIG) == (refused.args[0], fault)


def test_an_unknown_database_of_an_unprivileged_user_too(hand: Hand, other: Any, prepared: Endpoint) -> None:
    with other.cursor() as cursor:
        create_anew(cursor, "USER 'plain'@'%'", f"IDENTIFIED BY '{CANARY}'")
    refused, fault = _refusal(hand, f"mysql://plain:{CANARY}@{prepared.host}:{prepared.port}/nowhere")
    assert (1044, Fault.CONFIG) == (refused.args[0], fault)


REFUSED_AT_CREATE: dict[str, dict[str, Any]] = {
    "an init command that is no SQL": {"connect": {"init_command": "SELEKT 1"}},
    "a SQL mode that is none": {"connect": {"sql_mode": "STRICTISH"}},
    "a collation that is none": {"connect": {"collation": "utf8mb4_nonsense"}},
}


@pytest.mark.parametrize("case", REFUSED_AT_CREATE)
def test_what_the_server_refuses_at_each_create_is_a_matter_of_configuration(hand: Hand, case: str) -> None:
    """The same number in a lease says nothing about the connection."""
    refused, fault = _refusal(hand, hand.url, **REFUSED_AT_CREATE[case])
    assert Fault.CONFIG is fault
    assert Fault.BENIGN is hand.adapter().classify(err.OperationalError(*refused.args))


def test_a_configure_with_a_bug_is_a_matter_of_configuration_and_leaves_nothing_open(
    hand: Hand, other: Any
) -> None:
    """Behaviour 47."""
    made: list[int] = []

    def more(conn: Any) -> None:
        made.append(conn.thread_id())
        raise KeyError("a typing error")

    adapter = hand.adapter(configure=hand.configure(more=more))
    with pytest.raises(KeyError) as bug:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(bug.value)
    eventually(lambda: made[0] not in sessions(other), "the end of the session")


def sessions(other: Any) -> set[int]:
    """Ask the server who is logged in."""
    with other.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist")
        return {row[0] for row in cursor.fetchall()}


def test_a_configure_that_met_a_deadlock_may_be_tried_again(hand: Hand) -> None:
    def more(_: Any) -> None:
        raise err.OperationalError(1213, "Deadlock found")

    adapter = hand.adapter(configure=hand.configure(more=more))
    with pytest.raises(err.OperationalError) as met:
        hand.create(adapter)
    assert Fault.BACKEND_DOWN is adapter.classify(met.value)


def test_a_token_that_cannot_be_had_is_an_outage_and_not_the_users_own_affair(hand: Hand) -> None:
    def ask() -> str:
        raise ConnectionError("the vault is sealed")

    adapter = hand.adapter(connect={"password": ask})
    with pytest.raises(ConnectionError) as sealed:
        hand.create(adapter)
    assert Fault.BACKEND_DOWN is adapter.classify(sealed.value)


def test_nobody_listening_is_a_backend_that_is_down(hand: Hand, server_room: ServerRoom) -> None:
    with server_room.mysql() as server:
        url = server.url
    refused, fault = _refusal(hand, url)
    assert (2003, Fault.BACKEND_DOWN) == (refused.args[0], fault)


def test_a_server_that_hangs_up_before_the_login_is_down(
    hand: Hand, prepared: Endpoint, proxy_to: Callable[[Endpoint], Proxy]
) -> None:
    proxy = proxy_to(prepared)
    proxy.hang()
    url = f"mysql://root@{proxy.host}:{proxy.port}/respool"
    refused, fault = _refusal(hand, url, timeouts=Timeouts(create=0.3))
    assert (2003, Fault.BACKEND_DOWN) == (refused.args[0], fault)


def _fronted(answer: Any, prepared: Endpoint) -> tuple[Front, str]:
    front = Front(prepared, lambda query: answer if b"@@init_connect" in query else None)
    return front, f"mysql://root@127.0.0.1:{front.port}/respool?ssl_disabled=true"


def test_a_server_that_hangs_up_while_a_new_session_is_looked_at_is_down(
    hand: Hand, prepared: Endpoint
) -> None:
    front, url = _fronted([], prepared)
    try:
        refused, fault = _refusal(hand, url)
    finally:
        front.close()
    assert (2003, Fault.BACKEND_DOWN) == (refused.args[0], fault)


def test_a_proxy_that_will_not_say_what_the_server_runs_at_a_login_is_no_fault(
    hand: Hand, prepared: Endpoint
) -> None:
    front, url = _fronted(error(1227, "Access denied"), prepared)
    try:
        adapter, conn = hand.lease(url)
        hand.execute(conn, "SET @a = 1")
        hand.run(adapter.reset(conn))
        assert hand.ask(conn, "SELECT @a") is None
        hand.put_away()
    finally:
        front.close()


def test_too_many_connections_is_no_outage(hand: Hand, server_room: ServerRoom) -> None:
    with server_room.mysql("--max-connections=10") as server:
        adapter = hand.adapter(server.url)
        for _ in range(11):  # one more than the rule, for an administrator
            hand.create(adapter)
        with pytest.raises(err.MySQLError) as full:
            hand.create(adapter)
        assert Fault.CAPACITY is adapter.classify(full.value)
        hand.put_away()


def test_a_killed_server_breaks_the_connection(hand: Hand, fresh_mysql: MysqlServer) -> None:
    adapter, conn = hand.lease(fresh_mysql.url)
    fresh_mysql.kill()
    with pytest.raises(err.MySQLError) as lost:
        hand.execute(conn, "SELECT 1")
    assert Fault.RESOURCE_BROKEN is adapter.classify(lost.value)


def test_a_server_gone_read_only_is_a_broken_connection(hand: Hand, fresh_mysql: MysqlServer) -> None:
    """After a failover the old primary still answers, and takes no writes."""
    adapter, conn = hand.lease(fresh_mysql.url)
    hand.execute(conn, "CREATE TABLE soil (i INT)")
    hand.execute(conn, "CREATE USER 'writer'@'%'")
    hand.execute(conn, "GRANT INSERT ON respool.* TO 'writer'@'%'")
    hand.execute(conn, "SET GLOBAL read_only = 1")
    writer = hand.create(hand.adapter(f"mysql://writer@{fresh_mysql.host}:{fresh_mysql.port}/respool"))
    with pytest.raises(err.MySQLError) as refused:
        hand.execute(writer, "INSERT INTO soil VALUES (1)")
    assert Fault.RESOURCE_BROKEN is adapter.classify(refused.value)


@pytest.mark.parametrize("version", ["5.5.30-old", "10.2.3-MariaDB"])
def test_a_server_without_the_reset_is_refused_by_name(
    hand: Hand, server_room: ServerRoom, version: str
) -> None:
    """A real server, which says that it is old: the answer to the login is all that we read."""
    if not hand.is_mariadb:
        pytest.skip("MySQL says which version it is, and nothing else")
    with server_room.mysql(f"--version={version}") as server:
        adapter = hand.adapter(server.url)
        with pytest.raises(UnsupportedServer, match="hygiene='transaction'") as old:
            hand.create(adapter)
        assert Fault.CONFIG is adapter.classify(old.value)
        assert version in str(old.value)
        assert 1 == hand.ask(hand.create(hand.adapter(server.url, hygiene="transaction")), "SELECT 1")
        hand.put_away()


def test_no_secret_is_in_anything_that_we_make(hand: Hand, other: Any, prepared: Endpoint) -> None:
    """Behaviour 135."""
    with other.cursor() as cursor:
        create_anew(cursor, "USER 'guarded'@'%'", f"IDENTIFIED BY '{CANARY}'")
    url = f"mysql://guarded:{CANARY}@{prepared.host}:{prepared.port}/"
    adapter = hand.adapter(url)
    conn = hand.create(adapter)
    assert CANARY not in f"{adapter!r} {adapter.login!r} {adapter.login} {conn!r} {conn.record!r}"


def test_credentials_are_asked_at_each_create(hand: Hand, other: Any, prepared: Endpoint) -> None:
    """Tokens that rotate."""
    tokens = iter(["first", "second"])

    def rotate() -> str:
        token = next(tokens)
        with other.cursor() as cursor:
            create_anew(cursor, "USER 'rotating'@'%'", f"IDENTIFIED BY '{token}'")
        return token

    async def async_rotate() -> str:
        return rotate()

    password = rotate if hand.colour == "sync" else async_rotate
    url = f"mysql://{prepared.host}:{prepared.port}/"
    adapter = hand.adapter(url, connect={"user": lambda: "rotating", "password": password})
    for _ in range(2):
        assert "rotating" == hand.ask(hand.create(adapter), "SELECT SUBSTRING_INDEX(USER(), '@', 1)")
    assert "rotating" not in repr(adapter)


@pytest.mark.parametrize("password", ["zażółć", "пароль", "密码"])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_password_in_letters_that_the_drivers_cannot_send_is_sent_as_utf8(
    hand: Hand, other: Any, prepared: Endpoint, password: str, fresh: bool
) -> None:
    """They encode it as Latin-1, and an error of theirs would tell the letter that is not in there."""
    with other.cursor() as cursor:
        cursor.execute("SET NAMES utf8mb4")
        create_anew(cursor, "USER 'lettered'@'%'", f"IDENTIFIED BY '{password}'")
    given = (lambda: password) if fresh else password
    url = f"mysql://lettered@{prepared.host}:{prepared.port}/"
    adapter = hand.adapter(url, connect={"password": given})
    assert "lettered" == hand.ask(hand.create(adapter), "SELECT SUBSTRING_INDEX(USER(), '@', 1)")


def test_the_drivers_exception_is_untouched(hand: Hand) -> None:
    _, conn = hand.lease()
    with pytest.raises(pymysql.err.ProgrammingError, match="syntax"):
        hand.execute(conn, "SELEKT 1")
