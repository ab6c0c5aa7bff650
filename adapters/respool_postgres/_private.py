"""Every name of psycopg's that is not public, and nothing else; a test asks the installed driver for each.

psycopg has no public reset of its Python side, and none for its cache of prepared statements. What is touched
here has been the same since 3.2.
"""

from __future__ import annotations

import dis
import operator
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

from ._driver import BaseConnection, psycopg

if TYPE_CHECKING:
    from respool import Hygiene

__all__ = [
    "Adaptations",
    "Releases",
    "Snapshot",
    "driver_owned",
    "prepared_count",
    "prepared_forgotten",
    "unfinished",
]

_TRAITS = (
    "_autocommit",
    "_begin_statement",
    "_deferrable",
    "_isolation_level",
    "_read_only",
    "close",  # ours
    "cursor_factory",
    "row_factory",
    "server_cursor_factory",
)
_LISTS = ("_notice_handlers", "_notify_handlers")
_OF_THE_DRIVER = frozenset(
    ["_pool", "_respool", "close"]
    + [
        step.argval
        for kind in (BaseConnection, psycopg.Connection, psycopg.AsyncConnection)
        for step in dis.get_instructions(kind.__init__)
        if step.opname == "STORE_ATTR"
    ]
)
"""Every attribute that the driver's constructors set, and ours; others are of a class of the user's."""


def driver_owned(conn: Any) -> None:
    """Mark a connection as one of a pool's, so that the interpreter's end draws no ResourceWarning."""
    conn._pool = None


def unfinished(conn: Any) -> str:
    """Name what a lease has entered on the driver's side and not left; empty where nothing."""
    if conn._num_transactions:
        return "a transaction() block is still open"
    if conn._tpc is not None:
        return "a two-phase transaction is still open"
    if conn._pipeline is not None:
        return "a pipeline() block is still open"
    return ""


class Releases(ABC):
    """Mixed into the adapters: what every release asks, in one function, for each call more is felt there."""

    _level: Hygiene

    def is_dirty(self, resource: Any, /) -> bool:
        """Tell whether `reset` has work to do.

        At "session" it has unless the connection was not used at all: nobody can see a SET from here, but
        the kernel counts what was sent.
        """
        pgconn = resource.pgconn
        if (
            pgconn.transaction_status
            or pgconn.pipeline_status
            or resource._num_transactions  # this and the next two are what `unfinished` names
            or resource._tpc
            or resource._pipeline
            or resource.lock.locked()
        ):
            return self._level != "none" or bool(pgconn.status)
        return self._level == "session" and self._is_changed(resource)

    @abstractmethod
    def _is_changed(self, conn: Any) -> bool:
        """Tell whether anything was sent, or the Python side is another than after `configure`."""


def prepared_count(conn: Any) -> int:
    """Count the statements that psycopg believes to be prepared in the session."""
    return len(conn._prepared._names) + sum(name is not None for name in conn._prepared._to_flush)


def prepared_forgotten(conn: Any) -> None:
    """Tell psycopg's cache that the session has no prepared statements any more."""
    conn._prepared._names.clear()
    conn._prepared._counts.clear()
    conn._prepared._to_flush.clear()


@attrs.frozen(eq=False)
class _Own:
    """An attribute that a class of the user's gives its connections, and what is in it if it is a collection.

    What any other object is made of is not known from here: where a lease changes it, that stays.
    """

    name: str
    value: Any
    contents: tuple[Any, ...] | None

    @classmethod
    def of(cls, name: str, value: Any) -> _Own:
        return cls(name, value, _contents(value))

    def restore(self, attributes: dict[str, Any]) -> None:
        attributes[self.name] = self.value
        if self.contents is not None:
            self.value.clear()
            (self.value.extend if type(self.value) is list else self.value.update)(self.contents)

    def holds(self, attributes: dict[str, Any]) -> bool:
        return attributes[self.name] is self.value and _contents(self.value) == self.contents


def _contents(value: Any) -> tuple[Any, ...] | None:
    if type(value) is dict:
        return tuple(value.items())
    return tuple(value) if type(value) in (list, set) else None


_raw = operator.attrgetter("notice_handler", "notify_handler", "nonblocking")


@attrs.frozen(eq=False)
class Snapshot:
    """The Python side of a connection as it was: attributes, handlers, thresholds, the user's own names.

    Only for the level "session". An object of which nobody has asked for the ``__dict__`` has none, and on
    Python 3.11 its attributes are read twice as quickly, by the driver too.
    """

    traits: dict[str, Any]
    lists: dict[str, list[Any]]
    own: list[_Own]
    raw: tuple[Any, Any, int]
    """What libpq calls for a notice and a notification: the driver's own, which calls those in the lists; and
    whether it blocks in a write, which would hold up a whole loop."""
    thresholds: tuple[int | None, int | None]
    names: frozenset[str]

    @classmethod
    def of(cls, conn: Any) -> Snapshot:
        """Take the snapshot of a connection that nobody has used yet."""
        return cls(
            {name: conn.__dict__[name] for name in _TRAITS if name in conn.__dict__},
            {name: list(conn.__dict__[name]) for name in _LISTS},
            [_Own.of(name, conn.__dict__[name]) for name in conn.__dict__.keys() - _OF_THE_DRIVER],
            _raw(conn.pgconn),
            (conn.prepare_threshold, conn.prepared_max),
            frozenset(conn.__dict__),
        )

    def restore(self, conn: Any) -> None:
        """Put everything back; what a lease has hung on the object goes."""
        attributes = conn.__dict__
        if attributes.keys() != self.names:
            for name in attributes.keys() - self.names:
                del attributes[name]
        attributes.update(self.traits)
        for name, items in self.lists.items():
            attributes[name] = list(items)
        for own in self.own:
            own.restore(attributes)
        conn.prepare_threshold, conn.prepared_max = self.thresholds
        conn.pgconn.notice_handler, conn.pgconn.notify_handler, conn.pgconn.nonblocking = self.raw
        conn.pgconn.untrace()

    def holds(self, conn: Any) -> bool:
        """Tell whether everything is still as it was."""
        attributes = conn.__dict__
        return (
            attributes.keys() == self.names
            and all(attributes[name] == value for name, value in self.traits.items())
            and all(attributes[name] == items for name, items in self.lists.items())
            and all(own.holds(attributes) for own in self.own)
            and (conn.prepare_threshold, conn.prepared_max) == self.thresholds
            and _raw(conn.pgconn) == self.raw
        )

    @staticmethod
    def drop_notifications(conn: Any) -> None:
        """Forget the notifications that nobody fetched; before 3.2.4 the driver kept none."""
        if "_notifies_backlog" in conn.__dict__:
            conn._notifies_backlog = deque()


@attrs.frozen(eq=False)
class Adaptations:
    """The type adaptation of a connection as it was, to notice a change: it cannot be undone.

    The maps are copied on write: a copy of ours makes the connection's next registration replace its
    dictionaries by others, so that most often identity alone tells.
    """

    maps: list[Any]

    @classmethod
    def of(cls, conn: Any) -> Adaptations:
        """Remember the maps as they are now."""
        return cls(_maps(type(conn.adapters)(conn.adapters)))

    def changed(self, conn: Any) -> bool:
        """Tell whether anything has been registered since."""
        return _maps(conn.adapters) != self.maps


def _maps(adapters: Any) -> list[Any]:
    return [
        *adapters._dumpers.values(),
        *adapters._dumpers_by_oid,
        *adapters._loaders,
        adapters.types._registry,
    ]
