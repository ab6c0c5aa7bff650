"""What a connection is made of: the URL, `connect=` on top, credentials asked at each create."""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
from pymysql.charset import charset_by_name

from respool import check_connect

from . import _private
from ._optionfile import FILE, read_options
from ._url import did_you_mean, place, read_url, shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Login",
    "checked_cursorclass",
    "login_from",
    "ready",
    "tls_context",
]

_ALIASES = {"db": "database", "passwd": "password"}
_CREDENTIALS = ("user", "password")
_KINDS = {
    "host": str,
    "port": int,
    "charset": str,
    "unix_socket": str,
    "bind_address": str,
    "client_flag": int,
}
_LIMITS = ("connect_timeout", "read_timeout", "write_timeout")
_YEAR = 31_536_000
"""The longest that PyMySQL takes."""
_LONGEST_PATH = 107 if sys.platform == "linux" else 103
"""Bytes in the address of a Unix socket, without the zero at its end."""
_TLS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_key_password", "ssl_verify_cert", "ssl_verify_identity")


@attrs.frozen
class Login:
    """Connect arguments, checked; those in `fresh` are callables that are asked at each create."""

    fixed: Mapping[str, Any] = attrs.field(repr=False)
    fresh: Mapping[str, Callable[[], Any]] = attrs.field(repr=False)

    def __str__(self) -> str:
        return shown(self.fixed)

    @property
    def host(self) -> str:
        """Where it leads, for messages."""
        return place(self.fixed)

    def asked(self) -> dict[str, Any]:
        """Ask the callables; what an asynchronous one gives must still be awaited."""
        return {name: ask() for name, ask in self.fresh.items()}


def login_from(url: str, connect: Mapping[str, Any] | None, allowed: frozenset[str], driver: str) -> Login:
    """Merge the URL with ``connect=``, which wins, and check every name.

    Args:
        url: See `read_url`.
        connect: The driver's own arguments, by PyMySQL's names; ``user`` and ``password`` may be callables.
        allowed: The names that this driver can take.
        driver: Its name, for messages.

    Raises:
        TypeError: For a name in ``connect`` that the driver does not take (with a did-you-mean), or a value
            of a wrong type.
        ValueError: For the URL, a time limit out of range, or TLS files that cannot be read.
    """
    check_connect(connect)
    from_url, given = read_url(url), _renamed(connect or {})
    for name in given:
        if name not in allowed:
            raise TypeError(f"{driver} takes no connect argument {name!r}{did_you_mean(name, allowed)}")
    for name in from_url:
        if name not in allowed:
            raise ValueError(f"{driver} takes no {name!r}, which is in the URL")
    merged = {**from_url, **given}
    if merged.get("host") == "":  # PyMySQL takes it for its default, aiomysql for a name
        del merged["host"]
    _check_types(merged)
    _check_charset(merged.get("charset"))
    _check_socket(merged.get("unix_socket"))
    fresh = {name: merged.pop(name) for name in _CREDENTIALS if callable(merged.get(name))}
    return Login(_with_tls(_bounded(merged), driver), fresh)


def ready(arguments: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """Put in what a file of options says, at each create, and see that the driver can send the password.

    Raises:
        configparser.Error: The file cannot be read.
        ValueError: What it says is no good.
    """
    arguments = read_options(arguments, allowed)
    _check_types(arguments)
    _check_charset(arguments.get("charset"))
    _check_socket(arguments.get("unix_socket"))
    if isinstance(arguments.get("ssl"), Mapping):
        arguments["ssl"] = _tls_from(arguments["ssl"]) if arguments["ssl"] else None
    return _sendable(arguments)


def _sendable(arguments: dict[str, Any]) -> dict[str, Any]:
    """Have the driver send a password as UTF-8, as MySQL's own client does, where Latin-1 lacks its letters.

    Both drivers encode it as Latin-1, and say the letter where they cannot.
    """
    password = arguments.get("password")
    if isinstance(password, str) and not password.isascii():
        try:
            password.encode("latin-1")
        except UnicodeEncodeError:
            arguments["password"] = password.encode(errors="surrogatepass").decode("latin-1")
    return arguments


def checked_cursorclass(cursorclass: Any, base: type[Any]) -> Any:
    """Refuse what is no class of cursors of this driver."""
    if not (isinstance(cursorclass, type) and issubclass(cursorclass, base)):
        rule = f"it must be a subclass of {base.__module__}.{base.__qualname__}"
        raise TypeError(f"cursorclass is {cursorclass!r}, {rule}")
    return cursorclass


def _check_types(arguments: Mapping[str, Any]) -> None:
    for name, kind in _KINDS.items():
        value = arguments.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise TypeError(f"{name} is {value!r}, its type must be {kind.__name__}")
    autocommit = arguments.get("autocommit")
    if not isinstance(autocommit, bool | None):  # any text would turn it on
        raise TypeError(f"autocommit is {autocommit!r}, it must be True, False, or None for the server's own")
    port = arguments.get("port")
    # Every connect would fail as if the server were down.
    if port and not 0 < port < 65536:
        raise ValueError(f"port is {port!r}, it must be from 1 to 65535")
    if "\0" in (host := arguments.get("host") or ""):
        raise ValueError(f"host is {host!r}, it must be a name or an address")
    if not 0 <= (flags := arguments.get("client_flag") or 0) < 1 << 31:
        raise ValueError(f"client_flag is {flags!r}, it must be a sum of pymysql.constants.CLIENT's flags")


def _bounded(arguments: dict[str, Any]) -> dict[str, Any]:
    """Check the driver's own time limits, and drop those that are None, which means that there is none."""
    for name in _LIMITS:
        value = arguments.get(name)
        if value is None:
            arguments.pop(name, None)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} is {value!r}, it must be a number of seconds")
        elif not 0 < value <= _YEAR:
            raise ValueError(f"{name} is {value!r}, it must be above 0 and at most {_YEAR}")
    return arguments


