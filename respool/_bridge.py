"""`in_threads`: the one explicit bridge from a blocking adapter to an `AsyncPool`."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ._adapter import Adapter, AsyncAdapter, SupportsAbort
from ._adapter_checks import check_adapter
from ._async_workers import GIVEN_UP
from ._bound_adapter import bind_adapter
from ._forks import remember
from ._log import logger
from ._scrub import describe
from ._workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._bound_adapter import BoundAdapter

__all__ = ["in_threads"]

T = TypeVar("T")
MOST_THREADS = 64
"""As many as a `Pool` has workers; calls that were given up do not count."""

JOIN = 0.1
"""Seconds for idle threads to end; they take microseconds. One in a call is not waited for."""


def in_threads(adapter: Adapter[T]) -> AsyncAdapter[T]:
    """Make a blocking adapter usable by an `AsyncPool`: its methods run on daemon threads of their own.

    The threads are there while something is open and to be done; they never hold up the interpreter's exit
    (those of an executor would). The abilities of the adapter stay what they are: ``probe``, ``is_dirty`` and
    ``classify`` do not block and run on the loop, and so does a ``reset`` that is local.

    Args:
        adapter: For example the `Adapter` of a driver that knows no asyncio.

    Raises:
        TypeError: It is no blocking adapter.
    """
    check_adapter(adapter, asynchronous=False)
    return _Bridge(adapter)


class _Call:
    """One call of a blocking method on its way through a thread."""

    def __init__(self, function: Callable[[], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.function = function
        self.done = loop.create_future()
        """Set on the loop when the thread has come back, whatever it brings."""
        self.result: Any = None
        self.error: BaseException | None = None
        self.left = False
        """Whether nobody wants its result; whoever still waits then waits for its resource to be free."""
        self._loop = loop
        self._lock = threading.Lock()
        self._back = False
        self._end: Callable[[Any], object] | None = None

    def run(self) -> None:
        """Call, on the thread, and say so on the loop."""
        try:
            self.result = self.function()
        except BaseException as exc:
            self.error = exc
        with self._lock:
            self._back, end = True, self._end
        try:
            if end is not None and self.result is not None:
                end(self.result)
        except BaseException as exc:  # there is no caller to raise it to, and it would end the thread
            logger.debug("in_threads: destroy raised %s", describe(exc))
        finally:
            self._tell()

    def end_result(self, end: Callable[[Any], object]) -> bool:
        """The caller goes: have the thread end what it makes; False: it is too late, the thread is back."""
        with self._lock:
            self._end = end
            return not self._back

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self.done.set_result, None)
        except RuntimeError:
            return  # the loop is closed, and nothing waits on it


class _Bridge(AsyncAdapter[T]):
    """Runs a blocking adapter's methods on threads; has the abilities that the adapter has."""

    def __init__(self, inner: Adapter[T]) -> None:
        bound = bind_adapter(inner, Adapter)
        self._inner = inner
        self._inherited: list[Any] = []
        """After a fork: the parent's threads and calls, kept with the resources that those are made on."""
        self.kind, self.noun = bound.kind, bound.noun
        self.reset_is_local = bound.local
        self._pass_through(bound)
        self._start()
        remember(self)

    def _start(self) -> None:
        """Begin without threads: at birth, and again in the child of a fork, where none has come along."""
        self._open = 0
        self._flying: set[_Call] = set()
        self._running: dict[int, _Call] = {}
        """The call that a thread is in the middle of, by the id of its resource."""
        self._threads: Workers[_Call] = Workers(
            f"respool-{self.kind}-bridge", MOST_THREADS, lambda call: call.left
        )

    def after_fork(self) -> None:
        """In the child: the parent's threads are none here, and one of them may have held their lock."""
        self._inherited.append((self._threads, self._flying))
        self._start()

    def __repr__(self) -> str:
        return f"in_threads({self._inner!r})"

    def _pass_through(self, bound: BoundAdapter) -> None:
        """Have exactly the abilities, and the methods, that the adapter has."""
        for name in ("probe", "glance", "is_dirty", "abort", "classify"):
            if (ability := getattr(bound, name)) is not None:
                setattr(self, name, ability)
        if bound.validates:
            setattr(self, "validate", self._validate)  # noqa: B010  # a method of this one, if of that one
        if bound.resets:
            setattr(self, "reset", self._reset_here if bound.local else self._reset)  # noqa: B010

    # ------------------------------------------------------------------ the four methods

    async def create(self) -> T:
        """Create on a thread; what comes after a cancellation is destroyed there."""
        call = self._send(self._inner.create)
        made: Any = None
        try:
            made = await self._result(call, lambda: self._renounce(call))
        finally:
            self._open += made is not None
            self._dismiss()
        return made  # type: ignore[no-any-return]  # what the adapter makes

    async def destroy(self, resource: T, /) -> None:
        """Destroy on a thread, after any call that still runs on the resource."""
        try:
            await self._on(resource, self._inner.destroy)
        finally:
            self._open -= 1
            self._dismiss()

    async def _validate(self, resource: T, /) -> bool:
        return bool(await self._on(resource, self._inner.validate))

    async def _reset(self, resource: T, /) -> None:
        await self._on(resource, self._inner.reset)

    async def _reset_here(self, resource: T, /) -> None:
        self._inner.reset(resource)

    # ------------------------------------------------------------------ through a thread and back

    async def _on(self, resource: T, method: Callable[[T], Any]) -> Any:
        """Run a method on a resource; never beside another one, though that one's caller is gone."""
        key = id(resource)
        while (other := self._running.get(key)) is not None:
            await self._over(other, partial(self._leave_to_destroy, other, resource, method))
        call = self._running[key] = self._send(partial(method, resource))
        call.done.add_done_callback(lambda _: self._running.pop(key, None))
        return await self._result(call, partial(self._abort, resource))

    async def _result(self, call: _Call, leave: Callable[[], object]) -> Any:
        """Wait for a call, and give what it brings."""
        await self._over(call, leave)
        if call.error is not None:
            raise call.error
        return call.result

    async def _over(self, call: _Call, leave: Callable[[], object]) -> None:
        """Wait for a call; when the engine gives up whoever waits, wait on: its resource is not free before.

        Any other cancellation (the loop ends) is obeyed at once: the thread cannot be.
        """
        while True:
            try:
                # Though it is back already: what follows from that (`_running`) happens a turn later.
                await asyncio.wait([call.done])
            except asyncio.CancelledError as exc:
                call.left = True
                self._threads.staff()  # for a call that its thread kept waiting
                if exc.args[:1] != (GIVEN_UP,):
                    leave()
                    raise
            else:
                return

    def _send(self, function: Callable[[], Any]) -> _Call:
        call = _Call(function, asyncio.get_running_loop())
        self._flying.add(call)
        call.done.add_done_callback(lambda _: self._flying.discard(call))
        self._threads.submit(_Call.run, call)
        self._threads.staff()
        return call

    # ------------------------------------------------------------------ ends

    def _renounce(self, call: _Call) -> None:
        """Nobody takes what a create brings: it is destroyed on its thread, or on another."""
        if not call.end_result(self._inner.destroy) and call.result is not None:
            self._send(partial(self._inner.destroy, call.result)).left = True

    def _leave_to_destroy(self, other: _Call, resource: T, method: Callable[[T], Any]) -> None:
        """Whoever waited for another call has to go: a destroy follows that call all the same."""
        if method == self._inner.destroy:
            end = partial(method, resource)
            other.done.add_done_callback(lambda _: setattr(self._send(end), "left", True))

    def _abort(self, resource: T) -> None:
        """Nobody waits for the call that runs on a resource any more: let it end soon."""
        if isinstance(self._inner, SupportsAbort):
            try:
                self._inner.abort(resource)
            except Exception as exc:
                logger.debug("in_threads: abort raised %s", describe(exc))

    def _dismiss(self) -> None:
        """Let the threads end with the last resource; the next one costs 0.1 ms more."""
        if self._open <= 0 and not self._flying:
            self._threads.dismiss()
            self._threads.join(JOIN)
