"""How one Widget connection is made, checked, cleaned and ended."""

from __future__ import annotations

from urllib.parse import urlsplit

from respool import Adapter, Fault, ResourceSpoiled, Timeouts

from ._client import Client

PORT = 4000


class WidgetAdapter(Adapter[Client]):
    """Makes, checks, cleans and ends connections to a Widget server."""

    kind = "widget"

    def __init__(self, host: str, port: int = PORT, *, timeouts: Timeouts | None = None) -> None:
        self.host, self.port = host, port
        self.timeouts = timeouts or Timeouts()

    def create(self) -> Client:
        """Connect. The client keeps the time itself, because no pool can kill a thread."""
        timeouts = self.timeouts
        client = Client(self.host, self.port, timeout=timeouts.create)
        client.sock.settimeout(min(timeouts.validate, timeouts.reset, timeouts.destroy))
        return client

    def validate(self, client: Client, /) -> bool:
        """Ask the server; an exception counts as False."""
        return client.ask("PING") == "PONG"

    def reset(self, client: Client, /) -> None:
        """Forget what the last user left, before anybody else sees it."""
        if client.ask("RESET") != "OK":
            raise ResourceSpoiled("the server did not reset")

    def destroy(self, client: Client, /) -> None:
        """Hang up; it says no goodbye to a server that may be gone."""
        client.close()

    def classify(self, exc: BaseException, /) -> Fault:
        """Say what an error means; it sees those of the users as well."""
        match exc:
            case ConnectionRefusedError():
                return Fault.BACKEND_DOWN
            case OSError():
                return Fault.RESOURCE_BROKEN
        return Fault.BENIGN


def widget_adapter(url: str, *, timeouts: Timeouts | None = None) -> WidgetAdapter:
    """Make the adapter of a URL such as ``widget://localhost:4000``.

    Raises:
        ValueError: The URL is another one. It is not repeated: it may hold a password.
    """
    place = _place(url)
    if place is None:
        raise ValueError("not a Widget URL, it must look like widget://host or widget://host:port")
    return WidgetAdapter(*place, timeouts=timeouts)


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
