"""One kind of backend each: how it is started, asked, hurt and counted, the same words for all three.

The pools log in as `USER` with a password that must never be seen again (`CANARY`); the tests' own hand is
the administrator, without a password. What a lease does is written once, as a generator that yields whatever
has to be awaited under asyncio.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator
from typing import Any, ClassVar
from urllib.parse import quote

import psycopg
import pymysql
import redis

from respool_mysql import AsyncMysqlAdapter, MysqlAdapter
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter
from respool_redis import AsyncRedisAdapter, RedisAdapter
from tests.servers import MysqlServer, PostgresServer, Proxy, RedisServer, Server, ServerRoom

CANARY = "kn4rf:g@wp/zzyx"
"""The password of every pool; it needs percent-encoding in a URL."""
PIECES = ("kn4rf", "zzyx")
"""What a leak would show, however it was cut or encoded."""
USER = "lessee"

Work = Callable[[Any], Generator[Any, Any, Any]]
"""Does something with a leased resource; yields what may have to be awaited."""


class Ground(ABC):
    """A kind of backend, and what a test can do to a server of it."""

    kind: str
    adapters: ClassVar[dict[str, type[Any]]]
    """The adapter by the shell's name."""
    database: str
    crowded: tuple[str, ...] = ()
    """Server settings with which only few can log in."""
    few = 0
    """How many of `USER` can log in to a crowded server at the same time, at most."""

    @abstractmethod
    def server(self, room: ServerRoom, *settings: str) -> Server:
        """Make a server that has not been started; `USER` can log in once it is `furnished`."""

    @abstractmethod
    def furnish(self, server: Any) -> None:
        """Let `USER` log in, with `CANARY`."""

    @abstractmethod
    def set_password(self, server: Any, password: str) -> None:
        """Change the password, for the next login and, after a restart, still."""

    @abstractmethod
    def ask(self, resource: Any, number: int) -> Generator[Any, Any, int]:
        """Have the server say a number, so that a wrong answer shows."""

    @abstractmethod
    def session_of(self, resource: Any) -> Generator[Any, Any, int]:
        """Ask for the server's number of this session."""

    @abstractmethod
    def write(self, resource: Any, number: int) -> Generator[Any, Any, Any]:
        """Write something, and commit it."""

    @abstractmethod
    def fail(self, resource: Any) -> Generator[Any, Any, Any]:
        """Raise a mistake of the user's, which says nothing of the connection."""

    @abstractmethod
    def sessions(self, server: Any) -> list[int]:
        """List the sessions of `USER`."""

    @abstractmethod
    def end_session(self, server: Any, number: int) -> None:
        """Kill one session from outside; one that has gone already is no error."""

    def end_sessions(self, server: Any) -> None:
        """Kill every session of `USER`."""
        for number in self.sessions(server):
            self.end_session(server, number)

    def url(self, at: Server | Proxy, *, password: str = CANARY, database: str = "") -> str:
        """Give the address that a pool gets."""
        database = database or self.database
        return f"{self.scheme}://{USER}:{quote(password, safe='')}@{at.host}:{at.port}/{database}{self.tail}"

    def asking(self, url: str, token: Callable[[], str]) -> tuple[Any, dict[str, Any]]:
        """Give the adapter's arguments with which the password is asked at each create."""
        return url.replace(f":{quote(CANARY, safe='')}@", "@"), {"connect": {"password": token}}

    scheme: str
    tail = ""


