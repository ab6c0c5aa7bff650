"""The live screen of `respool load`: the pool's numbers as they change, with their history drawn."""

from __future__ import annotations

from collections.abc import Iterable

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ._history import History, Sample

__all__ = ["duration", "screen", "summary_table"]

BARS = " ▁▂▃▄▅▆▇█"
WIDTH = 48


def duration(seconds: float) -> str:
    """Write a duration as people read it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return "0" if seconds <= 0 else f"{seconds / 1e-9:.0f} ns"


def screen(history: History, title: str, length: float) -> RenderableType:
    """Draw the whole screen."""
    sample = history.samples[-1]
    return Panel(
        Group(_progress(sample, length), _occupancy(sample), _numbers(history), _line(history, sample)),
        title=f"[bold]respool load[/] {title}",
        border_style="cyan",
        padding=(0, 1),
    )


def _progress(sample: Sample, length: float) -> RenderableType:
    bar = ProgressBar(total=length, completed=min(sample.at, length), width=WIDTH)
    return Columns([bar, Text(f"{sample.at:5.1f} of {length:g} s")])


def _occupancy(sample: Sample) -> Text:
    """Draw each place of the pool: in use, idle, on its way, free."""
    stats = sample.stats
    moving = stats.creating + stats.checking + stats.resetting + stats.closing
    free = max(0, stats.max_size - stats.size)
    text = Text("places    ")
    for count, style in ((stats.in_use, "green"), (stats.idle, "blue"), (moving, "yellow"), (free, "dim")):
        text.append(("■" if style != "dim" else "·") * min(count, 64), style=style)
    waiting = f"  waiting {stats.waiting}"
    return text.append(waiting, style="bold red" if stats.waiting else "dim")


def _numbers(history: History) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="dim")
    for column, justify in (("", "left"), ("now", "right"), ("history", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # rich's literals
    samples = list(history.samples)[-WIDTH:]
    last = samples[-1]
    rows: list[tuple[str, str, Iterable[float], str]] = [
        ("size", f"{last.stats.size}/{last.stats.max_size}", (s.stats.size for s in samples), "cyan"),
        ("in use", str(last.stats.in_use), (s.stats.in_use for s in samples), "green"),
        ("idle", str(last.stats.idle), (s.stats.idle for s in samples), "blue"),
        ("waiting", str(last.stats.waiting), (s.stats.waiting for s in samples), "red"),
        ("leases/s", f"{last.throughput:,.0f}", (s.throughput for s in samples), "magenta"),
        ("wait p50", duration(last.p50_wait), (s.p50_wait for s in samples), "yellow"),
        ("wait p99", duration(last.p99_wait), (s.p99_wait for s in samples), "yellow"),
        ("hold p50", duration(last.p50_hold), (s.p50_hold for s in samples), "white"),
        ("hold p99", duration(last.p99_hold), (s.p99_hold for s in samples), "white"),
    ]
    for name, now, values, style in rows:
        table.add_row(name, now, Text(_spark(list(values)), style=style))
    return table


def _line(history: History, sample: Sample) -> Text:
    stats = sample.stats
    text = Text(f"target {stats.target}  ceiling {stats.ceiling}", style="dim")
    if history.reason:
        text.append(f"  {history.reason}")
    if history.whole.errors:
        errors = ", ".join(f"{count} {kind}" for kind, count in history.whole.errors.most_common(3))
        text.append(f"  {errors}", style="bold red")
    return text


def _spark(values: list[float]) -> str:
    top = max(values, default=0.0)
    if top <= 0:
        return " " * len(values)
    return "".join(BARS[min(8, int(value / top * 8 + 0.999))] for value in values)


def summary_table(summary: dict[str, object]) -> Table:
    """Draw the summary of a run."""
    table = Table(title=f"pool {summary['pool']}", title_justify="left", box=None, show_header=False)
    wait, hold = summary["wait"], summary["hold"]
    assert isinstance(wait, dict)
    assert isinstance(hold, dict)
    table.add_row(
        "leases", f"{summary['leases']:,} in {summary['seconds']} s, {summary['throughput']:,} a second"
    )
    for name, times in (("wait", wait), ("hold", hold)):
        table.add_row(name, ", ".join(f"{key} {duration(value)}" for key, value in times.items()))
    table.add_row("resources", f"peak {summary['peak_size']}, created {summary['created']}")
    errors, examples = summary["errors"], summary["error_examples"]
    assert isinstance(errors, dict)
    assert isinstance(examples, dict)
    table.add_row("errors", "none" if not errors else "")
    for kind, count in errors.items():
        table.add_row("", Text(f"{count} x {kind}: {examples.get(kind, '')}", style="red"))
    return table
