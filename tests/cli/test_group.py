"""The group of commands, and `respool adapters`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from respool.cli import main
from tests.cli.hand import COMMAND, HANG, process, respool


def test_help_lists_every_command_without_importing_one() -> None:
    done = respool("--help")
    assert 0 == done.exit_code
    for command in ("adapters", "advise", "doctor", "load", "new", "simulate"):
        assert f"  {command} " in done.output


def test_the_version_is_the_distributions() -> None:
    assert f"respool, version {metadata.version('respool')}\n" == respool("--version").output


def test_an_unknown_command_is_refused() -> None:
    done = respool("frobnicate")
    assert 2 == done.exit_code
    assert "frobnicate" in done.output


def test_the_shipped_adapters_are_listed() -> None:
    rows = {row["name"]: row for row in json.loads(respool("adapters", "--json").stdout)}
    assert {"MySQL", "Postgres", "Redis", "SQLite"} <= set(rows)
    assert ["mariadb", "mysql"] == rows["MySQL"]["schemes"]
    assert "installed" == rows["SQLite"]["state"]
    assert metadata.version("respool") == rows["SQLite"]["version"]
    table = respool("adapters").output
    assert all(name in table for name in rows)


def test_a_missing_driver_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "redis":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    rows = {row["name"]: row for row in json.loads(respool("adapters", "--json").stdout)}
    assert "needs redis" in rows["Redis"]["state"]
    assert "respool[redis]" == rows["Redis"]["install"]
    assert "'respool[redis]'" in respool("adapters").output


def test_a_scheme_that_two_packages_claim_and_a_package_that_is_missing_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def claim(package: str) -> metadata.EntryPoint:
        return metadata.EntryPoint("redis", f"{package}:backend", "respool.adapters")

    claims = {"redis": [claim("respool_redis"), claim("respool_other")]}
    monkeypatch.setattr("respool.cli._adapters.entry_points_by_scheme", lambda: claims)
    rows = {row["name"]: row for row in json.loads(respool("adapters", "--json").stdout)}
    assert "refused: redis is claimed by respool_other too" == rows["Redis"]["state"]
    assert "refused: redis is claimed by respool_redis too" == rows["respool_other"]["state"]
    assert "missing" == rows["respool_mysql"]["state"]
    assert {"mysql", "mariadb"} == set(rows["respool_mysql"]["schemes"])
    assert "respool[mysql]" == rows["respool_mysql"]["install"]


def test_without_the_extra_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "click", None)
    monkeypatch.delitem(sys.modules, "respool.cli._main", raising=False)
    with pytest.raises(SystemExit, match=r"needs click: pip install 'respool\[cli\]'"):
        main()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "asked", [["adapters"], ["adapters", "--json"], ["load", "--duration", "0.2"], ["--help"]]
)
def test_where_its_output_finds_no_room_one_line_says_so(asked: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, *asked], stdout=full, stderr=subprocess.PIPE, text=True, timeout=HANG, check=False
        )
    assert (1, "cannot write: No space left on device\n") == (done.returncode, done.stderr)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_output_that_cannot_show_a_bar_shows_a_question_mark_instead(encoding: str) -> None:
    done = process(
        *("simulate", "--rate", "5", "--length", "5", "--runs", "1", "--sizes", "1", "--targets", "0.01"),
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert "???" in done.stdout


@pytest.mark.parametrize("module", ["respool", "respool.cli"])
def test_the_module_is_the_command(module: str) -> None:
    command = [sys.executable, "-m", module, "--help"]
    assert "Usage: respool " in subprocess.run(command, capture_output=True, text=True, timeout=HANG).stdout
