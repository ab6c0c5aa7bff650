"""The live screen of `respool load`: the pool's numbers as they change, with their history drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ._history import SPAN, History, Sample

__all__ = ["duration", "screen", "summary_table"]

BARS = " ▁▂▃▄▅▆▇█"
COLUMNS = 44
"""Of the history: the whole screen fits a terminal of 80."""
PLACES = 40
"""How many places, and how many waiting callers, are drawn one by one."""


@attrs.frozen
class _Row:
    """One line of the screen: its name, its colour, where its number is, how the number is written."""

    name: str
    style: str
    value: Callable[[Sample], float]
    write: Callable[[float], str] = "{:,.0f}".format
    of_places: bool = False
    """Drawn against ``max_size``, so that the lines can be compared; else against its own highest."""


def duration(seconds: float) -> str:
    """Write a duration as people read it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return "0" if seconds <= 0 else f"{seconds / 1e-9:.0f} ns"


ROWS = (
    _Row("size", "cyan", lambda s: s.stats.size, of_places=True),
    _Row("in use", "green", lambda s: s.stats.in_use, of_places=True),
    _Row("idle", "blue", lambda s: s.stats.idle, of_places=True),
    _Row("waiting", "red", lambda s: s.stats.waiting),
    _Row("leases/s", "magenta", lambda s: s.throughput),
    _Row("wait p50", "yellow", lambda s: s.p50_wait, duration),
    _Row("wait p99", "yellow", lambda s: s.p99_wait, duration),
    _Row("hold p50", "white", lambda s: s.p50_hold, duration),
    _Row("hold p99", "white", lambda s: s.p99_hold, duration),
)


def screen(history: History, title: str, length: float) -> RenderableType:
    """Draw the whole screen."""
    sample = history.samples[-1]
    parts = (_occupancy(sample), _legend(), Text(), _numbers(history, length), Text(), _foot(history, sample))
    return Panel(
        Group(*parts),
        title=Text.assemble(
            ("respool load", "bold"), f": {title}, {min(sample.at, length):.1f} of {length:g} s"
        ),
        border_style="cyan",
        box=box.ROUNDED,
        padding=(0, 1),
        width=80,
    )


def _occupancy(sample: Sample) -> Text:
    """Draw each place of the pool (in use, idle, on its way, free), and who waits for one."""
    stats = sample.stats
    moving = stats.creating + stats.checking + stats.resetting + stats.closing
    free = max(0, stats.max_size - stats.size)
    counts = ((stats.in_use, "green"), (stats.idle, "blue"), (moving, "yellow"), (free, "bright_black"))
    text = Text("places    ")
    room = PLACES
    for count, style in counts:
        drawn = min(count, room)
        room -= drawn
        text.append(("·" if style == "bright_black" else "■") * drawn, style=style)
    return text.append("  " + "▸" * min(stats.waiting, PLACES // 2), style="red")


def _legend() -> Text:
    text = Text(" " * 10)
    marks = (
        ("■ in use", "green"),
        ("■ idle", "blue"),
        ("■ on its way", "yellow"),
        ("· free", "bright_black"),
    )
    for mark, style in (*marks, ("▸ waiting", "red")):
        text.append(mark[0], style=style).append(mark[1:] + "   ", style="bright_black")
    return text


def _numbers(history: History, length: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bright_black", padding=(0, 2, 0, 0))
    table.add_column("", width=8)
    table.add_column("now", justify="right", width=7)
    table.add_column("history", width=COLUMNS)
    table.add_column("highest", justify="right", width=8)
    samples = history.samples
    columns = _columns(samples, length)
    for row in ROWS:
        highest = max(row.value(sample) for sample in samples)
        top = float(samples[-1].stats.max_size) if row.of_places else highest
        line = "".join(_bar(None if sample is None else row.value(sample), top) for sample in columns)
        now = row.write(row.value(samples[-1]))
        table.add_row(row.name, now, Text(line, style=row.style), row.write(highest))
    return table


def _columns(samples: Sequence[Sample], length: float) -> list[Sample | None]:
    """Spread the run over the columns: all of it, or its latest part where it is long."""
    end = samples[-1].at
    span = min(length, SPAN)
    begin = max(0.0, end - span)
    columns: list[Sample | None] = []
    at = 0
    for column in range(COLUMNS):
        moment = begin + column * span / COLUMNS
        while at < len(samples) - 1 and samples[at].at < moment:
            at += 1
        columns.append(samples[at] if moment <= end else None)
    return columns


def _bar(value: float | None, top: float) -> str:
    if value is None or value <= 0 or top <= 0:
        return BARS[0]
    return BARS[max(1, min(8, int(value / top * 8 + 0.5)))]


def _foot(history: History, sample: Sample) -> Text:
    """Say what the pool wants and why, and what has gone wrong."""
    stats = sample.stats
    text = Text(f"target {stats.target}, ceiling {stats.ceiling}", style="bright_black")
    if stats.reason:
        text.append(f" ({stats.reason})")
    if history.whole.errors:
        errors = ", ".join(f"{count} {kind}" for kind, count in history.whole.errors.most_common(3))
        text.append(f"\n{errors}", style="bold red")
    return text


def summary_table(summary: dict[str, Any]) -> RenderableType:
    """Draw the summary of a run."""
    head = Text(f"pool {summary['pool']}: ", style="bold")
    head.append(f"{summary['leases']:,} leases in {summary['seconds']} s, {summary['throughput']:,} a second")
    times = Table(box=None, header_style="bright_black", padding=(0, 3, 0, 0))
    for column in ("", *summary["wait"]):
        times.add_column(column, justify="right" if column else "left")
    for name in ("wait", "hold"):
        times.add_row(name, *map(duration, summary[name].values()))
    lines = [f"size up to {summary['peak_size']}, {summary['created']} created"]
    if summary["reason"]:
        lines.append(f"it last {summary['reason']}")
    if summary["create_failures"]:
        lines.append(f"{summary['create_failures']} creates failed, the last with {summary['last_error']}")
    return Group(head, times, *map(Text, lines), _errors(summary))


def _errors(summary: dict[str, Any]) -> Text:
    """List the errors by kind, each with the words of its first."""
    if not summary["errors"]:
        return Text("no errors")
    lines = [
        f"{count:,} x {kind}, such as: {summary['error_examples'].get(kind, '')}"
        for kind, count in summary["errors"].items()
    ]
    return Text("\n".join(lines), style="red")
