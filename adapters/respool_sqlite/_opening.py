"""Opening a database: connect, WAL, and an error that names the thing and says what to do."""

from __future__ import annotations

import os
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any, Generic, TypeVar

from respool import Fault

from ._connection import ask, connection_class, record_of
from ._diagnosis import explain
from ._errors import OpenError, primary_code
from ._hygiene import outside_transaction
from ._target import Target

__all__ = ["Opener"]

C = TypeVar("C", bound=sqlite3.Connection)

Identity = tuple[int, int]

_LOOK_EVERY = 1.0
"""Seconds for which one look at the file holds: a deleted or replaced database is noticed within that time,
even by a pool whose connections never rest, at the price of one ``stat`` per second."""
_RETRY_EVERY = 0.01
_MEMDB = (3, 36)
"""The SQLite version that brought ``vfs=memdb``."""


class Opener(Generic[C]):
    """Opens the connections of one adapter, and knows whether the file they have open is still in place."""

    def __init__(
        self, target: Target, factory: type[C], connect: Mapping[str, Any], *, wal: bool | None
    ) -> None:
        self.target = target
        self._arguments = {**connect, "check_same_thread": False, "factory": connection_class(factory)}
        self._wal = (False if target.memory or target.read_only else None) if wal is None else wal
        self._journal = threading.Lock()  # guards the switch of a new file to WAL
        self._opened = False
        self.present: Identity | None = None
        """Which file was under the path at the last look; a connection to another one is outdated."""
        self.look_at = 0.0 if target.path is not None else float("inf")
        self._database, self._uri = target.database, target.uri
        if target.memory:
            self._share_memory()

    def _share_memory(self) -> None:
        """Make one database in memory for all connections, which lives as long as this object.

        ``vfs=memdb`` (SQLite 3.36) and not the shared cache, which ignores the busy timeout. The anchor keeps
        the database alive while the pool happens to have no connection open.
        """
        if sqlite3.sqlite_version_info < _MEMDB:  # there each connection would get a database of its own
            raise sqlite3.NotSupportedError(
                "a database in memory that connections share needs SQLite 3.36, "
                f"this is {sqlite3.sqlite_version}: use a file"
            )
        self._database, self._uri = f"file:/respool-{uuid.uuid4().hex}?vfs=memdb", True
        anchor = sqlite3.connect(self._database, uri=True, check_same_thread=False)
        weakref.finalize(self, anchor.close)

    def open(self) -> C:
        """Open one connection.

        Raises:
            OpenError: Chained to the driver's own exception.
        """
        self._refuse_to_start_anew()
        before = self._stat()
        conn: C | None = None
        try:
            conn = self._connect()
            with outside_transaction(conn):
                self._set_journal(conn)
            self._note_identity(conn, before)
        except sqlite3.Error as exc:
            if conn is not None:
                conn.close()
            raise exc if isinstance(exc, OpenError) else explain(self.target, exc) from exc
        except BaseException:
            if conn is not None:
                conn.close()
            raise
        return conn

    def _connect(self) -> C:
        conn: Any = sqlite3.connect(self._database, uri=self._uri, **self._arguments)
        return conn  # type: ignore[no-any-return]  # an instance of the factory

    def _refuse_to_start_anew(self) -> None:
        # Without this a deleted database would come back empty, and half of the pool would write into it.
        path = self.target.path
        if self._opened and path is not None and not os.path.exists(path):
            raise OpenError(
                f"database {self.target.name!r} has been deleted since this pool first opened it: "
                "put the file back, or open a new pool to start an empty one",
                Fault.CONFIG,
            )

    def _set_journal(self, conn: C) -> None:
        mode = ask(conn, "pragma journal_mode")  # reads the file's header: here a file that is none shows
        if self._wal is False or mode == "wal":
            return
        with self._journal:
            try:
                mode = self._switch_to_wal(conn)
            except sqlite3.OperationalError as exc:
                if primary_code(exc) not in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
                    raise
                if self._wal:
                    raise self._without_wal("it cannot be written") from exc
                return  # a file, or a folder, that cannot be written: reading works without
        if self._wal and mode != "wal":
            raise self._without_wal(f"it stays in {mode!r}")

    def _without_wal(self, why: str) -> OpenError:
        said = f"database {self.target.name!r} cannot be put into WAL mode, {why}: leave out wal=True"
        return OpenError(said, Fault.CONFIG)

    def _switch_to_wal(self, conn: C) -> Any:
        """Switch, and try again while others hold a lock: here SQLite does not always wait by itself."""
        deadline = monotonic() + float(self._arguments.get("timeout", 5.0))
        while True:
            try:
                return ask(conn, "pragma journal_mode = wal")
            except sqlite3.OperationalError as exc:
                if primary_code(exc) != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                    raise
            sleep(_RETRY_EVERY)

    def _stat(self) -> Identity | None:
        if self.target.path is None:
            return None
        try:
            found = os.stat(self.target.path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _note_identity(self, conn: C, before: Identity | None) -> None:
        # From before the file was opened: if it was swapped meanwhile, the connection counts as outdated.
        self.present = record_of(conn).identity = self._same(before or self._stat())
        self._opened = True

    def look(self) -> None:
        """See which file is under the path now, and set when to look next."""
        self.look_at = monotonic() + _LOOK_EVERY
        self.present = self._same(self._stat())

    def _same(self, identity: Identity | None) -> Identity | None:
        """Give one object for one file, so that ``is`` compares them."""
        return self.present if identity == self.present else identity

    def demand_current(self, conn: C) -> None:
        """Look at the file.

        Raises:
            OpenError: If it was deleted or replaced: what this connection writes, nobody would ever read.
        """
        if self.target.path is not None and record_of(conn).identity != self._stat():
            raise OpenError(
                f"database {self.target.name!r} was deleted or replaced while this connection had it open",
                Fault.RESOURCE_BROKEN,
            )
