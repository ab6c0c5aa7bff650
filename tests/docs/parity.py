"""The table of what runs on both shells and what is special to one, from `tests/shells`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import attrs

from tests.docs.behaviours import numbers

__all__ = ["scenarios", "write"]

SHELLS = Path(__file__).parents[1] / "shells"
BOTH = ("threads", "asyncio")


@attrs.frozen
class Scenario:
    """One test: its sentence, where it runs, which numbered behaviours it holds."""

    sentence: str
    shells: tuple[str, ...]
    behaviours: tuple[int, ...]


def write() -> str:
    """Write the totals and a table per module."""
    rooms = [(_title(path), scenarios(path)) for path in sorted(SHELLS.glob("test_*.py"))]
    every = [scenario for _, found in rooms for scenario in found]
    counts = {
        "on both": sum(scenario.shells == BOTH for scenario in every),
        "on threads alone": sum(scenario.shells == ("threads",) for scenario in every),
        "on asyncio alone": sum(scenario.shells == ("asyncio",) for scenario in every),
    }
    total = ", ".join(f"{count} {where}" for where, count in counts.items())
    return "\n\n".join(
        [f"{len(every)} scenarios: {total}.", *(_table(title, found) for title, found in rooms)]
    )


def _title(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring is not None, f"{path.name} has no docstring"
    return " ".join(docstring.split("\n\n")[0].split()).rstrip(".")


def _table(title: str, found: list[Scenario]) -> str:
    rows = [f"## {title}", "", "| scenario | threads | asyncio | behaviours |", "|---|---|---|---|"]
    for scenario in found:
        marks = " | ".join("yes" if shell in scenario.shells else "" for shell in BOTH)
        rows.append(f"| {scenario.sentence} | {marks} | {', '.join(map(str, scenario.behaviours))} |")
    return "\n".join(rows)


def scenarios(path: Path) -> list[Scenario]:
    """Read the tests of one module, in order."""
    text = path.read_text()
    return [
        Scenario(_sentence(test.name), _shells(path, test, text), numbers(ast.get_docstring(test)))
        for test in _tests(ast.parse(text))
    ]


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _shells(path: Path, test: ast.FunctionDef | ast.AsyncFunctionDef, text: str) -> tuple[str, ...]:
    """Where a test runs: with a `rig` on both; else as its module's name or its own words say."""
    if "rig" in {argument.arg for argument in test.args.args}:
        return BOTH
    if path.name.startswith("test_async"):
        return ("asyncio",)
    body = ast.get_source_segment(text, test) or ""
    speaks_async = re.search(r"[Aa]sync", body) is not None
    speaks_threads = not speaks_async or re.search(r"(?<!Async)\b(Pool|make_pool)\(", body) is not None
    return tuple(shell for shell, speaks in zip(BOTH, (speaks_threads, speaks_async), strict=True) if speaks)
