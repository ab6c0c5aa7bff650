"""What both type checkers must refuse: every line that is wrong says so, to each in its own words.

Checked, never run. An expected error that a checker does not report is an error itself: in mypy always, in
pyright by the configuration beside this page, with which it does not heed mypy's marks:
`pyright -p tests/typing/refused`.
"""

from __future__ import annotations

from functools import partial

import respool
from respool import Adapter, AsyncAdapter, AsyncPool, Lease, Pool, make_async_pool, make_pool


class Session:
    def __init__(self, host: str) -> None:
        self.host = host

    def ping(self) -> bool:
        return True


class SecureSession(Session):
    def encrypt(self) -> None: ...


class Other:
    def ping(self) -> bool:
        return True


def connect() -> Session:
    return Session("mail")


async def aconnect() -> Session:
    return Session("mail")


async def aping(session: Session) -> bool:
    return session.ping()


def the_wrong_resource(session: Session) -> None:
    make_pool(connect, reset=Other.ping)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    make_pool(connect, validate=Other.ping)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    make_pool(connect, destroy=SecureSession.encrypt)  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    make_pool(connect, validate=print)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_wrong_arguments() -> None:
    make_pool(Session)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_pool(partial(Session, 25))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_pool(Session("mail"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_pool(connect, reset=connect)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def the_wrong_colour() -> None:
    make_pool(connect, validate=aping)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    mail: Pool[Session] = make_pool(aconnect)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    with make_pool(aconnect).acquire() as session:
        session.ping()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    make_async_pool(connect)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_async_pool(aconnect, validate=Session.ping)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(mail)


def unknown_options_and_wrong_values() -> None:
    make_pool(connect, max_sise=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    make_pool(connect, max_size="4")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_pool(connect, order="random")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_async_pool(aconnect, max_sise=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    Pool(SessionAdapter(), max_sise=4)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def misspelled_names_of_what_is_imported_late() -> None:
    print(respool.AsyncPol)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    print(respool.OutageBegins)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


class SessionAdapter(Adapter[Session]):
    def create(self) -> Session:
        return Session("mail")


class AsyncSessionAdapter(AsyncAdapter[Session]):
    async def create(self) -> Session:
        return Session("mail")


class ColourBlind(Adapter[Session]):
    async def create(self) -> Session:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return Session("mail")

    def reset(self, resource: Other, /) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


def the_wrong_adapter() -> None:
    Pool(SessionAdapter)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Pool(AsyncSessionAdapter())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncPool(SessionAdapter())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    make_pool(SessionAdapter()).acquire()  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def a_general_pool_is_no_pool_of_a_kind(pool: Pool[Session]) -> None:
    lease: Lease[SecureSession] = pool.acquire()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    secure: Pool[SecureSession] = pool  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(lease, secure)


async def the_wrong_with(pool: AsyncPool[Session], threads: Pool[Session]) -> None:
    with pool.acquire() as session:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        print(session)
    async with threads.acquire() as session:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        print(session)
    print(pool.acquire().resource)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
