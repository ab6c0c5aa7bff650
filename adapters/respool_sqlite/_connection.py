"""The connection that notices: a subclass of the driver's that records what SQL does not show."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, TypeVar, cast

from ._record import Authorizer, Record

__all__ = ["Connection", "ask", "connection_class", "record_of"]

C = TypeVar("C", bound=sqlite3.Connection)


class Connection(sqlite3.Connection):
    """A `sqlite3.Connection` with a record of what its holders change.

    Everything in here is rare: functions, hooks, limits. ``execute`` and ``cursor`` are the driver's own.
    One slot and no ``__dict__``: like the driver's, it takes no attributes that the next lease would see.
    """

    __slots__ = ("_respool",)
    _respool: Record

    def __new__(cls, *args: Any, **kwargs: Any) -> Connection:
        made = super().__new__(cls)
        made._respool = Record()  # before any __init__ of the user's class runs
        return made

    def create_function(self, name: str, narg: int, func: Any, **kwargs: Any) -> None:
        _before_function(self, name, narg)
        super().create_function(name, narg, func, **kwargs)

    def create_aggregate(self, name: str, n_arg: int, aggregate_class: Any) -> None:
        _before_function(self, name, n_arg)
        super().create_aggregate(name, n_arg, aggregate_class)

    def create_window_function(self, name: str, num_params: int, aggregate_class: Any, /) -> None:
        _before_function(self, name, num_params)
        super().create_window_function(name, num_params, aggregate_class)

    def create_collation(self, name: str, callback: Any, /) -> None:
        _before_collation(self, name)
        super().create_collation(name, callback)

    def set_authorizer(self, authorizer_callback: Authorizer | None) -> None:
        """Set the holder's authorizer; it is asked after the watcher, which stays."""
        record = self._respool
        record.soiled = True
        record.authorizer = authorizer_callback
        # The watcher is set again, for SQLite expires what was prepared under the old rules.
        super().set_authorizer(record if record.watching else authorizer_callback)

    def set_progress_handler(self, progress_handler: Any, n: int) -> None:
        _note_hook(self, "set_progress_handler", progress_handler, n)
        super().set_progress_handler(progress_handler, n)

    def set_trace_callback(self, trace_callback: Any) -> None:
        _note_hook(self, "set_trace_callback", trace_callback)
        super().set_trace_callback(trace_callback)

    def setlimit(self, category: int, limit: int, /) -> int:
        before = super().setlimit(category, limit)
        record = self._respool
        record.soiled = True
        record.limits.setdefault(category, before)
        return before

    def blobopen(self, *args: Any, **kwargs: Any) -> sqlite3.Blob:
        self._respool.soiled = True  # an open blob holds a snapshot, and hides from the look at the cursors
        return super().blobopen(*args, **kwargs)

    def deserialize(self, data: Any, /, *, name: str = "main") -> None:
        self._respool.spoil("its database was replaced by deserialize()")
        super().deserialize(data, name=name)

    if sys.version_info >= (3, 12):

        def setconfig(self, op: int, enable: bool = True, /) -> None:
            record = self._respool
            record.soiled = True
            record.configs.setdefault(op, self.getconfig(op))
            super().setconfig(op, enable)

    # Builds without extensions (macOS) have neither method, and so neither have we.
    if hasattr(sqlite3.Connection, "enable_load_extension"):

        def enable_load_extension(self, enable: bool, /) -> None:
            _note_hook(self, "enable_load_extension", enable)
            super().enable_load_extension(enable)

        def load_extension(self, name: str, /, **kwargs: Any) -> None:
            self._respool.spoil("an extension was loaded, which cannot be unloaded")
            super().load_extension(name, **kwargs)


def connection_class(factory: type[C]) -> type[C]:
    """Give the class of the pool's connections: the user's own, with the record mixed in in front of it.

    Mixed in rather than asked for as a base: a class that comes with a framework can be used as it is, and
    what the user gets *is* an instance of what they named, so that the type is true.

    Raises:
        TypeError: If ``factory`` is no subclass of `sqlite3.Connection`, or one whose layout cannot be mixed.
    """
    _check_factory(factory)
    if factory is sqlite3.Connection:
        return cast("type[C]", Connection)  # C is sqlite3.Connection here, and ours is one
    try:
        return cast("type[C]", type(factory.__name__, (Connection, factory), {"__slots__": ()}))
    except TypeError as exc:
        raise TypeError(
            f"factory {factory.__qualname__} cannot be combined with the recording of hygiene ({exc}): "
            "remove its __slots__ or its metaclass"
        ) from exc


def _check_factory(factory: object) -> None:
    if not isinstance(factory, type) or not issubclass(factory, sqlite3.Connection):
        raise TypeError(f"factory is {factory!r}, it must be a subclass of sqlite3.Connection")


def record_of(conn: sqlite3.Connection) -> Record:
    """Give the record of a connection that this package made."""
    return conn._respool  # type: ignore[attr-defined,no-any-return]  # an isinstance would cost more than the rest of a probe


def ask(conn: sqlite3.Connection, sql: str) -> Any:
    """Give the first value of a query, whatever row and text factories say; None where it has no row."""
    cursor = sqlite3.Cursor(conn)  # not conn.cursor(), which a user's class may override
    row = cursor.execute(sql).fetchone()
    cursor.close()
    value = row[0] if row else None
    return value.decode() if isinstance(value, bytes) else value


def _note_hook(conn: Connection, method: str, *args: object) -> None:
    conn._respool.soiled = True
    conn._respool.hooks[method] = args


def _before_function(conn: Connection, name: str, narg: int) -> None:
    """Note a function that is about to be registered, or removed, and whether that can be undone."""
    record = conn._respool
    if not record.watching:
        return
    if not record.configuring and _overrides(conn, record.functions, name.lower(), narg):
        record.spoil(f"the builtin function {name} was overridden, which cannot be put back")
    record.soiled = True
    record.functions.add((name.lower(), narg))


def _overrides(conn: Connection, ours: set[tuple[str, int]], name: str, narg: int) -> bool:
    """Tell whether a function of that name is there, of any arity, that was not registered through us."""
    if (name, narg) in ours:
        return False
    quoted = name.replace("'", "''")
    sql = f"select builtin, narg from pragma_function_list where lower(name) = '{quoted}'"
    try:
        found = sqlite3.Cursor(conn).execute(sql).fetchall()
    except sqlite3.Error:  # forbidden by the holder's authorizer, or left out of this build
        return True
    return any(builtin or (name, arity) not in ours for builtin, arity in found)


def _before_collation(conn: Connection, name: str) -> None:
    record = conn._respool
    if not record.watching:
        return
    if not record.configuring and name.lower() not in record.collations and _collates(conn, name):
        record.spoil(f"the collation {name} was overridden, which cannot be put back")
    record.soiled = True
    record.collations.add(name.lower())


def _collates(conn: Connection, name: str) -> bool:
    """Tell whether a collation is there; the list of all would name removed ones as well."""
    quoted = name.replace('"', '""')
    try:
        ask(conn, f"""select '' = '' collate "{quoted}" """)
    except sqlite3.Error as exc:
        return getattr(exc, "sqlite_errorname", "") != "SQLITE_ERROR_MISSING_COLLSEQ"
    return True
