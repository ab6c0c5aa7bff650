"""The guides to whole kinds of resources: the file that each prints passes the kit that it prints.

Their other blocks run with those of all pages, in `tests/docs`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.environment import HANG
from tests.kit.test_guides import block, run_kit
from tests.servers import MemcachedServer

pytestmark = pytest.mark.timeout(3 * HANG)


def kit_of(page: str, folder: Path, name: str, **files: str) -> str:
    """Run the kit of a page, beside the file that the page calls ``name``; give the report."""
    page = f"howto/{page}.md"
    return run_kit(
        folder, **{name: block(page, "def create(self)"), "test_kit": block(page, "AdapterTests["), **files}
    )


def test_the_smtp_adapter_passes(tmp_path: Path) -> None:
    conftest = block("tutorial/first-adapter.md", 'scope="session"')
    report = kit_of("smtp", tmp_path, "mail_pool", conftest=conftest)
    assert " passed, " in report, report
    assert "failed" not in report, report


def test_the_memcached_adapter_passes(
    tmp_path: Path, fresh_memcached: MemcachedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMCACHED_URL", fresh_memcached.url)
    report = kit_of("memcached", tmp_path, "memcached_pool")
    assert " passed, " in report, report
    assert "failed" not in report, report


def test_the_ssh_adapter_passes(tmp_path: Path) -> None:
    report = kit_of("ssh", tmp_path, "ssh_pool", conftest=block("howto/ssh.md", "@pytest.fixture(scope="))
    assert " passed, " in report, report
    assert "failed" not in report, report


def test_the_worker_adapter_passes(tmp_path: Path) -> None:
    report = kit_of("workers", tmp_path, "worker_pool")
    assert " passed, " in report, report
    assert "failed" not in report, report
