"""Tables for the terminal, JSON for machines, pictures for the documentation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from ._result import Table, machine, text_of, versions
from ._samples import NOISY, Spread
from .pools.base import load
from .pools.ours import OURS

__all__ = ["draw", "print_table", "print_verdict", "publish", "write_json"]


def print_table(console: Console, table: Table) -> None:
    """Print one table and what must be said of it."""
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", header_style="")
    for column in table.columns:
        words = column in (
            "pool",
            "backend",
            "does",
            "does not do",
            "what",
            "goal",
            "measured",
            "",
            "module",
            "held",
        )
        shown.add_column(column, justify="left" if words else "right")
    for row in table.rows:
        style = "bold" if row[0] == OURS else "red" if "NOT reached" in row else None
        shown.add_row(*map(text_of, row), style=style)
    console.print(shown)
    for note in table.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print()


def print_verdict(console: Console, tables: Sequence[Table]) -> None:
    """Say whether the machine was quiet enough for the ratios to mean something."""
    noise = [table.noise for table in tables if table.noise is not None]
    if not noise:
        return
    if max(noise) > NOISY:
        console.print(
            f"Too noisy: the interval of a reference was {max(noise):.0%} of its median "
            f"(a quiet machine stays under {NOISY:.0%}). Read the intervals of the ratios, or run again.",
            style="red",
        )
    else:
        console.print(
            f"Quiet enough: the references' intervals were at most {max(noise):.0%} of their medians."
        )


def write_json(path: Path, tables: Sequence[Table]) -> None:
    """Write everything down."""
    found: dict[str, Any] = {"machine": machine(), "versions": versions()}
    found["tables"] = [table.as_json() for table in tables]
    path.write_text(json.dumps(found, indent=1) + "\n")


# ---------------------------------------------------------------------- pictures

OTHERS, MINE = "#8a94a6", "#0b7285"


def publish(folder: Path, tables: Sequence[Table]) -> list[Path]:
    """Write for the documentation: all tables as one text, and as SVG what can be drawn of them."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "bench-tables.txt"
    head = (
        f"Measured with {machine()}; {', '.join(f'{name} {number}' for name, number in versions().items())}."
    )
    text.write_text("\n\n".join([head, *(_markdown(table) for table in tables)]) + "\n")
    return [text, *draw(folder, tables)]


def _markdown(table: Table) -> str:
    heads = [column or "verdict" for column in table.columns]
    lines = [f"### {table.title}", "", f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in table.rows:
        cells = [text_of(cell) for cell in row]
        if row[0] == OURS:
            cells[0] = f"**{cells[0]}**"
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, *(f"\n{note}" for note in table.notes)])


def draw(folder: Path, tables: Sequence[Table]) -> list[Path]:
    """Draw what can be drawn of these tables, as SVG."""
    pyplot = _pyplot()
    made = []
    for table in tables:
        if table.name == "contended":
            made.append(_fairness(pyplot, table, folder / "bench-fairness.svg"))
        if (column := DRAWN.get(table.name)) is not None:
            path = folder / f"bench-{table.name.replace('_', '-')}.svg"
            _bars(pyplot, table, column, path)
            made.append(path)
    return made


DRAWN = {
    "thread_leases": "block, ratio",
    "asyncio_leases": "block, ratio",
    "real_connections": "a lease adds, us",
}
"""Which column of which table is drawn as bars."""


def _pyplot() -> Any:
    load("matplotlib").use("svg")
    pyplot = load("matplotlib.pyplot")
    pyplot.rcParams.update({"svg.hashsalt": "respool", "font.size": 9, "axes.spines.top": False})
    pyplot.rcParams.update({"axes.spines.right": False, "svg.fonttype": "none"})
    return pyplot


def _bars(pyplot: Any, table: Table, column: str, path: Path) -> None:
    """One bar per pool, shortest on top, with the interval as a whisker."""
    at = table.columns.index(column)
    rows = [row for row in table.rows if isinstance(row[at], Spread)]
    rows.sort(key=lambda row: _spread(row[at]).middle, reverse=True)
    spreads = [_spread(row[at]) for row in rows]
    middles = [each.middle for each in spreads]
    whiskers = [
        [max(0.0, each.middle - each.low) for each in spreads],
        [max(0.0, each.high - each.middle) for each in spreads],
    ]
    names = [f"{row[0]} ({row[1]})" if table.columns[1] == "backend" else str(row[0]) for row in rows]
    figure, axes = pyplot.subplots(figsize=(7.5, 0.26 * len(rows) + 1.1))
    colours = [MINE if str(row[0]).startswith(OURS) else OTHERS for row in rows]
    axes.barh(names, middles, xerr=whiskers, color=colours, error_kw={"lw": 0.8})
    axes.set_xscale("log")
    axes.set_xlabel(f"{column} (log), shorter is better")
    figure.suptitle(table.title, x=0.01, ha="left", fontsize=10)
    _save(pyplot, figure, path)


def _fairness(pyplot: Any, table: Table, path: Path) -> Path:
    """Throughput against the longest wait, for many threads on few resources held for no time."""
    rows = [row for row in table.rows if row[1:4] == (64, 4, "0")]
    figure, axes = pyplot.subplots(figsize=(7.5, 3.6))
    for row in rows:
        colour = MINE if str(row[0]).startswith(OURS) else OTHERS
        axes.scatter(row[8], row[4], color=colour, s=36)
        axes.annotate(
            f"{row[0]} (Jain {row[9]:.2f})",
            (row[8], row[4]),
            textcoords="offset points",
            xytext=(6, 3),
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.3, y=0.2)
    axes.set_xlabel("longest wait, ms (log)")
    axes.set_ylabel("cycles per second (log)")
    axes.set_title(
        "64 threads on 4 resources held for no time: fast and fair is up and left", loc="left", fontsize=10
    )
    _save(pyplot, figure, path)
    return path


def _spread(cell: object) -> Spread:
    assert isinstance(cell, Spread), "filtered before"
    return cell


def _save(pyplot: Any, figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
