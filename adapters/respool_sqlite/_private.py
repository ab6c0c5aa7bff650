"""Every name of the drivers that is not promised to us; ``test_private.py`` names them one by one.

The standard library's ``sqlite3`` knows which cursors and blobs of a connection are open, and which of the
cursors still run a statement, but tells nobody. The garbage collector's own interface does: a connection's
referents end with the list of weak references to its cursors and the one to its blobs, and a cursor refers to
a ``Statement`` exactly as long as that statement has not run to its end. Two calls of about 0.2 us find what
an overridden ``cursor()`` would have to be paid for at every single statement.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from typing import Any

__all__ = ["SHOWS_CURSORS", "close_leftovers", "has_unfinished"]

_CURSORS_AND_BLOBS = 2
_MANY = 16


def _open_lists(conn: sqlite3.Connection) -> list[list[Any]]:
    """Give the driver's lists of weak references to cursors and blobs; both may hold dead ones."""
    # A subclass's slots come before them: only the last two lists are the driver's.
    return [found for found in gc.get_referents(conn) if type(found) is list][-_CURSORS_AND_BLOBS:]


def _is_unfinished(thing: Any) -> bool:
    if isinstance(thing, sqlite3.Blob):
        return _is_open(thing)
    return any(type(r) is _STATEMENT for r in gc.get_referents(thing))


def _is_open(blob: sqlite3.Blob) -> bool:
    try:
        return len(blob) >= 0
    except sqlite3.ProgrammingError:  # closed: the object outlives its handle
        return False


def has_unfinished(conn: sqlite3.Connection) -> bool:
    """Tell whether a cursor is in the middle of a statement, or a blob is open: both hold a read snapshot."""
    for references in _open_lists(conn):
        for reference in references:
            thing = reference()
            if thing is not None and _is_unfinished(thing):
                return True
        if (
            len(references) > _MANY
        ):  # the driver drops dead ones every 200 cursors, too seldom for a look per lease
            references[:] = [reference for reference in references if reference() is not None]
    return False


def close_leftovers(conn: sqlite3.Connection) -> None:
    """Close every cursor in the middle of a statement and every open blob of a connection."""
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
