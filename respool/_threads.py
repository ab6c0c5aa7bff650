"""`Pool`: the thread shell. It carries out what the engine says and decides nothing itself."""

from __future__ import annotations

from functools import partial
from sys import getrefcount
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from ._adapter import Adapter, Fault
from ._adapter_checks import check_adapter
from ._bound_adapter import bind_adapter
from ._config import (
    OMITTED,
    PoolOptions,
    check_count,
    check_seconds,
    check_timeout,
    settings_from,
)
from ._engine import COUNTS, ODD, SOMEBODY_WAITS, TAKEN
from ._errors import PoolError, PoolTimeout
from ._leases import BaseLease
from ._leash import Tether
from ._log import warn_open
from ._misuse import misuse
from ._pools import BasePool
from ._recorder import end_recordings
from ._refusals import blame, capture_acquirer, error_from
from ._returns import bring_back, clean, doubt, fail, passes, switch, unusual
from ._thread_core import ThreadCore
from ._thread_waiters import ThreadLatch, ThreadWaiter, look_again, nap, wait_for, who_asks
from ._work import check_work, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from ._stats import PoolStats

__all__ = ["Lease", "Pool", "Refresh"]

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Lease(BaseLease[T_co]):
    """One holder's right to one resource; a context manager that gives the resource and returns it.

    A lease may be released from another thread than the one that acquired it. It is not meant to be shared
    by threads: of two that release it, one gets `PoolMisuse`.
    """

    __slots__ = ()

    def __enter__(self) -> T_co:
        try:
            return self._hold[0].resource  # type: ignore[no-any-return]  # a slot holds any resource
        except IndexError:
            raise misuse(self, "use") from None

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            slot = self._hold.pop()
        except IndexError:
            return  # released, discarded or detached inside the block: nothing is left to do
        if exc is not None:
            bring_back(self._core, slot, exc)
            return
        # `is_clean` and `Lane.give`, written out; see `Pool.acquire`.
        is_dirty = slot.dirty_test
        if is_dirty is not None:
            try:
                dirty = is_dirty(slot.resource)
            except Exception:
                dirty = True
            if dirty:
                clean(self._core, slot)
                return
        if slot.mark or not slot.left:
            unusual(self._core, slot, ODD)
            return
        lane = self._core.lane
        lane.idle.append(slot)
        if lane.line.count:
            unusual(self._core, slot, SOMEBODY_WAITS)


class CollectedLease(Lease[T_co]):
    """The lease of an interpreter without exact reference counts: it reports its own collection."""

    __slots__ = ("__weakref__",)

    def __del__(self) -> None:
        # No lock: a collection may strike while the mutex is held. The next event takes the orphan in. And
        # there may be no hold, if an interrupt struck in the constructor.
        if getattr(self, "_hold", None):
            self._core.engine.orphans.append(self._hold.pop())


