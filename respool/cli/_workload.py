"""A workload and a backend as options of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from respool.simulation import (
    Bursts,
    ClosedLoop,
    Constant,
    Contention,
    Diurnal,
    Exponential,
    FlashCrowd,
    Lognormal,
    OnOff,
    Poisson,
    Retries,
    SimulatedBackend,
    Workload,
)

from ._numbers import FiniteRange

__all__ = ["backend_from", "workload_from", "workload_options"]

F = TypeVar("F", bound=Callable[..., Any])

ARRIVALS: dict[str, Callable[[float], Any]] = {
    "poisson": Poisson,
    "bursts": lambda rate: Bursts(calm=rate / 2, burst=rate * 3, calm_for=40.0, burst_for=10.0),
    "diurnal": Diurnal,
    "flash": lambda rate: FlashCrowd(rate=rate, peak=rate * 5),
    "onoff": lambda rate: OnOff(rate=rate, on=20.0, off=20.0),
}
_OPTIONS = (
    click.option("--rate", type=FiniteRange(0, min_open=True), help="Arrivals per second."),
    click.option(
        "--arrivals",
        type=click.Choice(sorted(ARRIVALS)),
        default="poisson",
        help="How they come.",
        show_default=True,
    ),
    click.option(
        "--callers", type=click.IntRange(1), help="A closed loop of so many callers instead of --rate."
    ),
    click.option(
        "--think",
        type=FiniteRange(0, min_open=True),
        default=1.0,
        help="Their think time, s.",
        show_default=True,
    ),
    click.option("--trace", type=click.Path(path_type=Path), help="A file made by pool.record(path)."),
    click.option(
        "--hold",
        type=FiniteRange(0, min_open=True),
        default=0.01,
        help="Mean hold, s.",
        show_default=True,
    ),
    click.option(
        "--hold-cv", type=FiniteRange(0), default=1.0, help="Its coefficient of variation.", show_default=True
    ),
    click.option(
        "--length", type=FiniteRange(1), default=300.0, help="Seconds of arrivals.", show_default=True
    ),
    click.option(
        "--patience", type=FiniteRange(0), default=30.0, help="How long callers wait, s.", show_default=True
    ),
    click.option(
        "--retries", type=click.IntRange(1), default=1, help="Asks per caller in all.", show_default=True
    ),
    click.option(
        "--connect", type=FiniteRange(0), default=0.05, help="What a create takes, s.", show_default=True
    ),
    click.option("--alpha", type=FiniteRange(0), default=0.0, help="Contention (Universal Scalability Law)."),
    click.option("--beta", type=FiniteRange(0), default=0.0, help="Coherency (Universal Scalability Law)."),
    click.option("--seed", type=int, default=1, help="The first seed.", show_default=True),
    click.option(
        "--runs", type=click.IntRange(1, 100), default=3, help="Seeds per setting.", show_default=True
    ),
)


def workload_options(command: F) -> F:
    """Give a command the options that describe a workload."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def workload_from(given: dict[str, Any]) -> Workload:
    """Make the workload that the options describe.

    Raises:
        click.UsageError: Nothing or more than one option says who comes, or a trace cannot be read.
    """
    if sum(given[name] is not None for name in ("rate", "callers", "trace")) != 1:
        raise click.UsageError("say who comes by one of --rate, --callers and --trace")
    hold = _hold(given["hold"], given["hold_cv"])
    retries = Retries(attempts=given["retries"]) if given["retries"] > 1 else None
    common: dict[str, Any] = {"duration": given["length"], "timeout": given["patience"], "retries": retries}
    if given["trace"] is not None:
        return _traced(given["trace"], common)
    if given["callers"] is not None:
        loop = ClosedLoop(given["callers"], Exponential(given["think"]))
        return Workload(arrivals=loop, hold=hold, name=f"{given['callers']} callers", **common)
    arrivals = ARRIVALS[given["arrivals"]](given["rate"])
    return Workload(arrivals=arrivals, hold=hold, name=f"{given['arrivals']} {given['rate']:g}/s", **common)


def _hold(mean: float, cv: float) -> Any:
    if cv == 0:
        return Constant(mean)
    return Exponential(mean) if cv == 1 else Lognormal(mean, cv)


def _traced(path: Path, common: dict[str, Any]) -> Workload:
    from respool.simulation import read_recording

    try:
        trace = read_recording(path).trace()
    except (OSError, ValueError) as exc:
        raise click.UsageError(str(exc)) from exc
    length = trace.at[-1] + 1.0
    return Workload(arrivals=trace, name=path.name, **{**common, "duration": length})


def backend_from(given: dict[str, Any]) -> SimulatedBackend:
    """Make the backend that the options describe."""
    contention = Contention(given["alpha"], given["beta"]) if given["alpha"] or given["beta"] else None
    return SimulatedBackend(create=Constant(given["connect"]), contention=contention)
