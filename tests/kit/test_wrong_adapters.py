"""Every wrong adapter fails the test that is there for it, and the message says how to mend it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.kit import wrong_adapters
from tests.kit.environment import HANG
from tests.kit.wrong_adapters import WRONGS, Wrong

pytestmark = pytest.mark.timeout(3 * HANG)

FILE = Path(wrong_adapters.__file__)


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """Run the named tests once, as a stranger's project would, and give each failure's text."""
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "pytest.ini").write_text("[pytest]\n")
    report = folder / "report.xml"
    command = [sys.executable, "-P", "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider"]
    command += ["-c", str(folder / "pytest.ini"), "--import-mode=append", f"--junitxml={report}"]
    command += [f"{FILE}::{wrong.kit}::{wrong.fails}" for wrong in WRONGS]
    shown = subprocess.run(command, cwd=FILE.parents[2], capture_output=True, text=True, timeout=HANG)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    return {
        (case.get("classname", "").rpartition(".")[2], case.get("name", "")): failure.text or ""
        for case in ElementTree.parse(report).iter("testcase")
        for failure in case.iter("failure")
    }


@pytest.mark.parametrize("wrong", WRONGS, ids=lambda wrong: wrong.kit)
def test_a_wrong_adapter_is_found_out_and_told_how_to_mend(
    wrong: Wrong, failures: dict[tuple[str, str], str]
):
    told = failures.get((wrong.kit, wrong.fails), "it passed")
    for words in wrong.says:
        assert words in told
    assert "to mend it: " in told
    assert "During handling" not in told


def test_there_are_more_than_twenty_wrong_adapters():
    assert len(WRONGS) >= 20
