"""Putting a connection back to what every lease finds: what `is_dirty` sees and `reset` undoes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, Generic, TypeVar

from respool import Hygiene, ResourceSpoiled, check_hygiene

from ._connection import ask, record_of
from ._private import close_leftovers, cursors_of
from ._record import KEPT, RESTORED, Factory, Record

__all__ = ["Cleaner", "outside_transaction"]

C = TypeVar("C", bound=sqlite3.Connection)

_PROBE = "respool_is_anything_running"
_NO_HOOK: Mapping[str, tuple[object, ...]] = {
    "set_progress_handler": (None, 0),
    "set_trace_callback": (None,),
    "enable_load_extension": (False,),
}


class Cleaner(Generic[C]):
    """The three levels of hygiene, for the connections of one adapter.

    ``watch`` and ``hand_over`` frame the user's ``configure``, which runs between them: what happens there is
    how every lease finds the connection.
    """

    def __init__(self, hygiene: Hygiene) -> None:
        check_hygiene(hygiene)
        self._factory_values: Mapping[str, Any] = {}
        self._session = hygiene == "session"
        levels: Mapping[Hygiene, tuple[Callable[[C], bool], Callable[[C], bool]]] = {
            "session": (_session_is_dirty, self._undo_session),
            "transaction": (attrgetter("in_transaction"), _undo_transaction),
            "none": (_is_never_dirty, _undo_nothing),
        }
        self.is_dirty, self.undo = levels[hygiene]

    def watch(self, conn: C) -> None:
        """Start to record, on a connection that was just opened."""
        record = record_of(conn)
        if not self._session:
            return
        record.watching = True
        record.cursors = cursors_of(conn)
        sqlite3.Connection.set_authorizer(conn, record)
        if not self._factory_values:  # the same on every connection of this adapter: 0.1 ms, once
            self._factory_values = {name: ask(conn, f"pragma {name}") for name in RESTORED}
        record.factory = Factory(
            attributes=attributes_of(conn),
            authorizer=record.authorizer,
            hooks={**_NO_HOOK, **record.hooks},
            kept=tuple(ask(conn, f"pragma {name}") for name in KEPT),
        )
        record.forget()  # what the user's class did in its __init__ belongs to it

    def hand_over(self, conn: C) -> None:
        """Note the state in which ``configure`` left the connection: every lease finds it so.

        Raises:
            ResourceSpoiled: If a transaction is open.
        """
        if conn.in_transaction and not _is_always_in_transaction(conn):
            raise ResourceSpoiled("it left a transaction open: it must commit what it does")
        record = record_of(conn)
        record.attributes = attributes_of(conn)
        record.soiled = record.configuring = False

    def _undo_session(self, conn: C) -> bool:
        """Undo what was noticed; True if ``configure`` must run again, and then `hand_over`.

        Raises:
            ResourceSpoiled: If something cannot be undone; the message says what.
        """
        record = record_of(conn)
        if record.spoiled:
            raise ResourceSpoiled(record.spoiled)
        try:
            if record.soiled:
                self._undo(conn, record)
                record.configuring = True
                return True
            _undo_local(conn, record)
            return False
        except sqlite3.Error as exc:
            name = getattr(exc, "sqlite_errorname", type(exc).__name__)
            raise ResourceSpoiled(f"the connection cannot be put back: {name}") from exc

    def _undo(self, conn: C, record: Record) -> None:
        """Put everything back to how it was before ``configure``, in an order that lets each step succeed."""
        factory = record.factory
        assert factory is not None, "a connection at hygiene 'session' is watched from its creation on"
        _lift_restraints(conn, record)
        close_leftovers(conn)
        _rollback(conn)
        _set_attributes(conn, factory.attributes)
        with outside_transaction(conn):
            _finish_statements(conn)
            _restore_pragmas(conn, record.pragmas, self._factory_values)
            _compare_pragmas(conn, record.pragmas, factory.kept)
            if record.attached:
                _detach(conn)
            if record.temp:
                _drop_temp(conn)
            _unregister(conn, record)
        for hook in record.hooks:
            getattr(sqlite3.Connection, hook)(conn, *factory.hooks[hook])
        record.authorizer = factory.authorizer
        record.forget()


def _session_is_dirty(conn: sqlite3.Connection) -> bool:
    record = record_of(conn)
    return (
        record.soiled
        or conn.in_transaction
        or attributes_of(conn) != record.attributes
        or record.cursors.has_unfinished(conn)
    )


def _is_never_dirty(conn: sqlite3.Connection) -> bool:
    return False


def _undo_local(conn: sqlite3.Connection, record: Record) -> None:
    """Undo open cursors, an open transaction and changed attributes; what ``configure`` made still stands."""
    close_leftovers(conn)
    _rollback(conn)
    _set_attributes(conn, record.attributes)


def _undo_transaction(conn: sqlite3.Connection) -> bool:
    close_leftovers(conn)
    _rollback(conn)
    return False


def _undo_nothing(conn: sqlite3.Connection) -> bool:
    return False


if sys.version_info >= (3, 12):

    def attributes_of(conn: sqlite3.Connection) -> tuple[object, ...]:
        """Give the connection's Python side; spelt out, for it is looked at after every lease."""
        return (conn.row_factory, conn.text_factory, conn.isolation_level, conn.autocommit)

