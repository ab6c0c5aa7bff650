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
    from collections.abc import Iterator

__all__ = ["classify", "mark_creating"]

_MARK = "_respool_creating"
_OLD_SERVER = "this server is older than Redis 6 and knows RESP2 alone: connect={'protocol': 2}"


def mark_creating(exc: BaseException) -> None:
    """Remember on an exception that it left `create`, and say what to do where that is known."""
    try:
        setattr(exc, _MARK, True)
    except AttributeError:  # an exception class with slots: it is classified by its type alone
        return
    if isinstance(exc, errors.ResponseError) and "unknown command" in str(exc) and "HELLO" in str(exc):
        exc.add_note(_OLD_SERVER)


def classify(exc: BaseException) -> Fault:
    """Give the fault that an exception stands for."""
    creating = getattr(exc, _MARK, False)
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
    if isinstance(exc, errors.ClusterDownError | errors.MasterDownError):
        return Fault.BACKEND_DOWN
    if isinstance(exc, errors.WatchError) and _has_cause(exc, errors.ConnectionError, errors.TimeoutError):
        return Fault.RESOURCE_BROKEN  # redis-py's way to say that the connection was lost while watching
    return Fault.CONFIG if creating else Fault.BENIGN


def _of_connection(exc: errors.ConnectionError, creating: bool) -> Fault:
    if isinstance(exc, errors.AuthenticationError | errors.AuthorizationError):
        return Fault.CONFIG
    if isinstance(exc, errors.BusyLoadingError):
        return Fault.BACKEND_DOWN
    if "max number of clients" in str(exc):
        return Fault.CAPACITY
    if not creating:
        return Fault.RESOURCE_BROKEN
    if _has_cause(exc, ssl.SSLCertVerificationError, PermissionError, TypeError, ValueError):
        return Fault.CONFIG
    return Fault.BACKEND_DOWN


def _has_cause(exc: BaseException, *kinds: type[BaseException]) -> bool:
    return any(isinstance(cause, kinds) for cause in _causes(exc))


def _causes(exc: BaseException) -> Iterator[BaseException]:
    seen = {id(exc)}
    cause = exc.__cause__ or exc.__context__
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
