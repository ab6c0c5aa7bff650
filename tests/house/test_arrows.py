"""The arrows of the house, read from the imports: adapters -> respool; shells -> engine -> plain data."""

from __future__ import annotations

import ast
import graphlib
import sys

import pytest

import respool

from .sources import ADAPTERS, Import, imports_of, imports_under, modules

DEPENDENCIES = {"attr", "attrs", "typing_extensions", "respool"}
# Each is imported by that room alone: the command line has an extra, the kit is run by pytest.
EXTRAS_OF = {"respool.cli": {"click", "matplotlib", "rich"}, "respool.testing": {"pytest"}}
PUBLIC = {"respool", "respool.simulation", "respool.testing"}
# Whatever could make a thread, run a loop, read a clock, draw a number of its own or reach the world.
IMPURE = {
    "_thread",
    "asyncio",
    "concurrent",
    "datetime",
    "multiprocessing",
    "os",
    "queue",
    "random",
    "secrets",
}
IMPURE |= {"selectors", "signal", "socket", "subprocess", "threading", "time"}
WALL_CLOCK = {"asctime", "ctime", "gmtime", "localtime", "strftime", "time", "time_ns"}
# All of respool that the engine may import when it runs: values, and how exceptions are described.
PLAIN_DATA = {"respool._adapter", "respool._events", "respool._scrub", "respool._stats"}


def names(found: list[Import]) -> list[str]:
    return [str(each) for each in found]


def room_of(module: str) -> str:
    return ".".join(module.split(".")[:2])


def test_the_reader_sees_relative_and_absolute_imports() -> None:
    seen = {each.module for each in imports_of("respool")}
    assert {"respool._adapter", "respool._errors"} <= seen


def test_the_core_imports_no_driver_and_no_adapter() -> None:
    """Behaviour of the house: `respool` needs attrs and typing-extensions, its command line a little more."""
    strangers = [
        each
        for each in imports_under("respool")
        if each.top
        not in sys.stdlib_module_names | DEPENDENCIES | EXTRAS_OF.get(room_of(each.importer), set())
        or each.top == "sqlite3"
    ]
    assert [] == names(strangers)


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_imports_public_names_of_respool_only(adapter: str) -> None:
    ours = [each for each in imports_under(adapter) if each.top == "respool"]
    private = [each for each in ours if each.module not in PUBLIC]
    unlisted = [
        each for each in ours if each.module == "respool" and each.name not in {*respool.__all__, None}
    ]
    assert ([], []) == (names(private), names(unlisted))


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_reaches_into_no_other_adapter(adapter: str) -> None:
    others = set(ADAPTERS) - {adapter}
    assert [] == names([each for each in imports_under(adapter) if each.top in others])


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_takes_no_private_attribute_of_respool(adapter: str) -> None:
    """`import respool` must not become a way around the public names."""
    found = []
    for name, path in modules().items():
        if name == adapter or name.startswith(f"{adapter}."):
            nodes = [
                node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
            ]
            found += [
                node.attr for node in nodes if ast.unparse(node.value) == "respool" and node.attr[0] == "_"
            ]
    assert [] == found


def test_the_engine_is_pure() -> None:
    """Behaviour 136. No thread, loop, clock, lock or chance of its own: that comes in with the events."""
    impure = [each for each in imports_under("respool._engine") if each.top in IMPURE]
    assert [] == names(impure)


def test_the_engine_knows_no_shell() -> None:
    ours = [each for each in imports_under("respool._engine") if each.top == "respool"]
    assert [] == names(
        [each for each in ours if room_of(each.module) not in PLAIN_DATA | {"respool._engine"}]
    )


def test_the_engine_reads_no_clock_through_a_builtin() -> None:
    """`__import__` and importlib would go around the reader."""
    text = "\n".join(
        path.read_text() for name, path in modules().items() if name.startswith("respool._engine")
    )
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)}
    assert set() == called & {"__import__", "importlib.import_module", "import_module", "exec", "eval"}


@pytest.mark.parametrize("package", ["respool", *ADAPTERS])
def test_nothing_reads_the_clock_on_the_wall(package: str) -> None:
    """Behaviour 136. It jumps when somebody sets it, and every age and every deadline would jump with it."""
    imported = [
        each
        for each in imports_under(package)
        if each.top == "datetime" or (each.top == "time" and each.name in WALL_CLOCK)
    ]
    read = {
        f"{name}: {ast.unparse(node)}"
        for name, path in modules().items()
        if name.split(".")[0] == package
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "time" and node.attr in WALL_CLOCK
    }
    assert ([], set()) == (names(imported), read)


def test_the_imports_form_no_circle() -> None:
    """A package's `__init__` counts as a module: what it imports must not import it back."""
    known = modules()
    graph = {name: {each.module for each in imports_of(name)} & known.keys() - {name} for name in known}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(reversed(error.args[1]))}")
