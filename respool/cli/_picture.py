"""The picture of a curve: p99 wait against resource-seconds, as PNG, SVG or in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from rich.bar import Bar
from rich.table import Table
from rich.text import Text

from respool.simulation import Point

__all__ = ["draw", "require_matplotlib", "table"]

WIDTH = 12


def table(points: Sequence[Point], title: str) -> Table:
    """Draw the points for a terminal, with bars on scales of their own; the cost is in resource-seconds."""
    heading = Text(title, style="table.title")  # plain text: the name of a file may look like markup
    drawn = Table(title=heading, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in ("setting", "p99 wait", "", "cost", "", "failed", "creates", "peak"):
        if column:
            drawn.add_column(column, justify="left" if column == "setting" else "right", no_wrap=True)
        else:
            drawn.add_column(max_width=WIDTH)  # narrow terminals take from the bars: settings must stay apart
    longest = max((point.p99_wait for point in points), default=0.0)
    dearest = max((point.resource_seconds for point in points), default=0.0)
    for point in points:
        drawn.add_row(
            point.setting,
            f"{point.p99_wait * 1e3:.3g} ms" if point.p99_wait < 1.0 else f"{point.p99_wait:.3g} s",
            Bar(longest, 0, point.p99_wait, color="yellow"),
            f"{point.resource_seconds:,.0f}",
            Bar(dearest, 0, point.resource_seconds, color="cyan"),
            f"{point.failed:.1%}",
            f"{point.creates:g}",
            f"{point.peak_size:g}",
        )
    return drawn


def require_matplotlib() -> None:
    """See whether a picture can be drawn, before there is anything to draw.

    Raises:
        ImportError: It cannot; says what to install.
    """
    try:
        import_module("matplotlib")
    except ImportError as exc:
        raise ImportError("--plot needs matplotlib: pip install 'respool[cli]'") from exc


def draw(points: Sequence[Point], title: str, target_wait: float, path: Path) -> None:
    """Write the picture; the suffix says whether PNG or SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5))
    for kind, label, style in (("max_size", "fixed size", "o-"), ("target_wait", "elastic", "s--")):
        line = [point for point in points if point.setting.startswith(kind)]
        if line:
            costs = [point.resource_seconds for point in line]
            waits = [max(point.p99_wait * 1e3, 1e-3) for point in line]
            axes.plot(costs, waits, style, label=label)
            for point, cost, wait in zip(line, costs, waits, strict=True):
                axes.annotate(f"{point.value:g}", (cost, wait), xytext=(4, 4), textcoords="offset points")
    axes.axhline(target_wait * 1e3, color="grey", linewidth=0.8, label=f"target {target_wait * 1e3:g} ms")
    axes.set(xlabel="resource-seconds", ylabel="p99 wait, ms", yscale="log")
    axes.set_title(title, parse_math=False)  # the name of a file may look like a formula
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)
    pyplot.close(figure)
