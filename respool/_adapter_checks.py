"""Whether an object is an adapter: what `Pool` and `AsyncPool` refuse before they call it, and why."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from ._adapter import Adapter, AsyncAdapter

__all__ = ["COROUTINE", "GENERATOR", "PLAIN", "check_adapter", "colour_of", "misfit"]

METHODS = ("create", "validate", "reset", "destroy")
ABILITIES = ("probe", "glance", "is_dirty", "abort", "classify")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*METHODS, *ABILITIES), ("resource", "/")),
    "create": (),
    "classify": ("exc", "/"),
}
"""What each method of the contract takes, as its signature is written."""

EXAMPLES = {"kind": "'smtp'", "noun": "'session'", "reset_is_local": "True"}
"""What an attribute of the contract may look like."""

COROUTINE, GENERATOR, PLAIN = "a coroutine function", "a generator (it has a yield)", "a plain function"


def check_adapter(adapter: Any, *, asynchronous: bool) -> None:
    """Refuse what is no adapter of this colour.

    Raises:
        TypeError: Names the method and what it should be.
    """
    base = AsyncAdapter if asynchronous else Adapter
    pool, other_pool = ("AsyncPool", "Pool") if asynchronous else ("Pool", "AsyncPool")
    if isinstance(adapter, type):
        raise TypeError(
            f"{adapter.__name__} is a class, {pool} needs an instance: {pool}({adapter.__name__}(...))"
        )
    if isinstance(adapter, Adapter if asynchronous else AsyncAdapter):
        bridge = "; to use it here all the same: in_threads(adapter)" if asynchronous else ""
        raise TypeError(f"{type(adapter).__name__} is an adapter for {other_pool}, not for {pool}{bridge}")
    if not isinstance(adapter, base):
        raise TypeError(
            f"{type(adapter).__name__} is no adapter: subclass respool.{base.__name__} and write "
            f"create(self), or give plain callables to make_{'async_' if asynchronous else ''}pool"
        )
    for name in METHODS:
        _check_method(adapter, name, asynchronous=asynchronous)
    for name in ABILITIES:
        if hasattr(adapter, name):
            _check_method(adapter, name, asynchronous=False)
    if hasattr(adapter, "glance") and not hasattr(adapter, "probe"):
        raise TypeError(
            f"{type(adapter).__name__} has glance and no probe: "
            "what a glance sees is judged by def probe(self, resource, /)"
        )
    _check_attributes(adapter)
    _check_spelling(adapter, base)


def _check_method(adapter: Any, name: str, *, asynchronous: bool) -> None:
    method = getattr(adapter, name)
    arguments = ARGUMENTS[name]
    right = f"{'async ' if asynchronous else ''}def {name}({', '.join(['self', *arguments])})"
    where = f"{type(adapter).__name__}.{name}"
    if not callable(method):
        raise TypeError(f"{where} is {method!r}, it must be a method: {right}")
    if (colour := colour_of(method)) != (COROUTINE if asynchronous else PLAIN):
        raise TypeError(f"{where} is {colour}, it must be: {right}")
    if trouble := misfit(method, *arguments[:1]):
        raise TypeError(f"{where} does not take the arguments of the contract ({trouble}): {right}")


def misfit(call: Any, *arguments: object) -> str:
    """Say why something cannot be called with these arguments; empty where it can, or nobody knows."""
    try:
        inspect.signature(call).bind(*arguments)
    except TypeError as exc:
        return str(exc)
    except ValueError:  # a builtin without a signature
        return ""
    return ""


def colour_of(call: Any) -> str:
    """Say what kind of function something is, or what its ``__call__`` is."""
    while isinstance(call, functools.partial):
        call = call.func
    ways = (call, type(call).__call__)
    if any(map(inspect.iscoroutinefunction, ways)):
        return COROUTINE
    if any(inspect.isasyncgenfunction(way) or inspect.isgeneratorfunction(way) for way in ways):
        return GENERATOR
    return PLAIN


def _check_attributes(adapter: Any) -> None:
    for name, kind in (("kind", str), ("noun", str), ("reset_is_local", bool)):
        value = getattr(adapter, name)
        if not isinstance(value, kind):
            raise TypeError(
                f"{type(adapter).__name__}.{name} is {value!r}, it must be a {kind.__name__}, "
                f"as a class attribute: {name} = {EXAMPLES[name]}"
            )


def _check_spelling(adapter: Any, base: type) -> None:
    """Refuse a method whose name is nearly one of the contract's: it would never be called."""
    known = {_bare(name): name for name in ARGUMENTS}
    own = {name for cls in type(adapter).__mro__ if cls not in base.__mro__ for name in vars(cls)}
    for name in sorted(own):
        if name.startswith("_") or name in ARGUMENTS or hasattr(base, name):
            continue
        import difflib  # late: most adapters have no methods but the contract's

        near = difflib.get_close_matches(_bare(name), known, n=1, cutoff=0.85)
        if near and callable(getattr(adapter, name)) and known[near[0]] not in own:
            right = known[near[0]]
            raise TypeError(
                f"{type(adapter).__name__}.{name}: did you mean {right!r}? it is never called; "
                f"the contract has {right}({', '.join(['self', *ARGUMENTS[right]])})"
            )


def _bare(name: str) -> str:
    """Reduce a name to what people remember of it: ``isDirty``, ``is_dirty`` -> ``isdirty``."""
    return name.replace("_", "").lower()
