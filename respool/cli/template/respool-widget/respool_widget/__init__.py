"""Pools of Widget connections."""

from __future__ import annotations

from respool import Backend

from ._adapter import WidgetAdapter, widget_adapter
from ._client import Client
from ._pool import widget_pool

__all__ = ["Client", "WidgetAdapter", "backend", "widget_pool"]


def _work(client: Client) -> None:
    """Do one unit of work, for `respool load`."""
    client.ask("SET x")
    client.ask("GET")


backend = Backend(name="Widget", adapter=widget_adapter, work=_work, extra="respool-widget")
