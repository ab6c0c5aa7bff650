"""What the drivers' exceptions mean; PyMySQL's classes, which aiomysql raises as well."""

from __future__ import annotations

import configparser
import contextlib
import ssl
from typing import TYPE_CHECKING

from pymysql import err

from respool import Fault, ResourceSpoiled

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UnsupportedServer", "classify", "left_create", "unanswered"]


class UnsupportedServer(Exception):
    """The server is too old for what was asked of it; the message says what does work."""

    __module__ = "respool_mysql"  # what a traceback says


_CONFIG = frozenset(
    {
        1044,  # access denied to database; what an unprivileged user gets for an unknown one
        1045,  # access denied for user
        1049,  # unknown database
        1129,  # host blocked after many connection errors, until somebody flushes the hosts
        1130,  # host not allowed
        1251,  # client does not support the authentication protocol
        1524,  # authentication plugin not loaded
        1698,  # access denied, without password
        1820,  # password expired: must be changed first
        1862,  # password expired
        2026,  # TLS
        2059,  # authentication plugin cannot be loaded
        2061,  # authentication plugin failed
        3118,  # account locked (MySQL)
        3159,  # TLS required by the server
        4151,  # account locked (MariaDB)
    }
)
_CAPACITY = frozenset(
    {
        1040,  # too many connections
        1041,  # out of resources
        1135,  # cannot create a thread
        1203,  # max_user_connections, of the server
        1226,  # max_user_connections, of the account
    }
)
_DOWN = frozenset(
    {
        1053,  # server shutdown in progress
        2002,  # cannot connect through the socket
        2003,  # cannot connect
        2005,  # unknown host
        9001,  # ProxySQL: no backend reached in time
    }
)
_BROKEN = frozenset(
    {
        1047,  # unknown command: the server cannot do our reset
        1080,  # forcing close of the thread
        1152,  # aborted connection
        1153,  # packet too large: the server closes after it
        1156,  # packets out of order
        1158,  # network read
        1159,  # network read timeout
        1160,  # network write
        1161,  # network write timeout
        1184,  # aborted connection
        1836,  # server in read-only mode
        1927,  # connection was killed (MariaDB)
        2006,  # server has gone away
        2013,  # lost connection during query
        2014,  # commands out of sync
        2027,  # malformed packet
        2055,  # lost connection
        3169,  # session was killed (MySQL)
        4031,  # disconnected because of inactivity (MySQL)
    }
)
_BY_NUMBER = {
    number: fault
    for fault, numbers in (
        (Fault.CONFIG, _CONFIG),
        (Fault.CAPACITY, _CAPACITY),
        (Fault.BACKEND_DOWN, _DOWN),
        (Fault.RESOURCE_BROKEN, _BROKEN),
    )
    for number in numbers
}
_PREVENTED_BY_OPTION = 1290
_NO_CONNECTION = 2003
_HUNG_UP = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)  # a server that goes, in a handshake
_PASSING = ((1205,), (1213,), (1317,), (1969,), (3024,))  # lock wait, deadlock, interrupted, time limits
_IN_CREATE = "_respool_left_create"


def classify(exc: BaseException) -> Fault:
    """Give the fault that an exception stands for; everything that is not the driver's is benign."""
    fault = _judge(exc)
    if fault is Fault.BENIGN and getattr(exc, _IN_CREATE, False):
        return _judge_in_create(exc)
    return fault


def left_create(exc: Exception) -> None:
    """Mark an exception that leaves ``create``: what is a user's own affair in a lease is none there.

    A statement of ``init_command`` or ``configure`` that the server refuses once, it will refuse again.
    """
    with contextlib.suppress(AttributeError):
        setattr(exc, _IN_CREATE, True)


def _judge_in_create(exc: BaseException) -> Fault:
    if isinstance(exc, err.MySQLError):
        return Fault.BACKEND_DOWN if exc.args[:1] in _PASSING else Fault.CONFIG
    bug = isinstance(exc, TypeError | AttributeError | ImportError | LookupError | ValueError)
    if isinstance(exc, configparser.Error):  # the file of options cannot be read
        return Fault.CONFIG
    # PyMySQL's RuntimeError, at the login that is MySQL's default where there is no TLS.
    return Fault.CONFIG if bug or "'cryptography' package is required" in str(exc) else Fault.BACKEND_DOWN


def _judge(exc: BaseException) -> Fault:
    if isinstance(exc, ResourceSpoiled):
        return Fault.RESOURCE_BROKEN
    if isinstance(exc, UnsupportedServer):
        return Fault.CONFIG
    if not isinstance(exc, err.MySQLError):
        return Fault.BENIGN
    number = exc.args[0] if exc.args else None
    if not isinstance(number, int) or number == 0:
        return _unnumbered(exc)
    if number == _PREVENTED_BY_OPTION:
        return _prevented(exc)
    if number == _NO_CONNECTION and _refused_by_tls(exc) is not None:
        return Fault.CONFIG
    return _BY_NUMBER.get(number, Fault.BENIGN)


def _unnumbered(exc: err.MySQLError) -> Fault:
    """Judge what the driver itself says: not connected, already closed, packets out of sequence."""
    if isinstance(exc, err.InterfaceError):
        return Fault.RESOURCE_BROKEN
    text = str(exc)
    broken = "Packet sequence" in text or "Already closed" in text
    return Fault.RESOURCE_BROKEN if broken else Fault.BENIGN


def _prevented(exc: err.MySQLError) -> Fault:
    """Tell "read-only after failover" from the other options that share its number (secure-file-priv)."""
    return Fault.RESOURCE_BROKEN if "read-only" in str(exc).replace("_", "-") else Fault.BENIGN


def _refused_by_tls(exc: BaseException) -> ssl.SSLError | None:
    """Find what either side of TLS will not have (certificates, versions, ciphers); a hang-up is none."""
    for origin in _origins(exc):
        if isinstance(origin, ssl.SSLError) and not isinstance(origin, _HUNG_UP):
            return origin
    return None


def _origins(exc: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    origin: BaseException | None = exc
    while origin is not None and origin not in seen:
        yield origin
        seen.append(origin)
        # PyMySQL keeps the original as an attribute, aiomysql chains it.
        origin = getattr(origin, "original_exception", None) or origin.__cause__ or origin.__context__


def unanswered(exc: BaseException, host: str, *, late: bool = False) -> err.OperationalError | None:
    """Turn "lost connection" during a connect into "cannot connect"; None for any other exception.

    A server that accepts and then says nothing (``late``), or hangs up before the login is through, is down
    for us; the numbers the driver gives (2006, 2013) would say no more than that one connection broke. They
    also come where TLS 1.3 has the server refuse the client's certificate, which it does after the handshake.
    """
    if not late and not (isinstance(exc, err.OperationalError) and exc.args[:1] in ((2006,), (2013,))):
        return None
    if (refusal := _refused_by_tls(exc)) is not None:
        return err.OperationalError(2026, f"TLS with the MySQL server on {host!r} failed ({refusal})")
    return err.OperationalError(
        _NO_CONNECTION, f"Can't connect to MySQL server on {host!r} (no answer to the login)"
    )
