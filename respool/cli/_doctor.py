"""`respool doctor`: open one resource, time each method, and hold the options against the server's limits."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import Any

import attrs
import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from respool import Backend, PoolError, ServerLimits, SupportsProbe

from .._config import Settings, settings_from
from .._registry import backend_for, made, split_options
from .._scrub import describe, scrub
from ._opened import Opened
from ._pool_options import pool_options, taken

__all__ = ["Finding", "command", "judge"]

ROUNDS = 5


@attrs.frozen
class Finding:
    """One comparison of an option with what the server says."""

    level: str
    """``ok``, ``note`` or ``wrong``."""
    what: str


@click.command("doctor")
@click.argument("url")
@click.option("--pools", type=click.IntRange(1), default=1, show_default=True, help="How many such pools.")
@click.option("--asyncio", "asynchronous", is_flag=True, help="Examine the asyncio adapter.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@pool_options
@click.pass_context
def command(ctx: click.Context, /, url: str, pools: int, **given: Any) -> None:
    """Open one resource at URL, time create, validate, reset, probe and destroy, read the server's limits.

    Exit status 1 when an option contradicts the server, or nothing can be opened.
    """
    try:
        own, wanted = split_options(taken(ctx, given))
        settings = settings_from(wanted)
        backend = backend_for(url)
        times, limits = _examine(backend, url, own, settings, asynchronous=given["asynchronous"])
    except Exception as exc:
        told = _told(url, exc)
        if given["as_json"]:
            click.echo(_json(None, {}, None, [Finding("wrong", told)]))
        raise click.ClickException(told) from exc
    findings = judge(limits, settings, pools)
    _print(backend, times, limits, findings, as_json=given["as_json"])
    if any(finding.level == "wrong" for finding in findings):
        ctx.exit(1)


def _told(url: str, exc: Exception) -> str:
    """Say what a command line, or a server, has made impossible."""
    if isinstance(exc, PoolError | ValueError | TypeError | ImportError):
        return scrub(str(exc))
    return f"cannot open {scrub(url)}: {describe(exc)}"


def _examine(
    backend: Backend, url: str, own: dict[str, Any], settings: Settings, *, asynchronous: bool
) -> tuple[dict[str, float], ServerLimits | None]:
    if asynchronous:
        from ._async_doctor import examine

        return examine(backend, url, own, settings)
    if backend.adapter is None:
        raise TypeError(f"the {backend.name} adapter is for asyncio only: give --asyncio")
    adapter = made(backend.adapter, url, own)
    times: dict[str, float] = {}
    resource = _timed(times, "create", adapter.create)
    opened = Opened(url, adapter, resource, _later)

    def ask(method: str) -> Any:
        with opened.asked(method):
            return _timed(times, method, lambda: getattr(adapter, method)(resource))

    try:
        for _ in range(ROUNDS):
            if not ask("validate"):
                raise PoolError("validate of a fresh resource is False")
            for method in _others(adapter):
                ask(method)
        with opened.asked("reading its limits"), opened.answered(settings.create_timeout):
            limits = backend.limits(resource) if backend.limits is not None else None
    except BaseException:
        with suppress(Exception):  # it is worth less than what comes out here
            adapter.destroy(resource)
        raise
    ask("destroy")
    return times, limits


def _others(adapter: object) -> tuple[str, ...]:
    """Name what is timed beside create, validate and destroy."""
    return ("reset", "probe") if isinstance(adapter, SupportsProbe) else ("reset",)


def _later(seconds: float, call: Callable[[], None]) -> threading.Timer:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()
    return timer


def _timed(times: dict[str, float], name: str, call: Callable[[], Any]) -> Any:
    """Call, and keep the shortest time of each name."""
    began = perf_counter()
    result = call()
    took = perf_counter() - began
    times[name] = min(times.get(name, took), took)
    return result


def judge(limits: ServerLimits | None, settings: Settings, pools: int) -> list[Finding]:
    """Hold the options against the server's limits."""
    if limits is None:
        return [Finding("note", "the backend says nothing about its limits")]
    findings = [Finding("note", note) for note in limits.notes]
    findings += _judge_connections(limits, settings, pools)
    findings += _judge_age("idle", limits.idle_limit, settings.max_idle, settings)
    findings += _judge_age("lifetime", limits.lifetime_limit, settings.max_lifetime, settings)
    return findings


def _judge_connections(limits: ServerLimits, settings: Settings, pools: int) -> list[Finding]:
    most = limits.max_connections
    if most is None:
        return []
    wanted = pools * settings.max_size
    sum_of = f"{pools} x max_size {settings.max_size} = {wanted}" if pools > 1 else f"max_size {wanted}"
    if wanted > most:
        return [Finding("wrong", f"{sum_of} is more than the server's {most} connections")]
    used = max(0, (limits.used_connections or 0) - 1)  # the doctor's own
    if wanted > most - used:
        return [
            Finding("wrong", f"{sum_of} is more than the {most - used} of {most} connections that are free")
        ]
    return [Finding("ok", f"{sum_of} fits the server's {most} connections, {used} of them used by others")]


def _judge_age(kind: str, limit: float | None, option: float | None, settings: Settings) -> list[Finding]:
    """Compare an age limit of the server with the option that should keep the pool below it."""
    if limit is None:
        return []
    name = "max_idle" if kind == "idle" else "max_lifetime"
    if option is not None and option <= limit:
        return [Finding("ok", f"{name} {option:g} s is below the server's {kind} limit of {limit:g} s")]
    has = "is not set" if option is None else f"{option:g} s is above it"
    if kind == "idle" and settings.max_lifetime is not None and settings.max_lifetime <= limit:
        return [
            Finding("ok", f"max_lifetime {settings.max_lifetime:g} s is below the idle limit of {limit:g} s")
        ]
    if kind == "idle" and settings.keepalive is not None and settings.keepalive < limit:
        return [Finding("ok", f"keepalive {settings.keepalive:g} s is below the idle limit of {limit:g} s")]
    mend = f"set {name} (or keepalive) below it" if kind == "idle" else f"set {name} below it"
    return [
        Finding("wrong", f"the server ends a session after {limit:g} s ({kind} limit), {name} {has}: {mend}")
    ]


def _print(
    backend: Backend,
    times: dict[str, float],
    limits: ServerLimits | None,
    findings: list[Finding],
    *,
    as_json: bool,
) -> None:
    if as_json:
        click.echo(_json(backend.name, times, limits, findings))
        return
    console = Console()
    if limits is not None:
        console.print(Text(limits.product, style="bold"), Text(limits.version))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("method")
    table.add_column("shortest", justify="right")
    for name, seconds in times.items():
        table.add_row(name, f"{seconds * 1e3:.3f} ms")
    console.print(table)
    styles = {"ok": "green", "note": "yellow", "wrong": "bold red"}
    for finding in findings:
        console.print(Text(f"{finding.level:6}", style=styles[finding.level]), Text(finding.what))


def _json(
    backend: str | None, times: dict[str, float], limits: ServerLimits | None, findings: list[Finding]
) -> str:
    report = {
        "backend": backend,
        "seconds": times,
        "limits": attrs.asdict(limits) if limits is not None else None,
        "findings": [attrs.asdict(finding) for finding in findings],
    }
    return json.dumps(report, indent=2)
