"""What both adapters are apart from their four methods: arguments read, abilities, credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.backoff import NoBackoff
from redis.credentials import UsernamePasswordCredentialProvider

from respool import Fault, Hygiene, Timeouts, check_hygiene, check_timeouts

from . import _faults
from ._ledger import ALL, TRANSACTION
from ._line import judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._target import Target

__all__ = ["Common"]


class Common:
    """The shared half of `RedisAdapter` and `AsyncRedisAdapter`."""

    kind = "redis"
    noun = "connection"

    def __init__(
        self,
        target: Target,
        hygiene: Hygiene,
        configure: Callable[[Any], Any] | None,
        timeouts: Timeouts,
    ) -> None:
        self._target = target
        check_hygiene(hygiene)
        self._hygiene: Hygiene = hygiene
        self._configure = configure
        check_timeouts(timeouts)
        self._timeouts = timeouts
        self.reset_is_local = hygiene == "none"
        self._is_thorough = hygiene == "session"
        self._mask = {"session": ALL, "transaction": TRANSACTION, "none": 0}[hygiene]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._target.place!r}, hygiene={self._hygiene!r})"

    def _arguments(self, given: Any, retry: type[Any]) -> dict[str, Any]:
        """Put together what one connection is made with.

        Args:
            given: What the source of credentials gave; None where there is no source.
            retry: redis-py's retry class of this colour. It retries ten times unless told not to.
        """
        arguments = dict(self._target.options)
        patience = arguments.get("socket_connect_timeout") or self._timeouts.create
        arguments["socket_connect_timeout"] = min(patience, self._timeouts.create)
        arguments["retry"] = retry(NoBackoff(), 0)
        if given is not None:
            user, password = ("", *self._target.login(given))[-2:]
            arguments["credential_provider"] = UsernamePasswordCredentialProvider(user, password)
        return arguments

    def probe(self, resource: Any, /) -> bool:
        """Look whether the server hung up or sent something; no round trip."""
        connection = resource._leased
        # Names of their own: before Python 3.12 calls of what an attribute keeps are not specialised.
        poll, unread = connection.poll, connection.unread
        if poll(0) or unread():
            return judge(connection)
        return True

    def is_dirty(self, resource: Any, /) -> bool:
        """Tell from the ledger whether there is anything to clean; runs at every release."""
        ledger = resource._leased.ledger
        if ledger.notes & self._mask or ledger.pending or ledger.held or ledger.booths:
            return True
        unread = ledger.unread  # a name of its own, as in `probe`
        if ledger.gone or ledger.packed or ledger.turn.locked() or unread():
            return True
        return self._is_thorough and (ledger.touched or resource._leased.was_changed())

    def abort(self, resource: Any, /) -> None:
        """Shut the line, so that whoever waits on it gets an error."""
        resource._leased.shut()

    def classify(self, exc: BaseException, /) -> Fault:
        """Tell what one of redis-py's exceptions means; see the table in the reference."""
        return _faults.classify(exc)
