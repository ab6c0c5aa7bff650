"""Every name of psycopg's that is not public, and nothing else; a test asks the installed driver for each.

psycopg has no public reset of its Python side, and none for its cache of prepared statements. What is touched
here has been the same since 3.2.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any

import attrs

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
    "cursor_factory",
    "row_factory",
    "server_cursor_factory",
)
_LISTS = ("_notice_handlers", "_notify_handlers")


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
class Snapshot:
    """The Python side of a connection as it was: attributes, handlers, thresholds, extra names.

    Only for the level "session". An object of which nobody has asked for the ``__dict__`` has none, and on
    Python 3.11 its attributes are read twice as quickly, by the driver too.
    """

    traits: dict[str, Any]
    lists: dict[str, list[Any]]
    thresholds: tuple[int | None, int | None]
    names: frozenset[str]

    @classmethod
    def of(cls, conn: Any) -> Snapshot:
        """Take the snapshot of a connection that nobody has used yet."""
        return cls(
            {name: conn.__dict__[name] for name in _TRAITS if name in conn.__dict__},
            {name: list(conn.__dict__[name]) for name in _LISTS},
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
        conn.prepare_threshold, conn.prepared_max = self.thresholds

    def holds(self, conn: Any) -> bool:
        """Tell whether everything is still as it was."""
        attributes = conn.__dict__
        return (
            attributes.keys() == self.names
            and all(attributes[name] == value for name, value in self.traits.items())
            and all(attributes[name] == items for name, items in self.lists.items())
            and (conn.prepare_threshold, conn.prepared_max) == self.thresholds
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
