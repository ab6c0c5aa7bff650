"""The options that all adapters have in common. A ``configure`` of the wrong colour would never run."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respool import BackendError, Pool, Timeouts
from respool_mysql import AsyncMysqlAdapter, MysqlAdapter, async_mysql_pool, mysql_pool
from respool_postgres import AsyncPostgresAdapter, PostgresAdapter, async_postgres_pool, postgres_pool
from respool_redis import AsyncRedisAdapter, RedisAdapter, async_redis_pool, redis_pool
from respool_sqlite import AsyncSqliteAdapter, SqliteAdapter, async_sqlite_pool, sqlite_pool

BLOCKING: list[Any] = [
    functools.partial(MysqlAdapter, "mysql://h"),
    functools.partial(PostgresAdapter, "postgres://h"),
    functools.partial(RedisAdapter, "redis://h"),
    functools.partial(SqliteAdapter, "app.db"),
]
REDIS = functools.partial(AsyncRedisAdapter, "redis://h")
AWAITING: list[Any] = [
    functools.partial(AsyncMysqlAdapter, "mysql://h"),
    functools.partial(AsyncPostgresAdapter, "postgres://h"),
    functools.partial(AsyncSqliteAdapter, "app.db"),
]


def _name(make: Any) -> str:
    return str(make.func.__name__)


def plain(conn: Any) -> None:
    """As a blocking pool wants it."""


async def later(conn: Any) -> None:
    """As an asyncio pool wants it."""


async def later_of(name: str, conn: Any) -> None:
    """The same, with something to be bound."""


class Later:
    """Is called, and has to be awaited."""

    async def __call__(self, conn: Any) -> None:
        """Do nothing."""


def unfinished(conn: Any) -> Any:
    """Runs to its first line when somebody asks for it."""
    yield conn


COROUTINES = [later, Later(), Later().__call__, functools.partial(later_of, "x"), functools.partial(Later())]


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
@pytest.mark.parametrize("hygiene", ["sesion", 3, None, ["session"]])
def test_what_is_no_hygiene_is_refused_by_its_value_or_by_its_type(make: Any, hygiene: Any) -> None:
    error = ValueError if isinstance(hygiene, str) else TypeError
    told = f"hygiene is {hygiene!r}, it must be one of 'session', 'transaction', 'none'"
    with pytest.raises(error, match=re.escape(told)):
        make(hygiene=hygiene)


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
@pytest.mark.parametrize("configure", [5, "SET x"])
def test_a_configure_that_cannot_be_called_is_refused(make: Any, configure: Any) -> None:
    with pytest.raises(TypeError, match=f"configure is {configure!r}, it must be callable"):
        make(configure=configure)


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
@pytest.mark.parametrize("connect", [5, "timeout=5", [("timeout", 5)], 0])
def test_a_connect_that_is_no_mapping_is_refused_by_name(make: Any, connect: Any) -> None:
    with pytest.raises(TypeError, match=f"connect is a {type(connect).__name__}, it must be a mapping"):
        make(connect=connect)


@pytest.mark.parametrize("make", BLOCKING, ids=_name)
@pytest.mark.parametrize("configure", COROUTINES)
def test_a_blocking_adapter_refuses_a_configure_that_must_be_awaited(make: Any, configure: Any) -> None:
    with pytest.raises(TypeError, match=r"a coroutine function, it must be: def configure\(conn\)"):
        make(configure=configure)


@pytest.mark.parametrize("make", AWAITING, ids=_name)
def test_an_asyncio_adapter_refuses_a_plain_configure(make: Any) -> None:
    with pytest.raises(TypeError, match=r"a plain function, it must be: async def configure\(conn\)"):
        make(configure=plain)


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
def test_a_configure_with_a_yield_is_refused(make: Any) -> None:
    with pytest.raises(TypeError, match="a generator"):
        make(configure=unfinished)


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
@pytest.mark.parametrize("timeouts", [None, 0, 5.0, {"create": 5.0}, Timeouts])
def test_timeouts_that_are_none_are_refused_by_name(make: Any, timeouts: Any) -> None:
    """A 0 was taken for none at all, everything else for an attribute that is missing, later."""
    told = f"timeouts is {timeouts!r}, it must be a respool.Timeouts"
    with pytest.raises(TypeError, match=re.escape(told)):
        make(timeouts=timeouts)


def both(conn: Any, schema: Any) -> None:
    """Take more than a connection."""


async def later_both(conn: Any, schema: Any) -> None:
    """The same, to be awaited."""


@pytest.mark.parametrize("make", [*BLOCKING, *AWAITING, REDIS], ids=_name)
def test_a_configure_that_takes_other_arguments_is_refused(make: Any) -> None:
    """Every create would fail."""
    configure: Any = both if make in BLOCKING else later_both
    told = "it is called with one connection: missing a required argument: 'schema'"
    with pytest.raises(TypeError, match=told):
        make(configure=configure)


@pytest.mark.parametrize("make", [*AWAITING, REDIS], ids=_name)
@pytest.mark.parametrize("configure", COROUTINES)
def test_an_asyncio_adapter_takes_whatever_gives_a_coroutine(make: Any, configure: Any) -> None:
    make(configure=configure)


def test_only_redis_under_asyncio_takes_either() -> None:
    REDIS(configure=plain)


def _sqlite(request: pytest.FixtureRequest) -> Callable[..., Any]:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    return functools.partial(SqliteAdapter, tmp_path / "app.db")


def _served(adapter: Any, server: str) -> Callable[[pytest.FixtureRequest], Callable[..., Any]]:
    return lambda request: functools.partial(adapter, request.getfixturevalue(server).url)


@pytest.mark.parametrize(
    "maker",
    [
        _sqlite,
        _served(RedisAdapter, "redis_server"),
        _served(MysqlAdapter, "mysql_server"),
        _served(PostgresAdapter, "postgres_server"),
    ],
    ids=["sqlite", "redis", "mysql", "postgres"],
)
def test_a_coroutine_that_comes_out_of_a_plain_configure_fails_the_create(
    maker: Any, request: pytest.FixtureRequest, recwarn: pytest.WarningsRecorder
) -> None:
    """A lambda hides its colour until it is called. Behaviour 47."""
    adapter = maker(request)(configure=lambda conn: later(conn))
    with Pool(adapter, max_size=1) as pool:
        with pytest.raises(BackendError, match=r"configure returned a coroutine.* did nothing"):
            pool.acquire()
        assert 0 == pool.stats().size
    assert [] == [str(warning.message) for warning in recwarn]


@pytest.mark.parametrize("make", [SqliteAdapter, AsyncSqliteAdapter])
@pytest.mark.parametrize("database", [None, 3, b"app.db"])
def test_what_is_no_database_is_refused_by_name(make: Any, database: Any) -> None:
    with pytest.raises(TypeError, match=f"database is {database!r}, it must be a str or a path"):
        make(database)


HELPERS: list[Any] = [
    functools.partial(mysql_pool, "mysql://h"),
    functools.partial(async_mysql_pool, "mysql://h"),
    functools.partial(postgres_pool, "postgres://h"),
    functools.partial(async_postgres_pool, "postgres://h"),
    functools.partial(redis_pool, "redis://h"),
    functools.partial(async_redis_pool, "redis://h"),
    functools.partial(sqlite_pool, "app.db"),
    functools.partial(async_sqlite_pool, "app.db"),
]


@pytest.mark.parametrize("make", HELPERS, ids=_name)
@pytest.mark.parametrize(
    ("misspelt", "meant"), [("hygene", "hygiene"), ("configur", "configure"), ("max_sise", "max_size")]
)
def test_a_misspelt_argument_of_a_helper_is_guessed(make: Any, misspelt: str, meant: str) -> None:
    """A helper hands on what it does not know; the guess knows the helper's own arguments too."""
    with pytest.raises(TypeError, match=f"unknown option '{misspelt}', did you mean '{meant}'"):
        make(**{misspelt: None})


def test_an_argument_of_the_adapter_that_is_given_to_the_pool_is_told_so() -> None:
    with pytest.raises(TypeError, match="'hygiene': it is an argument of the adapter, not of the pool"):
        Pool(SqliteAdapter("app.db"), hygiene="none")  # type: ignore[call-arg]  # the mistake
