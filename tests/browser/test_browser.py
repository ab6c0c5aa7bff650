"""The guide to headless browsers, against the system's Chromium; `tox -e browser` runs it.

As root the package is installed where it is missing; elsewhere its absence is a visible skip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.kit.environment import HANG
from tests.kit.test_guides import block, run_kit

pytestmark = pytest.mark.timeout(3 * HANG)

PAGE = "howto/browser.md"
INSTALL = ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    """See to it that there is a Chromium."""
    if chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], INSTALL):
            subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False, timeout=600)
    if chromium() is None:
        pytest.skip("no Chromium here (Debian: apt-get install chromium)")


class Site(BaseHTTPRequestHandler):
    """Serves one page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>site</title>")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_no_lease_is_logged_in_as_the_last_one(tmp_path: Path, site: str) -> None:
    (tmp_path / "browser_pool.py").write_text(block(PAGE, "class BrowserAdapter"))
    (tmp_path / "example.py").write_text(f"SITE = {site!r}\n" + block(PAGE, "async def visit"))
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=HANG
    )
    assert 0 == done.returncode, done.stderr


def test_the_browser_adapter_passes_the_kit(tmp_path: Path) -> None:
    """Some hundred browsers."""
    report = run_kit(
        tmp_path,
        browser_pool=block(PAGE, "class BrowserAdapter"),
        test_kit=block(PAGE, "AsyncAdapterTests["),
    )
    assert " passed, " in report, report
    assert "failed" not in report, report
