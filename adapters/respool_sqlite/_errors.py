"""What SQLite's errors mean to a pool, and the one error of our own: a database that cannot be opened."""

from __future__ import annotations

import sqlite3

from respool import Fault

__all__ = ["OpenError", "classify", "primary_code"]

# Result codes that say that this connection is of no more use. Everything else (busy, full, constraint,
# a read-only file, a syntax error) says nothing about the connection, which stays as good as it was.
_BROKEN = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_MISUSE,
        sqlite3.SQLITE_NOTADB,
    }
)
# Read-only because of what happened to the file (moved away, lock or journal unusable): another connection
# may fare better. Plain SQLITE_READONLY is a user who writes where only reading was asked for.
_BROKEN_EXTENDED = frozenset(
    {
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_CANTLOCK,
        sqlite3.SQLITE_READONLY_DBMOVED,
        sqlite3.SQLITE_READONLY_DIRECTORY,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_ROLLBACK,
    }
)
# The driver's Python side gives no code for this one.
_CLOSED = "closed database"


class OpenError(sqlite3.OperationalError):
    """A database cannot be opened, or is no longer there: the message names it and says what to do.

    Attributes:
        fault: What the pool makes of it: `Fault.CONFIG` where waiting cannot help.

    ``__cause__`` is the driver's own exception, where there is one.
    """

    __module__ = "respool_sqlite"  # what a traceback says

    def __init__(self, message: str, fault: Fault = Fault.CONFIG) -> None:
        super().__init__(message)
        self.fault = fault


def primary_code(exc: BaseException) -> int:
    """Give SQLite's primary result code of an exception, 0 where it carries none."""
    code = getattr(exc, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else 0


def classify(exc: BaseException) -> Fault:
    """Give the fault that an exception stands for; the user's own exceptions are benign."""
    if isinstance(exc, OpenError):
        return exc.fault
    if getattr(exc, "sqlite_errorcode", None) in _BROKEN_EXTENDED or primary_code(exc) in _BROKEN:
        return Fault.RESOURCE_BROKEN
    if isinstance(exc, sqlite3.ProgrammingError) and _CLOSED in str(exc):
        return Fault.RESOURCE_BROKEN
    return Fault.BENIGN
