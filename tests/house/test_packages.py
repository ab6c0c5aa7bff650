"""What every package of the house owes its users: types, sorted public names, a light import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .sources import ADAPTERS, ROOT, modules

DRIVERS = ("aiosqlite", "aiomysql", "click", "matplotlib", "psycopg", "pymysql", "redis", "rich", "sqlite3")
PACKAGES = ["respool", *ADAPTERS]
FACES = [*PACKAGES, *(name for name in ("respool.simulation", "respool.testing") if name in modules())]


def test_the_four_adapters_are_there() -> None:
    assert ["respool_mysql", "respool_postgres", "respool_redis", "respool_sqlite"] == ADAPTERS


def test_the_adapters_folder_is_no_package() -> None:
    """With an `__init__.py` it would be one named `adapters`, which belongs to somebody else on the index."""
    assert not (ROOT / "adapters" / "__init__.py").exists()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_typed(package: str) -> None:
    assert (modules()[package].parent / "py.typed").exists()


@pytest.mark.parametrize("face", FACES)
def test_the_public_names_are_sorted_and_exist(face: str) -> None:
    module = importlib.import_module(face)
    assert sorted(set(module.__all__)) == module.__all__
    assert [] == [name for name in module.__all__ if not hasattr(module, name)]


@pytest.mark.parametrize("face", FACES)
def test_a_face_shows_its_public_names_and_nothing_else(face: str) -> None:
    """What the standard library lends (`Any`, `TYPE_CHECKING`) is not ours to show or hide."""
    module = importlib.import_module(face)
    inner = {name.rpartition(".")[2] for name in modules() if name.rpartition(".")[0] == face}
    shown = {name for name in vars(module) if not name.startswith("_")} - inner
    ours = {
        name for name in shown if str(getattr(vars(module)[name], "__module__", "")).startswith("respool")
    }
    assert set() == ours - set(module.__all__)


def test_import_respool_loads_neither_asyncio_nor_a_driver() -> None:
    heavy = ("asyncio", *DRIVERS, *ADAPTERS)
    code = (
        f"import sys; old = set(sys.modules); import respool; print(*(set({heavy}) & set(sys.modules) - old))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path("/")
    )
    assert "" == done.stdout.strip()


@pytest.mark.skipif("RESPOOL_TEST_INSTALLED" not in os.environ, reason="only where tox installed the wheel")
@pytest.mark.parametrize("package", PACKAGES)
def test_the_suite_tests_the_wheel(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert str(spec.origin).startswith(sys.prefix)
