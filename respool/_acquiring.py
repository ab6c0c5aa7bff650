"""What `AsyncPool.acquire` gives: an object that takes a resource when it is awaited or entered, not before.

Taking it in the call would be quicker still, and would lose a resource whenever the object is given to a task
that is cancelled before its first step.

The hand-out costs no lock, no task, no timer and no turn of the loop. What it does cost was measured beside
``asyncio.LifoQueue`` get and put, medians of 60 interleaved rounds, on 3.11 / 3.12 / 3.13:

* a coroutine for ``__aenter__`` and one for ``__aexit__``: 1.66 / 1.45 / 1.39;
* finished futures, kept ready per slot: 1.47 / 1.85 / 1.95, for 3.12 made coroutines cheap and futures dear;
* a fresh object instead of one used again: 0.3 more, and 0.1 more again for its ``__del__``.

So 3.11 gets futures, later versions coroutines. On 3.11 asking for the running loop costs a system call
(``getpid``, 0.2), so there `Quick` asks in which thread the pool's loop runs: `home_of`.
"""

from __future__ import annotations

import sys
import warnings
from asyncio import AbstractEventLoop, _get_running_loop
from sys import getrefcount
from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeVar

from ._engine import ODD, SOMEBODY_WAITS
from ._errors import PoolMisuse
from ._misuse import uncopied
from ._returns import bring_back, clean, doubt, fail, unusual

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator
    from types import TracebackType

    from ._async_core import AsyncCore
    from ._asyncio import AsyncLease

__all__ = ["NOWHERE", "USED", "Acquiring", "Quick", "home_of", "unfree"]

T_co = TypeVar("T_co", covariant=True)


class _State:
    """Stands where the lease will be, or has been."""

    def __init__(self) -> None:
        self._hold: list[Any] = []


ASKING: Any = _State()
"""The request is being awaited."""
USED: Any = _State()
"""The request is over; the pool's spare one may be used again."""
REMEDY = "write 'async with pool.acquire() as resource:' or 'lease = await pool.acquire()'"


class Acquiring(Generic[T_co]):
    """One request for a lease: ``async with`` it for the resource, or ``await`` it for the lease, once."""

    __slots__ = ("_core", "_coro", "_lease", "_timeout")

    def __init__(self, core: AsyncCore, timeout: float | None) -> None:
        self._core = core
        self._timeout = timeout
        self._lease: Any = None
        self._coro: Generator[Any, Any, AsyncLease[T_co]] | None = None

    def __reduce__(self) -> NoReturn:
        raise uncopied(repr(self), "it is used once; call acquire() again")

    def __repr__(self) -> str:
        return f"<acquire() of pool {self._core.settings.name!r}>"

    # ------------------------------------------------------------------ async with

    async def __aenter__(self) -> T_co:
        lease = self._begin()
        if lease is None:
            lease = await self._core.asked(self._timeout)
        self._lease = lease
        return lease._hold[0].resource  # type: ignore[no-any-return]  # a slot holds any resource

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        lease, self._lease = self._lease, USED
        try:
            slot = lease._hold.pop()
        except IndexError:
            return  # released, discarded or detached inside the block: nothing is left to do
        core = self._core
        if exc is None:
            if code := core.end(slot):
                unusual(core, slot, code)
        else:
            bring_back(core, slot, exc)

    def _begin(self) -> Any:
        """Take a free resource, if there is one, and give its lease; None: it is to be asked for."""
        if self._lease is not None:
            raise PoolMisuse(
                f"this acquire() of pool {self._core.settings.name!r} was awaited before: it is used once, "
                "call acquire() again"
            )
        self._lease = ASKING
        core = self._core
        core.check_in()
        return core.take()

    # ------------------------------------------------------------------ await, and being a coroutine

    def __await__(self) -> Generator[Any, Any, AsyncLease[T_co]]:
        lease: Any = self._begin()
        if lease is None:
            lease = yield from self._core.asking(self._timeout)
        # Not kept here: a lease that the caller forgets must be seen to be forgotten.
        self._lease = USED
        self._coro = None
        return lease  # type: ignore[no-any-return]  # what the core makes

    # `asyncio.create_task` wants a coroutine, and a coroutine is what has these three methods.

    def send(self, value: Any) -> Any:
        """Go on; for `asyncio.create_task`, which takes coroutines only."""
        return self._begun().send(value)

    def throw(self, *exc: Any) -> Any:
        """Raise inside; for `asyncio.create_task`, which takes coroutines only."""
        if self._lease is None:
            self._lease = ASKING  # a task that is cancelled before its first step: no mistake of anybody's
        return self._begun().throw(*exc)

    def close(self) -> None:
        """End before the answer; nothing has been taken then."""
        if self._lease is None:
            self._lease = USED
        if self._coro is not None:
            self._coro.close()
            self._coro = None

    def _begun(self) -> Generator[Any, Any, AsyncLease[T_co]]:
        if self._coro is None:
            self._coro = Acquiring.__await__(self)
        return self._coro

    # ------------------------------------------------------------------ mistakes

    def __del__(self) -> None:
        if getattr(self, "_lease", USED) is None and not sys.is_finalizing():
            _warn_never_awaited(self)

    if not TYPE_CHECKING:  # without these a type checker reports the same mistakes by itself

        def __enter__(self) -> None:
            self._lease = USED
            raise TypeError(
                f"pool {self._core.settings.name!r} is an AsyncPool, 'with' cannot wait: {REMEDY}"
            )

        def __exit__(self, *_: object) -> None:
            raise AssertionError("__enter__ has raised")


