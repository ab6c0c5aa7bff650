"""What `respool doctor` asks of a resource that is open: which call has failed is said, and none hangs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from respool import PoolError, SupportsAbort

from .._scrub import describe, scrub

__all__ = ["Opened"]


class _Timer(Protocol):
    def cancel(self) -> None: ...


class Opened:
    """A resource that an adapter has made, from its creation to its end.

    Args:
        url: Where it was opened.
        adapter: What can abort a call on it, perhaps.
        resource: The resource.
        later: Has something called after so many seconds; the result cancels it.
    """

    def __init__(
        self, url: str, adapter: object, resource: Any, later: Callable[[float, Callable[[], None]], _Timer]
    ) -> None:
        self._url, self._resource, self._later = scrub(url), resource, later
        self._abort = adapter.abort if isinstance(adapter, SupportsAbort) else None

    @contextmanager
    def asked(self, method: str) -> Iterator[None]:
        """Say of a call that fails which it was: "cannot open" would send its reader to the wrong place."""
        try:
            yield
        except PoolError:
            raise
        except Exception as exc:
            raise PoolError(f"{self._url} was opened, but {method} failed: {describe(exc)}") from exc

    @contextmanager
    def answered(self, seconds: float) -> Iterator[None]:
        """End a call without a timeout of its own after so many seconds, where the adapter can."""
        silent = False

        def end() -> None:
            nonlocal silent
            if self._abort is not None:
                silent = True
                self._abort(self._resource)

        timer = self._later(seconds, end)
        try:
            yield
        except Exception as exc:
            if silent:
                raise TimeoutError(f"no answer within {seconds:g} s") from exc
            raise
        finally:
            timer.cancel()
