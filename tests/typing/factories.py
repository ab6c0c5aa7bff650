"""What the typed helpers infer: the resource's type, from whatever can be called.

Checked, never run.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from typing import Any, Generic, TypeVar, assert_type

from respool import (
    Adapter,
    AsyncAdapter,
    AsyncLease,
    AsyncPool,
    Lease,
    Pool,
    PoolOptions,
    in_threads,
    make_async_pool,
    make_pool,
    open_async_pool,
    open_pool,
)

T = TypeVar("T")


class Session:
    """Something to be pooled."""

    def __init__(self, host: str = "localhost", *, port: int = 25) -> None:
        self.address = host, port

    def ping(self) -> bool:
        return True

    def rset(self) -> tuple[int, bytes]:
        return 250, b"OK"

    def close(self) -> None: ...

    @classmethod
    def local(cls) -> Session:
        return cls()


class SecureSession(Session):
    """A kind of it."""


class Factory(Generic[T]):
    """Makes what it was told to make."""

    def __init__(self, kind: Callable[[], T]) -> None:
        self.kind = kind

    def make(self) -> T:
        return self.kind()

    async def amake(self) -> T:
        return self.kind()

    def __call__(self) -> T:
        return self.kind()


class Connecting:
    """An awaitable that is no coroutine, as drivers return it from `connect`."""

    def __await__(self) -> Generator[Any, None, Session]:
        yield
        return Session()


def connect() -> Session:
    return Session()


async def aconnect() -> Session:
    return Session()


async def adial(host: str, *, port: int = 25) -> Session:
    return Session(host, port=port)


def looks_right(thing: object) -> bool:
    return bool(thing)


def every_callable_tells_the_type() -> None:
    assert_type(make_pool(connect), Pool[Session])
    assert_type(make_pool(Session), Pool[Session])
    assert_type(make_pool(Session.local), Pool[Session])
    assert_type(make_pool(Factory(SecureSession).make), Pool[SecureSession])
    assert_type(make_pool(Factory(SecureSession)), Pool[SecureSession])
    assert_type(make_pool(partial(Session, "mail", port=587)), Pool[Session])
    assert_type(make_pool(partial(sqlite3.connect, ":memory:")), Pool[sqlite3.Connection])
    assert_type(make_pool(lambda: Session("mail")), Pool[Session])
    assert_type(make_pool(dict[str, int]), Pool[dict[str, int]])


def the_other_callables_fit_it() -> None:
    pool = make_pool(
        SecureSession,
        validate=SecureSession.ping,
        reset=Session.rset,
        destroy=lambda session: session.close(),
        max_size=4,
        check_after=0,
    )
    assert_type(pool, Pool[SecureSession])
    assert_type(make_pool(connect, validate=looks_right, reset=print), Pool[Session])


def a_lease_gives_the_type() -> None:
    pool = make_pool(connect)
    with pool.acquire() as session:
        assert_type(session, Session)
    assert_type(pool.acquire(timeout=1), Lease[Session])
    assert_type(pool.try_acquire(), Lease[Session] | None)
    assert_type(pool.acquire().resource, Session)
    assert_type(pool.acquire().detach(), Session)
    assert_type(pool.run(Session.ping), bool)
    assert_type(pool.run(lambda session: session.address, attempts=2), tuple[str, int])
    with pool as same:
        assert_type(same, Pool[Session])


def every_awaiting_callable_tells_the_type() -> None:
    assert_type(make_async_pool(aconnect), AsyncPool[Session])
    assert_type(make_async_pool(Factory(SecureSession).amake), AsyncPool[SecureSession])
    assert_type(make_async_pool(partial(adial, "mail", port=587)), AsyncPool[Session])
    assert_type(make_async_pool(lambda: adial("mail")), AsyncPool[Session])
    assert_type(make_async_pool(lambda: asyncio.wait_for(aconnect(), 1)), AsyncPool[Session])
    assert_type(make_async_pool(Connecting), AsyncPool[Session])


async def an_async_lease_gives_the_type() -> None:
    async def ping(session: Session) -> bool:
        return session.ping()

    async def close(session: Session) -> None:
        session.close()

    pool = make_async_pool(aconnect, validate=ping, reset=close, destroy=close, max_size=4)
    assert_type(pool, AsyncPool[Session])
    async with pool.acquire() as session:
        assert_type(session, Session)
    lease = await pool.acquire(timeout=1)
    assert_type(lease, AsyncLease[Session])
    assert_type(lease.resource, Session)
    assert_type(pool.try_acquire(), AsyncLease[Session] | None)
    assert_type(await pool.run(ping), bool)


class SessionAdapter(Adapter[Session]):
    def create(self) -> Session:
        return Session()


class AsyncSessionAdapter(AsyncAdapter[Session]):
    async def create(self) -> Session:
        return Session()


def an_adapter_tells_the_type() -> None:
    assert_type(Pool(SessionAdapter(), name="mail"), Pool[Session])
    assert_type(AsyncPool(AsyncSessionAdapter(), name="mail"), AsyncPool[Session])
    assert_type(in_threads(SessionAdapter()), AsyncAdapter[Session])
    assert_type(AsyncPool(in_threads(SessionAdapter())), AsyncPool[Session])


def a_pool_of_a_kind_is_a_pool_of_the_general(
    secure: Pool[SecureSession], asecure: AsyncPool[SecureSession]
) -> None:
    def mail(pool: Pool[Session]) -> Lease[Session]:
        return pool.acquire()

    def amail(pool: AsyncPool[Session]) -> Awaitable[AsyncLease[Session]]:
        return pool.acquire()

    def read(lease: Lease[Session]) -> Session:
        return lease.resource

    mail(secure)
    amail(asecure)
    mail(make_pool(SecureSession))
    read(secure.acquire())


def options_travel_as_a_dictionary(options: PoolOptions) -> None:
    assert_type(make_pool(connect, **options), Pool[Session])
    assert_type(Pool(SessionAdapter(), **options), Pool[Session])


def a_url_tells_nothing() -> None:
    assert_type(open_pool("smtp://mail", max_size=4), Pool[Any])
    assert_type(open_async_pool("smtp://mail", max_size=4), AsyncPool[Any])
