"""How one Widget connection is made, checked, cleaned and ended."""

from __future__ import annotations

import contextlib
from urllib.parse import urlsplit

from respool import AsyncAdapter, Fault, ResourceSpoiled, Timeouts

from ._client import Client

PORT = 4000


class AsyncWidgetAdapter(AsyncAdapter[Client]):
    """Makes, checks, cleans and ends connections to a Widget server."""

    kind = "widget"

    def __init__(self, host: str, port: int = PORT) -> None:
        self.host, self.port = host, port

    async def create(self) -> Client:
        """Connect; the pool cancels what takes longer than its ``create_timeout``."""
        return await Client.connect(self.host, self.port)

    async def validate(self, client: Client, /) -> bool:
        """Ask the server; an exception counts as False."""
        return await client.ask("PING") == "PONG"

    async def reset(self, client: Client, /) -> None:
        """Forget what the last user left, before anybody else sees it."""
        if await client.ask("RESET") != "OK":
            raise ResourceSpoiled("the server did not reset")

    async def destroy(self, client: Client, /) -> None:
        """Hang up; it says no goodbye to a server that may be gone."""
        with contextlib.suppress(OSError):
            await client.close()

    def classify(self, exc: BaseException, /) -> Fault:
        """Say what an error means; it sees those of the users as well."""
        match exc:
            case ConnectionRefusedError():
                return Fault.BACKEND_DOWN
            case OSError():
                return Fault.RESOURCE_BROKEN
        return Fault.BENIGN


def async_widget_adapter(url: str, *, timeouts: Timeouts | None = None) -> AsyncWidgetAdapter:
    """Make the adapter of a URL such as ``widget://localhost:4000``.

    Args:
        url: The address.
        timeouts: Those of the pool, for a driver that keeps the time itself; this one is cancelled instead.

    Raises:
        ValueError: The URL is another one. It is not repeated: it may hold a password.
    """
    place = _place(url)
    if place is None:
        raise ValueError("not a Widget URL, it must look like widget://host or widget://host:port")
    return AsyncWidgetAdapter(*place)


def _place(url: str) -> tuple[str, int] | None:
    """Give host and port; None for what is refused, as the library's own errors quote the URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "widget" or not host or port == 0:
        return None
    return host, port or PORT
