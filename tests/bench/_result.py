"""What a section hands over: tables of plain numbers, which become text, JSON and pictures."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import attrs

from ._samples import Spread, brief

__all__ = ["Bounds", "Cell", "Goal", "Table", "machine", "text_of", "versions"]

Cell = float | str | Spread | None


@attrs.frozen
class Bounds:
    """How much work a run may do."""

    rounds: int
    slice_s: float
    seconds: float
    """For each contended combination."""
    turns: int
    """How often the pools of a backend take their turn at a crowd; each is shown at its median."""
    most_tasks: int
    most_pairs: int
    """Paired measurements on a real connection, in each process."""
    processes: int
    """In how many these are made."""
    rest: float
    """Seconds over which an idle pool's processor time is watched."""

    @classmethod
    def of(cls, *, quick: bool) -> Bounds:
        """Give the bounds of a full run (some minutes) or of a quick one."""
        if quick:
            return cls(
                9,
                slice_s=0.003,
                seconds=0.25,
                turns=1,
                most_tasks=1000,
                most_pairs=100,
                processes=2,
                rest=2.0,
            )
        return cls(
            25, slice_s=0.005, seconds=0.5, turns=5, most_tasks=10_000, most_pairs=300, processes=7, rest=30.0
        )


@attrs.frozen
class Table:
    """One workload: a row per pool (or per size), a cell per column."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    noise: float | None = None
    """The width of the reference's interval, as a part of its median; None where there is no reference."""

    def cell(self, row: str, column: str) -> Cell:
        """Give one cell by the first word of its row and the head of its column."""
        at = self.columns.index(column)
        return next((cells[at] for cells in self.rows if cells[0] == row), None)

    def as_json(self) -> dict[str, Any]:
        """Give it as plain data."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        return {
            "name": self.name,
            "title": self.title,
            "rows": rows,
            "noise": self.noise,
            "notes": self.notes,
        }


@attrs.frozen
class Goal:
    """One number of the design: what was wanted, what was measured."""

    what: str
    goal: str
    measured: str
    reached: bool | None
    """None: this machine or this run cannot tell."""


def text_of(cell: Cell) -> str:
    """Write one cell."""
    if cell is None:
        return "-"
    if isinstance(cell, float | int):
        return brief(float(cell)) if not isinstance(cell, bool) else str(cell)
    return str(cell)


def _plain(cell: Cell) -> Any:
    return attrs.asdict(cell) if isinstance(cell, Spread) else cell


def machine() -> str:
    """Name the machine by what matters here."""
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, {sys.platform} {platform.machine()}"


def versions() -> dict[str, str]:
    """Give the versions of all who take part."""
    names = (
        "respool", "psycopg", "psycopg-pool", "SQLAlchemy", "redis", "DBUtils", "generic-connection-pool",
        "pondpond", "connpool", "asyncpg", "aiomysql", "asyncio-connection-pool", "aiosqlitepool",
    )  # fmt: skip
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
