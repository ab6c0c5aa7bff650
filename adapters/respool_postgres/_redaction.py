"""What may be quoted of a conninfo that libpq cannot read: only what is known to be harmless.

Where a string is malformed nobody can tell its parts for sure: what looks like an option's name may be a
piece of a password with a space or an ampersand in it. So all ends with the first thing that is not
understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ._driver import psycopg

__all__ = ["known_options", "names_shown", "redacted"]

_HARMLESS = frozenset(
    {
        "channel_binding",
        "client_encoding",
        "connect_timeout",
        "dbname",
        "gssencmode",
        "host",
        "hostaddr",
        "keepalives",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "load_balance_hosts",
        "sslmode",
        "sslnegotiation",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)
_NO_SECRET = _HARMLESS | {"user", "port", "service", "application_name", "options"}
"""After one of these the next name is a name, though the value had better not be shown."""

_NAME = r"[A-Za-z_]\w*"
_VALUE = r"'(?:[^'\\]|\\.)*'|(?!')(?:[^\s\\]|\\.)*"
_OPTION = re.compile(rf"\s*({_NAME})\s*(?:=\s*({_VALUE})(?=\s|$)|\Z)", re.S)
_PARAMETER = re.compile(rf"({_NAME})=([^&]*)(?:&|\Z)", re.S)
_SCHEME = re.compile(r"((?:jdbc:)?[A-Za-z][\w+.-]*://)(.*)", re.S)
_HOST = r"(?:[\w.-]*|\[[0-9A-Fa-f:.]*\])(?::\d*)?"
_PLACE = re.compile(rf"({_HOST}(?:,{_HOST})*)(?:/([\w.-]*))?(?:\?(.*))?", re.S)
_PLAIN = re.compile(r"[\w.,:/-]*")


def known_options() -> frozenset[str]:
    """Give the names of libpq's connection options."""
    return frozenset(option.keyword.decode() for option in psycopg.pq.Conninfo.get_defaults())


def redacted(conninfo: str) -> str:
    """Take out of a conninfo what is not known to be harmless, the user and whatever follows it too."""
    url = _SCHEME.match(conninfo)
    if url is not None:
        return url[1] + _of_url(url[2])
    return " ".join(_of_pairs(conninfo, _OPTION)) or "***"


def names_shown(text: str) -> frozenset[str]:
    """Give the options that a redacted text names."""
    return frozenset(re.findall(rf"(?:^|[\s?&])({_NAME})(?==|$)", text))


def _of_url(rest: str) -> str:
    """Redact what follows the scheme; a second @, or one after a slash, may well be part of a password."""
    credentials, at, place = rest.rpartition("@")
    found = None if re.search(r"[@/?#]", credentials) else _PLACE.fullmatch(place)
    if found is None:
        return "***"
    where, database, query = found.groups()
    shown = f"{'***@' if at else ''}{where}{'' if database is None else f'/{database}'}"
    return shown if query is None else f"{shown}?{'&'.join(_of_pairs(query, _PARAMETER))}"


def _of_pairs(text: str, pair: re.Pattern[str]) -> Iterator[str]:
    at, known = 0, known_options()
    while text[at:].strip():
        found = pair.match(text, at)
        if found is None:
            yield "***"
            return
        name, value = found.groups()
        if value is None:  # the last word of all
            yield name if name in known else "***"
            return
        yield f"{name}={value if _is_harmless(name, value) else '***'}"
        if name not in _NO_SECRET:
            return
        at = found.end()


def _is_harmless(name: str, value: str) -> bool:
    if name == "port":
        return re.fullmatch(r"[\d,]*", value) is not None
    return name in _HARMLESS and _PLAIN.fullmatch(value) is not None and "://" not in value
