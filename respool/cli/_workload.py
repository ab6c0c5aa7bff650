"""A workload and a backend as options of a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import attrs
import click
from click.core import ParameterSource

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
    read_recording,
)

from ._numbers import FiniteRange

__all__ = ["scenario_from", "workload_options"]

F = TypeVar("F", bound=Callable[..., Any])

ARRIVALS: dict[str, Callable[[float, float], Any]] = {
    "poisson": lambda rate, length: Poisson(rate),
    "bursts": lambda rate, length: Bursts(calm=rate / 2, burst=rate * 3, calm_for=40.0, burst_for=10.0),
    "diurnal": lambda rate, length: Diurnal(rate, period=length),
    "flash": lambda rate, length: FlashCrowd(
        rate=rate, peak=rate * 5, start=length / 5, stay=length / 10, fall=length / 30
    ),
    "onoff": lambda rate, length: OnOff(rate=rate, on=20.0, off=20.0),
}
BELONGS = {
    "arrivals": ("rate",),
    "think": ("callers",),
    "hold": ("rate", "callers"),
    "hold_cv": ("rate", "callers"),
    "length": ("rate", "callers"),
}
"""With what an option has a meaning: a trace brings its own moments and holds."""
MOST_CALLS = 10_000_000
"""A run of so many takes some minutes, and there is one for each row of a table."""
_OPTIONS = (
    click.option("--rate", type=FiniteRange(0, min_open=True), help="Arrivals per second."),
    click.option(
        "--arrivals",
        type=click.Choice(sorted(ARRIVALS)),
        default="poisson",
        help="How they come: evenly (poisson), in bursts of three times --rate for 10 s or so, on for 20 s "
        "and off for 20 s, in one diurnal wave, or a flash crowd of five times --rate for 0.1 --length.",
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
        "--length",
        type=FiniteRange(1, MOST_CALLS),  # the pool's own moments go by without any arrival, too
        default=300.0,
        help="Seconds of arrivals.",
        show_default=True,
    ),
    click.option(
        "--patience",
        type=FiniteRange(0),
        default=30.0,
        help="How long callers wait, s.",
        show_default="30.0; of a trace, its pool's timeout",
    ),
    click.option(
        "--retries", type=click.IntRange(1, 100), default=1, help="Asks per caller in all.", show_default=True
    ),
    click.option(
        "--connect",
        type=FiniteRange(0),
        default=0.05,
        help="What a create takes, s.",
        show_default="0.05; of a trace, what its creates took",
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


def scenario_from(given: dict[str, Any]) -> tuple[Workload, SimulatedBackend]:
    """Make the workload and the backend that the options describe.

    Raises:
        click.UsageError: Nothing or more than one option says who comes, another one has no meaning beside
            it, or a trace cannot be read.
    """
    who = [name for name in ("rate", "callers", "trace") if given[name] is not None]
    if len(who) != 1:
        raise click.UsageError("say who comes by one of --rate, --callers and --trace")
    _refuse_unheard(who[0])
    workload, backend = _recorded(given) if who == ["trace"] else _described(given)
    if given["retries"] > 1:
        workload = attrs.evolve(workload, retries=Retries(attempts=given["retries"]))
    if given["alpha"] or given["beta"]:
        backend = attrs.evolve(backend, contention=Contention(given["alpha"], given["beta"]))
    return workload, backend


def _described(given: dict[str, Any]) -> tuple[Workload, SimulatedBackend]:
    _refuse_endless(given["rate"], given["callers"], given["think"], given["length"])
    workload = Workload(
        arrivals=_arrivals(given),
        hold=_hold(given["hold"], given["hold_cv"]),
        duration=given["length"],
        timeout=given["patience"],
        name=f"{given['callers']} callers"
        if given["callers"]
        else f"{given['arrivals']} {given['rate']:g}/s",
    )
    return workload, SimulatedBackend(create=Constant(given["connect"]))


def _refuse_endless(rate: float | None, callers: int | None, think: float, length: float) -> None:
    """Refuse so many calls that the run would not end today."""
    if callers is not None:
        what, calls = (
            f"--callers {callers} with --think {think:g}",
            min(callers, MOST_CALLS + 1) * length / think,
        )
    else:
        assert rate is not None, "one of the two is given"
        what, calls = f"--rate {rate:g}", rate * length
    if calls > MOST_CALLS:
        raise click.UsageError(
            f"{what} makes more than {MOST_CALLS:,} calls in --length {length:g}, the most that are simulated"
        )


def _arrivals(given: dict[str, Any]) -> Any:
    if given["callers"] is not None:
        return ClosedLoop(given["callers"], Exponential(given["think"]))
    return ARRIVALS[given["arrivals"]](given["rate"], given["length"])


def _hold(mean: float, cv: float) -> Any:
    if cv == 0:
        return Constant(mean)
    return Exponential(mean) if cv == 1 else Lognormal(mean, cv)


def _recorded(given: dict[str, Any]) -> tuple[Workload, SimulatedBackend]:
    """Take what a trace recorded, but for what the caller says otherwise."""
    path: Path = given["trace"]
    try:
        recorded = read_recording(path)
        workload, backend = attrs.evolve(recorded.workload(), name=path.name), recorded.backend()
    except (OSError, ValueError) as exc:
        raise click.UsageError(str(exc)) from exc
    if _is_given("patience"):
        workload = attrs.evolve(workload, timeout=given["patience"])
    if _is_given("connect"):
        backend = attrs.evolve(backend, create=Constant(given["connect"]))
    return workload, backend


def _is_given(name: str) -> bool:
    return click.get_current_context().get_parameter_source(name) is ParameterSource.COMMANDLINE


def _refuse_unheard(who: str) -> None:
    """Refuse an option that was given and would change nothing."""
    for name, hosts in BELONGS.items():
        if who not in hosts and _is_given(name):
            goes_with = " or ".join(f"--{host}" for host in hosts)
            raise click.UsageError(
                f"--{name.replace('_', '-')} goes with {goes_with}, it has no meaning with --{who}"
            )
