"""`respool load`: one command, and a pool is seen at work."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import sqlite3
import subprocess
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs
import pytest
from click.testing import Result

from respool import open_pool
from respool._registry import backend_for
from respool.cli._load import target_url
from respool_mysql import mysql_pool
from respool_postgres import postgres_pool
from respool_redis import redis_pool
from tests.cli.hand import COMMAND, HANG, Terminal, process, respool
from tests.servers import Endpoint, ServerRoom

BRIEF = ("load", "--duration", "0.5")
KEYS = {
    "pool",
    "seconds",
    "leases",
    "throughput",
    "wait",
    "hold",
    "errors",
    "error_examples",
    "peak_size",
    "target",
    "ceiling",
    "reason",
    "created",
    "create_failures",
    "destroyed",
    "timeouts",
    "rejected",
    "recovered",
    "last_error",
}


def test_no_worker_on_the_embedded_file_is_told_that_it_is_locked():
    with target_url(None) as url, open_pool(url) as pool:
        assert pool.run(lambda conn: conn.execute("pragma busy_timeout").fetchone()) == (60_000,)


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_without_a_url_it_loads_an_embedded_sqlite_and_sums_up_as_json(colour: tuple[str, ...]) -> None:
    done = process("load", "--duration", "1", "--json", *colour)
    assert (0, "") == (done.returncode, done.stderr)
    summary = json.loads(done.stdout)
    assert KEYS == set(summary)
    assert "sqlite" == summary["pool"]
    assert summary["leases"] > 0
    assert {} == summary["errors"]
    assert summary["created"] == sum(summary["destroyed"].values())
    assert set(summary["destroyed"]) <= {"closed", "resized"}, "a machine that stalls has idle ones closed"
    assert ["mean", "p50", "p99", "p99.9", "longest"] == list(summary["wait"])
    assert summary["hold"]["p50"] <= summary["hold"]["p99"] <= summary["hold"]["longest"]


def test_without_a_terminal_it_prints_a_plain_line_a_second_and_a_summary() -> None:
    done = process("load", "--duration", "2.5", "--max-size", "3")
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert 2 <= len([line for line in lines if "leases/s" in line])
    assert re.search(r"size [1-3]/3 ", lines[0])
    assert [line for line in lines if line.startswith("pool sqlite: ")]
    assert "no errors" == lines[-1]
    assert "\x1b" not in done.stdout


def test_on_a_terminal_it_draws_a_live_screen_and_then_the_summary() -> None:
    terminal = Terminal("load", "--duration", "1.5", "--max-size", "3", "--name", "orders")
    for drawn in ("respool load", "pool orders", "places", "■", "in use", "wait p99", "hold p50", "█"):
        terminal.read_until(drawn)
    assert 0 == terminal.end()
    assert "leases in" in terminal.text
    assert "no errors" in terminal.text


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_ctrl_c_on_a_terminal_ends_it_with_the_summary(colour: tuple[str, ...]) -> None:
    terminal = Terminal("load", "--duration", "600", *colour)
    terminal.read_until("leases/s")
    terminal.interrupt()
    assert 0 == terminal.end()
    assert "stopped" in terminal.text
    assert "leases in" in terminal.text
    assert "Traceback" not in terminal.text


def test_an_interrupt_without_a_terminal_ends_it_with_the_summary_as_json() -> None:
    command = [*COMMAND, "load", "--duration", "600", "--svg", "/dev/null"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "leases/s" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate(timeout=HANG)
    assert (0, "stopped\n") == (running.returncode, errors)
    assert "no errors" in rest


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
@pytest.mark.parametrize(
    ("load", "leases"),
    [(("--rate", "0.001"), "0 leases in"), (("--hold", "600"), "1 leases in")],
    ids=["between two arrivals", "in the middle of a hold"],
)
def test_an_interrupt_ends_the_rests_of_its_workers_and_nothing_else_is_made_of_them(
    load: tuple[str, ...], leases: str, colour: tuple[str, ...]
) -> None:
    command = [*COMMAND, "load", "--duration", "600", "--workers", "1", *load, *colour]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "leases/s" in running.stdout.readline()
        running.send_signal(signal.SIGINT)
        rest, errors = running.communicate(timeout=HANG)
    assert (0, "stopped\n") == (running.returncode, errors)
    assert leases in rest, "one who has not come yet is no lease, and waits for no negative time"
    assert "no errors" in rest


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_load_that_is_ended_before_its_first_sample_says_how_large_the_pool_was(
    colour: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("respool.cli._load._watch", interrupted)
    done = respool("load", "--duration", "600", "--json", *colour)
    assert 1 <= json.loads(done.stdout)["peak_size"]


def test_poisson_arrivals_come_at_their_rate() -> None:
    done = respool("load", "--rate", "50", "--duration", "1", "--seed", "7", "--json")
    summary = json.loads(done.stdout)
    again = json.loads(respool("load", "--rate", "50", "--duration", "1", "--seed", "7", "--json").stdout)
    assert 20 < summary["leases"] < 100
    assert summary["leases"] == again["leases"]


def crowded(*args: str) -> tuple[Result, float]:
    """Have four workers share one resource so that somebody comes too late; give his timeout, too.

    A busy machine may need longer than that to open the resource at all, or to start a second worker: then
    everything takes its time.
    """
    for scale in (1, 5, 25):
        times = {"--duration": 0.5 * scale, "--hold": 0.3 * scale, "--timeout": 0.2 * scale}
        options = [str(word) for option in times.items() for word in option]
        done = respool("load", "--max-size", "1", "--workers", "4", *options, *args)
        if 0 == done.exit_code and "PoolTimeout" in done.output:
            break
    return done, times["--timeout"]


def test_every_option_of_the_pool_reaches_it() -> None:
    done, timeout = crowded("--json", "--admission", "none", "--sizing", "fixed")
    summary = json.loads(done.stdout)
    assert 1 == summary["peak_size"]
    assert summary["errors"]["PoolTimeout"] == summary["timeouts"] > 0
    assert f"within {timeout:g} s (size 1/1, in use 1" in summary["error_examples"]["PoolTimeout"]


def test_errors_are_listed_by_kind_in_words() -> None:
    done, _ = crowded()
    assert 0 == done.exit_code, done.output
    assert " x PoolTimeout, such as: no " in done.output


def test_none_switches_an_option_off() -> None:
    done = respool(*BRIEF, "--json", "--max-lifetime", "none", "--timeout", "NONE", "--max-uses", "5")
    assert 0 == done.exit_code
    assert json.loads(done.stdout)["destroyed"]["uses"] > 0


def test_hygiene_reaches_the_adapter() -> None:
    assert 0 == respool(*BRIEF, "--json", "--hygiene", "none").exit_code
    assert "Invalid value for '--hygiene'" in respool(*BRIEF, "--hygiene", "some").output


def test_the_picture_is_made_by_the_command_itself(tmp_path: Path) -> None:
    picture = tmp_path / "load.svg"
    assert 0 == respool(*BRIEF, "--svg", str(picture), "--name", "orders").exit_code
    root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
    text = "".join(root.itertext()).replace("\xa0", " ")
    assert "{http://www.w3.org/2000/svg}svg" == root.tag
    assert "url(" not in picture.read_text().replace("url(#", ""), "it fetches something from elsewhere"
    assert "pool orders" in text
    assert "wait p99" in text
    assert [picture] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_refused_before_the_load(tmp_path: Path) -> None:
    done = respool(*BRIEF, "--svg", str(tmp_path / "nowhere" / "load.svg"))
    assert 2 == done.exit_code
    assert "there is no folder" in done.output


def test_a_picture_that_cannot_be_written_is_refused_before_the_load_and_one_that_can_leaves_no_trace(
    tmp_path: Path,
) -> None:
    done = respool(*BRIEF, "--svg", str(tmp_path / f"{'l' * 300}.svg"))
    assert 2 == done.exit_code
    assert "cannot be written: File name too long" in done.output
    link = tmp_path / "link.svg"
    link.symlink_to("load.svg")
    assert 1 == respool("load", "nope://x", "--svg", str(link)).exit_code
    assert [link] == list(tmp_path.iterdir()), "nothing was drawn"


@pytest.mark.parametrize("backend", ["postgres", "mysql", "redis"])
@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_url_names_any_backend(
    backend: str, colour: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    server: Endpoint = request.getfixturevalue(f"{backend}_server")
    done = process(*BRIEF, server.url, "--json", "--max-size", "3", *colour)
    assert (0, "") == (done.returncode, done.stderr)
    summary = json.loads(done.stdout)
    assert (backend, {}) == (summary["pool"], summary["errors"])
    assert summary["leases"] > 0
    assert 0 == LEFT[backend](server.url)


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_load_that_cannot_begin_says_why_as_json(colour: tuple[str, ...]) -> None:
    done = process(*BRIEF, "redis://127.0.0.1:1", "--json", "--timeout", "0.2", *colour)
    assert 1 == done.returncode
    assert json.loads(done.stdout)["error"].startswith("no connection from pool 'redis' within 0.2 s")
    assert "Error: no connection from pool 'redis' within 0.2 s" in done.stderr


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
@pytest.mark.parametrize("timeout", ["30", "none"])
def test_a_server_that_is_not_there_is_not_waited_for_much_longer_than_the_load_would_last(
    timeout: str, colour: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respool.cli._runner.CLEARING", 0.2)
    done = respool("load", "redis://127.0.0.1:1", "--duration", "0.3", "--timeout", timeout, *colour)
    assert 1 == done.exit_code
    assert "Error: no connection from pool 'redis' within 0.5 s" in done.output


def left_in_postgres(url: str) -> int:
    with postgres_pool(url) as pool, pool.acquire() as conn:
        rows = conn.execute("SELECT count(*) FROM pg_tables WHERE tablename = 'respool_load'").fetchone()
        return int(rows[0]) if rows else -1


def left_in_mysql(url: str) -> int:
    with mysql_pool(url) as pool, pool.acquire() as conn, conn.cursor() as cursor:
        return int(cursor.execute("SHOW TABLES LIKE 'respool_load'"))


def left_in_redis(url: str) -> int:
    with redis_pool(url) as pool, pool.acquire() as client:
        return sum(1 for _ in client.scan_iter("respool:load:*"))


LEFT = {"postgres": left_in_postgres, "mysql": left_in_mysql, "redis": left_in_redis}


def tables(file: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(file)) as conn:
        return [name for (name,) in conn.execute("select name from sqlite_master")]


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_load_leaves_no_table_behind(colour: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "app.db"
    with contextlib.closing(sqlite3.connect(file)) as conn:
        conn.execute("create table orders (id)")
    assert 0 == respool(*BRIEF, f"sqlite:///{file}", "--json", *colour).exit_code
    assert ["orders"] == tables(file)


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_table_that_cannot_be_dropped_is_no_error_of_the_load(
    colour: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clear(conn: Any) -> None:
        raise sqlite3.OperationalError("database table is locked")

    async def async_clear(conn: Any) -> None:
        clear(conn)

    stubborn = attrs.evolve(backend_for("sqlite://"), clear=clear, async_clear=async_clear)
    monkeypatch.setattr("respool.cli._load.backend_for", lambda url: stubborn)
    done = respool(*BRIEF, f"sqlite:///{tmp_path / 'app.db'}", "--json", *colour)
    assert 0 == done.exit_code, done.output
    assert {} == json.loads(done.stdout)["errors"]
    assert ["respool_load"] == tables(tmp_path / "app.db")


@pytest.mark.parametrize("kind", ["postgres", "mysql", "redis"])
@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_server_that_freezes_in_the_middle_of_a_lease_does_not_keep_the_load_from_its_end(
    kind: str, colour: tuple[str, ...], server_room: ServerRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_runner.LAST", "_runner.CLEARING", "_async_runner.CLEARING"):
        monkeypatch.setattr(f"respool.cli.{name}", 0.3)
    with getattr(server_room, kind)() as server:
        real = backend_for(server.url)

        def freeze(work: Any) -> Any:
            def frozen(resource: Any) -> Any:
                server.freeze()
                return work(resource)

            return frozen

        freezing = attrs.evolve(real, work=freeze(real.work), async_work=freeze(real.async_work))
        monkeypatch.setattr("respool.cli._load.backend_for", lambda url: freezing)
        brief = ("--timeout", "0.3", "--create-timeout", "0.3", "--reset-timeout", "0.3")
        done = respool(*BRIEF, server.url, "--json", "--workers", "1", *brief, *colour)
    assert 1 == done.exit_code, done.output
    summary = json.loads(done.stdout)
    assert {"TimeoutError": 1} == summary["errors"]
    assert "a lease was still out" in summary["error_examples"]["TimeoutError"]


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_work_that_asks_to_leave_is_an_error_of_its_lease_and_the_worker_goes_on(
    colour: tuple[str, ...],
    raised: type[BaseException],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def work(conn: Any) -> None:
        raise raised("enough")

    async def async_work(conn: Any) -> None:
        work(conn)

    leaving = attrs.evolve(backend_for("sqlite://"), work=work, async_work=async_work)
    monkeypatch.setattr("respool.cli._load.backend_for", lambda url: leaving)
    done = respool(*BRIEF, f"sqlite:///{tmp_path / 'app.db'}", "--json", "--workers", "1", *colour)
    assert 1 == done.exit_code, done.output
    summary = json.loads(done.stdout)
    assert {raised.__name__: "enough"} == summary["error_examples"]
    assert summary["errors"][raised.__name__] > 1
    assert [] == tables(tmp_path / "app.db")


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_preparation_that_asks_to_leave_is_an_error_of_the_load(
    colour: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prepare(conn: Any) -> None:
        raise SystemExit(0)

    async def async_prepare(conn: Any) -> None:
        prepare(conn)

    leaving = attrs.evolve(backend_for("sqlite://"), prepare=prepare, async_prepare=async_prepare)
    monkeypatch.setattr("respool.cli._load.backend_for", lambda url: leaving)
    done = respool(*BRIEF, *colour)
    assert 1 == done.exit_code
    assert "Error: cannot prepare SQLite for the load: SystemExit: 0" in done.output


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_load_of_which_no_lease_succeeds_ends_with_status_one(
    colour: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(conn: Any) -> None:
        raise sqlite3.OperationalError("no such table: respool_load")

    async def async_work(conn: Any) -> None:
        work(conn)

    broken = attrs.evolve(backend_for("sqlite://"), work=work, async_work=async_work)
    monkeypatch.setattr("respool.cli._load.backend_for", lambda url: broken)
    done = respool(*BRIEF, f"sqlite:///{tmp_path / 'app.db'}", "--json", *colour)
    assert 1 == done.exit_code, done.output
    assert {"OperationalError"} == set(json.loads(done.stdout)["errors"])
    assert "Error: no lease succeeded\n" == done.stderr


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("redsi://x",), "unknown URL scheme 'redsi': did you mean 'redis'?"),
        (("/tmp",), "url is '/tmp', it must be scheme://"),
        (("sqlite:////nowhere/at/all.db",), "the folder '/nowhere/at' does not exist"),
        (("postgres://me:hunter2@127.0.0.1:1/x", "--timeout", "0.5"), "Connection refused"),
        (("redis://:hunter2@127.0.0.1:1/", "--timeout", "0.5"), "127.0.0.1:1"),
        (("--max-size", "-1"), "max_size is -1, it must be at least 0"),
        (("--min-size", "5", "--max-size", "2"), "min_size is 5, it must be at most max_size"),
        (("--admission", "never"), "admission is 'never', it must be one of"),
    ],
)
@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_what_cannot_be_is_an_error_with_its_reason(
    args: tuple[str, ...], said: str, colour: tuple[str, ...]
) -> None:
    done = respool("load", *args, *colour)
    assert 1 == done.exit_code
    assert said in done.output
    assert done.output.rstrip().splitlines()[-1].startswith("Error: ") or said in done.output
    assert "hunter2" not in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("colour", [(), ("--asyncio",)])
def test_a_backend_that_cannot_be_prepared_is_an_error_and_leaves_no_pool_open(
    colour: tuple[str, ...], tmp_path: Path
) -> None:
    file = tmp_path / "read-only.db"
    sqlite3.connect(file).close()
    before = set(threading.enumerate())
    done = respool("load", f"sqlite:///{file}?mode=ro", *colour)
    assert 1 == done.exit_code
    assert "Error: cannot prepare SQLite for the load: OperationalError: " in done.output
    assert set() == {thread.name for thread in set(threading.enumerate()) - before}
    assert [file] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--max-size", "many"), "'many' is not a valid integer"),
        (("--timeout", "soon"), "'soon' must be a finite number or 'none'"),
        (("--sizing", "big"), "'big' must be elastic, fixed or fixed:N"),
        (("--sizing", "fixed:²"), "'fixed:²' must be elastic, fixed or fixed:N"),
        (("--order", "random"), "'random' is not one of"),
        (("--duration", "0"), "0.0 is not in the range"),
        (("--workers", "0"), "0 is not in the range"),
        (("--rate", "0"), "0.0 is not in the range"),
        (("--hold", "-1"), "-1.0 is not in the range"),
        (("--maxsize", "2"), "No such option"),
    ],
)
def test_a_bad_option_is_refused_by_name(args: tuple[str, ...], said: str) -> None:
    done = respool("load", *args)
    assert 2 == done.exit_code
    assert args[0] in done.output
    assert said in done.output
