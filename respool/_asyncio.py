"""`AsyncPool`: the asyncio shell. It carries out what the engine says and decides nothing itself."""

from __future__ import annotations

from asyncio import _get_running_loop
from sys import getrefcount
from threading import get_ident
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ._acquiring import USED, Acquiring, Quick, unfree
from ._adapter import AsyncAdapter, Fault
from ._adapter_checks import check_adapter
from ._async_core import AsyncCore
from ._async_dropped import tether_to
from ._async_waiters import AsyncLatch, wait_for
from ._bound_adapter import bind_adapter
from ._config import (
    OMITTED,
    PoolOptions,
    check_count,
    check_seconds,
    check_timeout,
    settings_from,
)
from ._engine import COUNTS
from ._errors import PoolError, PoolTimeout
from ._leases import BaseLease
from ._log import warn_open
from ._pools import BasePool
from ._recorder import end_recordings
from ._refusals import blame, error_from
from ._returns import bring_back, switch, unusual
from ._work import awaitable, check_work

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from types import TracebackType

    from ._stats import PoolStats

__all__ = ["AsyncLease", "AsyncPool", "AsyncRefresh"]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class AsyncLease(BaseLease[T_co]):
    """One holder's right to one resource: ``async with`` it, or end it by a plain call.

    `release`, `discard` and `detach` never wait, so they may stand in a ``finally``, in a callback or after a
    cancellation; they belong on the pool's loop.
    """

    __slots__ = ()

    async def __aenter__(self) -> T_co:
        self._core.check_in()
        return self.resource

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            slot = self._hold.pop()
        except IndexError:
            return  # released, discarded or detached inside the block: nothing is left to do
        core = self._core
        if exc is None:
            if code := core.end(slot):
                unusual(core, slot, code)
        else:
            bring_back(core, slot, exc)

    def release(self) -> None:
        """Give the resource back. Uncommitted work is rolled back by the adapter's reset, never committed.

        Raises:
            PoolMisuse: Released before, discarded or detached; or called outside the pool's loop, and then
                the lease goes on.
        """
        core = self._core
        if self._hold and core.home._thread_id != get_ident():
            core.check_in(binds=False)
        BaseLease.release(self)

    def discard(self) -> None:
        """Give the resource up: it is destroyed and, where needed, replaced. May be repeated.

        Raises:
            PoolMisuse: Released or detached before; or called outside the pool's loop.
        """
        self._check_in()
        super().discard()

    def detach(self) -> T_co:
        """Take the resource out of the pool for good, and free its place; from now on the caller must end it.

        Raises:
            PoolMisuse: Released, discarded or detached before; or called outside the pool's loop.
        """
        self._check_in()
        return super().detach()

    def _check_in(self) -> None:
        if self._hold:
            self._core.check_in(binds=False)

    if not TYPE_CHECKING:  # without these a type checker reports the same mistake by itself

        def __enter__(self) -> None:
            raise TypeError(f"{self!r} is of an AsyncPool, 'with' cannot wait: write 'async with lease'")

        def __exit__(self, *_: object) -> None:
            raise AssertionError("__enter__ has raised")


class CollectedAsyncLease(AsyncLease[T_co]):
    """The lease of an interpreter without exact reference counts: it reports its own collection."""

    __slots__ = ("__weakref__",)

    def __del__(self) -> None:
        # A collection may strike in the middle of an event: the next event takes the orphan in.
        if self._hold:
            self._core.engine.orphans.append(self._hold.pop())


