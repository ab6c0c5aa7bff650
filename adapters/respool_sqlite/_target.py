"""Which database: a path, a ``sqlite:`` URL as SQLAlchemy reads it, or the driver's own ``file:`` URI."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

import attrs

__all__ = ["Target", "flag", "target_of"]

_URI_PARAMETERS = ("cache", "immutable", "mode", "modeof", "nolock", "psow", "vfs")
_NO, _YES = ("0", "false", "no", "off"), ("1", "true", "yes", "on")
_FLAG = _NO + _YES
"""A word that SQLite does not know counts as a no there, silently."""
_WORDS = {
    "cache": ("private", "shared"),
    "immutable": _FLAG,
    "mode": ("ro", "rw", "rwc", "memory"),
    "nolock": _FLAG,
    "psow": _FLAG,
}
_FORMS = "sqlite:///relative.db, sqlite:////absolute.db or sqlite:// for memory"


@attrs.frozen(kw_only=True)
class Target:
    """One database, as the driver wants it and as messages name it."""

    name: str
    """For messages: never with parameters, which may hold an encryption key."""
    database: str = attrs.field(repr=False)
    """The first argument of ``sqlite3.connect``; empty for the shared memory database."""
    path: str | None = None
    """The file on disk, absolute; None for memory and for a virtual file system that is not the system's."""
    uri: bool = False
    memory: bool = False
    """The one database that all connections of one adapter share (``:memory:``)."""
    read_only: bool = False
    creates: bool = True
    """Whether opening may make the file (not with ``mode=rw`` and ``mode=ro``)."""
    options: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Driver arguments and ``wal`` that stood in the URL."""


def flag(text: str) -> bool:
    """Read a yes or no out of a URL."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False}
    words["off"] = False
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither true nor false")
    return words[text.lower()]


_DRIVER_PARAMETERS: Mapping[str, Callable[[str], Any]] = {
    "autocommit": flag,
    "cached_statements": int,
    "check_same_thread": flag,
    "detect_types": int,
    "isolation_level": str,
    "timeout": float,
    "uri": flag,
    "wal": flag,
}


def target_of(database: str | os.PathLike[str]) -> Target:
    """Read what the user gave.

    Raises:
        TypeError: If it is neither text nor a path.
        ValueError: For a URL that cannot be read, or a database that every connection would have for itself.
    """
    text = os.fspath(database) if hasattr(database, "__fspath__") else database
    if not isinstance(text, str):
        raise TypeError(f"database is {database!r}, it must be a str or a path")
    if "\0" in text:  # the driver would say so at each connect; not quoted: it may hold a key
        raise ValueError("database has a character 0 in it, which no path can have")
    if text.startswith("sqlite:"):
        return _from_url(text.removeprefix("sqlite:"))
    if text.startswith("file:"):
        return _from_uri(text, {})
    if "://" in text:
        scheme = text.partition("://")[0]
        raise ValueError(f"{scheme}: is no SQLite URL, write {_FORMS}, or a plain path")
    return _from_path(text, {})


def _from_path(path: str, options: Mapping[str, Any]) -> Target:
    if path == "":
        raise ValueError(
            "database is '', which would give every connection an own temporary database: "
            "use ':memory:' for one in memory that the whole pool shares, or a path"
        )
    if path == ":memory:":
        return Target(name=path, database="", memory=True, options=options)
    # Absolute, so that a later chdir does not make the pool look at two files.
    return Target(name=path, database=os.path.abspath(path), path=os.path.abspath(path), options=options)


def _from_url(rest: str) -> Target:
    location, _, query = rest.partition("?")
    if not location.startswith("//"):
        raise ValueError(f"an SQLite URL needs // after the scheme: {_FORMS}")
    host, _, path = location[2:].partition("/")
    if host:  # not quoted: it may hold a password
        raise ValueError(f"an SQLite URL has no host between // and /, write {_FORMS}")
    options, parameters = _sorted_out(query)
    if path.startswith("file:"):
        return _from_uri(path + _query(parameters, "&" if "?" in path else "?"), options)
    if path in ("", ":memory:"):
        return _memory(parameters, options)
    return (
        _from_uri(f"file:{quote(path)}{_query(parameters)}", options)
        if parameters
        else _from_path(path, options)
    )


