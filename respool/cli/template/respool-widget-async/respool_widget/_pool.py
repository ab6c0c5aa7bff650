"""The typed helper that most users call."""

from __future__ import annotations

from typing_extensions import Unpack

from respool import AsyncPool, PoolOptions, Timeouts

from ._adapter import async_widget_adapter
from ._client import Client


def async_widget_pool(url: str, /, **options: Unpack[PoolOptions]) -> AsyncPool[Client]:
    """Open a pool of Widget connections.

    Args:
        url: For example ``widget://localhost:4000``.
        **options: The options of every pool.
    """
    return AsyncPool(async_widget_adapter(url, timeouts=Timeouts.of(options)), **options)