class AsyncRefresh:
    """A running `AsyncPool.refresh`; ``await`` it, or its `wait`, to see the end of what is old."""

    def __init__(self, core: AsyncCore, generation: int) -> None:
        self._core = core
        self._generation = generation

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until the last old resource is gone; False when ``timeout`` seconds were not enough."""
        check_timeout(timeout)
        return await wait_for(self._core, AsyncLatch(monotonic(), timeout, "refreshed", self._generation))

    def __await__(self) -> Generator[Any, None, bool]:
        """Wait until the last old resource is gone, however long it takes; gives True."""
        return self.wait().__await__()


class AsyncPool(BasePool[T_co]):
    """A pool of resources for asyncio: the names, options and promises of `Pool`.

    The pool may be made anywhere. It belongs to the event loop in which it is used first, and every other
    loop or thread gets a `PoolMisuse` that says so. It needs no ``async with``; as a context manager it
    closes itself at the end of the block. Waiters are served strictly in the order in which they came.

    Args:
        adapter: Tells how to make, validate, reset and destroy one resource; `in_threads` makes one from a
            blocking adapter.
        **options: See `PoolOptions` and the reference of options; ``fairness`` is always strict here.

    Raises:
        TypeError: An unknown option, a value of the wrong type, or an unfit adapter.
        ValueError: A value out of range; names the option, the value and the rule.
    """

    _core: AsyncCore

    def __init__(self, adapter: AsyncAdapter[T_co], **options: Unpack[PoolOptions]) -> None:
        check_adapter(adapter, asynchronous=True)
        bound = bind_adapter(adapter, AsyncAdapter)
        settings = settings_from(
            options, noun=bound.noun, default_name=bound.default_name, own=bound.arguments
        )
        self._core = AsyncCore(settings, bound, AsyncLease if COUNTS else CollectedAsyncLease)
        self._timeout = settings.timeout
        self._tether = tether_to(self._core)
        if self._core.engine.floor() and _get_running_loop() is not None:
            self._core.check_in()

    def __repr__(self) -> str:
        engine = self._core.engine
        size = f"size {engine.ledger.size}/{engine.max_size}, in use {engine.in_use}"
        return f"<AsyncPool {self.name!r}, {size}>"

    async def __aenter__(self) -> AsyncPool[T_co]:
        self._core.check_in()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    if not TYPE_CHECKING:  # without these a type checker reports the same mistake by itself

        def __enter__(self) -> None:
            raise TypeError(f"{self!r} is closed by waiting, which 'with' cannot: write 'async with pool'")

        def __exit__(self, *_: object) -> None:
            raise AssertionError("__enter__ has raised")

    # ------------------------------------------------------------------ leases

    def acquire(self, timeout: float | None = OMITTED) -> Acquiring[T_co]:
        """Lease a resource: an idle one, one that comes back, or a new one, whatever comes first.

        ``async with pool.acquire() as resource`` gives the resource and returns it at the end of the block;
        ``lease = await pool.acquire()`` gives the lease. Nothing happens before that. Where a resource is
        free, it does not yield to the loop.

        Args:
            timeout: The whole wait in seconds; None waits for ever, 0 takes what is idle or fails. Without
                it the pool's own ``timeout`` holds.

        Raises:
            PoolTimeout: When awaited: none came in time; names the phase, the state and the last error.
            PoolRejected: When awaited: refused at once, because waiting would not help.
            BackendError: When awaited: the adapter failed in a way that waiting cannot mend.
            PoolClosed: When awaited: the pool is closed, or was while the caller waited.
            PoolMisuse: When awaited: the pool belongs to another loop, or to one that is closed.
        """
        if timeout is OMITTED:
            core = self._core
            spare: Quick[T_co] = core.spare
            if spare._lease is USED and getrefcount(core.spare) <= 3:
                spare._lease = None
                return spare
            return self._another()
        check_timeout(timeout)
        return Acquiring(self._core, timeout)

    def _another(self) -> Quick[T_co]:
        """Make a request, and keep it as the spare where reference counts tell whether it is free."""
        request: Quick[T_co] = Quick(self._core, self._timeout)
        if COUNTS:
            self._core.spare = request
        return request

    def try_acquire(self) -> AsyncLease[T_co] | None:
        """Lease an idle resource if there is one; never wait and never create inline. A plain call.

        Raises:
            PoolClosed: The pool is closed.
            PoolMisuse: Called outside the pool's loop.
        """
        self._core.check_in()
        try:
            return self._core.acquire_now()  # type: ignore[no-any-return]  # what the core makes
        except PoolTimeout:
            return None

    async def run(
        self, work: Callable[[T_co], Awaitable[R]], attempts: int = 1, timeout: float | None = OMITTED
    ) -> R:
        """Lease a resource, await ``work`` with it, release it; never commits.

        Args:
            work: A coroutine function, called with the resource; `run` returns what it returns.
            attempts: How often to try at most. The next try, on another resource, follows only an error
                that the adapter classifies as a broken resource.
            timeout: One deadline, in seconds from now, for the waits of all attempts.

        Raises:
            PoolError: As in `acquire`; where no resource came for a further attempt, ``__cause__`` is the
                error that broke the last one.
            TypeError: ``work`` cannot be called, or gave no awaitable: it is no coroutine function.
        """
        check_work(work)
        check_count("attempts", attempts, 1)
        timeout = self._timeout if timeout is OMITTED else timeout
        check_timeout(timeout)
        deadline = None if timeout is None else monotonic() + timeout
        broken: BaseException | None = None
        try:
            while True:
                attempts -= 1
                lease = await self._acquire_for_attempt(timeout, deadline, broken)
                try:
                    result = await awaitable(work(lease.resource))
                except BaseException as exc:
                    if not lease._hold:
                        raise
                    fault = bring_back(self._core, lease._hold.pop(), exc)
                    if attempts < 1 or fault is not Fault.RESOURCE_BROKEN:
                        raise
                    broken = exc
                    continue
                if lease._hold:
                    lease.release()
                return result
        finally:
            del broken  # its traceback refers to this frame: only a collection would end the two

    async def _acquire_for_attempt(
        self, timeout: float | None, deadline: float | None, broken: BaseException | None
    ) -> AsyncLease[T_co]:
        if broken is None:
            return await Acquiring(self._core, timeout)  # as it was given: an error names it
        try:
            return await Acquiring(self._core, None if deadline is None else max(0.0, deadline - monotonic()))
        except PoolError as refused:
            blame(refused, broken, timeout)
            raise

    # ------------------------------------------------------------------ views and control: plain calls

    def stats(self) -> PoolStats:
        """Take one consistent snapshot.

        Raises:
            PoolMisuse: Called in another thread or loop while the pool's own loop runs.
        """
        core = self._core
        if core.loop is not None and core.loop.is_running():
            core.check_in(binds=False)
        return core.engine.stats(monotonic())

    def resize(self, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the limits; surplus resources close when they are idle, a holder is never robbed.

        Raises:
            ValueError: Negative, or ``min_size`` above ``max_size`` or a fixed size; nothing changes then.
        """
        self._tell(self._core.engine.resize, *self._limits(min_size, max_size))

    def refresh(self, adapter: AsyncAdapter[Any] | None = None, over: float = 0.0) -> AsyncRefresh:
        """Replace every resource made before now: idle ones at once, held ones on return.

        Args:
            adapter: Makes all resources from now on (new credentials, another server); each old resource is
                still destroyed by the adapter that made it.
            over: Spread the replacement over so many seconds.

        Returns:
            A handle: ``await handle.wait(timeout)`` ends when the last old resource is gone, as does
            ``await handle``.
        """
        check_seconds("over", over)
        core = self._core
        bound = core.bound
        if adapter is not None:
            check_adapter(adapter, asynchronous=True)
            bound = bind_adapter(adapter, AsyncAdapter)
        generation = self._tell(switch, core, bound, over)
        core.choose_lane()
        return AsyncRefresh(core, generation)

    def pause(self) -> None:
        """Grant no more leases until `resume`; callers wait, up to their timeout."""
        self._tell(self._core.engine.pause)

    def resume(self) -> None:
        """Grant leases again, the oldest waiter first."""
        self._tell(self._core.engine.resume)

    def _tell(self, event: Callable[..., Any], *args: Any) -> Any:
        self._core.check_in(binds=False)
        return self._core.do(event, *args)

    # ------------------------------------------------------------------ views and control: awaited

    async def wait_ready(self, timeout: float | None = 30.0) -> None:
        """Wait until ``min_size`` resources (at least one) are open.

        Raises:
            PoolTimeout: They are not, after ``timeout`` seconds; phase ``"create"``.
            BackendError: At once, when waiting cannot help (wrong password, unknown database).
            PoolClosed: The pool is closed.
        """
        check_timeout(timeout)
        latch = AsyncLatch(monotonic(), timeout, "ready")
        if not await wait_for(self._core, latch) and latch.refusal is not None:
            raise error_from(self._core.engine, latch, latch.refusal, monotonic())

    async def close(self, timeout: float | None = 10.0) -> bool:
        """Refuse new callers and waiters, destroy what is idle, then what comes back; may be repeated.

        Args:
            timeout: How long to wait, in seconds, for held resources to come back and for destroys to end;
                None waits for ever.

        Returns:
            True when everything is destroyed and no task or timer is left. False when something is still
            held, or stuck in a call: it is destroyed when it comes back.
        """
        check_timeout(timeout)
        core, latch = self._core, AsyncLatch(monotonic(), timeout, "closed")
        core.spare = unfree(core)
        try:
            if core.loop is None:
                core.do(core.engine.close)  # before there is a loop on which anything could begin
            if not core.engine.closed:
                core.check_in()
                core.do(core.engine.close)
                if not await wait_for(core, latch):
                    warn_open(self.stats(), timeout)
                    return False
            return await core.part(max(1.0, latch.deadline - monotonic()))
        finally:
            end_recordings(core)
