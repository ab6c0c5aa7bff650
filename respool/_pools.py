"""The pool, as far as it is the same in both shells: its name, its recordings, its limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from ._config import check_sizes
from ._misuse import uncopied
from ._recorder import MOST_BYTES, record

if TYPE_CHECKING:
    import os

    from ._recording import Recording

__all__ = ["BasePool"]

T_co = TypeVar("T_co", covariant=True)


class BasePool(Generic[T_co]):
    """What a pool does by plain calls that need neither a lock nor a loop."""

    _core: Any

    def __reduce__(self) -> NoReturn:
        raise uncopied(f"pool {self.name!r}", "share the pool itself, or make one in each process")

    @property
    def name(self) -> str:
        """The pool's name, as errors, logs and metrics show it."""
        name: str = self._core.settings.name
        return name

    def record(self, path: str | os.PathLike[str], max_bytes: int = MOST_BYTES) -> Recording:
        """Record arrivals, waits, holds, creates and outcomes, for `respool.simulation.read_recording`.

        It ends with the pool at the latest. What a killed process has recorded, except in its last second,
        can be read with ``partial=True``.

        Args:
            path: The file; overwritten.
            max_bytes: The recording ends by itself when the file has this size; a lease takes about eight.

        Returns:
            The recording: a context manager, or call its ``stop``.

        Raises:
            OSError: The file cannot be written.
            TypeError: ``path`` is no path, or ``max_bytes`` no int.
            ValueError: ``max_bytes`` is less than 1024.
            PoolClosed: The pool is closed.
        """
        return record(self._core, path, max_bytes)

    def _limits(self, min_size: int | None, max_size: int | None) -> tuple[int, int]:
        """Give the limits after a `resize`, which leaves alone what is None; refuse impossible ones."""
        engine = self._core.engine
        least = engine.min_size if min_size is None else min_size
        most = engine.max_size if max_size is None else max_size
        check_sizes(least, most, self._core.settings.sizing)
        return least, most
