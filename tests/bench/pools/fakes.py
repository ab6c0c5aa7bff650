"""Connections that do nothing, in the shape that each peer's pool insists on."""

from __future__ import annotations

import enum
from typing import Any

__all__ = ["AsyncFakePsycopg", "AsyncFakeRedis", "AsyncFakeSqlite", "FakeDbapi", "FakePsycopg", "FakeRedis"]


class FakeDbapi:
    """A DB-API connection, and the module around it."""

    threadsafety = 2
    apilevel = "2.0"

    class Error(Exception):
        """The root of the driver's errors."""

    DatabaseError = OperationalError = InterfaceError = InternalError = ProgrammingError = Error

    @classmethod
    def connect(cls, *_: Any, **__: Any) -> FakeDbapi:
        return cls()

    def cursor(self) -> FakeDbapi:
        return self

    def commit(self) -> None: ...
    def rollback(self) -> None: ...
    def close(self) -> None: ...


class _Idle(enum.IntEnum):
    IDLE = 0


class _Pg:
    transaction_status = _Idle.IDLE


class FakePsycopg:
    """What psycopg_pool needs of a connection."""

    _pool: Any = None
    _created_at = 0.0
    _expire_at = float("inf")
    autocommit = True
    closed = False

    def __init__(self) -> None:
        self.pgconn = _Pg()

    @classmethod
    def connect(cls, *_: Any, **__: Any) -> FakePsycopg:
        return cls()

    def __enter__(self) -> FakePsycopg:
        return self

    def __exit__(self, *_: object) -> None: ...
    def close(self) -> None: ...


class AsyncFakePsycopg:
    """The same for its asyncio pool."""

    _pool: Any = None
    _created_at = 0.0
    _expire_at = float("inf")
    autocommit = True
    closed = False

    def __init__(self) -> None:
        self.pgconn = _Pg()

    @classmethod
    async def connect(cls, *_: Any, **__: Any) -> AsyncFakePsycopg:
        return cls()

    async def __aenter__(self) -> AsyncFakePsycopg:
        return self

    async def __aexit__(self, *_: object) -> None: ...
    async def close(self) -> None: ...


class FakeRedis:
    """What redis-py's pool needs of a connection."""

    pid = 0
    handshake_metadata: Any = None

    def __init__(self, **_: Any) -> None: ...
    def connect(self) -> None: ...
    def disconnect(self, *_: object) -> None: ...

    def can_read(self, timeout: float = 0) -> bool:
        return False

    def should_reconnect(self) -> bool:
        return False

    def reset_should_reconnect(self) -> None: ...


class AsyncFakeRedis:
    """The same for its asyncio pool."""

    is_connected = True

    def __init__(self, **_: Any) -> None: ...
    async def connect(self) -> None: ...
    async def disconnect(self, *_: object) -> None: ...

    async def can_read(self, timeout: float = 0) -> bool:
        return False

    async def can_read_destructive(self) -> bool:
        return False

    async def re_auth(self) -> None: ...

    def should_reconnect(self) -> bool:
        return False

    def reset_should_reconnect(self) -> None: ...


class AsyncFakeSqlite:
    """What aiosqlitepool needs of a connection: it runs a statement at each hand-out and each return."""

    async def execute(self, *_: Any, **__: Any) -> None: ...
    async def rollback(self) -> None: ...
    async def close(self) -> None: ...
