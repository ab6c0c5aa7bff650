"""What is sent to make a session as it was, and how the answers are judged; no I/O in here.

Every exchange ends with a PING that carries a word nobody else knows: a reply that belongs to somebody else's
command cannot pass for an answer to ours.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import attrs
from redis import exceptions as errors

from respool import Hygiene, ResourceSpoiled

from ._ledger import MULTI, NO_EVICT, NO_TOUCH, SUBSCRIBED, TRANSACTION, WATCH, Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "UNSUBSCRIBE",
    "Login",
    "check",
    "is_refused_ping",
    "marker",
    "must_clean",
    "recipe",
    "text",
]

Command = tuple[Any, ...]

UNSUBSCRIBE: tuple[Command, ...] = (("UNSUBSCRIBE",), ("PUNSUBSCRIBE",), ("SUNSUBSCRIBE",))

_PUSHED = {"pong"} | {
    prefix + word for prefix in ("", "p", "s") for word in ("message", "subscribe", "unsubscribe")
}
"""First words of what a subscriber is sent without asking, in RESP2 as arrays like any other."""

_counter = itertools.count(1)
"""Makes each `marker` of a process another one."""


@attrs.frozen
class Login:
    """What a session is opened with, kept to open it again after a RESET."""

    protocol: int
    database: int
    client_name: str | None
    credentials: tuple[str, ...] | None = attrs.field(repr=False)


def marker() -> str:
    """Make a word for a PING that was used in no exchange before."""
    return f"respool:{next(_counter)}"


def is_refused_ping(reply: object) -> bool:
    """Tell whether this user may not even PING: the answer that everybody waits for will not come."""
    return isinstance(reply, errors.NoPermissionError) and "'ping'" in str(reply)


def must_clean(ledger: Ledger, level: Hygiene) -> bool:
    """Tell whether the session needs commands to be clean again, at this level."""
    if level == "session":
        return bool(ledger.notes)
    return level == "transaction" and bool(ledger.notes & TRANSACTION)


def recipe(ledger: Ledger, level: Hygiene, login: Login) -> list[Command]:
    """List what to send, in one write, to clean what the ledger noted."""
    return _from_scratch(ledger.notes, login) if level == "session" else _step_out(ledger.notes)


def _from_scratch(notes: int, login: Login) -> list[Command]:
    """RESET, then what connecting had done: RESET logs out, falls back to RESP2 and database 0."""
    commands: list[Command] = [("RESET",)]
    user = login.credentials and ("default", *login.credentials)[-2:]
    if login.protocol == 3:
        commands.append(("HELLO", 3, *(("AUTH", *user) if user else ())))
    elif login.credentials:
        commands.append(("AUTH", *login.credentials))
    if login.client_name:
        commands.append(("CLIENT", "SETNAME", login.client_name))
    if login.database:
        commands.append(("SELECT", login.database))
    # Redis 7.0 keeps these two through a RESET, older ones do not know them.
    if notes & NO_EVICT:
        commands.append(("CLIENT", "NO-EVICT", "OFF"))
    if notes & NO_TOUCH:
        commands.append(("CLIENT", "NO-TOUCH", "OFF"))
    return commands


def _step_out(notes: int) -> list[Command]:
    """Leave MULTI first, for in it all else is only queued; UNWATCH last, for a RESP2 subscriber may not."""
    commands: list[Command] = [("DISCARD",)] if notes & MULTI else []
    if notes & SUBSCRIBED:
        commands += UNSUBSCRIBE
    if notes & WATCH:
        commands.append(("UNWATCH",))
    return commands


def text(reply: Any) -> Any:
    """Read a simple reply as text, whether or not the driver decoded it."""
    return reply.decode("latin-1") if isinstance(reply, bytes) else reply


def check(commands: Sequence[Command], replies: Sequence[Any], *, subscribed: bool) -> None:
    """Raise unless every command was obeyed.

    Args:
        commands: What was sent.
        replies: What came back, errors as values.
        subscribed: Messages may be among the replies, and are what unsubscribing is answered with.

    Raises:
        ResourceSpoiled: The server refused one, or the replies do not fit the commands.
    """
    if subscribed:
        commands = [command for command in commands if command not in UNSUBSCRIBE]
        replies = [reply for reply in replies if not _is_pushed(reply)]
    for command, reply in zip(commands, replies, strict=False):
        if isinstance(reply, Exception) and not _is_excused(command, reply):
            raise _refused(command, reply) from reply
    if len(replies) != len(commands):
        raise ResourceSpoiled(f"{len(commands)} commands got {len(replies)} replies")


def _is_pushed(reply: Any) -> bool:
    """Tell what a subscriber gets without asking, and a server's ignorance of shard channels."""
    if isinstance(reply, Exception):
        return "unknown command" in str(reply) and "SUNSUBSCRIBE" in str(reply)
    return isinstance(reply, list) and bool(reply) and text(reply[0]) in _PUSHED


def _is_excused(command: Command, reply: Exception) -> bool:
    """A DISCARD where the MULTI itself had failed."""
    return command[0] == "DISCARD" and "without MULTI" in str(reply)


def _refused(command: Command, reply: Exception) -> ResourceSpoiled:
    # Of HELLO and AUTH the arguments are the password: only the name is told.
    if command[0] == "RESET" and "unknown command" in str(reply):
        return ResourceSpoiled("the server has no RESET (Redis before 6.2): a changed session is replaced")
    return ResourceSpoiled(f"the server refused {command[0]} ({type(reply).__name__})")
