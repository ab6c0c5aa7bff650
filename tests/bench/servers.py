"""Leases of real connections, on private servers: what a lease adds to a statement; 32 workers on eight."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import Any

import attrs

from tests.servers import ServerMissing, ServerRoom

from ._apart import apart
from ._result import Bounds, Cell, Table
from ._samples import jain, quantile
from .paired import BLOCK, COLUMNS, SCALED, WARM, Pairs, Price, in_processes
from .pools.base import Missing
from .pools.limits import slowness
from .pools.real import Contestant, contestants, plainest

__all__ = [
    "CONNECTIONS",
    "CROWD",
    "TURNS",
    "WORKERS",
    "Places",
    "at_medians",
    "bare_rate",
    "crowd",
    "places",
    "real_connections",
    "workers",
]

WORKERS, CONNECTIONS = 32, 8
CROWD = (
    "pool", "backend", "statements/s", "of bare", "p50, ms", "p99, ms", "p99.9, ms", "longest wait, ms",
    "Jain",
)  # fmt: skip
TURNS = "the pools of a backend take turns; each is shown as it was in its median turn"


@attrs.frozen
class Places:
    """Where the servers are: backend and URL by the name that the tables show."""

    found: dict[str, tuple[str, str]]
    notes: tuple[str, ...]
    processes: dict[str, int] = attrs.field(factory=dict)
    """The process id of each backend's server; SQLite has none."""

    def url(self, name: str) -> str:
        """Give the URL of one of them, or an empty text."""
        return self.found.get(name, ("", ""))[1]


@contextmanager
def places() -> Iterator[Places]:
    """Start every server that is on this machine; they end with the block."""
    found: dict[str, tuple[str, str]] = {}
    processes: dict[str, int] = {}
    notes = []
    with TemporaryDirectory() as folder, ExitStack() as stack:
        room = ServerRoom()
        stack.callback(room.close)
        for name, make in {"Postgres": room.postgres, "MariaDB": room.mysql, "Redis": room.redis}.items():
            try:
                server = make()
                server.start()
            except ServerMissing as missing:
                notes.append(f"{name}: {missing}")
                continue
            found[f"{name}, TCP"] = (server.kind, server.url)
            processes[server.kind] = server.pid
            if name == "Postgres":
                socket = f"host={server.directory} port={server.port} user=postgres dbname=postgres"
                found["Postgres, socket"] = ("postgres", socket)
        found["SQLite"] = ("sqlite", str(Path(folder) / "bench.db"))
        yield Places(found, tuple(notes), processes)


def real_connections(bounds: Bounds, where: Places) -> list[Table]:
    """Measure what a lease adds to one statement: differences between neighbours on the same connection."""
    rows: list[tuple[Cell, ...]] = []
    notes = list(where.notes)
    for name, (backend, url) in where.found.items():
        with apart(where.processes.get(backend), notes):
            rows += in_processes(_prices, name, backend, url, bounds, notes)
    notes.append(
        "'lease alone' is processor time without a statement; 'adds' is the median of paired differences"
    )
    notes.append(SCALED)
    title = 'A lease on a real connection, autocommit, hygiene="transaction", threads'
    return [Table("real_connections", title, COLUMNS, tuple(rows), tuple(notes))]


def _prices(backend: str, url: str, most: int) -> tuple[list[Price], list[str]]:
    """Measure every pool of a backend in this process."""
    notes: list[str] = []
    opened = _opened(backend, url, 1, notes)
    pools = [(each, Pairs()) for each in [*opened, *plainest(opened[0])]] if opened else []
    for _ in range(0, most, BLOCK):
        for each, pairs in pools:
            _take_turns(each, pairs)
    prices = [pairs.price(each.name, each.does, _alone(each)) for each, pairs in pools]
    for each, _ in pools:
        each.close()
    return prices, notes


def _opened(backend: str, url: str, size: int, notes: list[str]) -> list[Contestant]:
    try:
        return contestants(backend, url, size)
    except Missing as missing:
        notes.append(f"{backend}: {missing}")
        return []


