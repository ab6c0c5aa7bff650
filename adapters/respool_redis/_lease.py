"""The end of a lease as both adapters see it: is there anything to clean, and can it be cleaned at all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from redis import exceptions as errors

from respool import Hygiene, ResourceSpoiled

from . import _state
from ._hygiene import Login
from ._ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["begin_again", "end_lease", "leased", "login_of", "seal", "stale_login"]


def leased(client: Any) -> Any:
    """Give the one connection behind a client that an adapter made."""
    connection: Any = client._leased
    return connection


def seal(client: Any, level: Hygiene) -> None:
    """Take the state of now, the server's and Python's, as the one to go back to.

    Python's at "session" alone, which is where one goes back to it.
    """
    connection = leased(client)
    ledger: Ledger = connection.ledger
    if level == "session" and (client._ledger is None or ledger.touched):
        _state.seal(client, ledger)
    connection.settle()


def end_lease(client: Any, level: Hygiene) -> Any:
    """Undo what is Python's, and refuse what nobody can undo.

    Returns:
        The connection, whose session may still have to be cleaned.

    Raises:
        respool.ResourceSpoiled: Somebody else still uses the connection, or it is out of step.
    """
    connection = leased(client)
    ledger: Ledger = connection.ledger
    for booth in ledger.booths:
        booth.shut()
    if reason := ledger.why_spoiled(level):
        raise ResourceSpoiled(reason)
    if ledger.turn.locked():
        raise ResourceSpoiled("a command was interrupted, or is still running")
    if level == "session":
        if connection.was_changed():
            raise ResourceSpoiled("an attribute of the connection was changed")
        if ledger.touched:
            _state.restore(client)
    ledger.booths.clear()
    return connection


def begin_again(client: Any) -> None:
    """Open a new page after the session was cleaned."""
    leased(client).ledger.forget()


@contextlib.contextmanager
def stale_login() -> Iterator[None]:
    """Keep a login that is no longer valid from being taken for a bad configuration: the next may do."""
    try:
        yield
    except errors.AuthenticationError as exc:
        raise ResourceSpoiled("the login of this connection is no longer valid") from exc


def login_of(connection: Any) -> Login:
    """Collect what the session was opened with."""
    provider = connection.credential_provider
    return Login(
        protocol=int(connection.protocol or 2),
        database=int(connection.db or 0),
        client_name=connection.client_name,
        credentials=tuple(provider.get_credentials()) if provider is not None else None,
    )
