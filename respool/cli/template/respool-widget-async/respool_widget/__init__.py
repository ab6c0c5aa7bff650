"""Pools of Widget connections for asyncio."""

from __future__ import annotations

from respool import Backend

from ._adapter import AsyncWidgetAdapter, async_widget_adapter
from ._client import Client
from ._pool import async_widget_pool

__all__ = ["AsyncWidgetAdapter", "Client", "async_widget_pool", "backend"]


async def _work(client: Client) -> None:
    """Do one unit of work, for `respool load --asyncio`."""
    await client.ask("SET x")
    await client.ask("GET")


backend = Backend(name="Widget", async_adapter=async_widget_adapter, async_work=_work, extra="respool-widget")