def _take_turns(each: Contestant, pairs: Pairs) -> None:
    bare, leased = each.bare, each.leased
    pairs.slow.append(slowness())
    for turn in range(-WARM, BLOCK):
        first, second = (bare, leased) if turn % 2 else (leased, bare)
        started = perf_counter()
        first()
        between = perf_counter()
        second()
        pairs.note(turn, between - started, perf_counter() - between)


def _alone(each: Contestant, count: int = 2000) -> float:
    """Give the processor time of a lease in which nothing is done, us."""
    lease = each.lease
    started = process_time()
    for _ in range(count):
        with lease():
            pass
    return 1e6 * (process_time() - started) / count


# ---------------------------------------------------------------------- many workers


def workers(bounds: Bounds, where: Places) -> list[Table]:
    """Let 32 threads share eight connections; beside it, eight threads with a connection each."""
    rows: list[tuple[Cell, ...]] = []
    notes = list(where.notes)
    for name, (backend, url) in where.found.items():
        taken: dict[str, list[tuple[Cell, ...]]] = {}
        pools = _opened(backend, url, CONNECTIONS, notes)
        for _ in range(bounds.turns if pools else 0):
            base = bare_rate(pools[0], bounds.seconds, CONNECTIONS)
            taken.setdefault("no pool, 8 threads", []).append((base, 1.0, None, None, None, None, None))
            for each in pools:
                taken.setdefault(each.name, []).append(crowd(each, bounds.seconds, base, WORKERS))
        for each in pools:
            each.close()
        rows += at_medians(taken, name)
    notes.append(TURNS)
    title = f"{WORKERS} threads on {CONNECTIONS} connections, one statement per lease"
    return [Table("workers", title, CROWD, tuple(rows), tuple(notes))]


def at_medians(taken: dict[str, list[tuple[Cell, ...]]], backend: str) -> list[tuple[Cell, ...]]:
    """Give the row of each pool's median turn, by what was done in it."""
    return [
        (pool, backend, *sorted(turns, key=lambda row: float(row[0] or 0.0))[len(turns) // 2])
        for pool, turns in taken.items()
    ]


def bare_rate(each: Contestant, seconds: float, workers: int) -> float:
    """Measure what so many threads do with a connection each, statements per second."""
    with ExitStack() as stack:
        held = [stack.enter_context(each.lease()) for _ in range(workers)]
        jobs = [partial(each.statement, connection) for connection in held]
        counts, _ = _run(jobs, seconds)
    return sum(counts) / seconds


def crowd(each: Contestant, seconds: float, base: float, workers: int) -> tuple[Cell, ...]:
    """Let so many threads lease and ask; give what the columns after the backend show."""
    counts, waits = _run([each.leased] * workers, seconds)
    rate = sum(counts) / seconds
    quantiles = [1000 * quantile(waits, part) for part in (0.5, 0.99, 0.999, 1.0)]
    return (rate, rate / base, *quantiles, jain(counts))


def _run(jobs: Sequence[Callable[[], Any]], seconds: float) -> tuple[list[int], list[float]]:
    """Repeat each job in a thread of its own; give the counts, and all durations in order."""
    start, over = threading.Barrier(len(jobs) + 1), threading.Event()
    took: list[list[float]] = [[] for _ in jobs]

    def work(job: Callable[[], Any], note: Callable[[float], None]) -> None:
        start.wait()
        while not over.is_set():
            began = perf_counter()
            job()
            note(perf_counter() - began)

    crew = [
        threading.Thread(target=work, args=(job, own.append), daemon=True)
        for job, own in zip(jobs, took, strict=True)
    ]
    for each in crew:
        each.start()
    start.wait()
    sleep(seconds)
    over.set()
    counts = [len(own) for own in took]
    for each in crew:
        each.join(30)
    return counts, sorted(one for own in took for one in own)
