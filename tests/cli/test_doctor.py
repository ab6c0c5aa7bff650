"""`respool doctor`: one resource opened, each method timed, the options held against the server's limits."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from respool import ServerLimits
from respool._config import settings_from
from respool._registry import backend_for
from respool.cli import _doctor
from respool.cli._doctor import judge
from tests.cli.hand import respool
from tests.servers import Endpoint, ServerRoom

COLOURS = pytest.mark.parametrize("colour", [(), ("--asyncio",)])


PRODUCTS = {"postgres": {"PostgreSQL"}, "mysql": {"MariaDB", "MySQL"}, "redis": {"Redis", "Valkey"}}


@pytest.mark.parametrize("backend", PRODUCTS)
@COLOURS
def test_a_fitting_pool_gets_a_clean_bill(
    backend: str, colour: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    server: Endpoint = request.getfixturevalue(f"{backend}_server")
    done = respool("doctor", server.url, "--max-size", "4", "--json", *colour)
    assert 0 == done.exit_code, done.output
    report = json.loads(done.stdout)
    assert ["create", "validate", "reset", "probe", "destroy"] == list(report["seconds"])
    assert report["limits"]["product"] in PRODUCTS[backend]
    assert report["limits"]["version"]
    assert "wrong" not in {finding["level"] for finding in report["findings"]}


@COLOURS
def test_more_connections_than_the_server_has_are_wrong(
    colour: tuple[str, ...], server_room: ServerRoom
) -> None:
    with server_room.postgres("max_connections=8") as server:
        done = respool("doctor", server.url, "--max-size", "50", *colour)
        assert 1 == done.exit_code
        assert "max_size 50 is more than the server's 5 connections" in done.output
        assert "3 of 8 connections are reserved for administrators" in done.output
        sum_of_pools = respool("doctor", server.url, "--max-size", "2", "--pools", "3", *colour)
        assert 1 == sum_of_pools.exit_code
        assert "3 x max_size 2 = 6 is more than" in sum_of_pools.output
        assert 0 == respool("doctor", server.url, "--max-size", "5", *colour).exit_code


def test_a_lifetime_above_the_servers_idle_limit_is_wrong_and_can_be_mended(server_room: ServerRoom) -> None:
    with server_room.mysql("--wait-timeout=600") as server:
        done = respool("doctor", server.url)
        assert 1 == done.exit_code
        assert "the server ends a session after 600 s (idle limit)" in done.output
        assert "max_idle" in done.output
        for mend in (("--max-idle", "300"), ("--max-lifetime", "500"), ("--keepalive", "60")):
            assert 0 == respool("doctor", server.url, *mend).exit_code, mend


def test_sqlite_is_examined_too() -> None:
    done = respool("doctor", "sqlite://")
    assert 0 == done.exit_code
    assert "SQLite" in done.output
    assert "destroy" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("sqlite:////nowhere/at/all.db",), "the folder '/nowhere/at' does not exist"),
        (("postgres://me:hunter2@127.0.0.1:1/x",), "cannot open postgres://"),
        (("redis://:hunter2@127.0.0.1:1/",), "cannot open redis://"),
        (("mysql://me:hunter2@127.0.0.1:1/x",), "cannot open mysql://"),
        (("postgers://x",), "did you mean 'postgres'?"),
        (("sqlite://", "--max-size", "-1"), "max_size is -1"),
        (("sqlite://", "--create-timeout", "0"), "create_timeout is 0.0, it must be"),
        (("sqlite://", "--destroy-timeout", "-1"), "destroy_timeout is -1.0, it must be"),
    ],
)
@COLOURS
def test_what_cannot_be_opened_is_an_error_without_secrets(
    args: tuple[str, ...], said: str, colour: tuple[str, ...]
) -> None:
    done = respool("doctor", *args, *colour)
    assert 1 == done.exit_code
    assert done.output.startswith("Error: ")
    assert said in done.output
    assert "hunter2" not in done.output


@pytest.mark.parametrize("url", ["redis://:hunter2@127.0.0.1:1/", "postgers://x"])
@COLOURS
def test_programs_read_what_cannot_be_opened_in_json_too(url: str, colour: tuple[str, ...]) -> None:
    done = respool("doctor", url, "--json", *colour)
    assert 1 == done.exit_code
    report = json.loads(done.stdout)
    [finding] = report.pop("findings")
    assert {"backend": None, "seconds": {}, "limits": None} == report
    assert "wrong" == finding["level"]
    assert finding["what"] in done.stderr
    assert "hunter2" not in done.output


@pytest.mark.parametrize("kind", ["postgres", "mysql", "redis"])
@pytest.mark.parametrize("fault", ["freeze", "kill"])
@COLOURS
def test_a_server_lost_while_its_limits_are_read_is_told_as_that_and_holds_nobody_up(
    kind: str, fault: str, colour: tuple[str, ...], server_room: ServerRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    with getattr(server_room, kind)() as server:
        real = backend_for(server.url)

        def lose(read: Any) -> Any:
            def limits(resource: Any) -> Any:
                getattr(server, fault)()
                return read(resource)

            return limits

        lossy = attrs.evolve(real, limits=lose(real.limits), async_limits=lose(real.async_limits))
        monkeypatch.setattr(_doctor, "backend_for", lambda url: lossy)
        done = respool("doctor", server.url, "--json", "--create-timeout", "0.5", *colour)
    assert 1 == done.exit_code
    [finding] = json.loads(done.stdout)["findings"]
    assert f"{server.url} was opened, but reading its limits failed: " in finding["what"]
    assert (fault == "freeze") == ("TimeoutError: no answer within 0.5 s" in finding["what"])


def test_a_wrong_password_is_told_as_one(server_room: ServerRoom) -> None:
    with server_room.redis("--requirepass", "right") as server:
        done = respool("doctor", server.url.replace("redis://", "redis://:hunter2@"))
        assert 1 == done.exit_code
        assert "cannot open redis://" in done.output
        assert "hunter2" not in done.output


@pytest.mark.parametrize(
    ("limits", "options", "expected"),
    [
        ({"max_connections": 20, "used_connections": 12}, {"max_size": 10}, "wrong"),
        ({"max_connections": 20, "used_connections": 11}, {"max_size": 10}, "ok"),
        ({"lifetime_limit": 1800.0}, {}, "wrong"),
        ({"lifetime_limit": 1800.0}, {"max_lifetime": 900.0}, "ok"),
        ({"lifetime_limit": 1800.0}, {"max_lifetime": None}, "wrong"),
        ({"idle_limit": 300.0}, {}, "wrong"),
        ({"idle_limit": 300.0}, {"max_idle": 200.0}, "ok"),
        ({"idle_limit": 300.0}, {"keepalive": 100.0}, "ok"),
        ({"idle_limit": 300.0}, {"max_lifetime": 250.0}, "ok"),
    ],
)
def test_the_judgement_compares_each_limit_with_its_option(
    limits: dict[str, float], options: dict[str, float], expected: str
) -> None:
    found = ServerLimits(version="1", product="thing", **limits)  # type: ignore[arg-type]  # numbers all
    levels = [finding.level for finding in judge(found, settings_from(options), 1)]
    assert [expected] == levels


def test_a_backend_without_limits_is_a_note() -> None:
    [finding] = judge(None, settings_from({}), 1)
    assert "note" == finding.level
