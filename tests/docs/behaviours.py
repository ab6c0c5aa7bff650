"""Which numbered behaviours are held by which tests, from the tests' docstrings."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.docs.behaviour_texts import CHAPTERS

__all__ = ["held", "numbers", "write"]

TESTS = Path(__file__).parents[1]
MARK = re.compile(r"\bBehaviours? (\d+(?:(?:, | and |, and |, | to )\d+)*)")
IS_TEST = re.compile("test_|rule_")
SHOWN = 6
"""So many tests are named per behaviour; the rest is a number."""


def numbers(docstring: str | None) -> tuple[int, ...]:
    """Read the numbers of a docstring: ``Behaviours 1, 2 and 3.``, ``Behaviours 53 to 55.``"""
    found: set[int] = set()
    for text in MARK.findall(docstring or ""):
        for begin, end in re.findall(r"(\d+)(?: to (\d+))?", text):
            found.update(range(int(begin), int(end or begin) + 1))
    return tuple(sorted(found))


def held() -> dict[int, list[str]]:
    """Give the tests of each number, each as its sentence and its module."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and IS_TEST.match(node.name):
                sentence = IS_TEST.sub("", node.name).replace("_", " ")
                for number in numbers(ast.get_docstring(node)):
                    found[number].append(f"{sentence} (`{path.relative_to(TESTS)}`)")
    return found


def write() -> str:
    """Write a table per chapter."""
    tests = held()
    return "\n\n".join(_chapter(title, texts, tests) for title, texts in CHAPTERS.items())


def _chapter(title: str, texts: dict[int, str], tests: dict[int, list[str]]) -> str:
    rows = [f"## {title}", "", "| | behaviour | held by |", "|---|---|---|"]
    for number, text in texts.items():
        names = tests.get(number, [])
        more = [f"and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
        rows.append(f"| {number} | {text} | {'<br>'.join([*names[:SHOWN], *more])} |")
    return "\n".join(rows)
