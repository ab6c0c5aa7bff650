"""What a leased connection was told: which commands changed its session, and which replies it still owes.

redis-py forgets a command as soon as its reply is read, so the connection itself keeps the book. Most
commands change nothing and cost one lookup in a set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "ALL",
    "BROKEN",
    "FOREIGN",
    "MULTI",
    "NO_EVICT",
    "NO_TOUCH",
    "SESSION",
    "SUBSCRIBED",
    "TRANSACTION",
    "WATCH",
    "Ledger",
]

MULTI, WATCH, SUBSCRIBED, SESSION, NO_EVICT, NO_TOUCH, FOREIGN, BROKEN = (1 << bit for bit in range(8))
"""What was noted. FOREIGN: no command takes it back. BROKEN: nobody else could use the connection at all."""

TRANSACTION = MULTI | WATCH | SUBSCRIBED | BROKEN
"""What `hygiene="transaction"` looks at."""

ALL = (1 << 8) - 1
"""What `hygiene="session"` looks at."""

Effect = tuple[int, int]
"""The notes that a command sets, and those that it clears."""

NOTHING: Effect = (0, 0)

_EFFECTS: dict[str, Effect] = {
    "MULTI": (MULTI, 0),
    "WATCH": (WATCH, 0),
    "EXEC": (0, MULTI | WATCH),
    "DISCARD": (0, MULTI | WATCH),
    "UNWATCH": (0, WATCH),
    "SUBSCRIBE": (SUBSCRIBED, 0),
    "PSUBSCRIBE": (SUBSCRIBED, 0),
    "SSUBSCRIBE": (SUBSCRIBED, 0),
    "SELECT": (SESSION, 0),
    "AUTH": (SESSION, 0),
    "HELLO": (SESSION, 0),
    "RESET": (SESSION, 0),
    "READONLY": (SESSION, 0),
    "READWRITE": (SESSION, 0),
    "ASKING": (SESSION, 0),
    "HIMPORT": (FOREIGN, 0),
    "MONITOR": (BROKEN, 0),
    "SYNC": (BROKEN, 0),
    "PSYNC": (BROKEN, 0),
    "REPLCONF": (BROKEN, 0),
    "QUIT": (BROKEN, 0),
}

# fmt: off
_HARMLESS_CLIENT = (
    "GETNAME", "GETREDIR", "HELP", "ID", "INFO", "KILL",
    "LIST", "PAUSE", "TRACKINGINFO", "UNBLOCK", "UNPAUSE",
)
# fmt: on
_CLIENT: dict[str, Effect] = dict.fromkeys(_HARMLESS_CLIENT, NOTHING) | {
    "CACHING": (SESSION, 0),
    "NO-EVICT": (SESSION | NO_EVICT, 0),
    "NO-TOUCH": (SESSION | NO_TOUCH, 0),
    "REPLY": (BROKEN, 0),
    "SETNAME": (SESSION, 0),
    "TRACKING": (SESSION, 0),
}
_SCRIPT: dict[str, Effect] = {"DEBUG": (BROKEN, 0)}

# What a subcommand does that is in no list: one of CLIENT may be newer than this file and change anything
# (SETINFO, CAPA, IMPORT-SOURCE, MAINT_NOTIFICATIONS ... are known to and nothing takes them back).
_CONTAINERS: dict[str, tuple[dict[str, Effect], Effect]] = {
    "CLIENT": (_CLIENT, (FOREIGN, 0)),
    "SCRIPT": (_SCRIPT, NOTHING),
}

_harmless: set[object] = set()
"""First words, as spelled by callers, that are known to change nothing; a memo, bounded, never cleared."""
_HARMLESS_LIMIT = 4096


def _words(args: Sequence[Any]) -> tuple[str, str]:
    """Read a command's first two words in capitals, be they joined ("CLIENT SETNAME"), bytes or str."""
    words: list[str] = []
    for arg in args[:2]:
        text = bytes(arg).decode("latin-1") if isinstance(arg, bytes | bytearray | memoryview) else str(arg)
        words += text.upper().split() or [""]
    return words[0], words[1] if len(words) > 1 else ""


