"""What both adapters share: opening, checking, cleaning and closing one connection of the driver."""

from __future__ import annotations

import difflib
import os
import sqlite3
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from respool import Fault, Hygiene, ResourceSpoiled, Timeouts, check_connect, check_timeouts

from ._diagnosis import explain
from ._errors import OpenError, classify, primary_code
from ._hygiene import Cleaner
from ._opening import Opener
from ._private import close_leftovers
from ._target import target_of

__all__ = ["Workshop", "configure_failed"]

C = TypeVar("C", bound=sqlite3.Connection)

_LOCK_WAIT = 5.0
"""Seconds; the driver's own default."""
_LONGEST_WAIT = 2_147_483
"""Seconds: SQLite counts milliseconds in 32 bits, and with more it does not wait at all."""
_LARGEST = 2**31 - 1
"""The driver's ints have 32 bits."""
_ISOLATION = ("", "DEFERRED", "IMMEDIATE", "EXCLUSIVE")
_ARGUMENTS = ["cached_statements", "detect_types", "isolation_level", "timeout", "uri"]
if sys.version_info >= (3, 12):
    _ARGUMENTS.append("autocommit")


class Workshop(Generic[C]):
    """Opens, checks, cleans and closes; on whatever thread the adapter calls it."""

    def __init__(
        self,
        database: str | os.PathLike[str],
        *,
        hygiene: Hygiene,
        connect: Mapping[str, Any] | None,
        factory: type[C],
        wal: bool | None,
        timeouts: Timeouts,
    ) -> None:
        check_connect(connect)
        check_timeouts(timeouts)
        target = target_of(database)
        wait = min(_LOCK_WAIT, timeouts.create)
        arguments = {"timeout": wait, **target.options, **(connect or {})}
        wal = arguments.pop("wal", None) if wal is None else wal
        _check_arguments(arguments)
        if not isinstance(wal, bool | None):
            raise TypeError(f"wal is {wal!r}, it must be True, False or None")
        if wal and (target.memory or target.read_only):
            kind = "in memory" if target.memory else "read-only"
            raise ValueError(
                f"wal is True, but database {target.name!r} is {kind}, where WAL cannot be: leave it out"
            )
        arguments.pop("uri", None)  # said by the form of the database
        self.name = target.name
        self.opener = Opener(target, factory, arguments, wal=wal)
        self.cleaner: Cleaner[C] = Cleaner(hygiene)

    def open(self) -> C:
        """Open one connection and begin to watch it; `Cleaner.hand_over` follows when it is configured."""
        conn = self.opener.open()
        try:
            self.cleaner.watch(conn)
        except BaseException as exc:
            conn.close()
            if isinstance(exc, sqlite3.Error):  # watching reads pragmas, which a lock can keep waiting
                raise explain(self.opener.target, exc) from exc
            raise
        return conn

    def validate(self, conn: C) -> bool:
        """Check that the file is still there and the connection works; touches no lock, so it cannot wait."""
        self.opener.demand_current(conn)
        return sqlite3.Cursor(conn).execute("select 1").fetchone() is not None

    def close(self, conn: C) -> None:
        """Close for good: a cursor left open would keep the file open, and the locks on it held."""
        close_leftovers(conn)
        conn.close()


def configure_failed(name: str, exc: Exception) -> OpenError:
    """Build the error for a ``configure`` that raised: a mistake, unless the database was just not ready."""
    busy = primary_code(exc) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)
    fault = Fault.BACKEND_DOWN if busy else classify(exc)
    # No text but our own: a stranger's may hold a secret, and the cause has it.
    detail = str(exc) if isinstance(exc, ResourceSpoiled) else getattr(exc, "sqlite_errorname", "")
    what = f"{type(exc).__name__}: {detail}" if detail else type(exc).__name__
    return OpenError(
        f"configure failed on a connection to {name!r} ({what})",
        Fault.CONFIG if fault is Fault.BENIGN else fault,
    )


def _check_arguments(arguments: Mapping[str, Any]) -> None:
    for key, value in arguments.items():
        if key == "factory":
            raise TypeError(
                "connect has 'factory': give it as factory=, so that the type of the pool shows it"
            )
        if key == "check_same_thread":
            _check_thread(value)
        elif key not in _ARGUMENTS:
            near = difflib.get_close_matches(key, _ARGUMENTS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"it takes {', '.join(_ARGUMENTS)}"
            raise TypeError(f"unknown argument {key!r} in connect, {hint}")
        elif key in _RULES:
            _RULES[key](value)


def _check_timeout(value: object) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"timeout is {value!r}, it must be a number of seconds")
    if not 0 <= value <= _LONGEST_WAIT:
        raise ValueError(f"timeout is {value!r}, it must be a number of seconds from 0 to {_LONGEST_WAIT}")


def _check_isolation(value: object) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"isolation_level is {value!r}, it must be a str or None")
    if value is not None and value.upper() not in _ISOLATION:
        levels = ", ".join(map(repr, _ISOLATION))
        raise ValueError(f"isolation_level is {value!r}, it must be None or one of {levels}")


def _check_count(key: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{key} is {value!r}, it must be an int")
    if not 0 <= value <= _LARGEST:
        raise ValueError(f"{key} is {value!r}, it must be an int from 0 to {_LARGEST}")


_RULES: Mapping[str, Callable[[object], None]] = {
    "cached_statements": partial(_check_count, "cached_statements"),
    "detect_types": partial(_check_count, "detect_types"),
    "isolation_level": _check_isolation,
    "timeout": _check_timeout,
}


def _check_thread(value: object) -> None:
    if value is not False:
        raise ValueError(f"check_same_thread is {value!r}, it must be False: a pool lends to many threads")