class Quick(Acquiring[T_co]):
    """A request with the pool's own timeout: first it looks whether a resource is free."""

    __slots__ = ()

    if sys.version_info >= (3, 12):

        def __await__(self) -> Generator[Any, Any, AsyncLease[T_co]]:
            core = self._core
            fits = self._lease is None and _get_running_loop() is core.loop
            lease = core.take() if fits else self._begin()
            if lease is None:
                self._lease = ASKING
                lease = yield from core.asking(self._timeout)
            self._lease = USED
            return lease  # type: ignore[no-any-return]  # what the core makes

        async def __aenter__(self) -> T_co:
            core = self._core
            fits = self._lease is None and _get_running_loop() is core.loop
            lease = core.take() if fits else self._begin()
            if lease is None:
                self._lease = ASKING
                lease = await core.asked(self._timeout)
            self._lease = lease
            return lease._hold[0].resource  # type: ignore[no-any-return]  # a slot holds any resource

    else:  # what an attribute keeps is called by a name of its own: `core.take()` is not specialised here

        def __await__(self) -> Generator[Any, Any, AsyncLease[T_co]]:
            core = self._core
            if self._lease is None and core.home._thread_id == get_ident():
                take = core.take
                lease = take()
            else:
                lease = self._begin()
            if lease is None:
                self._lease = ASKING
                lease = yield from core.asking(self._timeout)
            self._lease = USED
            return lease  # type: ignore[no-any-return]  # what the core makes

        def __aenter__(self) -> Awaitable[T_co]:  # type: ignore[override]  # who awaits it sees no difference
            # `Lane.take` and `passes`, written out as in `Pool.acquire`, and `Lane.give` below as in
            # `Lease.__exit__`: without these calls a lease of a connection adds a fourteenth less.
            core = self._core
            if self._lease is None and core.home._thread_id == get_ident():
                lane = core.lane
                if not lane.ahead.count:  # type: ignore[union-attr]  # as in `Lanes`
                    try:
                        slot = lane.idle.pop() if lane.lifo else lane.idle.popleft()
                    except IndexError:
                        pass
                    else:
                        if slot.mark:
                            lane.put_back(slot)
                        else:
                            slot.left -= 1
                            lease = slot.loan
                            if getrefcount(slot.loan) > 3:
                                lease = lane.renew(slot)
                            lease._hold.append(slot)
                            try:
                                glance = slot.glance
                                if (
                                    (glance is not None and not glance(0))
                                    or (probe := slot.probe) is None
                                    or probe(slot.resource)
                                ):
                                    self._lease = lease
                                    return slot.ready  # type: ignore[no-any-return]  # gives the resource
                            except Exception as exc:
                                fail(core, lease, exc)
                            else:
                                doubt(core, lease)
            return super().__aenter__()

        def __aexit__(  # type: ignore[override]  # who awaits it sees no difference
            self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
        ) -> Awaitable[None]:
            lease, self._lease = self._lease, USED
            try:
                slot = lease._hold.pop()
            except IndexError:
                return self._core.nothing  # type: ignore[no-any-return]  # gives None
            core = self._core
            if exc is not None:
                bring_back(core, slot, exc)
                return core.nothing  # type: ignore[no-any-return]  # gives None
            is_dirty = slot.dirty_test
            if is_dirty is not None:
                try:
                    dirty = is_dirty(slot.resource)
                except Exception:
                    dirty = True
                if dirty:
                    clean(core, slot)
                    return core.nothing  # type: ignore[no-any-return]  # gives None
            if slot.mark or not slot.left:
                unusual(core, slot, ODD)
                return core.nothing  # type: ignore[no-any-return]  # gives None
            lane = core.lane
            lane.idle.append(slot)
            if lane.line.count:
                unusual(core, slot, SOMEBODY_WAITS)
            return core.nothing  # type: ignore[no-any-return]  # gives None


# For the error of those who forget to await: "'un-awaited acquire()' object has no attribute 'execute'". A
# `__getattr__` with a better text costs 0.3: it keeps the interpreter from specialising attribute access.
Acquiring.__name__ = Quick.__name__ = "un-awaited acquire()"


class _Home:
    """Stands for a loop that does not say in which thread it runs, and for none."""

    __slots__ = ("_loop",)

    def __init__(self, loop: AbstractEventLoop | None) -> None:
        self._loop = loop

    @property
    def _thread_id(self) -> int | None:
        loop = self._loop
        return get_ident() if loop is not None and _get_running_loop() is loop else None


NOWHERE = _Home(None)
"""Where a pool lives before its first use."""


def home_of(loop: AbstractEventLoop) -> Any:
    """Give what has a ``_thread_id``: the caller's exactly where the loop runs in the caller's thread.

    The loops of asyncio itself are such, and keep it to themselves; nothing else would know of a loop that
    goes on in another thread before something of the pool's own has run there.
    """
    return loop if hasattr(loop, "_thread_id") else _Home(loop)


def unfree(core: AsyncCore) -> Quick[Any]:
    """Make a request that counts as in use: a placeholder, until the first one is made."""
    request: Quick[Any] = Quick(core, None)
    request._lease = ASKING
    return request


def _warn_never_awaited(request: Acquiring[Any]) -> None:
    warnings.warn(
        f"acquire() of pool {request._core.settings.name!r} was never awaited, nothing is leased: {REMEDY}",
        RuntimeWarning,
        stacklevel=3,
    )
