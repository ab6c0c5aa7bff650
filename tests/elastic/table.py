"""The comparison as numbers and as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import attrs

from respool.simulation import Result
from tests.elastic.peers import MODELS, Hikari, Peer, Psycopg
from tests.elastic.runs import MAXIMUM, run_default_peer, run_peer, run_respool
from tests.elastic.workloads import Case

TARGET_WAIT = 0.010
BOUND = 1.25 * TARGET_WAIT
PRICE = 30.0
"""What respool is told that a create is worth, in seconds of a resource: its default."""
TUNED: list[tuple[type[Peer], int, float]] = [
    *(
        (Psycopg, least, idle)
        for least, idle in ((2, 5.0), (4, 5.0), (4, 20.0), (4, 60.0), (8, 5.0), (8, 20.0))
    ),
    *((Hikari, least, idle) for least, idle in ((2, 10.0), (2, 30.0), (4, 10.0), (4, 30.0), (6, 10.0))),
]
"""What hindsight may choose from: kept at least, idle time in seconds."""


@attrs.frozen
class Cell:
    """One pool on one case, over its seeds."""

    p99: float
    cost: float
    creates: int
    peak: int
    lost: int
    minutes: float

    @classmethod
    def of(cls, runs: Sequence[Result]) -> Cell:
        """Sum up the runs; the worst p99 counts."""
        return cls(
            p99=max(run.p99_wait for run in runs),
            cost=math.fsum(run.resource_seconds for run in runs),
            creates=sum(run.creates_after_start for run in runs),
            peak=max(run.peak_size for run in runs),
            lost=sum(run.lost for run in runs),
            minutes=math.fsum(run.duration for run in runs) / 60,
        )

    @property
    def priced(self) -> float:
        """Resource-seconds, and for every create what it is worth."""
        return self.cost + PRICE * self.creates


@attrs.frozen
class Row:
    """One case: respool, the peers, and those settings of a peer that keep the bound in hindsight."""

    name: str
    respool: Cell
    peers: dict[str, Cell]
    tuned: Sequence[Cell]

    @property
    def ratio(self) -> float:
        """Cost against the cheaper of psycopg_pool and HikariCP."""
        return self.respool.cost / min(self.peers[name].cost for name in ("psycopg_pool", "HikariCP"))

    @property
    def ratio_tuned(self) -> float | None:
        """Cost against the best peer that hindsight finds."""
        return self.respool.cost / min(cell.cost for cell in self.tuned) if self.tuned else None

    @property
    def ratio_priced(self) -> float | None:
        """The same with every create at its price, against the best peer by that measure."""
        return self.respool.priced / min(cell.priced for cell in self.tuned) if self.tuned else None

    @property
    def fewer(self) -> float | None:
        """How many times fewer creates than SQLAlchemy or Go, where those exceed 100 a minute."""
        many = [self.peers[name] for name in ("SQLAlchemy", "Go")]
        fewest = min((peer.creates for peer in many if peer.creates > 100 * peer.minutes), default=None)
        return None if fewest is None else fewest / max(1, self.respool.creates)


def row(case: Case, *, tuned: bool, tell: Callable[[str], None] = lambda _: None) -> Row:
    """Run everything on one case."""
    tell(case.name)
    own = Cell.of([run_respool(case, seed) for seed in case.seeds])
    peers = {name: Cell.of([run_default_peer(case, seed, name) for seed in case.seeds]) for name in MODELS}
    return Row(case.name, own, peers, tuned_in_hindsight(case) if tuned else ())


def tuned_in_hindsight(case: Case) -> list[Cell]:
    """Find the settings of an elastic peer that keep the bound."""
    cells = (
        Cell.of([run_peer(case, seed, model, least, MAXIMUM, idle) for seed in case.seeds])
        for model, least, idle in TUNED
    )
    return [cell for cell in cells if cell.p99 <= BOUND]


def mean(values: Iterable[float]) -> float:
    """Give the geometric mean."""
    logs = [math.log(value) for value in values]
    return math.exp(math.fsum(logs) / len(logs)) if logs else math.nan


def markdown(rows: Sequence[Row]) -> str:
    """Write the table."""
    names = list(MODELS)
    head = ["workload", "p99 wait", "mean size", "creates/min", "cost to cheaper peer", "to tuned peer"]
    head.append("to tuned peer, creates priced")
    lines = ["| " + " | ".join(head + [f"{name}: p99, creates/min" for name in names]) + " |"]
    lines.append("|" + "---|" * (len(head) + len(names)))
    lines += ["| " + " | ".join(cells(row, names)) + " |" for row in rows]
    return "\n".join(lines) + "\n\n" + "\n".join(summary(rows)) + "\n"


def cells(row: Row, names: Sequence[str]) -> list[str]:
    """Write one row."""
    own, tuned, priced = row.respool, row.ratio_tuned, row.ratio_priced
    return [
        row.name,
        f"{own.p99 * 1000:.1f} ms",
        f"{own.cost / own.minutes / 60:.1f}",
        f"{own.creates / own.minutes:.1f}",
        f"{row.ratio:.2f}",
        "none keeps the bound" if tuned is None else f"{tuned:.2f}",
        "" if priced is None else f"{priced:.2f}",
        *(
            f"{row.peers[name].p99 * 1000:.0f} ms, {row.peers[name].creates / row.peers[name].minutes:.0f}"
            for name in names
        ),
    ]


def summary(rows: Sequence[Row]) -> list[str]:
    """Say what the numbers to reach have become."""
    tuned = [row.ratio_tuned for row in rows if row.ratio_tuned is not None]
    priced = [row.ratio_priced for row in rows if row.ratio_priced is not None]
    fewer = [row.fewer for row in rows if row.fewer is not None]
    within = sum(row.respool.p99 <= BOUND for row in rows)
    lines = [
        f"- p99 wait within {BOUND * 1000:g} ms: {within} of {len(rows)} workloads; "
        f"callers lost: {sum(row.respool.lost for row in rows)}",
        f"- resource-seconds against the cheaper of psycopg_pool and HikariCP at 4..20, geometric mean: "
        f"{mean(row.ratio for row in rows):.2f} (at least 0.67, aim 0.60)",
    ]
    if tuned:
        lines.append(
            f"- against the best peer tuned in hindsight that keeps the bound: mean {mean(tuned):.2f}, "
            f"worst {max(tuned):.2f} (at least 1.0 and 1.15); with every create at {PRICE:g} s of a "
            f"resource: mean {mean(priced):.2f}, worst {max(priced):.2f}"
        )
    if fewer:
        lines.append(
            f"- creates where SQLAlchemy or Go exceed 100 a minute: {min(fewer):.0f} times fewer at least, "
            f"{mean(fewer):.0f} in the mean (at least 40)"
        )
    return lines
