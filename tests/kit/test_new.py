"""`respool new` writes a package that installs, type-checks and passes its tests without an edit."""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner, Result

from respool.cli._main import cli
from tests.kit.environment import HANG, Environment

pytestmark = pytest.mark.timeout(3 * HANG)


@attrs.frozen
class Made:
    """A package that `respool new` has written, installed."""

    folder: Path
    environment: Environment
    module: str


def new(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["new", *arguments], catch_exceptions=False)


@pytest.fixture(scope="module", params=["threads", "asyncio"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = tmp_path_factory.mktemp("new")
    name, flag = ("wind-mill", []) if request.param == "threads" else ("tide", ["--async"])
    done = new(name, "--into", str(home), *flag)
    assert 0 == done.exit_code, done.output
    environment = Environment(home / "environment")
    environment.install(home / f"respool-{name}")
    return Made(home / f"respool-{name}", environment, f"respool_{name.replace('-', '_')}")


def test_the_new_package_passes_its_kit_at_once(made: Made) -> None:
    tests = made.folder / "tests"
    report = made.environment.run("pytest", "-q", "-p", "no:cacheprovider", cwd=tests).stdout
    assert " passed, " in report, report
    assert "failed" not in report, report
    assert "give the adapter `probe` (SupportsProbe) to run this" in report


def test_the_new_package_type_checks(made: Made, tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = tmp_path_factory.getbasetemp() / "mypy"  # both need the standard library's types
    checked = made.environment.run("mypy", f"--cache-dir={cache}", cwd=made.folder)
    assert checked.stdout.startswith("Success"), checked.stdout


def test_the_new_package_is_listed(made: Made) -> None:
    rows = json.loads(made.environment.run("respool.cli", "adapters", "--json", cwd=made.folder).stdout)
    scheme = made.folder.name.removeprefix("respool-")
    assert [("0.1.0", "installed")] == [
        (row["version"], row["state"]) for row in rows if row["schemes"] == [scheme]
    ]


def test_nothing_of_the_template_is_left_in_the_new_package(made: Made) -> None:
    files = [path for path in made.folder.rglob("*") if path.is_file() and "cache" not in str(path)]
    assert f"{made.module}/py.typed" in {str(path.relative_to(made.folder)) for path in files}
    assert [] == [path for path in files if "widget" in (str(path) + path.read_text()).lower()]


@pytest.mark.parametrize("name", ["Mongo", "9p", "my_queue", "my--queue", "-x", "a b", "", "é", "x" * 31])
def test_a_bad_name_is_refused_with_the_rule(name: str, tmp_path: Path) -> None:
    done = new("--into", str(tmp_path), "--", name)
    assert 1 == done.exit_code
    assert f"NAME is {name!r}, it must be a lower-case letter, then letters" in done.output
    assert [] == list(tmp_path.iterdir())


def test_a_bad_name_gets_a_better_one(tmp_path: Path) -> None:
    assert "perhaps 'my-queue'?" in new("My_Queue", "--into", str(tmp_path)).output


def test_a_scheme_that_an_adapter_has_is_refused(tmp_path: Path) -> None:
    done = new("postgresql", "--into", str(tmp_path))
    assert 1 == done.exit_code
    assert "the URL scheme 'postgresql' belongs to respool_postgres" in done.output


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "respool-mongo" / "mine.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    done = new("mongo", "--into", str(tmp_path))
    assert 1 == done.exit_code
    assert "respool-mongo exists already" in done.output
    assert [mine] == list(mine.parent.iterdir())


def test_the_distributions_name_is_taken_for_the_scheme(tmp_path: Path) -> None:
    assert 0 == new("respool-mongo", "--into", str(tmp_path)).exit_code
    assert ["respool-mongo"] == [path.name for path in tmp_path.iterdir()]
