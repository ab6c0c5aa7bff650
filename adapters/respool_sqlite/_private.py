"""Every name of the drivers that is not promised to us; ``test_private.py`` names them one by one.

The standard library's ``sqlite3`` knows which cursors and blobs of a connection are open, and which of the
cursors still run a statement, but tells nobody. The garbage collector's own interface does: a connection's
referents end with the list of weak references to its cursors and the one to its blobs, and a cursor refers to
a ``Statement`` exactly as long as that statement has not run to its end. So nothing need be noted while
statements run, where an overridden ``cursor()`` would cost each of them a Python call.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from sys import getrefcount
from typing import Any

__all__ = ["SHOWS_CURSORS", "Cursors", "close_leftovers"]

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


def _open_lists(conn: sqlite3.Connection) -> list[list[Any]]:
    """Give the driver's lists of weak references to cursors and blobs; both may hold dead ones."""
    # What a subclass has comes before them: only the last two lists are the driver's.
    lists = [found for found in gc.get_referents(conn) if type(found) is list][-2:]
    return lists if len(lists) == 2 else [[], []]


def _is_unfinished(thing: Any) -> bool:
    if isinstance(thing, sqlite3.Blob):
        return _is_open(thing)
    return any(type(r) is _STATEMENT for r in gc.get_referents(thing))


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
    for references in _open_lists(conn):
        for reference in references:
            thing = reference()
            if thing is not None:
                yield thing


def _statement_type() -> type:
    """Find the driver's unexported statement type on an unfinished cursor; where hidden, NoneType."""
    conn = sqlite3.connect(":memory:")
    try:
        cursor = conn.execute("select 1 union all select 2")
        named = [r for r in gc.get_referents(cursor) if type(r).__name__ == "Statement"]
        seen = [thing for thing in _living(conn) if thing is cursor]
        cursor.close()
        return type(named[0]) if named and seen else type(None)
    finally:
        conn.close()


_STATEMENT = _statement_type()
SHOWS_CURSORS = _STATEMENT is not type(None)
"""False under a driver that hides its cursors: then every returned connection counts as dirty, and `reset`,
which asks SQLite itself, gives up the ones on which something still runs."""
