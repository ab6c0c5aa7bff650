"""`python -m tests.bench`: all sections, or some; see `--help`."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from time import perf_counter

from rich.console import Console

from . import async_servers, burst, choices, contended, crowd, footprint, hygiene, servers, uncontended
from ._result import Bounds, Table, machine, versions
from ._show import print_table, print_verdict, publish, write_json
from .goals import goals_table
from .pools.async_peers import REAL
from .servers import Places, places

Section = Callable[[Bounds], list[Table]]


def main() -> None:
    """Run what was asked for, print it, and write it where that was asked for."""
    asked = _arguments()
    bounds = Bounds.of(quick=asked.quick)
    logging.getLogger("respool").setLevel(logging.ERROR)
    console = Console(width=asked.width)
    console.print(machine(), "\n", ", ".join(f"{name} {number}" for name, number in versions().items()), "\n")
    tables: list[Table] = []
    try:
        with ExitStack() as stack:
            where = (
                stack.enter_context(places()) if asked.servers else Places({}, ("no servers were asked for",))
            )
            for name, section in _sections(where, quick=asked.quick).items():
                if not asked.only or name in asked.only:
                    tables += _timed(console, name, section, bounds)
    except KeyboardInterrupt:
        console.print("interrupted: what follows is of the sections above", style="red")
    tables.append(goals_table({table.name: table for table in tables}))
    print_table(console, tables[-1])
    print_verdict(console, tables)
    if asked.json:
        write_json(asked.json, tables)
    if asked.plot:
        for path in publish(asked.plot, tables):
            console.print(f"wrote {path}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = list(_sections(Places({}, ()), quick=True))
    parser.add_argument(
        "--only", nargs="+", choices=names, metavar="SECTION", help=f"some of {', '.join(names)}"
    )
    parser.add_argument("--quick", action="store_true", help="a rough picture in a minute or two")
    parser.add_argument(
        "--no-servers", dest="servers", action="store_false", help="leave real connections out"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument(
        "--plot", type=Path, metavar="FOLDER", help="write the documentation's pictures and tables there"
    )
    parser.add_argument("--width", type=int, help="columns of the terminal, where it does not say so itself")
    return parser.parse_args()


def _sections(where: Places, *, quick: bool) -> dict[str, Section]:
    """Name all sections, in the order in which they run."""
    return {
        "threads": uncontended.thread_leases,
        "asyncio": partial(_asyncio, where),
        "choices": choices.choices,
        "real": partial(servers.real_connections, where=where),
        "async-real": partial(async_servers.async_real_connections, where=where),
        "workers": partial(servers.workers, where=where),
        "async-workers": partial(async_servers.async_workers, where=where),
        "session": partial(hygiene.session_hygiene, where=where),
        "contended": partial(contended.contended, quick=quick),
        "burst": burst.bursts,
        "imports": footprint.imports,
        "rest": footprint.rest,
        "memory": footprint.memory,
        "cancelled": crowd.cancelled_waiters,
        "tasks": crowd.tasks,
        "idle": crowd.idle_crowd,
        "waiting": crowd.waiting_crowd,
    }


def _asyncio(where: Places, bounds: Bounds) -> list[Table]:
    """Give the peers that need a server its address."""
    kinds = tuple(REAL.values())
    REAL["postgres"].url = where.url("Postgres, TCP")
    REAL["mysql"].url = where.url("MariaDB, TCP")
    return uncontended.asyncio_leases(bounds, kinds)


def _timed(console: Console, name: str, section: Section, bounds: Bounds) -> list[Table]:
    started = perf_counter()
    tables = section(bounds)
    for table in tables:
        print_table(console, table)
    console.print(f"  {name}: {perf_counter() - started:.0f} s\n", style="dim")
    return tables


if __name__ == "__main__":
    main()
