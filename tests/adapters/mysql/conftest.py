"""What the MySQL tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

from respool_mysql import MysqlAdapter
from tests.adapters.mysql.hand import Hand
from tests.servers import Endpoint

_SETUP = (
    "CREATE DATABASE IF NOT EXISTS elsewhere",
    "CREATE ROLE IF NOT EXISTS soil_role",
    "DROP TABLE IF EXISTS kept",
    "CREATE TABLE kept (id INT PRIMARY KEY, note VARCHAR(20)) ENGINE=InnoDB",
    "INSERT INTO kept VALUES (1, 'one'), (2, 'two')",
    "DROP TABLE IF EXISTS numbers",
    "CREATE TABLE numbers (n INT PRIMARY KEY) ENGINE=InnoDB",
    f"INSERT INTO numbers VALUES {', '.join(f'({n})' for n in range(1, 501))}",
    "INSERT INTO numbers SELECT a.n * 500 + b.n FROM numbers a, numbers b WHERE a.n < 400",
    "SET GLOBAL local_infile = 1",
)


@pytest.fixture(scope="session")
def prepared(mysql_server: Endpoint) -> Endpoint:
    """The shared server with a second database, a role and a table `kept` of two rows."""
    adapter = MysqlAdapter(mysql_server.url, connect={"autocommit": True})
    conn: Any = adapter.create()
    with conn.cursor() as cursor:
        for statement in _SETUP:
            cursor.execute(statement)
        cursor.execute("SELECT CURRENT_USER()")
        user, _, host = cursor.fetchone()[0].partition("@")
        cursor.execute(f"GRANT soil_role TO '{user}'@'{host}'")
    adapter.destroy(conn)
    return mysql_server


@pytest.fixture(params=["sync", "async"])
def hand(request: pytest.FixtureRequest, prepared: Endpoint) -> Iterator[Hand]:
    """Drives adapters of both colours, one after the other."""
    hand = Hand(request.param, prepared.url)
    yield hand
    hand.close()


@pytest.fixture
def other(prepared: Endpoint) -> Iterator[pymysql.connections.Connection[pymysql.cursors.Cursor]]:
    """A connection of somebody else's, in autocommit: to look from outside, and to do harm."""
    adapter = MysqlAdapter(prepared.url, connect={"autocommit": True}, hygiene="none")
    conn = adapter.create()
    yield conn
    adapter.destroy(conn)
