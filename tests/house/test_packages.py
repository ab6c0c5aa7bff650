"""What every package of the house owes its users: types, sorted public names, a light import."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import respool

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
    assert "" == loaded_by_import_respool("asyncio", *DRIVERS, *ADAPTERS)


def test_import_respool_leaves_out_what_a_program_may_never_need() -> None:
    late = (
        *("difflib", "importlib.metadata", "json", "typing_extensions"),
        *("respool._announcer", "respool._asyncio", "respool._engine._reporter", "respool._events"),
        *("respool._recording", "respool._registry", "respool._stats"),
    )
    assert "" == loaded_by_import_respool(*late)


def test_a_pool_imports_nothing_once_it_is_made() -> None:
    """A first import under the mutex could hang a child of a fork, and none works while Python shuts down."""
    told = in_a_fresh_interpreter(
        """
        import respool, sys, warnings

        def create():
            if not fine:
                raise OSError("no route")
            return object()

        def refuse(resource):
            raise ValueError("dirty")

        def hear(event):
            raise ValueError("deaf")

        fine = True
        pool = respool.make_pool(create, reset=refuse, max_size=1, leak_after=0.0, on_event=hear)
        late = respool.make_pool(create, max_size=1)
        made = set(sys.modules)
        warnings.simplefilter("ignore")
        with pool.acquire():
            try:
                pool.acquire(timeout=0.01)
            except respool.PoolTimeout as error:
                str(error.stats)
        fine = False
        try:
            late.acquire(timeout=0.01)
        except respool.PoolError:
            fine = True
        late.acquire().detach()
        late.acquire()
        pool.resize(max_size=2)
        pool.close()
        late.close()
        print(*(name for name in set(sys.modules) - made if name.startswith("respool")))
        """
    )
    assert "" == told


def test_the_face_shows_and_gives_in_a_fresh_interpreter_what_is_imported_late() -> None:
    told = in_a_fresh_interpreter(
        """
        import respool
        print(*(set(respool.__all__) - set(dir(respool))))
        from respool import *
        print(*(name for name in respool.__all__ if name not in globals()))
        """
    )
    assert "" == told


def test_a_name_that_the_face_has_not_is_refused_by_name() -> None:
    with pytest.raises(AttributeError, match=r"^module 'respool' has no attribute 'Pol'$"):
        _ = respool.Pol


def loaded_by_import_respool(*names: str) -> str:
    """Give those of the names that are modules which the import loads."""
    return in_a_fresh_interpreter(
        f"import sys; old = set(sys.modules); import respool; print(*(set({names}) & set(sys.modules) - old))"
    )


def in_a_fresh_interpreter(code: str) -> str:
    """Give what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path("/"))
    return done.stdout.strip()


@pytest.mark.skipif("RESPOOL_TEST_INSTALLED" not in os.environ, reason="only where tox installed the wheel")
@pytest.mark.parametrize("package", PACKAGES)
def test_the_suite_tests_the_wheel(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert str(spec.origin).startswith(sys.prefix)
