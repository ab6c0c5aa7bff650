"""The asyncio adapter and its helper; the twin of `_adapter`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.credentials import CredentialProvider

from respool import AsyncAdapter, Hygiene, PoolOptions, Timeouts, check_configure, check_connect

from . import _faults
from ._async_connection import CONNECTIONS, AsyncLeasedConnection, AsyncLeasedRedis, AsyncOneConnection
from ._common import Common
from ._hygiene import check, must_clean, recipe
from ._lease import begin_again, end_lease, leased, login_of, seal, stale_login
from ._ledger import SUBSCRIBED
from ._target import read_target

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from respool import AsyncPool

__all__ = ["AsyncRedisAdapter", "async_redis_pool"]

AsyncConfigure = Callable[[redis.asyncio.Redis], Awaitable[object]] | Callable[[redis.asyncio.Redis], object]


class AsyncRedisAdapter(Common, AsyncAdapter[redis.asyncio.Redis]):
    """Makes, checks, cleans and ends `redis.asyncio.Redis` clients, each bound to one connection.

    The arguments are those of `RedisAdapter`; ``configure``, a callable ``password`` and a callable
    ``credential_provider`` may be coroutine functions.
    """

    def __init__(
        self,
        url: str,
        *,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: AsyncConfigure | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        check_configure(configure, asynchronous=True)
        check_connect(connect)
        super().__init__(read_target(url, connect or {}, CONNECTIONS, _ask), hygiene, configure, timeouts)

    async def create(self) -> redis.asyncio.Redis:
        """Connect, log in, select the database, configure."""
        try:
            async with asyncio.timeout(self._timeouts.create):
                return await self._create()
        except Exception as exc:
            if not _faults.is_marked(exc):
                _faults.mark_creating(exc)
            raise

    async def _create(self) -> redis.asyncio.Redis:
        source = self._target.credentials
        given = await _settled(source()) if callable(source) else source
        arguments = self._arguments(given, Retry)
        pool = AsyncOneConnection(connection_class=CONNECTIONS[self._target.kind], **arguments)
        connection: AsyncLeasedConnection = pool.leased
        try:
            await connection.open()
            return await self._prepare(AsyncLeasedRedis(pool))
        except BaseException as exc:
            await connection.retire()
            _faults.mark_creating(exc, connection.last_words)
            raise

    async def _prepare(self, client: redis.asyncio.Redis) -> redis.asyncio.Redis:
        """Let the user configure a fresh session, and take what comes out as the clean state."""
        if self._configure is not None:
            await _settled(self._configure(client))
        seal(client, self._hygiene)
        return client

    async def validate(self, resource: redis.asyncio.Redis, /) -> bool:
        """Send a PING and want exactly its answer."""
        connection: AsyncLeasedConnection = leased(resource)
        if connection.ledger.pending:
            return False
        async with asyncio.timeout(self._timeouts.validate):
            return not await connection.exchange(())

    async def reset(self, resource: redis.asyncio.Redis, /) -> None:
        """Clean the session; every command needed goes out in one write.

        Raises:
            respool.ResourceSpoiled: It cannot be made clean.
        """
        connection: AsyncLeasedConnection = end_lease(resource, self._hygiene)
        if must_clean(connection.ledger, self._hygiene):
            async with asyncio.timeout(self._timeouts.reset):
                await self._clean(connection)
                begin_again(resource)
                if self._hygiene == "session":
                    await self._prepare(resource)

    async def _clean(self, connection: AsyncLeasedConnection) -> None:
        subscribed = bool(connection.ledger.notes & SUBSCRIBED)
        commands = recipe(connection.ledger, self._hygiene, login_of(connection))
        with stale_login():
            check(commands, await connection.exchange(commands), subscribed=subscribed)

    async def destroy(self, resource: redis.asyncio.Redis, /) -> None:
        """Close the connection."""
        connection: AsyncLeasedConnection = leased(resource)
        async with asyncio.timeout(self._timeouts.destroy):
            await connection.retire()


async def _settled(value: Any) -> Any:
    """Await what has to be awaited."""
    return await value if inspect.isawaitable(value) else value


def _ask(provider: Any) -> Callable[[], Any]:
    """Choose a provider's own asynchronous method; redis-py's default one only warns and calls the other."""
    method = getattr(type(provider), "get_credentials_async", None)
    if method is None or method is getattr(CredentialProvider, "get_credentials_async", None):
        blocking: Callable[[], Any] = provider.get_credentials
        return blocking
    own: Callable[[], Any] = provider.get_credentials_async
    return own


def async_redis_pool(
    url: str,
    *,
    connect: Mapping[str, Any] | None = None,
    hygiene: Hygiene = "session",
    configure: AsyncConfigure | None = None,
    **options: Unpack[PoolOptions],
) -> AsyncPool[redis.asyncio.Redis]:
    """Open an asyncio pool of `redis.asyncio.Redis` clients, each bound to one connection.

    Args:
        url: As for `AsyncRedisAdapter`.
        connect: Further arguments of redis-py's connection.
        hygiene: ``"session"``, ``"transaction"`` or ``"none"``.
        configure: Called with each new client and after every session reset; may be a coroutine function.
        **options: The pool's own options.

    Returns:
        A `respool.AsyncPool`; redis-py's types do not tell clients that decode from those that do not.

    Raises:
        ValueError: For a bad URL or option value.
        TypeError: For an unknown option.
    """
    from respool import AsyncPool

    adapter = AsyncRedisAdapter(
        url, hygiene=hygiene, connect=connect, configure=configure, timeouts=Timeouts.of(options)
    )
    return AsyncPool(adapter, **options)
