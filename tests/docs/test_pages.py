"""Every block of Python in the README and in docs/ runs, page by page, in a folder of its own.

The blocks of a page share their names, in order. A page that needs servers says so in a comment near its top:
``<!-- needs: postgres, redis -->`` starts them, private and empty, and sets `POSTGRES_URL` and `REDIS_URL`.
With ``firewall`` among them each URL leads through a proxy of its own; `FIREWALL` is that of the last.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Document
from sybil.parsers.myst import PythonCodeBlockParser

from tests.servers import Proxy

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
}
WITH_CODE = [name for name, path in PAGES.items() if "```python" in path.read_text()]
NEEDS = re.compile(r"<!-- needs: ([a-z, ]+) -->")


@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_of_a_page_runs(
    page: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(PAGES[page]), PythonCodeBlockParser())
    # A real module: dataclasses, pickle and tracebacks look one up by name.
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)
    module.__dict__.update(names_for(document.text, request))
    document.namespace = module.__dict__
    assert 0 < run_blocks(document)


def names_for(text: str, request: pytest.FixtureRequest) -> dict[str, object]:
    found = NEEDS.search(text)
    kinds = found[1].replace(",", " ").split() if found else []
    names: dict[str, object] = {}
    for kind in kinds:
        if kind == "firewall":
            continue
        server = request.getfixturevalue(f"fresh_{kind}")
        names[f"{kind.upper()}_URL"] = server.url
        if "firewall" in kinds:
            proxy = request.getfixturevalue("proxy_to")(server)
            names |= {f"{kind.upper()}_URL": proxy.url(server.url), "FIREWALL": proxy}
    return names


def run_blocks(document: Document) -> int:
    """Run them in order and count them; an error's traceback names the page and the line."""
    count = 0
    for example in document:
        example.evaluate()
        count += 1
    return count


def test_blocks_share_their_names_and_a_failing_one_names_its_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Page\n\n```python\nx = 1\n```\n\n```text\nnot code\n```\n\n```python\nassert x == 2\n```\n"
    )
    with pytest.raises(AssertionError) as failure:
        run_blocks(Document.parse(str(page), PythonCodeBlockParser()))
    assert (str(page), 12) == (str(failure.traceback[-1].path), failure.traceback[-1].lineno + 1)


def test_a_page_gets_the_servers_it_names(request: pytest.FixtureRequest) -> None:
    names = names_for("# Page\n<!-- needs: redis -->\n", request)
    assert ["REDIS_URL"] == list(names)
    assert str(names["REDIS_URL"]).startswith("redis://127.0.0.1:")


def test_a_page_can_have_a_firewall_before_its_server(request: pytest.FixtureRequest) -> None:
    names = names_for("# Page\n<!-- needs: redis, firewall -->\n", request)
    proxy = names["FIREWALL"]
    assert isinstance(proxy, Proxy)
    assert f":{proxy.port}/" in str(names["REDIS_URL"])
