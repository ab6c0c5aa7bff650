"""What an adapter keeps with each connection."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._line import Line
    from ._private import Adaptations, Snapshot

__all__ = ["Session", "session_of"]


class Session:
    """Kept as an attribute of the connection, so that it dies with it, detached or not."""

    __slots__ = (
        "adaptations",
        "after_configure",
        "before",
        "had_temporary",
        "home",
        "line",
        "poll",
        "sent",
    )

    def __init__(self, line: Line) -> None:
        self.line = line
        self.poll = line.poll  # a slot nearer, for the sake of probe
        self.had_temporary = False
        self.sent: float = 0
        self.before: Snapshot
        self.after_configure: Snapshot
        self.adaptations: Adaptations
        self.home: list[bytes | None] = []
        """The reported settings as the lease found them."""

    def mark_clean(self) -> None:
        """Note that the session is clean now, just after something was sent on it.

        The kernel's count of bytes tells later whether it was used at all. Each mark follows an exchange, so
        a count that has not grown is none, and every return counts as dirty from then on.
        """
        sent = self.line.sent()
        self.sent = sent if sent > self.sent else math.inf

    def is_untouched(self) -> bool:
        """Tell whether nothing was sent since `mark_clean`: then the server's side is as it was."""
        return self.line.sent() == self.sent

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Go round an exchange that leaves the session as it was: clean, if it was clean."""
        was_clean = self.is_untouched()
        yield
        if was_clean:
            self.mark_clean()


def session_of(conn: Any) -> Session:
    """Give what the adapter keeps with a connection that it made."""
    session: Session = conn._respool
    return session
