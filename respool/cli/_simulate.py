"""`respool simulate`: a workload through the engine in virtual time."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import click
from rich.console import Console
from rich.progress import Progress

from respool.simulation import Point, curve, what_if

from ._files import NewFile
from ._numbers import FiniteRange, finite
from ._picture import draw, require_matplotlib, table
from ._pool_options import simulated_options, taken
from ._require import Requirement, RequirementType
from ._workload import scenario_from, workload_options

__all__ = ["command", "numbers", "plain"]


def numbers(kind: Callable[[str], float], what: str) -> Any:
    """Read ``1,2,4``; ``what`` they are is told to whom they are not."""

    def read(ctx: click.Context, param: click.Parameter, value: str) -> list[float]:
        try:
            found = [kind(part) for part in value.split(",") if part.strip()]
        except ValueError:
            raise click.BadParameter(f"{value!r} must be {what} with commas between them") from None
        if any(number <= 0 for number in found):
            raise click.BadParameter(f"{value!r} must be {what} above 0")
        return list(found)

    return read


def plain(point: Point) -> dict[str, Any]:
    """Give a point as plain values that `json` can write."""
    return {
        field.name: getattr(point, field.name) for field in attrs.fields(Point) if field.name != "results"
    }


@click.command("simulate")
@workload_options
@click.option(
    "--sizes",
    default="1,2,3,4,6,8,12,16",
    callback=numbers(int, "whole numbers"),
    help="Fixed sizes to try.",
)
@click.option(
    "--targets",
    default="0.002,0.01,0.05",
    callback=numbers(finite, "finite numbers"),
    help="Values of target_wait to try.",
)
@click.option(
    "--target-wait", type=FiniteRange(0, min_open=True), default=0.01, show_default=True, help="Yours."
)
@click.option(
    "--require", "requirements", type=RequirementType(), multiple=True, help="Exit 1 where it does not hold."
)
@click.option("--plot", type=NewFile(".png", ".svg"), help="Draw the curve (.png or .svg).")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@simulated_options
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> None:
    """Run a workload at several sizes and target waits, and through what-ifs.

    The requirements are asked of the pool as you configured it (--max-size, --sizing and so on): the row
    "as it is".
    """
    from respool import Elastic

    try:
        if given["plot"] is not None:
            require_matplotlib()
        workload, backend = scenario_from(given)
        options = taken(ctx, given)
        if options.get("sizing") is None:
            options["sizing"] = Elastic(target_wait=given["target_wait"])
        seeds = range(given["seed"], given["seed"] + given["runs"])
        quiet = given["as_json"] or not Console().is_terminal
        total = (len(given["sizes"]) + len(given["targets"]) + 5) * len(seeds)
        with Progress(transient=True, disable=quiet) as progress:
            task = progress.add_task("simulating", total=total)
            step: dict[str, Any] = {"seeds": seeds, "progress": lambda: progress.advance(task)}
            points = curve(
                workload, backend=backend, sizes=given["sizes"], target_waits=given["targets"], **step
            )
            cases = what_if(workload, backend=backend, **step, **options)
    except (ValueError, TypeError, ImportError) as exc:
        raise click.ClickException(str(exc)) from exc
    if given["plot"] is not None:
        draw(points, workload.name, given["target_wait"], given["plot"])
    failed = [one for one in given["requirements"] if not one.holds(cases[0].point)]
    _print(points, [case.point for case in cases], workload.name, failed, as_json=given["as_json"])
    if failed:
        ctx.exit(1)


def _print(
    points: list[Point], cases: list[Point], name: str, failed: list[Requirement], *, as_json: bool
) -> None:
    broken = [str(requirement) for requirement in failed]
    if as_json:
        report = {"curve": [*map(plain, points)], "what_if": [*map(plain, cases)], "broken": broken}
        click.echo(json.dumps(report, indent=2))
        return
    console = Console()
    console.print(table(points, f"{name}: sizes and target waits"))
    console.print(table(cases, "what if"))
    for requirement in broken:
        console.print(f"[bold red]does not hold:[/] {requirement}")
