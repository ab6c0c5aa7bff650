"""The guides for authors of adapters hold: their files, as printed, pass the kit."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from respool.testing import AdapterTests
from tests.kit.environment import HANG
from tests.kit.listing import lines

pytestmark = pytest.mark.timeout(3 * HANG)

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(python|py)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def block(page: str, words: str) -> str:
    """Give the one code block of a page that contains these words."""
    found = [code for _, code in BLOCK.findall((DOCS / page).read_text()) if words in code]
    assert 1 == len(found), f"{len(found)} blocks of {page} contain {words!r}"
    return found[0]


def run_kit(folder: Path, **files: str) -> str:
    """Write the files, run pytest among them as a reader would, and give its report."""
    for name, text in {"pytest_ini": "[pytest]\n", **files}.items():
        suffix = "pytest.ini" if name == "pytest_ini" else f"{name}.py"
        (folder / suffix).write_text(text)
    command = [sys.executable, "-P", "-m", "pytest", "-ra", "--import-mode=prepend"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=HANG).stdout


def tutorial(reset: str = "session.rset()") -> dict[str, str]:
    page = "tutorial/first-adapter.md"
    return {
        "smtp_adapter": block(page, "class SmtpAdapter").replace("session.rset()", reset),
        "conftest": block(page, 'scope="session"'),
        "test_smtp_adapter": block(page, "class TestSmtpAdapter"),
    }


def test_the_first_adapter_passes_the_kit_in_at_most_forty_lines(tmp_path: Path):
    files = tutorial()
    report = run_kit(tmp_path, **files)
    page = (DOCS / "tutorial/first-adapter.md").read_text()
    counted = re.search(r"(\d+) passed, (\d+) skipped", page)
    assert counted is not None
    assert f"{counted[0]} in" in report
    lines = [
        line for name in ("smtp_adapter", "test_smtp_adapter") for line in files[name].splitlines() if line
    ]
    assert f"{counted[1]} tests for {len(lines)} lines" in page
    assert len(lines) <= 40


def test_the_tutorial_shows_what_the_kit_says_of_a_reset_that_forgets(tmp_path: Path):
    report = run_kit(tmp_path, **tutorial(reset="pass"))
    shown = re.findall(
        r"```text\n(reset returned.*?)\n```", (DOCS / "tutorial/first-adapter.md").read_text(), re.DOTALL
    )
    assert 1 == len(shown)
    assert shown[0] in report


def test_the_robust_adapter_passes_the_whole_kit(tmp_path: Path):
    page = "howto/robust-adapter.md"
    report = run_kit(
        tmp_path,
        smtp_adapter=block(page, "class SmtpAdapter"),
        conftest=block(page, 'scope="session"'),
        test_smtp_adapter=block(page, "class TestSmtpAdapter"),
    )
    assert " passed in " in report
    assert "skipped" not in report


OPENS = """
from respool import open_pool
from respool_smtp import SmtpAdapter, smtp_pool

for opened in (open_pool, smtp_pool):
    pool = opened("smtp://127.0.0.1:2525", max_size=4, validate_timeout=1, name="mail")
    print(pool, pool.close())
"""


def test_the_published_package_opens_by_its_url(tmp_path: Path):
    page = "howto/publish-adapter.md"
    adapter, helper = block(page, "class SmtpAdapter"), block(page, "def smtp_pool")
    package, info = tmp_path / "respool_smtp", tmp_path / "respool_smtp-0.1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_text(adapter + helper)
    # What an installer makes of the entry point in the page's pyproject.toml.
    project = tomllib.loads(re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)[0])[
        "project"
    ]
    ((group, points),) = project["entry-points"].items()
    lines = "\n".join(f"{name} = {value}" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[{group}]\n{lines}\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: respool-smtp\nVersion: 0.1.0\n")
    shown = subprocess.run(
        [sys.executable, "-c", OPENS], cwd=tmp_path, capture_output=True, text=True, timeout=HANG
    )
    assert 2 == shown.stdout.count("mail"), shown.stderr
    assert 2 == shown.stdout.count("True"), shown.stderr


def test_the_reference_lists_the_tests_of_the_kit_as_they_are():
    page = (DOCS / "reference/kit.md").read_text().splitlines()
    start = page.index("| test | asks | needs | in |")
    assert list(lines()) == page[start:]


def test_the_reference_names_every_back_door_and_bound():
    page = (DOCS / "reference/kit.md").read_text()
    given = [name for name in dir(AdapterTests) if not name.startswith(("_", "test_", "pytestmark"))]
    assert [name for name in given if f"| `{name}" not in page] == []
