"""Every option of a pool as an option of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from respool import Fixed

from ._numbers import Finite, Type, finite

__all__ = ["pool_options", "simulated_options", "taken"]

F = TypeVar("F", bound=Callable[..., Any])


class _OrNone(Type):
    """A finite number, or ``none``."""

    def __init__(self, number: Callable[[Any], float]) -> None:
        self._number = number
        self.name = "integer|none" if number is int else "seconds|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        try:
            return self._number(value)
        except ValueError:
            what = "an integer" if self._number is int else "a finite number"
            return self.fail(f"{value!r} must be {what} or 'none'", param, ctx)


class _Sizing(Type):
    """``elastic`` (the default), ``fixed`` or ``fixed:N``."""

    name = "elastic|fixed[:N]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        kind, _, size = str(value).partition(":")
        if kind == "elastic" and not size:
            return None
        if kind == "fixed" and (not size or size.isdecimal()):
            return Fixed(int(size) if size else None)
        return self.fail(f"{value!r} must be elastic, fixed or fixed:N", param, ctx)


class _Admission(Type):
    name = "deadline|report|none"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return None if str(value).lower() == "none" else value


TYPES: dict[str, Any] = {
    "name": str,
    "min_size": int,
    "max_size": int,
    "timeout": _OrNone(finite),
    "max_waiting": _OrNone(int),
    "max_idle": _OrNone(finite),
    "max_lifetime": _OrNone(finite),
    "max_uses": _OrNone(int),
    "check_after": Finite(),
    "keepalive": _OrNone(finite),
    "order": click.Choice(["lifo", "fifo"]),
    "fairness": click.Choice(["eventual", "strict"]),
    "create_timeout": Finite(),
    "validate_timeout": Finite(),
    "reset_timeout": Finite(),
    "destroy_timeout": Finite(),
    "max_creating": int,
    "sizing": _Sizing(),
    "admission": _Admission(),
    "leak_after": _OrNone(finite),
}


def pool_options(command: F) -> F:
    """Give a command an option for each option of a pool (``--max-size 8``) and for ``--hygiene``."""
    hygiene = click.Choice(["session", "transaction", "none"])
    command = _options(TYPES)(command)
    return click.option("--hygiene", type=hygiene, help="How thoroughly a lease is cleaned.")(command)


def simulated_options(command: F) -> F:
    """Give a command an option for each option of a pool that means something in virtual time."""
    return _options({name: kind for name, kind in TYPES.items() if name not in ("name", "timeout")})(command)


def _options(types: dict[str, Any]) -> Callable[[F], F]:
    def decorate(command: F) -> F:
        for name, kind in reversed(types.items()):
            flag = "--" + name.replace("_", "-")
            command = click.option(flag, name, type=kind, help="Option of the pool.", default=None)(command)
        return command

    return decorate


def taken(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Pick out of a command's parameters the pool's options that the user has given."""
    source = click.core.ParameterSource.COMMANDLINE
    return {
        name: given[name]
        for name in (*TYPES, "hygiene")
        if name in given and ctx.get_parameter_source(name) is source
    }
