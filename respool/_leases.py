"""The lease, as far as it is the same in both shells: one holder's right to one resource."""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar

from ._engine import Loan
from ._misuse import misuse, uncopied
from ._returns import clean, is_clean, unusual

__all__ = ["BaseLease"]

T_co = TypeVar("T_co", covariant=True)


class BaseLease(Loan, Generic[T_co]):
    """What a lease can do without waiting: plain calls in both shells."""

    __slots__ = ("_core", "_end")

    def __init__(self, core: Any) -> None:
        hold: list[Any] = [None]  # as in `Loan.__init__`, without the call
        hold.pop()
        self._hold = hold
        self._core = core
        self._end = ""

    def __reduce__(self) -> NoReturn:
        raise uncopied(repr(self), "a copy could release what others hold; acquire() gives the next one")

    def __repr__(self) -> str:
        state = "held" if self._hold else self._end or "released"
        return f"<lease of pool {self._core.settings.name!r}, {state}>"

    @property
    def resource(self) -> T_co:
        """The leased resource.

        Raises:
            PoolMisuse: The lease has ended.
        """
        try:
            return self._hold[0].resource  # type: ignore[no-any-return]  # a slot holds any resource
        except IndexError:
            raise misuse(self, "use") from None

    def release(self) -> None:
        """Give the resource back. Uncommitted work is rolled back by the adapter's reset, never committed.

        Raises:
            PoolMisuse: Released before, discarded or detached.
        """
        try:
            slot = self._hold.pop()
        except IndexError:
            if self._end == "inherited":
                return
            raise misuse(self, "release") from None
        core = self._core
        if slot.dirty_test is not None and not is_clean(slot):
            clean(core, slot)
        else:
            give = core.give
            if code := give(slot):
                unusual(core, slot, code)

    def discard(self) -> None:
        """Give the resource up: it is destroyed and, where needed, replaced. May be repeated.

        Raises:
            PoolMisuse: Released or detached before.
        """
        try:
            slot = self._hold.pop()
        except IndexError:
            if self._end in ("discarded", "inherited"):
                return
            raise misuse(self, "discard") from None
        self._end = "discarded"
        self._core.do(self._core.engine.discard, slot)

    def detach(self) -> T_co:
        """Take the resource out of the pool for good, and free its place; from now on the caller must end it.

        Raises:
            PoolMisuse: Released, discarded or detached before.
        """
        try:
            slot = self._hold.pop()
        except IndexError:
            raise misuse(self, "detach") from None
        self._end = "detached"
        resource: T_co = slot.resource
        self._core.do(self._core.engine.detach, slot)
        return resource
