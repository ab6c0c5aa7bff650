"""The errors for misuse: a lease used after its end, a pool used on a loop that is not its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._errors import PoolMisuse

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

__all__ = ["misuse", "uncopied", "wrong_loop"]

_ENDS = {
    "": "it was released before; a lease is used once, acquire() gives the next one",
    "discarded": "it was discarded before",
    "detached": "it was detached before: the resource is the caller's own",
    "inherited": "it was inherited through fork and belongs to the parent; acquire() one in this process",
}


def misuse(lease: Any, act: str) -> PoolMisuse:
    """Make the error for an act on a lease that has ended."""
    return PoolMisuse(f"cannot {act} this lease of pool {lease._core.settings.name!r}: {_ENDS[lease._end]}")


def uncopied(what: str, instead: str) -> TypeError:
    """Make the error for copying or pickling what exists once."""
    return TypeError(f"{what} cannot be copied or pickled: {instead}")


def wrong_loop(pool: str, own: AbstractEventLoop | None, running: AbstractEventLoop | None) -> PoolMisuse:
    """Make the error for a use of an `AsyncPool` outside the loop that owns it."""
    if own is None:
        told = (
            "is an AsyncPool and no event loop runs here: use it in a coroutine, under asyncio.run(), or "
            "make a Pool for threads"
        )
    elif own.is_closed():
        told = (
            f"belongs to an event loop that is closed ({own!r}): make one AsyncPool per loop, and close it "
            "before its loop ends"
        )
    elif running is not None:
        told = (
            f"belongs to another event loop ({own!r}, this one is {running!r}): make one AsyncPool per loop"
        )
    else:
        told = (
            f"belongs to an event loop ({own!r}) that does not run in this thread: from here use "
            "asyncio.run_coroutine_threadsafe(pool.run(work), loop).result(), or make a Pool for threads"
        )
    return PoolMisuse(f"pool {pool!r} {told}")