def _check_charset(charset: Any) -> None:
    """Refuse now what the drivers would stumble over at each connect, with an AttributeError."""
    if charset and charset_by_name(charset) is None:
        # What has an @ in it may be the rest of a URL with a question mark in its password.
        said = f"{charset!r}, which" if "@" not in str(charset) else "one that"
        raise ValueError(f"charset is {said} the driver does not know; utf8mb4 is the usual one")


def _check_socket(path: Any) -> None:
    """Refuse now what every connect would refuse, with the error of a server that is down."""
    if isinstance(path, str) and len(os.fsencode(path)) > _LONGEST_PATH:
        size = len(os.fsencode(path))
        raise ValueError(f"unix_socket is a path of {size} bytes, it must have at most {_LONGEST_PATH}")


def _renamed(connect: Mapping[str, Any]) -> dict[str, Any]:
    return {_ALIASES.get(name, name): value for name, value in connect.items()}


def _with_tls(arguments: dict[str, Any], driver: str) -> dict[str, Any]:
    """Replace the ``ssl_*`` arguments by one context, built now: a bad file is told when the pool is made."""
    chosen = {name: arguments.pop(name) for name in _TLS if name in arguments}
    if arguments.get("ssl_disabled"):
        arguments.pop("ssl", None)
    elif any(chosen.values()):
        arguments["ssl"] = tls_context(**{name.removeprefix("ssl_"): v for name, v in chosen.items()})
    elif arguments.get("ssl"):
        arguments["ssl"] = _context_from(arguments, driver)
    return arguments


def _context_from(arguments: Mapping[str, Any], driver: str) -> Any:
    options = arguments["ssl"]
    if isinstance(options, Mapping):
        # What a file says joins the options at each create.
        return dict(options) if any(arguments.get(name) for name in FILE) else _tls_from(options)
    if isinstance(options, ssl.SSLContext) or (options is True and driver == "aiomysql"):
        return options
    raise TypeError(f"ssl is {options!r}, it must be an ssl.SSLContext or a dict of PyMySQL's options")


def _tls_from(options: Mapping[str, Any]) -> ssl.SSLContext:
    """Build the TLS context of ``ssl={"ca": ...}``, as PyMySQL would at each connect.

    Raises:
        ValueError: A file is missing or no certificate, a key's password is not given, or another option
            cannot be met.
    """
    _check_files({name: options.get(name) for name in ("ca", "capath", "cert", "key")})
    try:
        return _private.tls_of({**options, "password": _opens(options.get("key"), options.get("password"))})
    except OSError as reason:
        files = ", ".join(repr(options[name]) for name in ("ca", "capath", "cert", "key") if name in options)
        raise ValueError(f"cannot read the TLS files {files}: {reason.strerror or reason}") from reason


def tls_context(
    *,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    key_password: str | None = None,
    verify_cert: bool | None = None,
    verify_identity: bool | None = None,
) -> ssl.SSLContext:
    """Build the TLS context that PyMySQL would build from the same arguments.

    As there, a CA alone encrypts and verifies nothing: that takes ``verify_cert`` or ``verify_identity``.

    Raises:
        ValueError: A file is missing or no certificate, or a key's password is not given.
    """
    _check_files({"ssl_ca": ca, "ssl_cert": cert, "ssl_key": key})
    verified = bool(verify_identity or verify_cert)
    try:
        # Where nothing is verified, the system's authorities need not be read: that takes 60 ms.
        context = ssl.create_default_context(cafile=ca) if verified or ca else _unverified()
        if cert:
            context.load_cert_chain(cert, keyfile=key, password=_opens(key, key_password))
    except OSError as reason:
        files = ", ".join(repr(name) for name in (ca, cert, key) if name)
        raise ValueError(f"cannot read the TLS files {files}: {reason.strerror or reason}") from reason
    # The certificates that MySQL generates for itself fail the strict checks of Python 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = bool(verify_identity)
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    return context


def _check_files(paths: Mapping[str, object]) -> None:
    """Refuse what `ssl` would, without saying which of them."""
    for name, path in paths.items():
        if path and not isinstance(path, str | os.PathLike):
            raise TypeError(f"{name} is {path!r}, it must be a str or a path")
        if "\0" in str(path):
            raise ValueError(f"{name} is {path!r}, which has a character 0 in it")


def _opens(key: object, password: Any) -> Any:
    """Give what opens a client's key: where no password is given OpenSSL would ask for it on the terminal."""
    return partial(_missing, key) if password is None else password


def _missing(key: object) -> str:
    raise ValueError(
        f"ssl_key is {str(key)!r}, which has a password: give it as ssl_key_password, or password in ssl"
    )


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
