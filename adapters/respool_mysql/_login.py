"""What a connection is made of: the URL, `connect=` on top, credentials asked at each create."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import attrs
from pymysql.charset import charset_by_name

from respool import check_connect

from ._url import did_you_mean, read_url, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from respool import Hygiene

__all__ = ["Login", "checked_hygiene", "login_from", "tls_context"]

_HYGIENES = ("session", "transaction", "none")

_ALIASES = {"db": "database", "passwd": "password"}
_CREDENTIALS = ("user", "password")
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
        return str(self.fixed.get("unix_socket") or self.fixed.get("host") or "localhost")

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
        TypeError: For a name in ``connect`` that the driver does not take (with a did-you-mean).
        ValueError: For the URL, or for TLS files that cannot be read.
    """
    check_connect(connect)
    from_url, given = read_url(url), _renamed(connect)
    for name in given:
        if name not in allowed:
            raise TypeError(f"{driver} takes no connect argument {name!r}{did_you_mean(name, allowed)}")
    for name in from_url:
        if name not in allowed:
            raise ValueError(f"{driver} takes no {name!r}, which is in the URL")
    merged = {**from_url, **given}
    _check_charset(merged.get("charset"))
    fresh = {name: merged.pop(name) for name in _CREDENTIALS if callable(merged.get(name))}
    return Login(_with_tls(merged), fresh)


def _check_charset(charset: Any) -> None:
    """Refuse now what the drivers would stumble over at each connect, with an AttributeError."""
    try:
        known: object = charset_by_name(charset) if charset else True
    except KeyError:
        known = None
    if known is None:
        # What has an @ in it may be the rest of a URL with a question mark in its password.
        said = f"{charset!r}, which" if "@" not in str(charset) else "one that"
        raise ValueError(f"charset is {said} the driver does not know; utf8mb4 is the usual one")


def checked_hygiene(hygiene: Hygiene) -> Hygiene:
    """Refuse what is no level."""
    if hygiene not in _HYGIENES:
        raise ValueError(f"hygiene is {hygiene!r}, it must be one of {', '.join(map(repr, _HYGIENES))}")
    return hygiene


def _renamed(connect: Mapping[str, Any] | None) -> dict[str, Any]:
    return {_ALIASES.get(name, name): value for name, value in (connect or {}).items()}


def _with_tls(arguments: dict[str, Any]) -> dict[str, Any]:
    """Replace the ``ssl_*`` arguments by one context, built now: a bad file is told when the pool is made."""
    chosen = {name: arguments.pop(name) for name in _TLS if name in arguments}
    if any(chosen.values()) and not arguments.get("ssl_disabled"):
        arguments["ssl"] = tls_context(**{name.removeprefix("ssl_"): v for name, v in chosen.items()})
    return arguments


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
        ValueError: A file is missing or no certificate.
    """
    verified = bool(verify_identity or verify_cert)
    try:
        # Where nothing is verified, the system's authorities need not be read: that takes 60 ms.
        context = ssl.create_default_context(cafile=ca) if verified or ca else _unverified()
        if cert:
            context.load_cert_chain(cert, keyfile=key, password=key_password)
    except OSError as reason:
        files = ", ".join(repr(name) for name in (ca, cert, key) if name)
        raise ValueError(f"cannot read the TLS files {files}: {reason.strerror or reason}") from reason
    # The certificates that MySQL generates for itself fail the strict checks of Python 3.13.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = bool(verify_identity)
    context.verify_mode = ssl.CERT_REQUIRED if verified else ssl.CERT_NONE
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
