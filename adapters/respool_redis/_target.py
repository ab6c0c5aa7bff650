"""Where to connect and as whom: a URL and the driver's arguments, read once and strictly.

redis-py ignores a database name that is no number and hands an unknown query parameter to a constructor
much later; here both are errors at once. No message quotes the URL: whoever forgets to percent-encode a
password has parts of it in the port, the path or the fragment.
"""

from __future__ import annotations

import difflib
import inspect
import math
import operator
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

import attrs

from ._private import parse_url

__all__ = ["Credentials", "Target", "read_target"]

Credentials = Callable[[], Any] | tuple[str, ...] | None
"""Asked at each create (and may be awaited under asyncio), or fixed, or nobody."""

_SCHEMES = {"redis": "redis", "valkey": "redis", "rediss": "rediss", "valkeys": "rediss", "unix": "unix"}
_ENCODE = "; in a user name or password ':', '/', '?', '#', '@' and '%' must be percent-encoded"

_TRUE, _FALSE = ("1", "true", "t", "yes", "y", "on"), ("0", "false", "f", "no", "n", "off")
_FLAGS = (
    "decode_responses",
    "legacy_responses",
    "socket_keepalive",
    "ssl",
    "ssl_check_hostname",
    "ssl_validate_ocsp",
    "ssl_validate_ocsp_stapled",
)
_LONGEST_PATH = 107 if sys.platform == "linux" else 103
"""Bytes in the address of a Unix socket, without the zero at its end."""

_REFUSED = {
    "cache": "client-side caching needs a connection of its own",
    "cache_config": "client-side caching needs a connection of its own",
    "connection_class": "the adapter brings its own",
    "connection_pool": "the adapter brings its own",
    "himport_registry": "it is shared state of several connections",
    "event_dispatcher": "it reconnects",
    "max_connections": "the size is the pool's: max_size=",
    "redis_connect_func": "use configure=",
    "retry": "a lease is one session and never reconnects; use pool.run(work, attempts=n)",
    "retry_on_error": "a lease is one session and never reconnects; use pool.run(work, attempts=n)",
    "retry_on_timeout": "a lease is one session and never reconnects; use pool.run(work, attempts=n)",
    "single_connection_client": "every lease is one connection",
}
# Maintenance notifications move a connection to another server in the middle of a session.
_REFUSED_PREFIXES = ("maint", "orig_", "oss_")


@attrs.frozen
class Target:
    """One server, one database, one user."""

    kind: Literal["tcp", "tls", "unix"]
    place: str
    """Host, port and database, or the path of a socket; the only part that is ever shown."""
    options: Mapping[str, Any] = attrs.field(repr=False)
    """What the driver's connection takes, without credentials."""
    credentials: Credentials = attrs.field(repr=False)

    def login(self, given: Any) -> tuple[str, ...]:
        """Normalise what a source of credentials gave: a password, or a user name and a password."""
        if isinstance(given, str):
            return (given,)
        login = tuple(given) if isinstance(given, tuple | list) else ()
        if not 1 <= len(login) <= 2 or not all(isinstance(part, str) for part in login):
            raise ValueError("credentials must be a password or a pair of user name and password, all str")
        return login


def read_target(
    url: str,
    connect: Mapping[str, Any],
    classes: Mapping[str, type],
    ask: Callable[[Any], Callable[[], Any]] = operator.attrgetter("get_credentials"),
) -> Target:
    """Read a URL and further arguments of the driver.

    Args:
        url: ``redis://``, ``rediss://``, ``valkey://``, ``valkeys://`` or ``unix://``.
        connect: Arguments of redis-py's connection; they win over the URL's.
        classes: The driver's connection class per kind, whose arguments are the known ones.
        ask: Gives the method of redis-py's credential provider that is to be called.

    Raises:
        ValueError: For a URL that cannot be read, or a value that no connection could be made with.
        TypeError: For an argument that redis-py does not know or that a pool cannot honour, or a wrong type.
    """
    options = _from_url(url) | dict(connect)
    kind = _kind(url, options)
    credentials = _credentials(options, ask)
    _check_known(options, classes[kind], set(connect), "@" in urlsplit(url).query)
    _check_files(options)
    _check_path(options.get("path"))
    _check_host(options.get("host"))
    _check_port(options.get("port"))
    _check_protocol(options.get("protocol"))
    _check_timeouts(options)
    _check_keepalive(options.get("socket_keepalive_options"))
    _check_read_size(options.get("socket_read_size"))
    if kind == "tls" and options.get("ssl_password") is None:
        # Else OpenSSL asks for it on the terminal, where a key has one.
        options["ssl_password"] = partial(_missing, options.get("ssl_keyfile"))
    return Target(kind, _place(kind, options), options, credentials)


