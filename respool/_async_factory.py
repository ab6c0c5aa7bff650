"""Pools for asyncio from coroutine functions and by URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, Unpack

from ._asyncio import AsyncPool
from ._bridge import in_threads
from ._config import PoolOptions, check_names
from ._factory import async_adapter_from, given_beside
from ._registry import backend_for, made, split_options

__all__ = ["make_async_pool", "open_async_pool"]

T = TypeVar("T")


def make_async_pool(
    create: Callable[[], Awaitable[T]],
    *,
    validate: Callable[[T], Awaitable[bool]] | None = None,
    reset: Callable[[T], Awaitable[object]] | None = None,
    destroy: Callable[[T], Awaitable[object]] | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[T]:
    """Make a pool from coroutine functions; the resource's type is inferred from ``create``.

    Args:
        create: Makes one resource: a coroutine function, or anything that returns an awaitable.
        validate: Full check; False or an exception means: destroy and replace.
        reset: Cleans a resource after use; an exception means: give it up.
        destroy: Ends a resource.
        **options: See `PoolOptions`.

    Raises:
        TypeError: Something given is not callable, takes other arguments, or is a generator.
        ValueError: An option out of range.
    """
    check_names(options, given_beside)
    return AsyncPool(async_adapter_from(create, validate, reset, destroy), **options)


def open_async_pool(url: str, **options: Any) -> AsyncPool[Any]:
    """Open a pool for asyncio by URL; a backend that has only a blocking adapter runs it in threads.

    Args:
        url: For example ``redis://localhost``.
        **options: The pool's options (`PoolOptions`) and the adapter's own (``hygiene=``, ``connect=`` ...).

    Raises:
        ValueError: Not a URL, or an unknown scheme (with a did-you-mean and what to install).
        TypeError: An unknown option.
        ImportError: The adapter's driver is not installed; says what to install.
    """
    backend = backend_for(url)
    own, pool_options = split_options(options)
    if backend.async_adapter is not None:
        return AsyncPool(made(backend.async_adapter, url, own), **pool_options)
    assert backend.adapter is not None, "a Backend has one of them"
    return AsyncPool(in_threads(made(backend.adapter, url, own)), **pool_options)