else:

    def attributes_of(conn: sqlite3.Connection) -> tuple[object, ...]:
        """Give the connection's Python side; spelt out, for it is looked at after every lease."""
        return (conn.row_factory, conn.text_factory, conn.isolation_level)


def _set_attributes(conn: sqlite3.Connection, values: tuple[object, ...]) -> None:
    """Set the Python side back; the caller has rolled back, for some of these commit."""
    if attributes_of(conn) == values:
        return
    if _is_always_in_transaction(conn):
        # Ends the empty transaction, which a change to the old mode would leave open.
        _set_autocommit(conn, True)
    for name, value in zip(
        ("row_factory", "text_factory", "isolation_level", "autocommit"), values, strict=False
    ):
        setattr(conn, name, value)


def _rollback(conn: sqlite3.Connection) -> None:
    """Roll back whatever is open, in all of the driver's transaction modes."""
    if not conn.in_transaction:
        return
    if getattr(conn, "autocommit", None) is True:
        # In this mode the method does nothing, though the lease may have sent a BEGIN.
        sqlite3.Cursor(conn).execute("rollback")
    else:
        sqlite3.Connection.rollback(conn)  # a user's class may override it


def _is_always_in_transaction(conn: sqlite3.Connection) -> bool:
    return getattr(conn, "autocommit", None) is False


def _set_autocommit(conn: Any, autocommit: bool) -> None:
    conn.autocommit = autocommit  # from Python 3.12 on; callers have seen that it is there


@contextmanager
def outside_transaction(conn: sqlite3.Connection) -> Iterator[None]:
    """Leave the mode in which the driver always has a transaction open: in one, many pragmas do nothing."""
    if not _is_always_in_transaction(conn):
        yield
        return
    _set_autocommit(conn, True)
    try:
        yield
    finally:
        _set_autocommit(conn, False)


def _lift_restraints(conn: sqlite3.Connection, record: Record) -> None:
    """Remove hooks, limits and settings first: they could forbid or interrupt what follows."""
    for category, limit in record.limits.items():
        sqlite3.Connection.setlimit(conn, category, limit)
    for hook in record.hooks:
        getattr(sqlite3.Connection, hook)(conn, *_NO_HOOK[hook])
    for op, enabled in record.configs.items():
        getattr(sqlite3.Connection, "setconfig")(conn, op, enabled)  # noqa: B009  # from Python 3.12 on
    record.authorizer = None


def _finish_statements(conn: sqlite3.Connection) -> None:
    """Make sure that no statement is running, and that SQLite prepares every cached one anew.

    SQLite refuses to replace a function while any statement is active, and expires all prepared ones when it
    does replace it: after this the authorizer sees each statement again when it is next used.
    """
    for _ in range(2):  # the first call may be the one that makes the function
        sqlite3.Connection.create_function(conn, _PROBE, 0, _nothing)


def _nothing() -> None:
    return None


def _restore_pragmas(conn: sqlite3.Connection, changed: set[str], factory_values: Mapping[str, Any]) -> None:
    for name in changed.intersection(factory_values):
        wanted = factory_values[name]
        if ask(conn, f"pragma {name}") != wanted:
            ask(conn, f"pragma {name} = {wanted}")
            _demand(conn, name, wanted)


def _compare_pragmas(conn: sqlite3.Connection, changed: set[str], kept: tuple[object, ...]) -> None:
    for name, wanted in zip(KEPT, kept, strict=True):
        if name in changed:
            _demand(conn, name, wanted)


def _demand(conn: sqlite3.Connection, name: str, wanted: object) -> None:
    if ask(conn, f"pragma {name}") != wanted:
        raise ResourceSpoiled(f"pragma {name} was changed and cannot be set back to {wanted}")


def _detach(conn: sqlite3.Connection) -> None:
    names = [row[1] for row in sqlite3.Cursor(conn).execute("pragma database_list").fetchall()]
    for name in names:
        if name not in ("main", "temp"):
            quoted = name.replace('"', '""')
            ask(conn, f'detach "{quoted}"')


def _drop_temp(conn: sqlite3.Connection) -> None:
    """Drop all tables, views and triggers of the temp schema at once.

    SQLite throws the whole temporary database away when ``temp_store`` changes, however many objects there
    are and whatever the order in which they could be dropped one by one.
    """
    stored = ask(conn, "pragma temp_store")
    ask(conn, f"pragma temp_store = {1 if stored != 1 else 2}")
    ask(conn, f"pragma temp_store = {stored}")
    if ask(conn, "select count(*) from sqlite_temp_master"):
        raise ResourceSpoiled("temporary objects could not be dropped")


def _unregister(conn: sqlite3.Connection, record: Record) -> None:
    for name, narg in record.functions:
        # create_function(..., None) would leave a function that fails; this one removes every kind.
        sqlite3.Connection.create_window_function(conn, name, narg, None)
    for name in record.collations:
        sqlite3.Connection.create_collation(conn, name, None)