def _missing(key: object) -> str:
    raise ValueError(f"ssl_keyfile is {str(key)!r}, which has a password: give it as ssl_password")


def _from_url(url: str) -> dict[str, Any]:
    if not isinstance(url, str):
        raise TypeError(f"url is {type(url).__name__}, it must be a str")
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in _SCHEMES:
        raise ValueError(f"the URL of a Redis server begins with one of {_listed(_SCHEMES, '://')}")
    url = f"{_SCHEMES[scheme.lower()]}://{rest}"
    _check_shape(url)
    options = parse_url(url) | _read_here(parse_qs(urlsplit(url).query))
    options.pop("connection_class", None)
    return options


def _check_shape(url: str) -> None:
    """Refuse what redis-py would silently misread."""
    parts = _split(url)
    if parts is None:
        raise ValueError("the host in the Redis URL cannot be read" + _ENCODE)
    if not _has_good_port(parts):
        raise ValueError("the port in the Redis URL is no number from 1 to 65535" + _ENCODE)
    if parts.fragment:
        raise ValueError("the Redis URL has a '#'" + _ENCODE)
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("a unix:// URL needs the path of a socket, as in unix:///run/redis.sock?db=1")
    elif parts.path.strip("/") and not parts.path.strip("/").isdecimal():
        raise ValueError("the database in the Redis URL is no number, as in redis://host:6379/0" + _ENCODE)
    db = parse_qs(parts.query).get("db", ["0"])[0]
    if not db.isdecimal():
        raise ValueError("db in the Redis URL is no number")


def _split(url: str) -> SplitResult | None:
    """Give None for what the library refuses: its error quotes the URL, and would be the context of ours."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _has_good_port(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:  # it quotes the port, which may be the start of a password
        return False


def _read_here(query: Mapping[str, list[str]]) -> dict[str, Any]:
    """Read the parameters that redis-py leaves as text, or takes for true whatever they say."""
    found: dict[str, Any] = {name: _flag(name, query[name][0]) for name in _FLAGS if name in query}
    if "port" in query:
        found["port"] = _port(query["port"][0])
    return found


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError(f"{name} in the Redis URL must be true or false")
    return text.lower() in _TRUE


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text[:6]) < 65536:
        raise ValueError("port in the Redis URL is no number from 1 to 65535")
    return int(text)


def _kind(url: str, options: dict[str, Any]) -> Literal["tcp", "tls", "unix"]:
    scheme = _SCHEMES[url.partition("://")[0].lower()]
    path = options.pop("unix_socket_path", None)
    if path is not None:
        options["path"] = path
    if path is not None or scheme == "unix":
        for name in ("host", "port"):
            options.pop(name, None)
        return "unix"
    return "tls" if options.pop("ssl", False) or scheme == "rediss" else "tcp"


def _credentials(options: dict[str, Any], ask: Callable[[Any], Callable[[], Any]]) -> Credentials:
    """Take the credentials out of the options, so that no driver object keeps or shows them."""
    provider = options.pop("credential_provider", None)
    username, password = options.pop("username", None), options.pop("password", None)
    if provider is not None:
        if not (callable(provider) or hasattr(provider, "get_credentials")):
            raise TypeError("credential_provider must be callable or have get_credentials()")
        return provider if callable(provider) else ask(provider)
    if callable(password):
        return (lambda: _with_user(username, password())) if username else password
    return _with_user(username, password) if username or password else None


def _with_user(username: str | None, password: Any) -> Any:
    """Pair a user name with a password, which may still have to be awaited."""
    if inspect.isawaitable(password):

        async def later() -> Any:
            return _with_user(username, await password)

        return later()
    return (username, password or "") if username else (password,)


def _check_known(
    options: Mapping[str, Any], connection: type, from_connect: set[str], may_be_secret: bool
) -> None:
    known = _known(connection)
    for name in options:
        if name in known:
            continue
        where = "connect" if name in from_connect else "the Redis URL"
        if name in _REFUSED or name.startswith(_REFUSED_PREFIXES):
            reason = _REFUSED.get(name, "it moves a connection in the middle of a session")
            raise (TypeError if name in from_connect else ValueError)(f"{name} in {where}: {reason}")
        if may_be_secret and name not in from_connect:  # the rest of a password with a question mark in it
            raise ValueError("unknown option in the Redis URL" + _ENCODE)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f", did you mean {near[0]!r}?" if near else f"; redis-py knows {', '.join(sorted(known))}"
        raise (TypeError if name in from_connect else ValueError)(f"unknown option {name!r} in {where}{hint}")


def _check_files(options: Mapping[str, Any]) -> None:
    """Name a certificate that is not there: the driver's own error, at connect, does not."""
    for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"):
        path = options.get(name)
        if path is None:
            continue
        if not isinstance(path, str | os.PathLike):
            raise TypeError(f"{name} is {path!r}, it must be a str or a path")
        if not os.path.isfile(path):
            raise ValueError(f"{name} is {str(path)!r}, it must be a file")


