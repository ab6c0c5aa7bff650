"""Reading conninfo strings and URLs, and what the driver is told beside them; no secret gets out of here."""

from __future__ import annotations

import difflib
import os
import re
from typing import TYPE_CHECKING, Any

from ._driver import conninfo as driver_conninfo
from ._driver import psycopg
from ._faults import ConninfoError
from ._redaction import known_options, names_shown, redacted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from respool import Timeouts

__all__ = ["address", "check_arguments", "defaults", "read"]

_OF_PSYCOPG = frozenset({"autocommit", "context", "cursor_factory", "prepare_threshold"})
_PLACES = ("host", "hostaddr")
_KEEPALIVE = {
    # A peer that vanished without a word is noticed after 30 + 3 x 10 s; the kernel's own defaults take two
    # hours when idle and fifteen minutes with data under way.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def read(conninfo: str) -> dict[str, Any]:
    """Parse a conninfo string or URL.

    Raises:
        ConninfoError: libpq cannot read it; says why, without user and password.
        TypeError: It is no str.
    """
    if not isinstance(conninfo, str):
        raise TypeError(f"conninfo is a {type(conninfo).__name__}, it must be a str")
    found, trouble = _trouble(conninfo)
    if trouble:
        raise ConninfoError(f"cannot read the conninfo {redacted(conninfo)!r}: {trouble}")
    return found


def check_arguments(connect: Mapping[str, Any]) -> None:
    """Refuse driver arguments that psycopg and libpq do not know, and values that libpq would misread.

    Raises:
        TypeError: Names the argument, with a guess at what was meant; or its value is of the wrong type.
        ValueError: A value has a character 0 in it, or is out of range.
    """
    known = _OF_PSYCOPG | known_options()
    for argument, value in connect.items():
        if argument == "row_factory":
            raise TypeError("row_factory goes beside connect=, not into it, where no type checker sees it")
        if argument not in known:
            near = difflib.get_close_matches(str(argument), known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else "; libpq's manual lists what there is"
            raise TypeError(f"unknown argument {argument!r} in connect={hint}")
        if argument in _OF_PSYCOPG:
            _check_own(argument, value)
        elif value is not None:
            _check_value(argument, value)


def _check_own(argument: str, value: Any) -> None:
    """Refuse what psycopg keeps as it is and stumbles over at the first query of a lease."""
    if argument == "autocommit" and not isinstance(value, bool):
        raise TypeError(f"autocommit in connect= is {value!r}, it must be True or False")
    if argument == "cursor_factory" and not callable(value):
        raise TypeError(f"cursor_factory in connect= is {value!r}, it must be a class of cursors")
    if argument == "prepare_threshold" and value is not None:
        rule = "it must be an int, at least 0, or None to prepare nothing"
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"prepare_threshold in connect= is {value!r}, {rule}")
        if value < 0:
            raise ValueError(f"prepare_threshold in connect= is {value!r}, {rule}")


def _check_value(argument: str, value: object) -> None:
    """Refuse what psycopg would write into the conninfo all the same; not shown, for it may be a password."""
    where = f"{argument} in connect="
    if not isinstance(value, str | int | float | os.PathLike):
        raise TypeError(f"{where} is a {type(value).__name__}, it must be a str or a number")
    if argument in _PLACES and isinstance(value, int | float):  # else: a name to look up
        raise TypeError(f"{where} is a {type(value).__name__}, it must be a str")
    if "\0" in str(value):
        raise ValueError(f"{where} has a character 0 in it, where libpq stops reading")


def defaults(parameters: Mapping[str, Any], timeouts: Timeouts) -> dict[str, Any]:
    """Give what the driver is told where the user told it nothing."""
    chosen = dict(_KEEPALIVE)
    if "service" not in parameters and not os.environ.keys() & {"PGCONNECT_TIMEOUT", "PGSERVICE"}:
        chosen["connect_timeout"] = _connect_timeout(parameters, timeouts.create)
    return {name: value for name, value in chosen.items() if name not in parameters}


def _connect_timeout(parameters: Mapping[str, Any], seconds: float) -> int:
    """Share the time among the hosts, for libpq counts it per host; whole seconds, and 2 is its least."""
    hosts = str(parameters.get("hostaddr") or parameters.get("host") or "").count(",") + 1
    return max(2, int(min(seconds, 86_400) // hosts))


def address(parameters: Mapping[str, Any]) -> str:
    """Say where the connections go, for people: user, host, port and database, never a secret."""
    user = parameters.get("user")
    host = parameters.get("host") or parameters.get("hostaddr") or "the default host"
    port = f":{parameters['port']}" if parameters.get("port") else ""
    database = f"/{parameters['dbname']}" if parameters.get("dbname") else ""
    return f"{user}@{host}{port}{database}" if user else f"{host}{port}{database}"


def _trouble(conninfo: str) -> tuple[dict[str, Any], str]:
    """Give what libpq reads, or why it cannot; not as an exception, which would have its own as context."""
    if "\0" in conninfo:
        return {}, "it has a character 0 in it, where libpq stops reading"
    try:
        found = driver_conninfo.conninfo_to_dict(conninfo)
    except UnicodeError:
        return {}, "it cannot be encoded"
    except psycopg.Error as exc:
        return {}, _reason(exc, conninfo)
    if re.search(r"[^0-9,]", str(found.get("port") or "")):
        return {}, "its port is no number"
    return dict(found), ""


def _reason(exc: Exception, conninfo: str) -> str:
    """Quote libpq, but of the pieces that it quotes only the names that our redacted text shows as well."""
    names = names_shown(redacted(conninfo))
    text = " ".join(str(exc).split()).replace('"="', "=")
    if text.count('"') != 2:  # a piece that holds a quote itself: no telling where it ends
        return re.sub(r'".*"', '"***"', text)
    return re.sub(r'"(.*)"', lambda piece: piece[0] if piece[1] in names else '"***"', text)
