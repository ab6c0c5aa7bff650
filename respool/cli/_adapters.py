"""`respool adapters`: which backends there are, and what the others need."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from respool import Backend

from .._registry import SHIPPED, entry_points_by_scheme
from .._scrub import describe

__all__ = ["command", "survey"]


def survey() -> list[dict[str, Any]]:
    """List one row per package that claims a scheme, installed or shipped."""
    rows: dict[str, dict[str, Any]] = {}
    for scheme, points in sorted(entry_points_by_scheme().items()):
        for point in points:
            package = point.value.partition(":")[0]
            row = rows.setdefault(package, _row(package, point))
            row["schemes"].append(scheme)
            if len(points) > 1:
                others = {other.value.partition(":")[0] for other in points} - {package}
                row["state"] = f"refused: {scheme} is claimed by {', '.join(sorted(others))} too"
    for scheme, (package, extra) in SHIPPED.items():
        if package not in rows:
            rows[package] = {
                "name": package,
                "schemes": [],
                "version": None,
                "install": extra,
                "state": "missing",
            }
        if rows[package]["state"] == "missing":
            rows[package]["schemes"].append(scheme)
    return [rows[package] for package in sorted(rows)]


def _row(package: str, point: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"name": package, "schemes": [], "install": None, "state": "installed"}
    row["version"] = point.dist.version if point.dist is not None else None
    try:
        backend = point.load()
    except Exception as exc:
        return {**row, "state": f"broken: {describe(exc)}"}
    if not isinstance(backend, Backend):
        return {**row, "state": f"broken: {point.value} is no Backend"}
    row["name"] = backend.name
    drivers = dict.fromkeys((backend.driver, backend.async_driver))
    missing = [driver for driver in drivers if driver and not _has(driver)]
    if missing:
        row["install"] = backend.extra or " ".join(missing)
        row["state"] = "needs " + ", ".join(missing)
    return row


def _has(driver: str) -> bool:
    """Whether a driver's distribution is installed, whatever extras its name carries."""
    try:
        metadata.version(driver.partition("[")[0])
    except metadata.PackageNotFoundError:
        return False
    return True


@click.command("adapters")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(as_json: bool) -> None:
    """List the installed adapters: name, URL schemes, version, and what to install for the rest."""
    rows = survey()
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("adapter", "schemes", "version", "state", "to install"):
        table.add_column(column, overflow="fold")
    for row in rows:
        install = f"pip install '{row['install']}'" if row["install"] else ""
        cells = (row["name"], ", ".join(row["schemes"]), row["version"] or "", row["state"], install)
        table.add_row(*map(Text, cells))  # plain text: markup would swallow the extra of 'respool[redis]'
    Console().print(table)
