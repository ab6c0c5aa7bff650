"""What the reference says is what the code says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import attrs
import pytest

import respool
from respool._config import Settings
from tests.docs.behaviour_texts import CHAPTERS
from tests.docs.behaviours import held, numbers
from tests.docs.generate import ROOT, pages, renewed

REFERENCE = ROOT / "docs" / "reference"
ROW = re.compile(r"^\| `(\w+)` \| `(.+?)` \|", re.MULTILINE)
HELPERS = {"connect", "hygiene", "configure"}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_generated_part_is_up_to_date(page: Path) -> None:
    text = page.read_text()
    assert renewed(text) == text, f"{page.name} is out of date: run python -m tests.docs.generate"


def test_the_page_of_options_has_every_option_with_its_default() -> None:
    rows = dict(ROW.findall((REFERENCE / "options.md").read_text()))
    defaults = {field.name: field.default for field in attrs.fields(Settings)}
    options = respool.PoolOptions.__annotations__
    assert {name: defaults[name] for name in options} == {
        name: ast.literal_eval(value) for name, value in rows.items() if name not in HELPERS
    }
    assert HELPERS <= set(rows)


def test_the_page_of_errors_has_every_error() -> None:
    text = (REFERENCE / "errors.md").read_text()
    kinds = [getattr(respool, name) for name in respool.__all__]
    errors = [kind.__name__ for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)]
    assert [] == [name for name in errors if f"| `{name}` |" not in text]


def test_the_page_of_events_has_every_reason_that_the_engine_gives() -> None:
    text = (REFERENCE / "events.md").read_text()
    engine = "".join(path.read_text() for path in (ROOT / "respool" / "_engine").glob("*.py"))
    given = r'(?:retire\(slot, |reason(?:: str)? = |reason or |_retire_cold\(\w+, )"([a-z ]+)"'
    reasons = set(re.findall(given, engine))
    assert {"broken", "closed", "lifetime", "surplus"} <= reasons
    assert set() == {reason for reason in reasons if f"| `{reason}` |" not in text}


def test_every_listed_behaviour_is_held_by_a_test() -> None:
    listed = {number for texts in CHAPTERS.values() for number in texts}
    assert set() == listed - set(held())


def test_no_docstring_names_a_behaviour_that_is_not_listed() -> None:
    listed = {number for texts in CHAPTERS.values() for number in texts}
    assert set() == set(held()) - listed


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        (None, ()),
        ("Behaviour 24.", (24,)),
        ("Behaviours 1, 2 and 3. And 4 more.", (1, 2, 3)),
        ("Behaviours 53 to 55: growth.", (53, 54, 55)),
        ("Nothing of 7.", ()),
    ],
)
def test_numbers_are_read_from_docstrings(docstring: str | None, expected: tuple[int, ...]) -> None:
    assert expected == numbers(docstring)
