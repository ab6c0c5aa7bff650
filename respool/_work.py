"""What `run` is given to do: a plain function for threads, a coroutine function for asyncio."""

from __future__ import annotations

import inspect
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeVar

from ._scrub import quoted

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["awaitable", "check_work", "plain"]

R = TypeVar("R")


def check_work(work: Any) -> None:
    """Refuse work that cannot be called with one resource, before one is leased for it."""
    if not callable(work):
        raise TypeError(f"work is {quoted(work)}, it must be callable with one resource")


def plain(result: R) -> R:
    """Give what work for threads returned, unless a loop would have to await it."""
    if isinstance(result, CoroutineType):
        result.close()
        raise TypeError(
            "work returned a coroutine, which nobody awaits here: it must be a plain function; for "
            "coroutine functions there is AsyncPool"
        )
    return result


def awaitable(result: Awaitable[R]) -> Awaitable[R]:
    """Give what work for asyncio returned, if it can be awaited."""
    if not inspect.isawaitable(result):
        raise TypeError(f"work returned {type(result).__name__}, it must be a coroutine function: async def")
    return result
