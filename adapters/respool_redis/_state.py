"""The half of a session that is Python's: attributes of the client, noticed when set and put back."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Self

from redis.client import CaseInsensitiveDict

if TYPE_CHECKING:
    from ._ledger import Ledger

    _Dict = dict[Any, Any]
else:
    _Dict = object

__all__ = ["Client", "NotedCallbacks", "NotedDict", "connection_settings", "restore", "seal"]

connection_settings = operator.attrgetter(
    "encoder",
    "encoder.encoding",
    "encoder.encoding_errors",
    "encoder.decode_responses",
    "retry",
    "health_check_interval",
    "socket_timeout",
)
"""What of a connection's own attributes a user might change; one C call, for it runs at every release."""


class _Noted(_Dict):
    """Mixed into a dict: says so in the ledger when it is changed."""

    ledger: Ledger | None = None

    def _touch(self) -> None:
        if self.ledger is not None:
            self.ledger.touched = True

    def __setitem__(self, key: Any, value: Any) -> None:
        self._touch()
        super().__setitem__(key, value)

    def __delitem__(self, key: Any) -> None:
        self._touch()
        super().__delitem__(key)

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # dict's has overloads
        self._touch()
        return super().__ior__(other)

    def update(self, *args: Any, **kwargs: Any) -> None:
        self._touch()
        super().update(*args, **kwargs)

    def setdefault(self, *args: Any) -> Any:
        self._touch()
        return super().setdefault(*args)

    def pop(self, *args: Any) -> Any:
        self._touch()
        return super().pop(*args)

    def popitem(self) -> tuple[Any, Any]:
        self._touch()
        return super().popitem()

    def clear(self) -> None:
        self._touch()
        super().clear()


class NotedDict(_Noted, dict[Any, Any]):
    """The arguments of a connection, as `get_connection_kwargs` gives them."""


class NotedCallbacks(_Noted, CaseInsensitiveDict):
    """The response callbacks of a client."""


class Client:
    """Mixed into a `redis.Redis`: says so in the ledger when an attribute is set after it was sealed.

    Every Redis command is a method of the client, RESTORE for one, so that nothing public is added here.
    """

    if TYPE_CHECKING:
        connection_pool: Any
        response_callbacks: Any
        # No default in the class: before Python 3.12 that makes the attribute of an object twice as dear.
        _leased: Any
    _ledger: Ledger | None = None
    _sealed: tuple[dict[str, Any], dict[Any, Any], dict[Any, Any]]

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if self._ledger is not None:
            self._ledger.touched = True

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        if self._ledger is not None:
            self._ledger.touched = True


def seal(client: Client, ledger: Ledger) -> None:
    """Take the attributes of now as the ones to go back to, and watch them from now on."""
    own = vars(client)
    own["_ledger"] = None
    own["_sealed"] = None
    callbacks = NotedCallbacks({})
    dict.update(callbacks, client.response_callbacks)  # 250 of them, in capitals already
    own["response_callbacks"] = callbacks
    arguments = client.connection_pool.connection_kwargs
    own["_sealed"] = (dict(own), dict(callbacks), dict(arguments))
    own["_ledger"] = callbacks.ledger = arguments.ledger = ledger


def restore(client: Client) -> None:
    """Put every attribute back as it was when the client was sealed."""
    own = vars(client)
    ledger, sealed = own["_ledger"], client._sealed
    attributes, callbacks, arguments = sealed
    own.clear()
    own.update(attributes, _sealed=sealed, _ledger=ledger)
    _refill(client.response_callbacks, callbacks)
    _refill(client.connection_pool.connection_kwargs, arguments)
    ledger.touched = False


def _refill(noted: dict[Any, Any], content: dict[Any, Any]) -> None:
    dict.clear(noted)
    dict.update(noted, content)