def _memory(parameters: Mapping[str, str], options: Mapping[str, Any]) -> Target:
    if parameters:
        raise ValueError(
            f"sqlite:// is the pool's own database in memory, it takes no {', '.join(parameters)}"
        )
    return _from_path(":memory:", options)


def _query(parameters: Mapping[str, str], start: str = "?") -> str:
    return start + urlencode(parameters, quote_via=quote) if parameters else ""


def _sorted_out(query: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Split a URL's parameters into arguments of the driver and parameters of SQLite's own ``file:`` URI."""
    options: dict[str, Any] = {}
    parameters: dict[str, str] = {}
    for key, value in parse_qsl(query, keep_blank_values=True):
        if key in _DRIVER_PARAMETERS:
            options[key] = _converted(key, value)
        elif key in _URI_PARAMETERS:
            parameters[key] = value
        else:
            raise ValueError(_unknown_parameter(key))
    options.pop("uri", None)  # SQLAlchemy wants it beside file:, here the form says it
    return options, parameters


def _converted(key: str, value: str) -> Any:
    try:
        return _DRIVER_PARAMETERS[key](value)
    except ValueError:
        kind = {float: "a number", int: "an int", flag: "true or false"}[_DRIVER_PARAMETERS[key]]
        raise ValueError(f"{key} in the SQLite URL is {value!r}, it must be {kind}") from None


def _unknown_parameter(key: str) -> str:
    known = sorted([*_DRIVER_PARAMETERS, *_URI_PARAMETERS])
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    return f"unknown parameter {key!r} in the SQLite URL, {hint}"


def _from_uri(uri: str, options: Mapping[str, Any]) -> Target:
    location, _, query = uri.removeprefix("file:").partition("?")
    parameters = dict(parse_qsl(query.partition("#")[0], keep_blank_values=True))
    _check_words(parameters)
    path = unquote(_without_authority(location))
    name = path or "file:"
    if path in ("", ":memory:") or parameters.get("mode") == "memory":
        _refuse_private_memory(name, parameters)
        return Target(name=name, database=uri, uri=True, options=options)
    mode, vfs = parameters.get("mode", "rwc"), parameters.get("vfs", "unix")
    if vfs == "memdb" and not path.startswith("/"):  # with a slash the whole process shares it
        _refuse_private_memory(name, parameters)
    return Target(
        name=name,
        database=uri,
        path=os.path.abspath(path) if vfs.startswith("unix") else None,
        uri=True,
        read_only=mode == "ro" or parameters.get("immutable", "0").lower() in _YES,
        creates=mode == "rwc",
        options=options,
    )


def _check_words(parameters: Mapping[str, str]) -> None:
    for key, words in _WORDS.items():
        said = parameters.get(key, words[0])
        if (said.lower() if words is _FLAG else said) not in words:
            raise ValueError(
                f"{key} of the SQLite database is {parameters[key]!r}, it must be one of {', '.join(words)}"
            )
    modeof = parameters.get("modeof")
    if modeof is not None and not os.path.exists(modeof):  # SQLite calls this a disk that fails
        raise ValueError(f"modeof of the SQLite database is {modeof!r}, it must be a file that exists")


def _without_authority(location: str) -> str:
    """Take ``//localhost`` off a ``file:`` URI; SQLite allows no other host."""
    if not location.startswith("//"):
        return location
    host, slash, path = location[2:].partition("/")
    if host not in ("", "localhost"):
        raise ValueError(
            "a file: URI has no host between // and /, write file:relative.db or file:/absolute.db"
        )
    return slash + path


def _refuse_private_memory(name: str, parameters: Mapping[str, str]) -> None:
    if parameters.get("cache") != "shared":
        raise ValueError(
            f"{name!r} would give every connection of the pool an own database: "
            "use ':memory:' for one in memory that the whole pool shares"
        )
