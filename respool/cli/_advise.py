"""`respool advise`: what to set for a workload, and the reasons in the user's own numbers."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from respool.simulation import Recommendation, SimulatedBackend, Workload, recommend

from ._numbers import FiniteRange
from ._workload import scenario_from, workload_options

__all__ = ["command", "reasons"]


@click.command("advise")
@workload_options
@click.option(
    "--target-wait", type=FiniteRange(0, min_open=True), default=0.01, show_default=True, help="p99, s."
)
@click.option("--cores", type=click.IntRange(1), help="Cores of the database server.")
@click.option("--spindles", type=click.IntRange(0), default=1, show_default=True, help="Its disks that seek.")
@click.option("--threads", type=click.IntRange(1), help="Threads or tasks that share the pool.")
@click.option(
    "--nested", type=click.IntRange(1), default=1, show_default=True, help="Leases one of them holds at once."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Recommend a maximum for a workload, with its confidence, and explain it."""
    try:
        workload, backend = scenario_from(given)
        seeds = range(given["seed"], given["seed"] + given["runs"])
        quiet = given["as_json"] or not Console().is_terminal
        with Progress(transient=True, disable=quiet) as progress:
            task = progress.add_task("simulating", total=None)
            advice = recommend(
                workload,
                backend=backend,
                target_wait=given["target_wait"],
                seeds=seeds,
                progress=lambda: progress.advance(task),
            )
    except (ValueError, TypeError) as exc:
        raise click.ClickException(str(exc)) from exc
    why = reasons(workload, backend, given)
    _print(advice, why, as_json=given["as_json"])
    if not advice.feasible:
        ctx.exit(1)


def reasons(workload: Workload, backend: SimulatedBackend, given: dict[str, Any]) -> list[str]:
    """Explain with the laws of the field, in the user's own numbers."""
    told = []
    if given["rate"] is not None and workload.hold is not None:
        busy = given["rate"] * workload.hold.mean
        told.append(
            f"Little's law: {given['rate']:g} arrivals/s x {workload.hold.mean:g} s each = {busy:.3g} in use "
            f"on average; whatever is beyond that is there for chance and bursts"
        )
    contention = backend.contention
    if contention is not None and contention.beta > 0:
        told.append(
            f"Universal Scalability Law: with alpha {contention.alpha:g} and beta {contention.beta:g} the "
            f"backend does most at {contention.peak():.0f} at once; more connections make everybody slower"
        )
    if given["cores"] is not None:
        rule = given["cores"] * 2 + given["spindles"]
        told.append(
            f"the rule of thumb (cores x 2) + spindles gives {rule} active connections in all, over every "
            f"pool that uses this server"
        )
    if given["threads"] is not None and given["nested"] > 1:
        bound = given["threads"] * (given["nested"] - 1) + 1
        told.append(
            f"deadlock bound: {given['threads']} threads that hold {given['nested']} leases at once need "
            f"max_size of at least {bound}, else all can wait for each other"
        )
    return told


def _print(advice: Recommendation, why: list[str], *, as_json: bool) -> None:
    if as_json:
        options = {name: str(value) for name, value in advice.options.items()}
        report = {
            "recommendation": advice.text,
            "options": options,
            "confidence": advice.confidence,
            "feasible": advice.feasible,
            "reasons": why,
        }
        click.echo(json.dumps(report, indent=2))
        return
    console = Console()
    console.print(Text(advice.text, style="bold"))
    for reason in why:
        console.print(Text(f"- {reason}"))
