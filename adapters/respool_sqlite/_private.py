"""Every name of the drivers that is not promised to us; ``test_private.py`` names them one by one.

The standard library's ``sqlite3`` knows which cursors and blobs of a connection are open, and which of the
cursors still run a statement, but tells nobody. The garbage collector's own interface does: a connection's
referents end with the list of weak references to its cursors and the one to its blobs, and a cursor refers to
a ``Statement`` exactly as long as that statement has not run to its end. So nothing need be noted while
statements run, where an overridden ``cursor()`` would cost each of them a Python call.

Since Python 3.15 there is no list of cursors. There SQLite itself is asked at the end of every lease, which
takes a microsecond longer, and only where something runs are the cursors looked for, among all objects.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from sys import getrefcount
from typing import Any

__all__ = ["Cursors", "HiddenCursors", "close_leftovers", "cursors_of"]

_MANY = 16
"""Entries from which on the dead ones are dropped."""


class Cursors:
    """The driver's own list of one connection's cursors, for a look at the end of every lease.

    The driver replaces the list after each 200 cursors. That is seen for free: one reference less to the list
    that is kept here. A plain class with slots, for it is looked at once per lease.
    """

    __slots__ = ("_held", "_list")

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._find(conn)

    def _find(self, conn: sqlite3.Connection) -> None:
        self._list = _open_lists(conn)[0]
        self._held = getrefcount(self._list)

    def has_unfinished(self, conn: sqlite3.Connection) -> bool:
        """Tell whether a cursor is in the middle of a statement: it holds a read snapshot."""
        if getrefcount(self._list) != self._held:
            self._find(conn)
        some_live = False
        for reference in self._list:
            thing = reference()
            if thing is not None:
                if _is_unfinished(thing):
                    return True
                some_live = True
        self._drop_dead(some_live)
        return False

    def _drop_dead(self, some_live: bool) -> None:
        """Keep the list short; the driver would do it after 200, and every lease looks at all."""
        if not some_live:
            self._list.clear()
        elif len(self._list) > _MANY:
            self._list[:] = [reference for reference in self._list if reference() is not None]


class HiddenCursors:
    """The same where the driver keeps no list of them, as from Python 3.15 on."""

    __slots__ = ()

    def has_unfinished(self, conn: sqlite3.Connection) -> bool:
        """Tell whether a cursor is in the middle of a statement."""
        return _is_running(conn)


def cursors_of(conn: sqlite3.Connection) -> Cursors | HiddenCursors:
    """Give what tells, at the end of every lease, whether a cursor is in the middle of a statement."""
    return Cursors(conn) if SHOWS_CURSORS else HiddenCursors()


def _open_lists(conn: sqlite3.Connection) -> list[list[Any]]:
    """Give the driver's lists of weak references, to cursors and to blobs; they may hold dead ones."""
    lists = [found for found in gc.get_referents(conn) if type(found) is list]
    return lists[len(lists) - _LISTS :]  # what a subclass has comes before the driver's


def _is_unfinished(thing: Any) -> bool:
    if isinstance(thing, sqlite3.Blob):
        return _is_open(thing)
    return _STATEMENT is None or any(type(r) is _STATEMENT for r in gc.get_referents(thing))


def _is_open(blob: sqlite3.Blob) -> bool:
    try:
        return len(blob) >= 0
    except sqlite3.ProgrammingError:  # closed: the object outlives its handle
        return False


def close_leftovers(conn: sqlite3.Connection) -> None:
    """Close every cursor in the middle of a statement, and every open blob, of a connection."""
    for thing in list(_living(conn)):
        if _is_unfinished(thing):
            thing.close()


def _living(conn: sqlite3.Connection) -> Iterator[Any]:
    if not SHOWS_CURSORS and _is_running(conn):
        # A walk through all objects, some milliseconds: only after a statement was left in the middle.
        yield from (thing for thing in gc.get_referrers(conn) if isinstance(thing, sqlite3.Cursor))
    for references in _open_lists(conn):
        for reference in references:
            thing = reference()
            if thing is not None:
                yield thing


def _is_running(conn: sqlite3.Connection) -> bool:
    """Ask SQLite whether a statement has not run to its end: then an interrupt ends new ones as well."""
    try:
        conn.interrupt()
        sqlite3.Cursor(conn).execute("select 1").fetchall()
    except sqlite3.Error as exc:  # others: closed, or forbidden by the holder's authorizer
        return getattr(exc, "sqlite_errorname", "") == "SQLITE_INTERRUPT"
    return False


def _look() -> tuple[int, type | None]:
    """Find how many lists a connection has, and the driver's unexported type of statements."""
    conn = sqlite3.connect(":memory:")
    try:
        lists = sum(type(found) is list for found in gc.get_referents(conn))
        cursor = conn.execute("select 1 union all select 2")
        named = [type(found) for found in gc.get_referents(cursor) if type(found).__name__ == "Statement"]
        cursor.close()
        return lists, named[0] if named else None
    finally:
        conn.close()


_LISTS, _STATEMENT = _look()
SHOWS_CURSORS = _LISTS == 2 and _STATEMENT is not None
"""Whether the driver keeps a list of a connection's cursors, and shows which of them run a statement."""
