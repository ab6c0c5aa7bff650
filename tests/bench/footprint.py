"""What a pool costs while it does nothing: memory, the import, and processor time at rest."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

from ._result import Bounds, Cell, Table
from .pools.async_peers import ASYNC as ASYNC_PEERS
from .pools.base import AsyncDriver, Driver, Missing
from .pools.limits import AsyncLifo, Lifo, slowness
from .pools.ours import AsyncRespool, Respool
from .pools.peers import ConnPool, DbUtils, Generic, PsycopgPool, RedisPy, SqlAlchemy

__all__ = ["imports", "memory", "rest"]

THREADS: tuple[type[Driver], ...] = (Lifo, Respool, PsycopgPool, SqlAlchemy, RedisPy, DbUtils, ConnPool)
WAITED_FOR: tuple[type[AsyncDriver], ...] = (AsyncLifo, AsyncRespool, *ASYNC_PEERS)
RESTING: tuple[type[Driver], ...] = (Respool, PsycopgPool, SqlAlchemy, Generic, ConnPool)
MODULES = (
    "respool", "attrs", "psycopg_pool", "sqlalchemy.pool", "redis", "dbutils.pooled_db",
    "generic_connection_pool.threading", "pond", "connpool", "asyncpg", "aiomysql", "asyncio",
)  # fmt: skip
ROOT = Path(__file__).parents[2]


def memory(bounds: Bounds) -> list[Table]:
    """Weigh an idle resource and a waiter, by the interpreter's own account of what it has allocated."""
    count = min(bounds.most_tasks, 2000)
    rows: list[tuple[Cell, ...]] = []
    notes = [f"bytes beside the resource and the task themselves, {count:,} of them"]
    for kind in THREADS:
        try:
            idle = _weigh_idle(kind, count)
        except Missing as missing:
            notes.append(f"{kind.name}: {missing}")
            continue
        rows.append((kind.name, idle, None))
    bare = asyncio.run(_weigh_tasks(None, count))
    for peer in WAITED_FOR:
        try:
            rows.append((f"{peer.name} (asyncio)", None, asyncio.run(_weigh_tasks(peer(), count)) - bare))
        except Missing as missing:
            notes.append(f"{peer.name}: {missing}")
    columns = ("pool", "idle resource, bytes", "waiter, bytes")
    return [Table("memory", "Memory", columns, tuple(rows), tuple(notes))]


def _weigh_idle(kind: type[Driver], count: int) -> float:
    stock = [object() for _ in range(count)]
    gc.collect()
    tracemalloc.start()
    driver = kind(count, stock.pop)
    held = [driver.acquire() for _ in range(count)]
    for each in held:
        driver.release(each)
    held.clear()
    gc.collect()
    weight = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    driver.close()
    return weight / count


async def _weigh_tasks(driver: AsyncDriver | None, count: int) -> float:
    inside, gate = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        inside.set()
        await gate.wait()

    async def wait() -> None:
        await gate.wait()

    if driver is not None:
        await driver.open(1)
        holder = asyncio.create_task(driver.cycle(hold))
        await inside.wait()
    gc.collect()
    tracemalloc.start()
    crew = [asyncio.create_task(driver.cycle(wait) if driver else wait()) for _ in range(count)]
    for _ in range(20):
        await asyncio.sleep(0)
    gc.collect()
    weight = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gate.set()
    await asyncio.gather(*crew)
    if driver is not None:
        await holder
        await driver.close()
    return weight / count


# ---------------------------------------------------------------------- the import


def imports(bounds: Bounds) -> list[Table]:
    """Time imports in fresh interpreters, bytecode at hand as after an installation; bare python first."""
    with tempfile.TemporaryDirectory() as cache:
        env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        env |= {"PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": str(ROOT)}
        found = [name for name in MODULES if _import_once(name, env)]
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in ("", *found)}
        scales = []
        for _ in range(bounds.rounds // 2):
            scales.append(slowness())
            for name in runs:
                runs[name].append(_import_timed(name, env))
    bare = runs.pop("")
    rows = tuple((name, *_over(own, bare, scales), *_size(name)) for name, own in runs.items())
    columns = ("module", "wall, ms", "processor, ms", "processor, scaled", "modules loaded", "memory, MB")
    notes = (
        f"over bare python ({1000 * median(own[0] for own in bare):.0f} ms), in the same round; 'scaled' is "
        "what it would be where a deque with two Lock sections takes 340 ns, measured beside it",
    )
    return [Table("imports", "Import in a fresh interpreter", columns, rows, notes)]


def _over(
    own: Sequence[tuple[float, float]], bare: Sequence[tuple[float, float]], scales: Sequence[float]
) -> tuple[float, float, float]:
    """Give wall and processor time over bare python, and the latter scaled; medians over rounds."""
    processor = [mine[0] - his[0] for mine, his in zip(own, bare, strict=True)]
    wall = [mine[1] - his[1] for mine, his in zip(own, bare, strict=True)]
    scaled = [each / scale for each, scale in zip(processor, scales, strict=True)]
    return 1000 * median(wall), 1000 * median(processor), 1000 * median(scaled)


def _import_once(name: str, env: dict[str, str]) -> bool:
    """Write the bytecode; False where the module is not installed."""
    return (
        subprocess.run([sys.executable, "-c", f"import {name}"], env=env, capture_output=True).returncode == 0
    )


def _import_timed(name: str, env: dict[str, str]) -> tuple[float, float]:
    """Give the child's processor time and the wall's."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = perf_counter()
    subprocess.run([sys.executable, "-c", f"import {name}" if name else "pass"], env=env, check=True)
    took = perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, took)


def _size(name: str) -> tuple[float, float]:
    code = (
        "import pathlib, sys; before = len(sys.modules); told = pathlib.Path('/proc/self/statm')\n"
        "def pages(): return int(told.read_text().split()[1]) if told.exists() else 0\n"
        f"low = pages()\nimport {name}\n"
        "print(len(sys.modules) - before, (pages() - low) / 256)"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    words = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    ).stdout
    modules, megabytes = words.split()
    return float(modules), float(megabytes)


# ---------------------------------------------------------------------- at rest


def rest(bounds: Bounds) -> list[Table]:
    """Watch idle pools, all at the same time, each in a process of its own."""
    children = {kind.name: _resting(kind, bounds.rest) for kind in RESTING}
    rows = []
    for name, child in children.items():
        words = child.communicate(timeout=bounds.rest + 60)[0]
        rows.append((name, float(words) if child.returncode == 0 else None))
    columns = ("pool", "processor, us per second")
    title = f"At rest for {bounds.rest:.0f} s with ten idle resources"
    note = "respool closes what nobody needs meanwhile, some 20 s in; before and after that its keeper sleeps"
    return [Table("rest", title, columns, tuple(rows), (note,))]


def _resting(kind: type[Driver], seconds: float) -> subprocess.Popen[str]:
    code = (
        "import time\n"
        f"from {kind.__module__} import {kind.__name__} as Driver\n"
        "driver = Driver(10)\n"
        "held = [driver.acquire() for _ in range(10)]\n"
        "[driver.release(each) for each in held]\n"
        "time.sleep(1.5)\n"
        "before, started = time.process_time(), time.monotonic()\n"
        f"time.sleep({seconds})\n"
        "print((time.process_time() - before) / (time.monotonic() - started) * 1e6)\n"
        "driver.close()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