class Refresh:
    """A running `Pool.refresh`."""

    def __init__(self, core: ThreadCore, generation: int) -> None:
        self._core = core
        self._generation = generation

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the last old resource is gone; False when ``timeout`` seconds were not enough."""
        check_timeout(timeout)
        return wait_for(self._core, ThreadLatch(monotonic(), timeout, "refreshed", self._generation))


class Pool(BasePool[T_co]):
    """A pool of resources for threads.

    Every method may be called from any thread. The pool starts lazily and needs no ``with``; as a context
    manager it closes itself at the end of the block. A pool that is dropped cleans up by itself, also with an
    object whose methods are its adapter or listeners; but resources that refer to that object keep it alive.

    Args:
        adapter: Tells how to make, validate, reset and destroy one resource.
        **options: See `PoolOptions` and the reference of options.

    Raises:
        TypeError: An unknown option, a value of the wrong type, or an unfit adapter.
        ValueError: A value out of range; names the option, the value and the rule.
    """

    _core: ThreadCore

    def __init__(self, adapter: Adapter[T_co], **options: Unpack[PoolOptions]) -> None:
        check_adapter(adapter, asynchronous=False)
        bound = bind_adapter(adapter, Adapter)
        settings = settings_from(
            options, noun=bound.noun, default_name=bound.default_name, own=bound.arguments
        )
        self._core = ThreadCore(settings, bound, Lease if COUNTS else CollectedLease)
        self._timeout = settings.timeout
        self._tether = Tether(self._core.abandon)
        self._core.do(self._core.engine.tick)

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<Pool {stats.name!r}, size {stats.size}/{stats.max_size}, in use {stats.in_use}>"

    def __enter__(self) -> Pool[T_co]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ leases

    def acquire(self, timeout: float | None = OMITTED) -> Lease[T_co]:
        """Lease a resource: an idle one, one that comes back, or a new one, whatever comes first.

        Args:
            timeout: The whole wait in seconds; None waits for ever, 0 takes what is idle or fails. Without
                it the pool's own ``timeout`` holds.

        Raises:
            PoolTimeout: None came in time; names the phase, the state and the last backend error.
            PoolRejected: Refused at once, because waiting would not help.
            BackendError: The adapter failed in a way that waiting cannot mend.
            PoolClosed: The pool is closed, or was while the caller waited.
        """
        if timeout is not OMITTED:
            check_timeout(timeout)
            return self._acquire(timeout)
        # `Lane.take` and `passes`, written out: with the same in `Lease.__exit__` a lease costs a sixth less.
        # ``tests/shells/test_written_out.py`` holds both to the originals.
        lane = self._core.lane
        if lane.ahead is None or not lane.ahead.count:
            try:
                slot = lane.idle.pop() if lane.lifo else lane.idle.popleft()
            except IndexError:
                pass
            else:
                if slot.mark:
                    lane.put_back(slot)
                else:
                    slot.left -= 1
                    lease: Any = slot.loan
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
                            return lease  # type: ignore[no-any-return]  # what the core makes
                    except Exception as exc:
                        fail(self._core, lease, exc)
                    else:
                        doubt(self._core, lease)
                    del lease
                del slot  # or the sweep takes this frame's reference for an owner, while the caller waits
        return self._acquire(self._timeout)

    def try_acquire(self) -> Lease[T_co] | None:
        """Lease an idle resource if there is one; never wait and never create inline.

        Raises:
            PoolClosed: The pool is closed.
        """
        try:
            return self._acquire(0)
        except PoolTimeout:
            return None

    def run(self, work: Callable[[T_co], R], attempts: int = 1, timeout: float | None = OMITTED) -> R:
        """Lease a resource, call ``work`` with it, release it; never commits.

        Args:
            work: Called with the resource; `run` returns what it returns.
            attempts: How often to try at most. The next try, on another resource, follows only an error
                that the adapter classifies as a broken resource.
            timeout: One deadline, in seconds from now, for the waits of all attempts.

        Raises:
            PoolError: As in `acquire`; where no resource came for a further attempt, ``__cause__`` is the
                error that broke the last one.
            TypeError: ``work`` cannot be called, or is a coroutine function.
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
                lease = self._acquire_for_attempt(timeout, deadline, broken)
                try:
                    result = plain(work(lease.resource))
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

    def _acquire_for_attempt(
        self, timeout: float | None, deadline: float | None, broken: BaseException | None
    ) -> Lease[T_co]:
        if broken is None:
            return self.acquire(timeout)  # as it was given: an error names it
        try:
            return self.acquire(None if deadline is None else max(0.0, deadline - monotonic()))
        except PoolError as refused:
            blame(refused, broken, timeout)
            raise

    def _acquire(self, timeout: float | None) -> Lease[T_co]:
        """Ask until a resource passes its hand-out check, all within one deadline."""
        core = self._core
        waiter = ThreadWaiter(monotonic(), timeout)
        if core.settings.leak_after is not None:
            waiter.acquirer = capture_acquirer(who_asks())
        lease = self._wait(waiter, again=False)
        while not passes(core, lease):
            del lease  # or the sweep takes this frame for its holder, while the caller waits
            waiter.loan = None
            lease = self._wait(waiter, again=True)
        return lease

    def _wait(self, waiter: ThreadWaiter, *, again: bool) -> Lease[T_co]:
        """Ask the engine and sleep until it answers."""
        core = self._core
        try:
            ask = core.engine.ask
            if again or waiter.timeout == 0:
                ask = partial(ask, waits=waiter.timeout != 0, again=again)
            core.do(ask, waiter)
            while not waiter.answered:
                if waiter.chore is None:
                    nap(core, waiter)
                else:
                    core.do_chore(waiter)
                look_again(core, waiter)
            if waiter.chore is not None:
                core.do(core.engine.hand_on, waiter)
            if waiter.refusal is None:
                core.engine.taken_up(waiter, monotonic())
                lease: Lease[T_co] = waiter.loan
                waiter.loan = TAKEN
                return lease
        except BaseException:
            core.do(core.engine.cancel, waiter)
            raise
        with core.mutex:  # kept in no variable: its traceback refers to this frame
            raise error_from(core.engine, waiter, waiter.refusal, monotonic())

    # ------------------------------------------------------------------ views and control

    def stats(self) -> PoolStats:
        """Take one consistent snapshot."""
        with self._core.mutex:
            return self._core.engine.stats(monotonic())

    def resize(self, min_size: int | None = None, max_size: int | None = None) -> None:
        """Change the limits; surplus resources close when they are idle, a holder is never robbed.

        Raises:
            ValueError: Negative, or ``min_size`` above ``max_size`` or a fixed size; nothing changes then.
        """
        self._core.do(self._core.engine.resize, *self._limits(min_size, max_size))

    def refresh(self, adapter: Adapter[Any] | None = None, over: float = 0.0) -> Refresh:
        """Replace every resource made before now: idle ones at once, held ones on return.

        Args:
            adapter: Makes all resources from now on (new credentials, another server); each old resource is
                still destroyed by the adapter that made it.
            over: Spread the replacement over so many seconds.

        Returns:
            A handle whose ``wait(timeout)`` ends when the last old resource is gone.
        """
        check_seconds("over", over)
        core = self._core
        bound = core.bound
        if adapter is not None:
            check_adapter(adapter, asynchronous=False)
            bound = bind_adapter(adapter, Adapter)
        return Refresh(core, core.do(switch, core, bound, over))

    def pause(self) -> None:
        """Grant no more leases until `resume`; callers wait, up to their timeout."""
        self._core.do(self._core.engine.pause)

    def resume(self) -> None:
        """Grant leases again, the oldest waiter first."""
        self._core.do(self._core.engine.resume)

    def wait_ready(self, timeout: float | None = 30.0) -> None:
        """Wait until ``min_size`` resources (at least one) are open.

        Raises:
            PoolTimeout: They are not, after ``timeout`` seconds; phase ``"create"``.
            BackendError: At once, when waiting cannot help (wrong password, unknown database).
            PoolClosed: The pool is closed.
        """
        check_timeout(timeout)
        core = self._core
        latch = ThreadLatch(monotonic(), timeout, "ready")
        if not wait_for(core, latch) and latch.refusal is not None:
            with core.mutex:
                raise error_from(core.engine, latch, latch.refusal, monotonic())

    def close(self, timeout: float | None = 10.0) -> bool:
        """Refuse new callers and waiters, destroy what is idle, then what comes back; may be repeated.

        Args:
            timeout: How long to wait, in seconds, for held resources to come back and for destroys to end;
                None waits for ever.

        Returns:
            True when everything is destroyed and no thread is left. False when something is still held, or
            stuck in a call: it is destroyed when it comes back.
        """
        check_timeout(timeout)
        core = self._core
        latch = ThreadLatch(monotonic(), timeout, "closed")
        core.do(core.engine.close)
        try:
            if wait_for(core, latch):
                return core.part(max(1.0, latch.deadline - monotonic()))
            warn_open(self.stats(), timeout)
            return False
        finally:
            end_recordings(core)
