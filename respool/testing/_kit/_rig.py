"""The rig: one adapter under test, called with a bound on every call, in either colour.

Every test of the kit is written once, as a coroutine. A blocking adapter is called on a thread of the
rig's, always the same one unless the test says otherwise; an asynchronous one on the loop itself.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from ._findings import MEND, RETURN_IT, fail, judge_answer, shown
from ._watch import Caller, Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._doors import Doors

__all__ = ["AsyncRig", "Outcome", "Rig", "ThreadRig"]

T = TypeVar("T")

PLAIN = 1.0
"""Seconds for what must not block at all: far above any pause of a busy machine's scheduler."""
DOOR = 30.0
SLACK = 1.0
"""Seconds for the event loop to report by itself before the watch does."""


@attrs.frozen
class Outcome:
    """How one adapter call ended."""

    value: Any = None
    error: BaseException | None = None


class Hung(Exception):
    """A call did not return in time."""


class Rig(ABC, Generic[T]):
    """Calls one adapter, and destroys at the end what the test did not."""

    def __init__(self, kit: Doors[T], adapter: Any) -> None:
        self.kit = kit
        self.adapter = adapter
        self.watch = Watch()
        self._live: list[T] = []
        self._hung: list[Any] = []

    # -- calls ------------------------------------------------------------------------------------------

    async def attempt(self, method: str, *args: Any, when: str = "", adapter: Any = None) -> Outcome:
        """Call a method of the adapter; fail the test if it hangs, and give anything else back."""
        seconds = self.bound(method)
        problem = f"{method}{when and ' ' + when} did not return within {seconds:g} s"
        target = self.adapter if adapter is None else adapter
        try:
            with self.watch.over(seconds + SLACK, problem + " and blocked the event loop", MEND[method]):
                value = await self._call(getattr(target, method), args, seconds)
        except Hung:
            self._hung.extend(args)
            fail(problem, MEND[method])
        except (asyncio.CancelledError, Exception) as exc:
            return Outcome(error=exc)
        self._judge_colour(method, value)
        return Outcome(value)

    def bound(self, method: str) -> float:
        """Give the seconds that a call of the method may take, grace included."""
        phase: float = getattr(self.kit.timeouts, method, PLAIN - self.kit.grace)
        return phase + self.kit.grace

    async def must(self, method: str, *args: Any, when: str = "", mend: str) -> Any:
        """Call a method of the adapter that may neither hang nor raise here."""
        outcome = await self.attempt(method, *args, when=when)
        if outcome.error is not None:
            fail(f"{method}{when and ' ' + when} raised {shown(outcome.error)}", mend)
        return outcome.value

    async def seconds(self, ability: str, resource: T, call: Callable[[T], object] | None = None) -> float:
        """Time one call of a plain ability where it is made; what it gives or raises other tests look at."""
        problem = f"{ability} did not return within {PLAIN:g} s"
        call = call or getattr(self.adapter, ability)
        try:
            with self.watch.over(PLAIN + SLACK, problem + " and blocked the event loop", MEND[ability]):
                took: float = await self._call(_clocked, (call, resource), PLAIN)
        except Hung:
            self._hung.append(resource)
            fail(problem, MEND[ability])
        return took

    async def create(self) -> T:
        """Make a resource, to be destroyed at the test's end at the latest."""
        made: T | None = await self.must(
            "create", mend="mend create, or check that the adapter fixture can connect"
        )
        if made is None:
            fail("create returned None", RETURN_IT)
        self._live.append(made)
        return made

    def adopt(self, made: T) -> None:
        """Take charge of a resource that the test made in another way."""
        self._live.append(made)

    def forget(self, resource: T) -> None:
        """Leave a resource alone: the test has destroyed it in another way."""
        self._live = [other for other in self._live if other is not resource]

    async def validate(self, resource: T, when: str = "on a fresh resource") -> None:
        """Require that the resource validates."""
        mend = "return True for a resource that works; raise or return False only for one that does not"
        answer = await self.must("validate", resource, when=when, mend=mend)
        if answer is not True:
            fail(f"validate {when} gave {answer!r} instead of True", mend)

    async def reset(self, resource: T, when: str) -> Outcome:
        """Reset a resource: it may refuse by raising, but not hang."""
        return await self.attempt("reset", resource, when=when)

    async def destroy(self, resource: T, when: str = "of a fresh resource") -> None:
        """Require that destroy ends the resource without an error."""
        self.forget(resource)
        mend = "end it whatever state it is in: suppress what the driver raises about a broken one"
        await self.must("destroy", resource, when=when, mend=mend)

    async def door(self, name: str, *args: Any) -> Any:
        """Use a back door; what it raises is the author's to see."""
        door: Callable[..., Any] = getattr(self.kit, name)
        problem, mend = f"the back door {name} did not return within {DOOR:g} s", "bound what it does"
        try:
            with self.watch.over(DOOR + SLACK, problem, mend):
                answer = await self._call(door, args, DOOR)
        except Hung:
            fail(problem, mend)
        judge_answer(name, answer)
        return answer

    async def finish(self) -> None:
        """Destroy what is left, quietly: the test has said what it had to say."""
        await self.end_all()
        await self._close()

    async def end_all(self) -> None:
        """Destroy every resource that the test made and has not destroyed itself."""
        left, self._live = self._live, []
        for resource in left:
            if not any(resource is hung for hung in self._hung):
                await self._end(resource)

    async def _end(self, resource: T) -> None:
        seconds, problem = self.bound("destroy"), "destroy at the test's end blocked the event loop"
        with suppress(Exception), self.watch.over(seconds + SLACK, problem, MEND["destroy"]):
            await self._call(self.adapter.destroy, (resource,), seconds)

    # -- what the colours do differently -----------------------------------------------------------------

    @abstractmethod
    def start(self, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Start a call beside others, in a thread or task of its own."""

    @abstractmethod
    async def _call(self, method: Callable[..., Any], args: tuple[Any, ...], seconds: float) -> Any:
        """Call; raise Hung when there is no answer in time."""

    @abstractmethod
    def _judge_colour(self, method: str, value: object) -> None:
        """Fail if a method answered in the other colour."""

    async def _close(self) -> None:
        """Give back what the rig itself uses."""

    # -- waiting ----------------------------------------------------------------------------------------

    async def settles(self, measure: Callable[[], Any], at_most: int) -> int:
        """Measure until the number has fallen far enough or patience ends; give the last one."""
        deadline = time.monotonic() + self.kit.patience
        while (seen := await _measured(measure)) > at_most and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return seen

    async def rises(self, measure: Callable[[], Any], at_least: int) -> int:
        """Measure until the number has risen far enough or patience ends; give the last one."""
        deadline = time.monotonic() + self.kit.patience
        while (seen := await _measured(measure)) < at_least and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        return seen

    async def steady(self, measure: Callable[[], Any]) -> int:
        """Measure until the number stands still: what ran before may still be going away."""
        seen = await _measured(measure)
        for _ in range(20):
            await asyncio.sleep(0.02)
            before, seen = seen, await _measured(measure)
            if before == seen:
                break
        return seen


def _clocked(call: Callable[..., Any], resource: Any) -> float:
    began = time.perf_counter()
    with suppress(Exception):
        call(resource)
    return time.perf_counter() - began


async def _measured(measure: Callable[[], Any]) -> int:
    answer = measure()
    number: int = await answer if inspect.isawaitable(answer) else answer
    return number


class ThreadRig(Rig[T]):
    """Calls a blocking adapter, on one home thread unless told otherwise."""

    def __init__(self, kit: Doors[T], adapter: Any) -> None:
        super().__init__(kit, adapter)
        self._callers = [Caller()]

    def move(self) -> None:
        """Make the calls from now on in another thread."""
        self._callers.append(Caller())

    def start(self, work: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Start a call in a thread of its own."""
        self._callers.insert(0, Caller())
        return asyncio.wrap_future(self._callers[0].submit(work, *args))

    async def _call(self, method: Callable[..., Any], args: tuple[Any, ...], seconds: float) -> Any:
        future = asyncio.wrap_future(self._callers[-1].submit(method, *args))
        done, _ = await asyncio.wait({future}, timeout=seconds)
        if not done:
            self.move()
            raise Hung
        return future.result()

    def _judge_colour(self, method: str, value: object) -> None:
        if inspect.iscoroutine(value):
            value.close()
            fail(
                f"{method} gave a coroutine, but this is a blocking Adapter",
                f"write `def {method}` without async, or subclass AsyncAdapter and AsyncAdapterTests",
            )

    async def _close(self) -> None:
        for caller in self._callers:
            caller.stop()


class AsyncRig(Rig[T]):
    """Calls an asynchronous adapter, on the loop."""

    def start(self, work: Callable[..., Any], *args: Any) -> asyncio.Task[Any]:
        """Start a call in a task of its own."""
        return asyncio.ensure_future(work(*args))

    async def _call(self, method: Callable[..., Any], args: tuple[Any, ...], seconds: float) -> Any:
        answer = method(*args)
        if not inspect.isawaitable(answer):
            return answer
        task = asyncio.ensure_future(answer)
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            task.cancel()
            await asyncio.wait({task}, timeout=SLACK)
            raise Hung
        return task.result()

    def _judge_colour(self, method: str, value: object) -> None:
        """Leave it to the test of the signatures: a plain answer is as good as an awaited one here."""
