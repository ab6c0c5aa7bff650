"""No password in what we say ourselves: texts are scrubbed, and no log line shows a driver's traceback."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from respool import Adapter, AsyncAdapter, AsyncPool, BackendError, in_threads
from respool._scrub import describe, scrub
from respool.testing import AsyncScriptedAdapter, ScriptedAdapter, never
from tests.shells.rig import Rig, eventually

LEAK = "cannot reach postgres://app:hunter2@db/app"


@pytest.mark.parametrize(
    "text",
    [
        "postgres://app:hunter2@db/app",
        "password=hunter2",
        "sslpassword = hunter2, host=db",
        "pass=hunter2",
        "MYSQL_PASS=hunter2",
        "passwd:hunter2",
        "Authorization: Bearer hunter2",
        "{'Authorization': 'Basic hunter2', 'Host': 'db'}",
        "AWS_SECRET_ACCESS_KEY=hunter2",
        "access_key=hunter2",
        "secret_key: hunter2",
        "private-key=hunter2",
        "AccountKey=hunter2;EndpointSuffix=db",
        "password is 'hunter2'",
        'the token was "hunter2"',
        "ALTER ROLE app PASSWORD 'hunter2'",
        "CREATE USER app IDENTIFIED BY 'hunter2'",
        "CREATE USER app IDENTIFIED WITH mysql_native_password BY 'it''s hunter2'",
        'the rest is cut off: {"private_key": "-----BEGIN PRIVATE KEY----- hunter2',
    ],
)
def test_a_secret_is_blanked_in_whatever_form(text: str) -> None:
    """Behaviour 135."""
    assert "hunter2" not in scrub(text)
    assert "***" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        'FATAL: password authentication failed for user "app"',
        "the password is wrong",
        "unexpected token '<' in line 1",
        "it passes: 3 of 4, bypass=1",
        "duplicate key value violates unique constraint 'a_key'",
        "invalid access key",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert text == scrub(text)


def test_an_error_is_told_by_its_type_and_scrubbed() -> None:
    """Behaviour 135."""
    assert "OSError: cannot reach postgres://app:***@db/app" == describe(OSError(LEAK))


@pytest.mark.parametrize("data", ["a", "-a", "a:", "x=", "://", "pass-", "identified with ", 'password "\\'])
def test_an_error_that_quotes_a_megabyte_of_data_is_told_at_once_and_in_brief(data: str) -> None:
    """Else it would hold the interpreter, and the pool with it, for hours: the test would be timed out."""
    words = describe(OSError(f"password=hunter2 in {data * (1_000_000 // len(data))}"))
    assert words.startswith("OSError: password=*** in ")
    assert len(words) < 400
    assert len(scrub(data * 30_000)) > 0  # nor is a text that is shown as a whole looked through for long


def test_an_error_without_a_text_is_told_by_its_type() -> None:
    class Mute(OSError):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert "Mute" == describe(Mute())


def raises(*_: Any) -> Any:
    """Fail with a text that holds the password."""
    raise OSError(LEAK)


def told(caplog: pytest.LogCaptureFixture, what: str) -> bool:
    """Whether the log says that something raised, in scrubbed words and without a traceback."""
    lines = [record for record in caplog.records if what in record.getMessage()]
    assert "hunter2" not in caplog.text
    assert all(record.exc_info is None and "OSError" in record.getMessage() for record in lines)
    return bool(lines)


@pytest.mark.parametrize("method", ["abort", "glance"])
def test_an_ability_that_raises_is_logged_without_the_secret(
    rig: Rig, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 135."""
    caplog.set_level(logging.DEBUG, logger="respool")
    adapter = rig.adapter(abilities=["probe", "abort"], validate=[never()])
    setattr(adapter, method, lambda resource, /: raises())
    pool = rig.pool(adapter, max_size=1, check_after=0, validate_timeout=0.05)
    pool.acquire().release()
    if method == "abort":
        pool.begin(timeout=1.0).error()
    eventually(lambda: told(caplog, f"{method} "))


def test_an_unfit_product_whose_destroy_raises_is_logged_without_the_secret(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviours 42 and 135: its create has failed, and the pool goes on."""
    caplog.set_level(logging.DEBUG, logger="respool")

    class Unbound:
        @property
        def __class__(self) -> Any:
            raise RuntimeError("working outside of a context")

    class Things(ScriptedAdapter):
        def create(self) -> Any:
            return Unbound()

        def destroy(self, resource: Any, /) -> None:
            raises()

    class AsyncThings(AsyncScriptedAdapter):
        async def create(self) -> Any:
            return Unbound()

        async def destroy(self, resource: Any, /) -> None:
            raises()

    pool = rig.pool(AsyncThings() if rig.name == "asyncio" else Things(), max_size=1)
    error = pool.begin(60).error()
    assert isinstance(error, BackendError)
    assert isinstance(error.__cause__, RuntimeError)
    eventually(lambda: told(caplog, "destroy raised"))
    assert 0 == pool.stats().size


def test_the_bridge_logs_an_abort_that_raises_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    """Behaviour 135."""
    caplog.set_level(logging.DEBUG, logger="respool")

    class Rude(Adapter[object]):
        def create(self) -> Any:
            return object()

        def abort(self, resource: Any, /) -> None:
            raises()

    in_threads(Rude())._abort(object())  # type: ignore[attr-defined]  # what the bridge has
    assert told(caplog, "abort raised")


def test_a_reset_that_fails_while_the_pool_closes_is_logged_without_the_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Behaviour 135."""
    caplog.set_level(logging.DEBUG, logger="respool")

    class Slow(AsyncAdapter[object]):
        reset_is_local = True

        async def create(self) -> Any:
            return object()

        async def reset(self, resource: Any, /) -> None:
            await asyncio.sleep(0)
            raises()

    async def main() -> None:
        pool = AsyncPool(Slow(), max_size=1)
        lease = await pool.acquire()
        closing = asyncio.ensure_future(pool.close())
        await asyncio.sleep(0)
        lease.release()
        assert await closing

    asyncio.run(main())
    assert told(caplog, "reset raised")
