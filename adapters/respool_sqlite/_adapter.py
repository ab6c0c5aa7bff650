"""The blocking adapter."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, overload

from typing_extensions import TypeVar

from respool import Adapter, Fault, Hygiene, Timeouts, check_configure, check_configured

from ._errors import classify
from ._workshop import Workshop, configure_failed

__all__ = ["SqliteAdapter"]

C = TypeVar("C", bound=sqlite3.Connection, default=sqlite3.Connection)


class SqliteAdapter(Adapter[C]):
    """Pools `sqlite3.Connection` objects of one database.

    Args:
        database: A path, ``":memory:"`` (one database that the whole pool shares), a URL as SQLAlchemy reads
            it (``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://``) or a ``file:`` URI.
        hygiene: What `reset` cleans: ``"session"`` everything that a lease leaves behind, ``"transaction"``
            an open transaction, ``"none"`` nothing.
        connect: Further arguments of `sqlite3.connect`, such as ``timeout`` (the busy timeout, 5 s unless
            given), ``isolation_level``, ``detect_types``.
        configure: Called with each new connection, and after each reset that had to undo more than a
            transaction. Must be repeatable and must commit what it does.
        factory: A subclass of `sqlite3.Connection`; the pool's type shows it.
        wal: None switches a file to WAL mode where it can, True insists, False leaves the mode alone.
        timeouts: The pool's phase timeouts; ``create`` bounds the wait for a lock while opening.

    Raises:
        ValueError: For a URL that cannot be read, or options that contradict each other.
        TypeError: For an unknown argument in ``connect``, a ``factory`` of the wrong kind, or a ``configure``
            that is a coroutine function.
    """

    kind = "sqlite"
    noun = "connection"

    @overload
    def __init__(
        self: SqliteAdapter[sqlite3.Connection],
        database: str | os.PathLike[str],
        *,
        hygiene: Hygiene = ...,
        connect: Mapping[str, Any] | None = ...,
        configure: Callable[[sqlite3.Connection], object] | None = ...,
        factory: None = ...,
        wal: bool | None = ...,
        timeouts: Timeouts = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        database: str | os.PathLike[str],
        *,
        hygiene: Hygiene = ...,
        connect: Mapping[str, Any] | None = ...,
        configure: Callable[[C], object] | None = ...,
        factory: type[C],
        wal: bool | None = ...,
        timeouts: Timeouts = ...,
    ) -> None: ...
    def __init__(
        self,
        database: str | os.PathLike[str],
        *,
        hygiene: Hygiene = "session",
        connect: Mapping[str, Any] | None = None,
        configure: Callable[[Any], object] | None = None,
        factory: type[Any] | None = None,
        wal: bool | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  # frozen
    ) -> None:
        check_configure(configure)
        self._configure = configure
        cls: type[Any] = sqlite3.Connection if factory is None else factory
        self._workshop: Workshop[C] = Workshop(
            database,
            hygiene=hygiene,
            connect=connect,
            factory=cls,
            wal=wal,
            timeouts=timeouts,
        )
        # Every lease uses these two: what can be looked up once is kept.
        self._opener = self._workshop.opener
        self._is_dirty = self._workshop.cleaner.is_dirty
        # Undoing never leaves the process and takes some 20 us: cheaper than handing it to another thread.
        # What a user's configure does is unknown, so with one the releasing caller does not wait for it.
        self.reset_is_local = configure is None

    def __repr__(self) -> str:
        return f"SqliteAdapter({self._workshop.name!r})"

    def create(self) -> C:
        """Open one connection; raises `OpenError`, which names the database, the reason and the remedy."""
        conn = self._workshop.open()
        try:
            self._run_configure(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    def validate(self, conn: C, /) -> bool:
        """Run ``select 1``, and check that the file under the path is still the one that is open."""
        return self._workshop.validate(conn)

    def reset(self, conn: C, /) -> None:
        """Undo what the lease left behind, or raise `respool.ResourceSpoiled`."""
        if self._workshop.cleaner.undo(conn):
            self._run_configure(conn)

    def destroy(self, conn: C, /) -> None:
        """Close the connection and the cursors that are left open on it."""
        self._workshop.close(conn)

    def probe(self, conn: C, /) -> bool:
        """Tell whether the connection is open, and its file (looked at once a second) still there."""
        conn.in_transaction  # noqa: B018  # raises ProgrammingError on a closed connection
        opener = self._opener
        if monotonic() >= opener.look_at:
            opener.look()
        # Without `record_of`: one call fewer at every hand-out.
        return conn._respool.identity is opener.present  # type: ignore[attr-defined]

    @property
    def is_dirty(self) -> Callable[[C], bool]:
        """Tell whether `reset` has anything to undo; gives the level's own test, with no call around it."""
        return self._is_dirty

    def abort(self, conn: C, /) -> None:
        """Interrupt the statement that runs now; one that waits for a lock ends with its busy timeout."""
        try:
            conn.interrupt()
        except sqlite3.ProgrammingError:  # closed already
            return

    def classify(self, exc: BaseException, /) -> Fault:
        """Tell broken connections and wrong configuration from what a user's statement did."""
        return classify(exc)

    def _run_configure(self, conn: C) -> None:
        try:
            answer = None if self._configure is None else self._configure(conn)
            self._workshop.cleaner.hand_over(conn)
        except Exception as exc:
            raise configure_failed(self._workshop.name, exc) from exc
        check_configured(answer)
