"""The Pareto picture: p99 wait against resource-seconds, one panel per workload."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.elastic.table import BOUND, Row

__all__ = ["draw"]

LEAST = 1e-4
"""A wait below this, s, is drawn here: the axis is logarithmic."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw it with matplotlib (the ``cli`` extra), as the file's ending asks."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 3
    lines = math.ceil(len(rows) / columns)
    figure, panels = pyplot.subplots(lines, columns, figsize=(11, 2.9 * lines), squeeze=False)
    for number, panel in enumerate(panels.flat):
        if number < len(rows):
            _panel(panel, rows[number], legend=number == 0)
        else:
            panel.set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _panel(panel: Any, row: Row, *, legend: bool) -> None:
    cells = {"respool": row.respool, **row.peers}
    for name, cell in cells.items():
        marker = "*" if name == "respool" else "o"
        panel.plot(
            cell.cost / cell.minutes / 60, max(LEAST, cell.p99), marker, label=name, markersize=9, alpha=0.8
        )
    panel.axhline(BOUND, color="grey", linewidth=0.8, linestyle="--")
    panel.set(title=row.name, yscale="log", xlabel="resources on average", ylabel="p99 wait, s")
    panel.set_xlim(left=0)
    if legend:
        panel.legend(fontsize="x-small")
