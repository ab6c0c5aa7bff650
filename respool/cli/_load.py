"""`respool load`: put a pool under load and watch it."""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from respool import Backend, PoolError, open_pool

from .._registry import backend_for
from .._scrub import scrub
from ._files import NewFile
from ._history import FRAME, History
from ._meter import Meter
from ._numbers import FiniteRange
from ._pool_options import pool_options, taken
from ._runner import Plan, Runner, ThreadRunner
from ._screen import screen, summary_table

__all__ = ["command"]


@contextmanager
def target_url(url: str | None) -> Iterator[str]:
    """Give the URL, or that of an SQLite file in a temporary folder."""
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="respool-load-") as folder:
        # SQLite's writers poll for the lock, in no order: among eight that never rest some poll in vain for
        # the 5 s of the default, and "database is locked" says nothing of the pool.
        yield f"sqlite:///{Path(folder) / 'load.db'}?timeout=60"


@click.command("load")
@click.argument("url", required=False)
@click.option(
    "--workers", type=click.IntRange(1, 10_000), default=8, show_default=True, help="Threads or tasks."
)
@click.option("--duration", type=FiniteRange(0.1), default=10.0, show_default=True, help="Seconds.")
@click.option("--hold", type=FiniteRange(0), default=0.0, help="Hold each lease so many seconds longer.")
@click.option(
    "--rate", type=FiniteRange(0, min_open=True), help="Poisson arrivals a second; else a closed loop."
)
@click.option("--asyncio", "asynchronous", is_flag=True, help="Tasks on an AsyncPool instead of threads.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of the arrivals.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary, or the error, as JSON.")
@click.option("--svg", type=NewFile(), help="Write the screen as a picture.")
@pool_options
@click.pass_context
def command(ctx: click.Context, /, url: str | None, **given: Any) -> None:
    """Put a pool under load and show it live.

    URL names the backend (sqlite:///file.db, postgres://..., mysql://..., redis://...); without one an
    embedded SQLite file in a temporary folder is used. Ctrl-C ends the run with its summary.

    The work really reads and writes: a table respool_load in the database that URL names (Redis: keys
    respool:load:...), which the end of the run takes away again. A run that is killed leaves the table, which
    you may drop, and the keys, which expire after 600 s. Let no two runs share a database.
    """
    plan = Plan(**{name: given[name] for name in ("workers", "duration", "hold", "rate", "seed")})
    options = taken(ctx, given)
    with target_url(url) as target:
        try:
            _run(target, plan, options, given)
        except (PoolError, ValueError, TypeError, ImportError) as exc:
            said = scrub(str(exc))
            if given["as_json"]:
                click.echo(json.dumps({"error": said}, indent=2))
            raise click.ClickException(said) from exc


def _refuse_unfit(backend: Backend, *, asynchronous: bool) -> None:
    """Refuse a backend that cannot be put under such a load: blocking work is for a blocking resource."""
    if backend.adapter is None and not asynchronous:
        raise TypeError(f"the {backend.name} adapter is for asyncio only: give --asyncio")
    of_its_own = asynchronous and backend.async_adapter is not None
    if (backend.async_work if of_its_own else backend.work) is None:
        kind = " for asyncio" if of_its_own else ""
        raise TypeError(f"the {backend.name} backend brings no work{kind} that could be its load")


def _run(url: str, plan: Plan, options: dict[str, Any], given: dict[str, Any]) -> None:
    meter = Meter()
    history = History(meter)
    backend = backend_for(url)
    _refuse_unfit(backend, asynchronous=given["asynchronous"])
    options.setdefault("name", backend.name.lower())
    make = _async_runner if given["asynchronous"] else _thread_runner
    runner = make(url, options, backend, plan, meter)
    runner.start()
    try:
        _watch(runner, history, plan, Console(), quiet=given["as_json"])
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
    finally:
        history.sample(runner.stats())  # as it was under load, however short that was
        runner.stop()
    if given["svg"] is not None:
        given["svg"].write_text(_picture(history, runner, plan), encoding="utf-8")
    history.sample(runner.stats())
    summary = history.summary(runner.stats())
    _report(summary, as_json=given["as_json"])
    if summary["errors"] and not summary["leases"]:
        raise click.ClickException("no lease succeeded")


def _report(summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(summary, indent=2))
    else:
        Console().print(summary_table(summary))


def _thread_runner(url: str, options: dict[str, Any], backend: Backend, plan: Plan, meter: Meter) -> Runner:
    return ThreadRunner(open_pool(url, **options), backend, plan, meter)


def _async_runner(url: str, options: dict[str, Any], backend: Backend, plan: Plan, meter: Meter) -> Runner:
    from respool import open_async_pool

    from ._async_runner import AsyncRunner

    return AsyncRunner(open_async_pool(url, **options), backend, plan, meter)


def _watch(runner: Runner, history: History, plan: Plan, console: Console, *, quiet: bool) -> None:
    """Sample until the workers have ended; draw where there is a terminal, else print a line a second."""
    pause = threading.Event()
    if quiet or not console.is_terminal:
        frame = 0
        while runner.running:
            pause.wait(FRAME)
            sample = history.sample(runner.stats())
            frame += 1
            if not quiet and frame % 4 == 0:
                print(_plain(sample), file=sys.stdout, flush=True)
        return
    title = f"pool {runner.name}"
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while runner.running:
            pause.wait(FRAME)
            history.sample(runner.stats())
            live.update(screen(history, title, plan.duration), refresh=True)


def _plain(sample: Any) -> str:
    stats = sample.stats
    return (
        f"{sample.at:6.1f} s  size {stats.size}/{stats.max_size}  in use {stats.in_use}  idle {stats.idle}  "
        f"waiting {stats.waiting}  target {stats.target}  {sample.throughput:,.0f} leases/s  "
        f"wait p50 {sample.p50_wait * 1e3:.3f} p99 {sample.p99_wait * 1e3:.3f} ms  "
        f"hold p50 {sample.p50_hold * 1e3:.3f} p99 {sample.p99_hold * 1e3:.3f} ms"
    )


def _picture(history: History, runner: Runner, plan: Plan) -> str:
    """Draw the screen as SVG, as it stood while there was load."""
    while len(history.samples) > 1 and history.samples[-1].at >= plan.duration:
        history.samples.pop()
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print(screen(history, f"pool {runner.name}", plan.duration))
    picture = console.export_svg(title="respool load")
    # rich has it fetch its font from elsewhere; any monospaced font of the reader's will do.
    return re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL)
