"""Writes what pages take from the code and the tests: ``python -m tests.docs.generate``.

A page has ``<!-- generated: events -->`` and ``<!-- end -->``; what is between them comes from here. A test
holds that every page is up to date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tests.docs import behaviours, commands, events, parity

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
MAKERS: dict[str, Callable[[], str]] = {
    "behaviours": behaviours.write,
    "commands": commands.write,
    "events": events.write,
    "flags": commands.write_flags,
    "parity": parity.write,
}


def pages() -> list[Path]:
    """List the pages that have generated parts."""
    return [page for page in sorted(ROOT.glob("docs/**/*.md")) if BLOCK.search(page.read_text())]


def renewed(text: str) -> str:
    """Give a page's text with its generated parts as they should be."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{MAKERS[found[2]]().strip()}\n\n{found[3]}", text)


if __name__ == "__main__":
    for page in pages():
        page.write_text(renewed(page.read_text()))
