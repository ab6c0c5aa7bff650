"""What an adapter keeps with each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._line import Line
    from ._private import Adaptations, Snapshot

__all__ = ["Session", "session_of"]


class Session:
    """Kept in the connection's own dictionary, so that it dies with it, detached or not."""

    __slots__ = ("adaptations", "before", "had_temporary", "line", "poll")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.poll = line.poll  # a slot nearer, for the sake of probe
        self.had_temporary = False
        self.before: Snapshot
        self.adaptations: Adaptations


def session_of(conn: Any) -> Session:
    """Give what the adapter keeps with a connection that it made."""
    session: Session = conn.__dict__["_respool"]
    return session