def effect_of(args: Sequence[Any]) -> Effect:
    """Tell what a command does to the session."""
    name, inner = _words(args)
    if name in _CONTAINERS:
        known, otherwise = _CONTAINERS[name]
        return known.get(inner, otherwise)
    effect = _EFFECTS.get(name, NOTHING)
    if effect is NOTHING and isinstance(args[0], str | bytes) and len(_harmless) < _HARMLESS_LIMIT:
        _harmless.add(args[0])
    return effect


class Ledger:
    """The book of one connection; plain slots, for it is looked at in every command and every lease."""

    __slots__ = (
        "booths",
        "ending",
        "gone",
        "held",
        "leave",
        "listener",
        "notes",
        "packed",
        "pending",
        "reading",
        "retired",
        "sealed",
        "touched",
        "turn",
        "unread",
    )

    def __init__(self, turn: Any) -> None:
        self.turn = turn
        """A lock of the connection's colour, held from a command's first byte to its reply's last: threads or
        tasks may share the leased client."""
        self.unread: Callable[[], object] = bool
        """What a release asks for bytes that were received and not read; under asyncio the hand-out asks for
        them, for the loop reads ahead."""
        self.sealed = False
        """The connection is made: from now on it never connects again."""
        self.gone = False
        """It was disconnected, by whomever."""
        self.retired = False
        """The pool has given it up."""
        # Lists, for append and pop are atomic and += is not: a pub/sub thread may share the connection.
        self.held: list[None] = []
        """One entry per object that has the connection in hand right now (a pipeline, a pub/sub object)."""
        self.reading: list[None] = []
        """One entry per read of a subscriber that is going on right now."""
        self.booths: list[Any] = []
        """The pub/sub objects of this lease."""
        self.listener: Any = None
        """The pub/sub object that has the connection, which then is nobody else's."""
        self.leave = False
        """A pub/sub object was closed: unsubscribe before anything else is said."""
        self.touched = False
        """An attribute of the client was set."""
        self.notes = 0
        self.ending = 0
        """Notes that were cleared by commands of which the replies are still to come."""
        self.pending = 0
        """Replies that were asked for and not read."""
        self.packed = 0
        """Commands that are packed and will be sent in one write."""

    def note(self, args: Sequence[Any]) -> None:
        """Write down one command that is about to be sent."""
        try:
            if args[0] in _harmless:
                return
        except TypeError:  # a bytearray cannot be hashed
            pass
        adds, clears = effect_of(args)
        self.ending |= self.notes & clears
        self.notes = self.notes & ~clears | adds

    def refused(self) -> None:
        """Note anew what was about to end: the command that the server refused may have been the one."""
        self.notes |= self.ending

    def note_all(self, commands: Iterable[Sequence[Any]]) -> None:
        """Write down the commands of a pipeline that is about to be sent."""
        for args in commands:
            self.note(args)
            self.packed += 1

    def why_spoiled(self, level: str) -> str:
        """Say why the connection cannot serve another lease, or give an empty text."""
        if self.gone:
            return "the connection was closed during the lease"
        if self.listener is not None or self.reading:
            return "a pub/sub object outlived its lease"
        if self.held:
            return "a pipeline or another object outlived its lease with the connection in hand"
        if self.pending or self.packed:
            return "a reply was left unread"
        if level != "none" and self.notes & BROKEN:
            return "MONITOR, CLIENT REPLY or the like was sent"
        if level == "session" and self.notes & FOREIGN:
            return "something was set that no command takes back"
        return ""

    def forget(self) -> None:
        """Start a clean page: the session is as it was when the connection was made."""
        self.notes = 0
        self.leave = False
        self.touched = False
