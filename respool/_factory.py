"""Pools from plain callables: `make_pool`, and the adapters that stand behind it and its asyncio twin."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar, Unpack

from ._adapter import Adapter, AsyncAdapter
from ._adapter_checks import COROUTINE, GENERATOR, PLAIN, colour_of, misfit
from ._config import PoolOptions, check_names
from ._scrub import quoted
from ._threads import Pool

__all__ = ["adapter_from", "async_adapter_from", "given_beside", "make_pool"]

T = TypeVar("T")


class _FromCallables(Adapter[T]):
    """Calls what it was given."""

    def __init__(self, create: Callable[[], T], calls: Mapping[str, Callable[[Any], Any]]) -> None:
        self._create = create
        self._calls = calls
        self.kind = _name_of(create)

    def create(self) -> T:
        """Call the user's ``create``."""
        return self._create()


class _AsyncFromCallables(AsyncAdapter[T]):
    """Awaits what it was given."""

    def __init__(
        self, create: Callable[[], Awaitable[T]], calls: Mapping[str, Callable[[Any], Awaitable[Any]]]
    ) -> None:
        self._create = create
        self._calls = calls
        self.kind = _name_of(create)

    async def create(self) -> T:
        """Await the user's ``create``."""
        return await _awaitable("create", self._create())


def make_pool(
    create: Callable[[], T],
    *,
    validate: Callable[[T], bool] | None = None,
    reset: Callable[[T], object] | None = None,
    destroy: Callable[[T], object] | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[T]:
    """Make a pool from plain callables; the resource's type is inferred from ``create``.

    >>> from respool import make_pool
    >>> with make_pool(dict, reset=dict.clear, max_size=2) as pool, pool.acquire() as resource:
    ...     resource["clean again"] = "for the next one"
    ...     len(resource)
    1

    Args:
        create: Makes one resource: a function, class, `functools.partial` or bound method.
        validate: Full check; True if it works; False, None or an exception means: destroy and replace.
        reset: Cleans a resource after use; an exception means: give it up.
        destroy: Ends a resource.
        **options: See `PoolOptions`.

    Raises:
        TypeError: Something given is not callable, takes other arguments, is a generator, or is a coroutine
            function (use `make_async_pool`).
        ValueError: An option out of range.
    """
    check_names(options, given_beside)
    return Pool(adapter_from(create, validate, reset, destroy), **options)


def given_beside() -> list[str]:
    """Name what both helpers take by keyword beside the pool's options."""
    return ["destroy", "reset", "validate"]


def adapter_from(
    create: Callable[[], T],
    validate: Callable[[T], bool] | None,
    reset: Callable[[T], object] | None,
    destroy: Callable[[T], object] | None,
) -> Adapter[T]:
    """Make an adapter from plain callables, which has only the methods that were given."""
    given: dict[str, Callable[[Any], Any] | None] = {"validate": validate, "reset": reset, "destroy": destroy}
    _check(create, given, asynchronous=False)
    calls = {name: call for name, call in given.items() if call is not None}
    methods = {name: _method(name) for name in calls}
    adapter: Adapter[T] = type("CallableAdapter", (_FromCallables,), methods)(create, calls)
    return adapter


def async_adapter_from(
    create: Callable[[], Awaitable[T]],
    validate: Callable[[T], Awaitable[bool]] | None,
    reset: Callable[[T], Awaitable[object]] | None,
    destroy: Callable[[T], Awaitable[object]] | None,
) -> AsyncAdapter[T]:
    """Make an asynchronous adapter from coroutine functions."""
    given: dict[str, Callable[[Any], Any] | None] = {"validate": validate, "reset": reset, "destroy": destroy}
    _check(create, given, asynchronous=True)
    calls = {name: call for name, call in given.items() if call is not None}
    methods = {name: _coroutine(name) for name in calls}
    adapter: AsyncAdapter[T] = type("AsyncCallableAdapter", (_AsyncFromCallables,), methods)(create, calls)
    return adapter


def _check(create: Any, given: Mapping[str, Any], *, asynchronous: bool) -> None:
    wanted = {name: call for name, call in given.items() if call is not None}
    for name, call in {"create": create, **wanted}.items():
        if not callable(call):
            raise TypeError(f"{name} is {quoted(call)}, it must be callable")
        colour = colour_of(call)
        if colour == COROUTINE and not asynchronous:
            raise TypeError(f"{name} is a coroutine function, use make_async_pool or give a plain function")
        if colour == GENERATOR:
            raise TypeError(f"{name} is {colour}, it must be {COROUTINE if asynchronous else PLAIN}")
        taken = "no argument" if name == "create" else "one argument, the resource"
        if trouble := misfit(call, *([] if name == "create" else [None])):
            raise TypeError(f"{name} is {quoted(call)}, it is called with {taken}: {trouble}")


# The class itself does not refer to what was given: early Pythons 3.12 keep for good a class of which
# `isinstance` has asked for a protocol (cpython gh-118013), and would keep the owner of what was given.


def _method(name: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, resource: Any, /) -> Any:
        return self._calls[name](resource)

    return method


def _coroutine(name: str) -> Callable[[Any, Any], Any]:
    async def method(self: Any, resource: Any, /) -> Any:
        return await _awaitable(name, self._calls[name](resource))

    return method


def _awaitable(name: str, answer: Awaitable[T]) -> Awaitable[T]:
    """Refuse what a blocking callable gave: by its looks it might have returned an awaitable."""
    if not inspect.isawaitable(answer):
        raise TypeError(
            f"{name} returned {type(answer).__name__}, which nobody can await: it must be an async def; "
            "for blocking callables there is make_pool"
        )
    return answer


def _name_of(call: Any) -> str:
    """Name a kind of resource after the callable that makes it."""
    while isinstance(call, functools.partial):
        call = call.func
    name = getattr(call, "__name__", type(call).__name__)
    return "resource" if name in ("<lambda>", "create") else name.strip("_").lower()