def _check_path(path: object) -> None:
    """Refuse here what every connect would refuse, in words that look like an outage."""
    if isinstance(path, str | os.PathLike) and len(os.fsencode(path)) > _LONGEST_PATH:
        raise ValueError(
            f"the path of the Unix socket has {len(os.fsencode(path))} bytes, "
            f"it must have at most {_LONGEST_PATH}"
        )


def _check_host(host: object) -> None:
    """Refuse here what every connect would look up in vain, so that it looked like an outage."""
    if not isinstance(host, str | None):
        raise TypeError(f"host is {host!r}, it must be a str")
    if host is not None and (not host or "\0" in host):
        raise ValueError(f"host is {host!r}, it must be a name or an address")


def _check_port(port: object) -> None:
    """Refuse here what every connect would refuse, in words that look like an outage."""
    if not isinstance(port, int | str | None):
        raise TypeError(f"port is {port!r}, it must be an int")
    if isinstance(port, int) and not 0 < port < 65536:
        raise ValueError(f"port is {port!r}, it must be a number from 1 to 65535")


def _check_protocol(protocol: object) -> None:
    """Refuse here what redis-py would call a ConnectionError, so that it looked like an outage."""
    if protocol is None:
        return
    if not isinstance(protocol, int | str):
        raise TypeError(f"protocol is {protocol!r}, it must be 2 or 3")
    if str(protocol) not in ("2", "3"):
        raise ValueError(f"protocol is {protocol!r}, it must be 2 or 3")


def _check_timeouts(options: Mapping[str, Any]) -> None:
    """Refuse what a socket does not take, and a 0, with which it never waits at all."""
    for name in ("socket_timeout", "socket_connect_timeout"):
        seconds = options.get(name)
        if seconds is None:
            continue
        rule = "a number of seconds, more than 0, or None to wait for ever"
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise TypeError(f"{name} is {seconds!r}, it must be {rule}")
        if not 0 < seconds < math.inf:
            raise ValueError(f"{name} is {seconds!r}, it must be {rule}")


def _check_keepalive(options: object) -> None:
    """Refuse here what redis-py under asyncio makes a ConnectionError of, as if it were an outage."""
    if options is None:
        return
    rule = "it must map socket options, as socket.TCP_KEEPIDLE, to int or bytes"
    if not isinstance(options, Mapping):
        raise TypeError(f"socket_keepalive_options is {options!r}, {rule}")
    for name, value in options.items():
        if not (isinstance(name, int) and isinstance(value, int | bytes)):
            raise TypeError(f"socket_keepalive_options has {name!r}: {value!r}, {rule}")


def _check_read_size(size: object) -> None:
    """Refuse a 0, with which every server seems to hang up."""
    if size is None:
        return
    if not isinstance(size, int) or isinstance(size, bool):
        raise TypeError(f"socket_read_size is {size!r}, it must be an int")
    if size < 1:
        raise ValueError(f"socket_read_size is {size!r}, it must be at least 1")


def _known(connection: type) -> set[str]:
    """Collect the arguments of a connection class, which hands what it does not know to its base."""
    names: set[str] = set()
    for base in connection.__mro__:
        if "__init__" in vars(base):
            names |= set(inspect.signature(base).parameters)
    names -= {"self", "args", "kwargs", *_REFUSED}
    return {name for name in names if not name.startswith(_REFUSED_PREFIXES)}


def _place(kind: str, options: Mapping[str, Any]) -> str:
    database = options.get("db") or 0
    if kind == "unix":
        return f"{options.get('path', '')}?db={database}"
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{database}"


def _listed(names: Mapping[str, Any], suffix: str) -> str:
    return ", ".join(name + suffix for name in sorted(names))
