"""What redis-py's exceptions mean; shared by both adapters.

redis-py has one ConnectionError for "nobody answers", "this connection broke" and "too many clients", so that
two things are looked at besides the type: the text, where the server's text is all there is, and whether
`create` was what failed (a mark on the exception, which stays the driver's own).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from redis import exceptions as errors

from respool import Fault, ResourceSpoiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["classify", "is_marked", "last_words_of", "mark_creating"]

_MARK = "_respool_creating"
_ALERT = "TLS alert"
_FULL = "max number of clients"
_DOWN = ("CLUSTERDOWN", "MASTERDOWN")
_HUNG_UP = (
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)  # a server that goes, in a handshake
_OLD_SERVER = "this server is older than Redis 6 and knows RESP2 alone: connect={'protocol': 2}"


def mark_creating(exc: BaseException, last_words: str = "") -> None:
    """Remember on an exception that it left `create`, and say what to do where that is known.

    Args:
        exc: What `create` is about to raise.
        last_words: What the server had sent and nobody read: a full server says so and hangs up at once, and
            a driver that is still writing sees the hang-up alone.
    """
    try:
        setattr(exc, _MARK, f"creating {last_words}")
    except AttributeError:  # an exception class with slots: it is classified by its type alone
        return
    if last_words.startswith(_ALERT):
        exc.add_note(f"the server's last words: {last_words}")
    if isinstance(exc, errors.ResponseError) and "unknown command" in str(exc) and "HELLO" in str(exc):
        exc.add_note(_OLD_SERVER)


def is_marked(exc: BaseException) -> bool:
    """Tell whether an exception is known to have left `create`."""
    return bool(getattr(exc, _MARK, ""))


def last_words_of(read: Callable[[int], bytes]) -> str:
    """Give what a server said over TLS and nobody read; ``read`` does not wait."""
    try:
        said = read(256)
    except (*_HUNG_UP, ssl.SSLWantReadError):
        return ""
    except ssl.SSLError as exc:
        return f"{_ALERT}: {exc.reason}"
    except OSError:
        return ""
    return said.decode("latin-1")


def classify(exc: BaseException) -> Fault:
    """Give the fault that an exception stands for."""
    creating = is_marked(exc)
    if isinstance(exc, ResourceSpoiled):
        return Fault.RESOURCE_BROKEN
    if isinstance(exc, errors.RedisError):
        return _of_redis(exc, creating)
    if not creating:
        return Fault.BENIGN
    if isinstance(exc, OSError):  # TimeoutError included
        return Fault.BACKEND_DOWN
    return Fault.CONFIG


def _of_redis(exc: errors.RedisError, creating: bool) -> Fault:
    if isinstance(exc, errors.ConnectionError):
        return _of_connection(exc, creating)
    if isinstance(exc, errors.TimeoutError):
        return Fault.BACKEND_DOWN if creating else Fault.RESOURCE_BROKEN
    if isinstance(exc, errors.ReadOnlyError | errors.InvalidResponse):
        return Fault.RESOURCE_BROKEN
    if isinstance(exc, errors.ResponseError) and _code(exc) in _DOWN:
        return Fault.BACKEND_DOWN
    if isinstance(exc, errors.WatchError) and _has_cause(exc, errors.ConnectionError, errors.TimeoutError):
        return Fault.RESOURCE_BROKEN  # redis-py's way to say that the connection was lost while watching
    return Fault.CONFIG if creating else Fault.BENIGN


def _code(exc: errors.ResponseError) -> str:
    """Give the server's word for an error; newer versions of redis-py cut it off the text and keep it."""
    return getattr(exc, "status_code", None) or str(exc).partition(" ")[0]


def _of_connection(exc: errors.ConnectionError, creating: bool) -> Fault:
    if isinstance(exc, errors.AuthenticationError | errors.AuthorizationError):
        return Fault.CONFIG
    if isinstance(exc, errors.BusyLoadingError):
        return Fault.BACKEND_DOWN
    if _FULL in str(exc) or _FULL in getattr(exc, _MARK, ""):
        return Fault.CAPACITY
    if not creating:
        return Fault.RESOURCE_BROKEN
    if _is_refused_by_tls(exc) or _has_cause(exc, PermissionError, TypeError, ValueError):
        return Fault.CONFIG
    return Fault.BACKEND_DOWN


def _is_refused_by_tls(exc: BaseException) -> bool:
    """Tell what either side of TLS will not have (certificates, versions, ciphers) from a hang-up."""
    return _ALERT in getattr(exc, _MARK, "") or any(
        isinstance(cause, ssl.SSLError) and not isinstance(cause, _HUNG_UP) for cause in _causes(exc)
    )


def _has_cause(exc: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in _causes(exc))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    seen = {id(exc)}
    cause = exc.__cause__ or exc.__context__
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