class PostgresGround(Ground):
    """Postgres through psycopg."""

    kind = "postgres"
    scheme = "postgresql"
    adapters: ClassVar = {"threads": PostgresAdapter, "asyncio": AsyncPostgresAdapter}
    database = "postgres"
    crowded = ("max_connections=6", "superuser_reserved_connections=3", "reserved_connections=0")
    few = 3

    def server(self, room: ServerRoom, *settings: str) -> Server:
        server = room.postgres(*settings)
        rules = ("host all postgres 127.0.0.1/32 trust", "host all all 127.0.0.1/32 scram-sha-256")
        (server.directory / "data" / "pg_hba.conf").write_text("\n".join(rules) + "\n")
        return server

    def furnish(self, server: Any) -> None:
        with self._hand(server) as conn:
            conn.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{CANARY}'")
            conn.execute(f"GRANT ALL ON SCHEMA public TO {USER}")
            conn.execute(f"CREATE TABLE ledger (n bigint); ALTER TABLE ledger OWNER TO {USER}")
            conn.execute("CHECKPOINT")  # commits are not waited for here, and a kill would undo them

    def set_password(self, server: Any, password: str) -> None:
        with self._hand(server) as conn:
            conn.execute(f"ALTER ROLE {USER} PASSWORD '{password}'")
            conn.execute("CHECKPOINT")

    def ask(self, resource: Any, number: int) -> Generator[Any, Any, int]:
        cursor = yield resource.execute("SELECT %s::bigint", [number])
        row = yield cursor.fetchone()
        return int(row[0])

    def session_of(self, resource: Any) -> Generator[Any, Any, int]:
        cursor = yield resource.execute("SELECT pg_backend_pid()")
        row = yield cursor.fetchone()
        return int(row[0])

    def write(self, resource: Any, number: int) -> Generator[Any, Any, Any]:
        yield resource.execute("INSERT INTO ledger VALUES (%s)", [number])
        yield resource.commit()

    def fail(self, resource: Any) -> Generator[Any, Any, Any]:
        return (yield resource.execute("SELECT nonsense"))

    def set_default(self, server: Any, read_only: str) -> None:
        """Let transactions that begin from now on be read-only, or not."""
        with self._hand(server) as conn:
            conn.execute(f"ALTER SYSTEM SET default_transaction_read_only = {read_only}")
            conn.execute("SELECT pg_reload_conf()")
            conn.execute("SELECT pg_sleep(0.2)")

    def asking(self, url: str, token: Callable[[], str]) -> tuple[Any, dict[str, Any]]:
        return lambda: url.replace(quote(CANARY, safe=""), quote(token(), safe="")), {}

    def sessions(self, server: Any) -> list[int]:
        with self._hand(server) as conn:
            rows = conn.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", [USER]).fetchall()
        return [row[0] for row in rows]

    def end_session(self, server: Any, number: int) -> None:
        with self._hand(server) as conn:
            conn.execute("SELECT pg_terminate_backend(%s)", [number])

    def _hand(self, server: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(server.url, autocommit=True, connect_timeout=10)


class MysqlGround(Ground):
    """MariaDB, or MySQL, through PyMySQL and aiomysql."""

    kind = "mysql"
    scheme = "mysql"
    adapters: ClassVar = {"threads": MysqlAdapter, "asyncio": AsyncMysqlAdapter}
    database = "respool"
    crowded = ("--max-connections=10",)
    few = 10

    def server(self, room: ServerRoom, *settings: str) -> Server:
        # aborted connects are counted, and a host with 100 of them is blocked: the tests make many
        return room.mysql("--max-connect-errors=1000000", *settings)

    def furnish(self, server: Any) -> None:
        self._do(server, f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{CANARY}'")
        self._do(server, f"GRANT ALL ON respool.* TO '{USER}'@'%'")
        self._do(server, "CREATE TABLE respool.ledger (n BIGINT)")
        server.restart()  # commits are not waited for here, and a kill would undo them

    def set_password(self, server: Any, password: str) -> None:
        self._do(server, f"ALTER USER '{USER}'@'%' IDENTIFIED BY '{password}'")

    def ask(self, resource: Any, number: int) -> Generator[Any, Any, int]:
        return (yield from self._one(resource, f"SELECT {number:d}"))

    def session_of(self, resource: Any) -> Generator[Any, Any, int]:
        return (yield from self._one(resource, "SELECT CONNECTION_ID()"))

    def write(self, resource: Any, number: int) -> Generator[Any, Any, Any]:
        cursor = yield resource.cursor()
        yield cursor.execute(f"INSERT INTO ledger VALUES ({number:d})")
        yield cursor.close()
        yield resource.commit()

    def fail(self, resource: Any) -> Generator[Any, Any, Any]:
        return (yield from self._one(resource, "SELECT nonsense"))

    def sessions(self, server: Any) -> list[int]:
        question = f"SELECT id FROM information_schema.processlist WHERE user = '{USER}'"
        return [row[0] for row in self._do(server, question)]

    def end_sessions(self, server: Any) -> None:
        for number in self.sessions(server):
            self.end_session(server, number)

    def end_session(self, server: Any, number: int) -> None:
        with contextlib.suppress(pymysql.err.OperationalError):  # 1094: there is none
            self._do(server, f"KILL {number}")

    def _one(self, resource: Any, statement: str) -> Generator[Any, Any, int]:
        cursor = yield resource.cursor()
        yield cursor.execute(statement)
        row = yield cursor.fetchone()
        yield cursor.close()
        return int(row[0])

    def _do(self, server: Any, statement: str) -> Any:
        with (
            contextlib.closing(
                pymysql.connect(
                    host=server.host, port=server.port, user="root", autocommit=True, read_timeout=20
                )
            ) as conn,
            conn.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall()


class RedisGround(Ground):
    """Redis through redis-py."""

    kind = "redis"
    scheme = "redis"
    adapters: ClassVar = {"threads": RedisAdapter, "asyncio": AsyncRedisAdapter}
    database = "0"
    crowded = ("--maxclients", "6")
    few = 6

    def server(self, room: ServerRoom, *settings: str) -> Server:
        return room.redis(*settings)

    def furnish(self, server: Any) -> None:
        """Write the user into the command line, where it outlives restarts, and into the server that runs."""
        self.set_password(server, CANARY)

    def set_password(self, server: Any, password: str) -> None:
        others = server.arguments[: -len(_login(""))] if "--user" in server.arguments else server.arguments
        server.arguments = (*others, *_login(password))
        with self._hand(server) as client:
            client.acl_setuser(USER, reset=True, enabled=True, passwords=[f"+{password}"], **_RIGHTS)

    def ask(self, resource: Any, number: int) -> Generator[Any, Any, int]:
        return int((yield resource.echo(str(number))))

    def session_of(self, resource: Any) -> Generator[Any, Any, int]:
        return int((yield resource.client_id()))

    def write(self, resource: Any, number: int) -> Generator[Any, Any, Any]:
        yield resource.set("ledger", number)

    def fail(self, resource: Any) -> Generator[Any, Any, Any]:
        return (yield resource.execute_command("NONSENSE"))

    def follow(self, server: Any, host: str, port: str) -> None:
        """Make the server a replica of another, or its own master again."""
        with self._hand(server) as client:
            client.execute_command("REPLICAOF", host, port)

    def sessions(self, server: Any) -> list[int]:
        with self._hand(server) as client:
            return [int(each["id"]) for each in client.client_list() if each["user"] == USER]

    def end_session(self, server: Any, number: int) -> None:
        with self._hand(server) as client:
            client.client_kill_filter(_id=str(number))

    @contextlib.contextmanager
    def _hand(self, server: Any) -> Iterator[redis.Redis]:
        client = redis.Redis(host=server.host, port=server.port, socket_timeout=20)
        try:
            yield client
        finally:
            client.close()


_RIGHTS: dict[str, Any] = {"commands": ["+@all"], "keys": ["*"], "channels": ["*"]}


def _login(password: str) -> tuple[str, ...]:
    return ("--user", USER, "on", f">{password}", "~*", "&*", "+@all")


GROUNDS: dict[str, Ground] = {each.kind: each for each in (PostgresGround(), MysqlGround(), RedisGround())}

__all__ = [
    "CANARY",
    "GROUNDS",
    "PIECES",
    "USER",
    "Ground",
    "MysqlServer",
    "PostgresServer",
    "RedisServer",
    "Work",
]
