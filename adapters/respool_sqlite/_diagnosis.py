"""Why a database cannot be opened, found out by looking: SQLite says little more than "unable to"."""

from __future__ import annotations

import errno
import os
import sqlite3

from respool import Fault

from ._errors import OpenError, primary_code
from ._target import Target

__all__ = ["explain"]


def explain(target: Target, exc: sqlite3.Error) -> OpenError:
    """Turn the driver's exception into one that names the database, the reason and the remedy."""
    code = primary_code(exc)
    if code == sqlite3.SQLITE_CANTOPEN:
        reason, fault = _cannot_open(target)
    elif str(exc).startswith("no such vfs"):
        reason, fault = "this SQLite knows no vfs of that name; check the parameter", Fault.CONFIG
    else:
        reason, fault = _REASONS.get(code, (_named(exc), Fault.CONFIG))
    error = OpenError(f"cannot open database {target.name!r}: {reason}", fault)
    error.sqlite_errorcode = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    error.sqlite_errorname = getattr(exc, "sqlite_errorname", "SQLITE_ERROR")
    return error


_IMMUTABLE = "give write permission, or open it with ?immutable=1 if nobody writes to it"
_REASONS = {
    sqlite3.SQLITE_NOTADB: (
        "the file is no SQLite database (or an encrypted one); check the path",
        Fault.CONFIG,
    ),
    sqlite3.SQLITE_CORRUPT: (
        "the file is damaged; restore it from a backup, or save what can be read with sqlite3's .recover",
        Fault.CONFIG,
    ),
    sqlite3.SQLITE_READONLY: (
        f"it is in WAL mode, and to read that SQLite writes beside it, which it cannot; {_IMMUTABLE}",
        Fault.CONFIG,
    ),
    sqlite3.SQLITE_BUSY: (
        "another connection holds a lock on it; end that transaction, or wait longer: "
        "connect={'timeout': seconds}",
        Fault.BACKEND_DOWN,
    ),
    sqlite3.SQLITE_LOCKED: (
        "another connection of this process holds a lock on it; end that transaction",
        Fault.BACKEND_DOWN,
    ),
    sqlite3.SQLITE_FULL: ("the disk or the database is full; free some space", Fault.BACKEND_DOWN),
    sqlite3.SQLITE_IOERR: ("reading or writing the disk failed; look at the disk", Fault.BACKEND_DOWN),
}


def _named(exc: sqlite3.Error) -> str:
    # Not the driver's own text: it may quote a URI, and a URI may hold a key. The cause has it.
    return str(getattr(exc, "sqlite_errorname", type(exc).__name__))


def _cannot_open(target: Target) -> tuple[str, Fault]:
    path = target.path
    if path is None:
        return "SQLite is unable to; check the parameters", Fault.CONFIG
    if os.path.isdir(path):
        return "it is a folder; give the path of a file in it", Fault.CONFIG
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        return f"the folder {folder!r} does not exist; make it first", Fault.CONFIG
    if not os.path.exists(path) and not target.creates:
        return (
            "the file does not exist, and its mode forbids to make it; check the path or use mode=rwc",
            Fault.CONFIG,
        )
    return _by_trying(path)


def _by_trying(path: str) -> tuple[str, Fault]:
    """Ask the operating system why, without ever opening the file itself.

    Closing a second descriptor of a database file drops all of this process's locks on it (POSIX), and other
    connections of the pool may hold some.
    """
    folder = os.path.dirname(path)
    try:
        os.close(os.open(folder, os.O_RDONLY))
    except OSError as exc:
        if exc.errno in (errno.EMFILE, errno.ENFILE):
            return "too many open files; raise the limit (ulimit -n) or lower max_size", Fault.CAPACITY
        return f"its folder cannot be opened ({os.strerror(exc.errno or 0).lower()})", Fault.CONFIG
    if os.path.exists(path) and not os.access(path, os.R_OK):
        return "no permission to read it; check the permissions of the file", Fault.CONFIG
    if not os.access(folder, os.W_OK):
        if not os.path.exists(path):
            return "there is no such file, and its folder cannot be written; check the path", Fault.CONFIG
        return (
            f"its folder cannot be written, and SQLite keeps a journal beside the file; {_IMMUTABLE}",
            Fault.CONFIG,
        )
    return "SQLite is unable to; check the permissions of the file and of its folder", Fault.CONFIG
