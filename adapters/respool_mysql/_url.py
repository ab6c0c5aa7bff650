"""Reading a `mysql://` URL; the text of a URL never shows up in an error, for it may hold a password."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["did_you_mean", "place", "read_url", "shown"]

SCHEMES = ("mysql", "mariadb")
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def _flag(text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError("must be true or false")
    return text.lower() in _TRUE


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("must be a whole number") from None


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number of seconds") from None


PARAMETERS: Mapping[str, Callable[[str], Any]] = {
    "autocommit": _flag,
    "bind_address": str,
    "charset": str,
    "collation": str,
    "connect_timeout": _seconds,
    "init_command": str,
    "local_infile": _flag,
    "max_allowed_packet": _number,
    "program_name": str,
    "read_default_file": str,
    "read_default_group": str,
    "read_timeout": _seconds,
    "sql_mode": str,
    "ssl_ca": str,
    "ssl_cert": str,
    "ssl_disabled": _flag,
    "ssl_key": str,
    "ssl_verify_cert": _flag,
    "ssl_verify_identity": _flag,
    "unix_socket": str,
    "use_unicode": _flag,
    "write_timeout": _seconds,
}
"""What may stand after the question mark: PyMySQL's own names."""


def read_url(url: str) -> dict[str, Any]:
    """Turn a URL into the driver's connect arguments.

    Args:
        url: ``mysql://user:password@host:port/database?charset=utf8mb4&...``; everything but the scheme may
            be missing, and user and password are percent-decoded.

    Raises:
        TypeError: It is no text.
        ValueError: It cannot be read, or has an unknown parameter (with a did-you-mean).
    """
    parts = _split(url)
    found: dict[str, Any] = {
        "host": parts.hostname,
        "port": _port(parts),
        "user": parts.username and unquote(parts.username),
        "password": parts.password and unquote(parts.password),
        "database": _database(parts),
    }
    given = {name: value for name, value in found.items() if value}
    return {**given, **_parameters(parts.query)}


def _split(url: str) -> SplitResult:
    if not isinstance(url, str):
        raise TypeError(f"the URL is a {type(url).__name__}, it must be a str")
    scheme = url.partition(":")[0].lower()
    if scheme not in SCHEMES or not url[len(scheme) :].startswith("://"):
        hint = _scheme_hint(scheme) if "://" in url else ""
        raise ValueError(f"the URL must begin with mysql:// or mariadb://{hint}")
    parts = _library_split(url)
    if parts is None:
        raise ValueError("the URL's host cannot be read; an IPv6 address stands in brackets")
    if parts.fragment:
        raise ValueError("the URL has a fragment; write # in a user name or password as %23")
    return parts


def _library_split(url: str) -> SplitResult | None:
    """Give None for what the library refuses: its error quotes the URL, and would be the context of ours."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _scheme_hint(scheme: str) -> str:
    if "+" in scheme:
        return f", not {scheme}:// (respool chooses the driver by the kind of pool)"
    near = difflib.get_close_matches(scheme, SCHEMES, n=1)
    return f", not {scheme}://" + (f"; did you mean {near[0]}://?" if near else "")


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:  # it quotes the port, which may be the start of a password
        port = 0
    if port == 0:
        raise ValueError(
            "the URL's port is no number from 1 to 65535; "
            "write /, ?, @, : and # in a user name or password as %2F, %3F, %40, %3A and %23"
        )
    return port


def _database(parts: SplitResult) -> str | None:
    name = parts.path.removeprefix("/")
    if "/" in name:
        raise ValueError(
            "the URL's path must be one database name: mysql://host/database; write / in a name as %2F"
        )
    return unquote(name) or None


def _parameters(query: str) -> dict[str, Any]:
    found = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in PARAMETERS:
            if _may_be_secret(name, query):
                raise ValueError("unknown parameter in the URL; write ? and @ in a password as %3F and %40")
            raise ValueError(f"unknown parameter {name!r} in the URL{did_you_mean(name, PARAMETERS)}")
        try:
            found[name] = PARAMETERS[name](text)
        except ValueError as reason:
            raise ValueError(f"the URL's parameter {name!r} {reason}") from None
    return found


def _may_be_secret(name: str, query: str) -> bool:
    """Tell whether a parameter may be the rest of a password with a question mark in it."""
    return "@" in query or not name.isidentifier()


def did_you_mean(name: str, known: Mapping[str, Any] | frozenset[str]) -> str:
    """Give the end of a message about an unknown name: a guess, or the list."""
    near = difflib.get_close_matches(name, known, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(sorted(known))}"


def place(arguments: Mapping[str, Any]) -> str:
    """Say where connect arguments lead: to a socket, a host, or wherever a file of options says."""
    names = ("unix_socket", "host", "read_default_file")
    return str(next(filter(None, map(arguments.get, names)), "localhost"))


def shown(arguments: Mapping[str, Any]) -> str:
    """Give connect arguments as a URL without anything secret, for a repr."""
    user = arguments.get("user")
    who = f"{user}@" if isinstance(user, str) else ""
    where = place(arguments)
    port = f":{arguments['port']}" if "port" in arguments else ""
    database = arguments.get("database")
    return f"mysql://{who}{where}{port}/{database or ''}"
