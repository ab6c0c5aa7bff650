"""The options that the shipped adapters have in common: what they must be, whatever the driver."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import CoroutineType
from typing import Any, get_args

from ._adapter_checks import COROUTINE, PLAIN, colour_of, misfit
from ._config import Hygiene, Timeouts
from ._scrub import quoted

__all__ = ["check_configure", "check_configured", "check_connect", "check_hygiene", "check_timeouts"]


def check_configure(configure: Any, *, plain: bool = True, asynchronous: bool = False) -> None:
    """Refuse a ``configure`` that an adapter could not call; for the authors of adapters that take one.

    Args:
        configure: What the user gave; None is nothing to check.
        plain: Whether a plain function will do.
        asynchronous: Whether a coroutine function will do.

    Raises:
        TypeError: It cannot be called with one argument, or is of the wrong colour: a pool of threads would
            never run it.
    """
    if configure is None:
        return
    if not callable(configure):
        raise TypeError(f"configure is {quoted(configure)}, it must be callable with one connection")
    colour = colour_of(configure)
    fits = {PLAIN: plain, COROUTINE: asynchronous}
    if not fits.get(colour, False):
        right = "def configure(conn)" if plain else "async def configure(conn)"
        raise TypeError(f"configure is {quoted(configure)}, {colour}, it must be: {right}")
    if trouble := misfit(configure, None):
        raise TypeError(f"configure is {quoted(configure)}, it is called with one connection: {trouble}")


def check_configured(answer: object) -> None:
    """Refuse what a plain ``configure`` returned if it still had to be awaited: a lambda may hide that.

    Raises:
        TypeError: It is awaitable, so that nothing was configured yet.
    """
    if not inspect.isawaitable(answer):
        return
    if isinstance(answer, CoroutineType):
        answer.close()
    raise TypeError(
        f"configure returned a {type(answer).__name__}, which nobody awaits here, and did nothing: "
        "it must be: def configure(conn)"
    )


def check_hygiene(hygiene: object) -> None:
    """Refuse what is none of the three levels of `Hygiene`.

    Raises:
        TypeError: It is no str.
        ValueError: It is no level; names what there is.
    """
    levels = get_args(Hygiene)
    if not isinstance(hygiene, str) or hygiene not in levels:
        error = ValueError if isinstance(hygiene, str) else TypeError
        raise error(f"hygiene is {quoted(hygiene)}, it must be one of {', '.join(map(repr, levels))}")


def check_timeouts(timeouts: object) -> None:
    """Refuse what is no `Timeouts`: a number, or a mapping, would be found out at the first call.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(timeouts, Timeouts):
        raise TypeError(f"timeouts is {quoted(timeouts)}, it must be a respool.Timeouts")


def check_connect(connect: object) -> None:
    """Refuse a ``connect`` that holds no arguments of the driver; None is none.

    Raises:
        TypeError: It is no mapping, or a name in it is no str; the message has no value, one is a password.
    """
    if connect is None:
        return
    if not isinstance(connect, Mapping):
        raise TypeError(
            f"connect is a {type(connect).__name__}, it must be a mapping of the driver's arguments"
        )
    for name in connect:
        if not isinstance(name, str):
            raise TypeError(f"connect has the name {quoted(name)}, names must be str")
