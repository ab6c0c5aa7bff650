"""What `respool load` and `respool doctor` get from the entry points."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any

import pytest

from respool_mysql import backend
from tests.adapters.mysql.front import Front, one_value
from tests.adapters.mysql.hand import Hand, create_anew
from tests.servers import Endpoint, ServerRoom


def _parts(hand: Hand) -> tuple[Any, Any, Any, Any]:
    if hand.colour == "sync":
        return backend.adapter, backend.prepare, backend.work, backend.limits
    return backend.async_adapter, backend.async_prepare, backend.async_work, backend.async_limits


def _made(hand: Hand, url: str, **options: Any) -> Any:
    make, *_ = _parts(hand)
    return hand.create(make(url, **options))


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_both_schemes_lead_to_the_backend(scheme: str) -> None:
    (point,) = entry_points(group="respool.adapters", name=scheme)
    assert backend is point.load()


def test_the_default_work_reads_and_writes_and_can_be_prepared_again(hand: Hand, other: Any) -> None:
    conn = _made(hand, hand.url)
    _, prepare, work, _ = _parts(hand)
    hits = "SELECT CAST(SUM(hits) AS SIGNED) FROM respool_load"
    for _ in range(2):
        hand.run(prepare(conn))
    with other.cursor() as cursor:
        cursor.execute(hits)
        before = cursor.fetchone()[0]
        for _ in range(3):
            hand.run(work(conn))
        cursor.execute(hits)
        assert before + 3 == cursor.fetchone()[0]


def test_the_default_work_needs_a_database_and_says_so(hand: Hand) -> None:
    conn = _made(hand, hand.url.rpartition("/")[0])
    with pytest.raises(ValueError, match="name a database"):
        hand.run(_parts(hand)[1](conn))


def test_the_limits_are_the_servers_own(hand: Hand, server_room: ServerRoom) -> None:
    with server_room.mysql("--max-connections=17", "--wait-timeout=99") as server:
        conn = _made(hand, server.url)
        limits = hand.run(_parts(hand)[3](conn))
        hand.put_away()
    assert ("MariaDB" if hand.is_mariadb else "MySQL", 17, 1, 99.0) == (
        limits.product,
        limits.max_connections,
        limits.used_connections,
        limits.idle_limit,
    )
    assert limits.lifetime_limit is None
    assert limits.version[:1].isdigit()


def test_a_limit_of_the_account_is_the_nearer_one(hand: Hand, other: Any, prepared: Endpoint) -> None:
    with other.cursor() as cursor:
        create_anew(cursor, "USER 'limited'@'%'", "WITH MAX_USER_CONNECTIONS 3")
    conn = _made(hand, f"mysql://limited@{prepared.host}:{prepared.port}/")
    limits = hand.run(_parts(hand)[3](conn))
    assert 3 == limits.max_connections
    assert "max_user_connections" in limits.notes[0]


def test_proxysql_is_told_by_the_one_question_that_it_answers_itself(hand: Hand, prepared: Endpoint) -> None:
    """Every other is the server's to answer, the limits among them."""

    def proxysql(query: bytes) -> list[bytes] | None:
        own = query == b"select @@version_comment limit 1"
        return one_value("@@version_comment", "(ProxySQL)") if own else None

    front = Front(prepared, proxysql)
    try:
        straight, behind = (
            hand.run(_parts(hand)[3](_made(hand, url)))
            for url in (hand.url, f"mysql://root@127.0.0.1:{front.port}/respool?ssl_disabled=true")
        )
        assert (straight.product, straight.max_connections) == (behind.product, behind.max_connections)
        assert () == straight.notes
        assert "hygiene='transaction'" in behind.notes[0]
        hand.put_away()
    finally:
        front.close()
