"""What a connection's holders changed since it was last put back: noticed as it happens, undone by `reset`.

Two watchers feed the record. SQLite's authorizer is called while a statement is *prepared*, never while it
runs, so that a statement out of the driver's cache pays nothing; PRAGMA, ATTACH and whatever touches the temp
schema passes there. What is no SQL (functions, collations, hooks, limits) passes the methods of `Connection`.

A prepared statement does not ask the authorizer again. PRAGMA and ATTACH expire themselves once run, and a
reset makes SQLite expire all others (see `_hygiene`), so that the second lease to send the same text is
noticed like the first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

import attrs

from ._private import Cursors, HiddenCursors

__all__ = ["HARMLESS", "KEPT", "RESTORED", "Authorizer", "Factory", "Record"]

Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]

RESTORED = (
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "count_changes",
    "defer_foreign_keys",
    "empty_result_callbacks",
    "foreign_keys",
    "full_column_names",
    "fullfsync",
    "ignore_check_constraints",
    "journal_size_limit",
    "legacy_alter_table",
    "max_page_count",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "short_column_names",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
    "writable_schema",
)
"""Pragmas of the connection whose value can be read, and set back to a number."""

KEPT = ("journal_mode", "locking_mode")
"""Pragmas that need locks to be set back: compared, and the connection is given up where they differ. A lease
that asked for exclusive locking is given up as well, whatever it asked for later."""

HARMLESS = frozenset(
    {
        # ask or do, and change nothing that stays with the connection
        "foreign_key_check",
        "foreign_key_list",
        "incremental_vacuum",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "optimize",
        "quick_check",
        "table_info",
        "table_list",
        "table_xinfo",
        "wal_checkpoint",
        # content of the file, committed or rolled back like any other; dropped with the temp schema
        "application_id",
        "user_version",
    }
)
"""Pragmas that take an argument and leave nothing behind. One that is in no list costs the connection."""

_CONTENT = ("application_id", "user_version")
_RESTORABLE = frozenset(RESTORED + KEPT)
# These only read, or say nothing about the session; by far the most frequent, so they are looked for first.
_QUIET = frozenset(
    {
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
    }
)
_PRAGMA = sqlite3.SQLITE_PRAGMA
_ATTACHED = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH)


@attrs.frozen(kw_only=True)
class Factory:
    """How the driver and the user's own class made the connection, before ``configure``."""

    attributes: tuple[object, ...]
    """Row factory and the like, in the order of `attributes_of`."""
    authorizer: Authorizer | None
    hooks: Mapping[str, tuple[object, ...]]
    kept: tuple[object, ...]
    """The values of the pragmas in `KEPT`."""


class Record:
    """One connection's changes. A plain class with slots: looked at once per lease and per statement."""

    __slots__ = (
        "attached",
        "attributes",
        "authorizer",
        "collations",
        "configs",
        "configuring",
        "cursors",
        "factory",
        "functions",
        "hooks",
        "identity",
        "limits",
        "pragmas",
        "soiled",
        "spoiled",
        "temp",
        "watching",
    )

    def __init__(self) -> None:
        self.watching = False
        """Whether anything is to be recorded: at hygiene "session"."""
        self.configuring = True
        """During creation and ``configure``: what happens now is how every lease finds the connection."""
        self.authorizer: Authorizer | None = None
        """The holder's own authorizer, asked after ours."""
        self.identity: tuple[int, int] | None = None
        """Device and inode of the file that this connection has open."""
        self.attributes: tuple[object, ...] = ()
        """Row factory and the like, as every lease finds them."""
        self.cursors: Cursors | HiddenCursors
        """Of a connection that is watched."""
        self.factory: Factory | None = None
        self.forget()

    def forget(self) -> None:
        """Start anew: everything noticed so far has been undone."""
        self.soiled = False
        self.spoiled = ""
        self.attached = self.temp = False
        self.pragmas: set[str] = set()
        self.functions: set[tuple[str, int]] = set()
        self.collations: set[str] = set()
        self.limits: dict[int, int] = {}
        self.configs: dict[int, bool] = {}
        self.hooks: dict[str, tuple[object, ...]] = {}
        """Method and arguments of the hooks that were set."""

    def spoil(self, why: str) -> None:
        """Note a change that cannot be undone; during ``configure`` it belongs to the connection."""
        self.soiled = True
        if not self.configuring and not self.spoiled:
            self.spoiled = why

    def __call__(
        self, action: int, first: str | None, second: str | None, schema: str | None, source: str | None
    ) -> int:
        """Be the authorizer: notice, and let the holder's own one decide."""
        if action not in _QUIET:
            if action == _PRAGMA:
                self._notice_pragma(str(first).lower(), second, schema)
            elif action in _ATTACHED:
                self.attached = self.soiled = True
            elif schema == "temp":
                self.temp = self.soiled = True
        if self.authorizer is None:
            return sqlite3.SQLITE_OK
        return self.authorizer(action, first, second, schema, source)

    def _notice_pragma(self, name: str, value: str | None, schema: str | None) -> None:
        if value is None:
            return
        if name == "locking_mode" and value.lower() == "exclusive":
            # Back at "normal" it would compare equal, and SQLite keeps the locks until the next statement.
            self.spoil("pragma locking_mode was set to exclusive, whose locks stay")
        if name in HARMLESS:
            if schema == "temp" and name in _CONTENT:
                self.temp = self.soiled = True
            return
        if name not in _RESTORABLE or (schema is not None and schema.lower() != "main"):
            self.spoil(f"pragma {name} was set, which cannot be set back")
        else:
            self.soiled = True
            self.pragmas.add(name)
