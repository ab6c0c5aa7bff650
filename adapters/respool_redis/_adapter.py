"""The blocking adapter and its helper."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import redis
from redis.retry import Retry

from respool import (
    Adapter,
    Hygiene,
    PoolOptions,
    ResourceSpoiled,
    Timeouts,
    check_configure,
    check_configured,
    check_connect,
)

from . import _faults
from ._common import Common
from ._connection import CONNECTIONS, LeasedConnection, LeasedRedis, OneConnection
from ._hygiene import check, must_clean, recipe
from ._lease import begin_again, end_lease, leased, login_of, seal, stale_login
from ._ledger import SUBSCRIBED
from ._target import read_target

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from respool import Pool

__all__ = ["RedisAdapter", "redis_pool"]

Configure = Callable[[redis.Redis], object]


class RedisAdapter(Common, Adapter[redis.Redis]):
    """Makes, checks, cleans and ends `redis.Redis` clients, each bound to one connection of its own.

    Args:
        url: ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``.
        hygiene: How thoroughly a session is cleaned between two leases.
        connect: Further arguments of redis-py's connection; they win over the URL's. ``password`` may be a
            callable, and ``credential_provider`` a callable or one of redis-py's: asked at each create.
        configure: Called with each new client and after every session reset.
        timeouts: Seconds per adapter call, handed to the socket as well.

    Raises:
        ValueError: For a URL that cannot be read or a hygiene that there is not.
        TypeError: For an argument that redis-py does not know or a pool cannot honour.
    """

    def __init__(
        self,
        url: str,
        *,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Configure | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        check_configure(configure)
        check_connect(connect)
        super().__init__(read_target(url, connect or {}, CONNECTIONS), hygiene, configure, timeouts)

    def create(self) -> redis.Redis:
        """Connect, log in, select the database, configure."""
        try:
            source = self._target.credentials
            arguments = self._arguments(source() if callable(source) else source, Retry)
            pool = OneConnection(connection_class=CONNECTIONS[self._target.kind], **arguments)
        except Exception as exc:
            _faults.mark_creating(exc)
            raise
        return self._connect(pool)

    def _connect(self, pool: OneConnection) -> redis.Redis:
        connection: LeasedConnection = pool.leased
        try:
            connection.open(self._timeouts.create)
            return self._prepare(LeasedRedis(pool), self._timeouts.create)
        except BaseException as exc:
            connection.retire()
            _faults.mark_creating(exc, connection.last_words)
            raise

    def _prepare(self, client: redis.Redis, patience: float) -> redis.Redis:
        """Let the user configure a fresh session, and take what comes out as the clean state."""
        connection: LeasedConnection = leased(client)
        with connection.within(patience):
            if self._configure is not None:
                check_configured(self._configure(client))
        seal(client, self._hygiene)
        return client

    def validate(self, resource: redis.Redis, /) -> bool:
        """Send a PING and want exactly its answer."""
        connection: LeasedConnection = leased(resource)
        if connection.ledger.pending:
            return False
        with connection.within(self._timeouts.validate):
            return connection.is_in_step()

    def glance(self, resource: redis.Redis, /) -> Callable[[int], object] | None:
        """Give the bare `poll`: what was received and not read is looked for at the release.

        None at the level "none", where `reset` sends nothing, and where `configure` has left something.
        """
        connection: LeasedConnection = leased(resource)
        if self._hygiene == "none" or connection.unread():
            return None
        return connection.poll

    def reset(self, resource: redis.Redis, /) -> None:
        """Clean the session; every command needed goes out in one write.

        Raises:
            respool.ResourceSpoiled: It cannot be made clean.
        """
        connection: LeasedConnection = end_lease(resource, self._hygiene)
        if must_clean(connection.ledger, self._hygiene):
            self._clean(connection)
            begin_again(resource)
            if self._hygiene == "session":
                self._prepare(resource, self._timeouts.reset)
        if connection.unread() and self._hygiene != "none":
            with connection.within(self._timeouts.reset):
                if not connection.is_in_step():
                    raise ResourceSpoiled("a reply was left unread")

    def _clean(self, connection: LeasedConnection) -> None:
        subscribed = bool(connection.ledger.notes & SUBSCRIBED)
        commands = recipe(connection.ledger, self._hygiene, login_of(connection))
        with connection.within(self._timeouts.reset), stale_login():
            check(commands, connection.exchange(commands), subscribed=subscribed)

    def destroy(self, resource: redis.Redis, /) -> None:
        """Close the connection."""
        leased(resource).retire()


def redis_pool(
    url: str,
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: Configure | None = None,
    **options: Unpack[PoolOptions],
) -> Pool[redis.Redis]:
    """Open a pool of `redis.Redis` clients, each bound to one connection.

    Args:
        url: As for `RedisAdapter`.
        connect: Further arguments of redis-py's connection.
        hygiene: ``"session"``, ``"transaction"`` or ``"none"``.
        configure: Called with each new client and after every session reset.
        **options: The pool's own options.

    Returns:
        A `respool.Pool`; redis-py's types do not tell clients that decode from those that do not.

    Raises:
        ValueError: For a bad URL or option value.
        TypeError: For an unknown option.
    """
    from respool import Pool

    adapter = RedisAdapter(
        url, hygiene=hygiene, connect=connect, configure=configure, timeouts=Timeouts.of(options)
    )
    return Pool(adapter, **options)
