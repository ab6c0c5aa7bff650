"""What the driver's exceptions mean.

An error that the server sent carries an SQLSTATE and a severity, and FATAL or PANIC alone end a session. An
error from connecting carries neither: libpq gives its text, and that is all there is to tell a wrong password
from a full server. Where the server or libpq speak another language than English such a text is not
recognised, and the failure counts as `BACKEND_DOWN`: tried again until the caller's time is up.
"""

from __future__ import annotations

import re

from respool import Fault

from ._driver import psycopg

__all__ = [
    "ConninfoError",
    "ServerHungUp",
    "ServerSilent",
    "SetupError",
    "StillInUse",
    "UnfitServer",
    "classify",
    "is_mistake",
]


class ConninfoError(ValueError):
    """A URL or conninfo that libpq cannot read; its text holds no secret."""


class SetupError(Exception):
    """The user's ``configure`` or credentials callable is at fault, not the server."""


class UnfitServer(Exception):
    """The server at the other end is none that this adapter works with."""


class ServerSilent(Exception):
    """No answer to validate or reset within its time."""


class StillInUse(Exception):
    """A connection cannot be closed, for somebody is still inside the driver with it."""


class ServerHungUp(ConnectionError):
    """The server's end of an idle connection is closed."""


_OURS: tuple[tuple[type[Exception], Fault], ...] = (
    (ServerHungUp, Fault.RESOURCE_BROKEN),
    (ServerSilent, Fault.BACKEND_DOWN),
    (ConninfoError, Fault.CONFIG),
    (SetupError, Fault.CONFIG),
    (UnfitServer, Fault.CONFIG),
)

_STATES = {
    "25006": Fault.RESOURCE_BROKEN,  # a write on what has become a standby: the primary is elsewhere now
    "57P03": Fault.BACKEND_DOWN,  # starting up, shutting down, recovering
    "53300": Fault.CAPACITY,
    "28000": Fault.CONFIG,
    "28P01": Fault.CONFIG,
    "3D000": Fault.CONFIG,
}
_SESSION_ENDS = ("08", "57P0", "25P03", "25P04")  # connection exceptions, shutdowns, the session timeouts
_FATAL = ("FATAL", "PANIC")

_BUGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    TypeError,
    ValueError,
)
_PASSING = (
    "08",  # the connection
    "23505",  # two connections have made the same thing at once
    "25006",  # a standby
    "40",  # deadlocks, serialization
    "53",  # out of memory, disk or connections
    "55006",  # in use
    "55P03",  # a lock timeout
    "57",  # cancelled, a statement timeout, shutting down
    "58",  # the server's disk
    "XX",  # "tuple concurrently updated"
)

_FULL = re.compile(r"too many (clients|connections)|connection slots|no more connections allowed", re.I)
_AWAY = re.compile(
    r"the database system is (starting up|shutting down|in recovery|not (yet )?accepting)", re.I
)
_REFUSED = re.compile(
    r"authentication failed|no password supplied|authentication method|pg_hba\.conf|scram|channel binding"
    r'|(database|role) "[^\n]*" does not exist|not permitted to log in|permission denied for database'
    r"|not currently accepting connections|no such (database|user)"
    r"|certificate|does not support SSL|private key|SSL context|SSL protocol version|weak sslmode"
    r"|SSL error: (?!unexpected eof)|GSSAPI encryption required|support GSSAPI encryption"
    r"|invalid (\w+ value|port|connection option|integer value|value for parameter|URI)|URI query parameter"
    r'|invalid "\w+" value|could not match \d+|socket path "[^\n]*" is too long|cannot be mixed'
    r"|connection info string|bad value for connect_timeout|could not parse"
    r"|definition of service|service file"
    r"|unrecognized configuration parameter|unsupported startup parameter|invalid command-line argument"
    r"|setsockopt\(\w+\) failed: Invalid argument",
    re.I,
)
_CONNECTING = re.compile(
    r"connection (failed|is bad|timeout expired|to server)|could not (connect|match)|failed to resolve host"
    r"|\[Errno -",  # the resolver's error, bare before psycopg 3.3
    re.I,
)


def classify(exc: BaseException) -> Fault:
    """Give the fault that an exception stands for; see `respool.SupportsClassify`."""
    for ours, fault in _OURS:
        if isinstance(exc, ours):
            return fault
    if not isinstance(exc, psycopg.Error):
        return Fault.BENIGN
    if exc.sqlstate:
        return _of_state(exc.sqlstate, exc.diag.severity_nonlocalized)
    return _of_text(exc)


def is_mistake(exc: Exception) -> bool:
    """Tell whether what the user's own callable has raised will be raised again at the next try."""
    if not isinstance(exc, psycopg.Error):
        return isinstance(exc, _BUGS)
    if exc.sqlstate:
        return exc.diag.severity_nonlocalized not in _FATAL and not exc.sqlstate.startswith(_PASSING)
    return _of_text(exc) is Fault.BENIGN


def _of_state(state: str, severity: str | None) -> Fault:
    """Judge what the server said; an exception built by hand has no severity and counts as fatal."""
    if severity not in (None, *_FATAL):
        # dblink and friends raise class 08 as a mere ERROR: that is somebody else's connection
        return Fault.RESOURCE_BROKEN if state == "25006" else Fault.BENIGN
    if state in _STATES:
        return _STATES[state]
    if severity in _FATAL or state.startswith(_SESSION_ENDS):
        return Fault.RESOURCE_BROKEN
    return Fault.BENIGN


def _of_text(exc: psycopg.Error) -> Fault:
    text = str(exc)
    if isinstance(exc, psycopg.OperationalError):
        return _of_connecting(text) if _is_from_connecting(exc, text) else Fault.RESOURCE_BROKEN
    if isinstance(exc, psycopg.InterfaceError):
        return Fault.RESOURCE_BROKEN if "connection" in text else Fault.BENIGN
    if isinstance(exc, psycopg.ProgrammingError) and re.search(
        r"connection info string|connection option|connect_timeout|URI query parameter", text
    ):
        return Fault.CONFIG
    return Fault.BENIGN


def _is_from_connecting(exc: psycopg.OperationalError, text: str) -> bool:
    return isinstance(exc, psycopg.errors.ConnectionTimeout) or _CONNECTING.match(text) is not None


def _of_connecting(text: str) -> Fault:
    """Judge a failed connect; with several hosts the text holds every host's failure.

    A verdict from one host that did answer outweighs another that did not: ``localhost`` is often refused on
    ::1 before 127.0.0.1 says that the password is wrong.
    """
    if _FULL.search(text):
        return Fault.CAPACITY
    if _AWAY.search(text):
        return Fault.BACKEND_DOWN
    return Fault.CONFIG if _REFUSED.search(text) else Fault.BACKEND_DOWN
