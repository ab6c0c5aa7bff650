"""What the screen of `respool load` says about the pool's size, and why."""

from __future__ import annotations

import io
import re

import attrs
from rich.console import Console, RenderableType

from respool import Pool
from respool.cli._history import History
from respool.cli._meter import Meter
from respool.cli._screen import screen, summary_table
from respool.testing import ScriptedAdapter
from tests.cli.hand import Terminal, process
from tests.servers import Endpoint

WHY = "grew to 7: demand p99 6.3, target wait 10 ms"


def drawn(what: RenderableType) -> str:
    """Give the words of a picture, without its frame."""
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(what)
    return " ".join(console.export_text().replace("│", " ").split())


def test_the_screen_shows_target_and_ceiling_and_why_it_last_grew() -> None:
    with Pool(ScriptedAdapter(), max_size=12) as pool:
        stats = attrs.evolve(pool.stats(), target=7, ceiling=9, reason=WHY)
    history = History(Meter())
    history.sample(stats)
    assert f"target 7, ceiling 9 ({WHY})" in drawn(screen(history, "pool orders", 10.0))
    assert f"it last {WHY}" in drawn(summary_table(history.summary(stats)))


def test_a_pool_that_has_not_moved_yet_gives_no_reason() -> None:
    with Pool(ScriptedAdapter(), max_size=12) as pool:
        stats = pool.stats()
    history = History(Meter())
    history.sample(stats)
    shown = drawn(screen(history, "pool orders", 10.0))
    assert "target 0, ceiling 12" in shown
    assert "(" not in shown
    assert "it last" not in drawn(summary_table(history.summary(stats)))


def test_a_real_postgres_under_load_is_told_of_in_words(postgres_server: Endpoint) -> None:
    load = ("load", postgres_server.url, "--duration", "1.5", "--max-size", "6", "--hold", "0.02")
    terminal = Terminal(*load, "--workers", "12")
    terminal.read_until("(grew to ")
    assert 0 == terminal.end()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.text)
    assert re.search(r"target \d, ceiling 6 \(grew to \d: ", text), text[-3000:]
    assert re.search(r"it last (grew|shrank) to \d: ", text), text[-3000:]


def test_without_a_terminal_the_target_is_in_the_lines_and_the_reason_in_the_summary(
    postgres_server: Endpoint,
) -> None:
    load = ("load", postgres_server.url, "--duration", "1.5", "--max-size", "6", "--hold", "0.02")
    lines = process(*load, "--workers", "12").stdout.splitlines()
    assert re.search(r"  target \d  ", lines[0]), lines
    assert [line for line in lines if re.match(r"it last (grew|shrank) to \d: ", line)], lines
