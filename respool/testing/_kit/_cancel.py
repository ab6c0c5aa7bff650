"""Cancelling an adapter's coroutines at many points, and seeing what they make of it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import attrs

from ._findings import fail, shown
from ._rig import SLACK

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ._rig import Rig

__all__ = ["Cancelled", "cancel_create", "cancel_method", "judge_swallowing"]

STEPS = range(1, 6)
FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)


@attrs.define
class Cancelled:
    """What came of the cancellations that really struck: how many, and which were swallowed."""

    struck: int = 0
    swallowed: list[str] = attrs.field(factory=list)

    def note(self, task: asyncio.Task[Any]) -> None:
        """Look at a task that was cancelled while it ran."""
        self.struck += 1
        if task.cancelled():
            return
        error = task.exception()
        self.swallowed.append(f"gave {task.result()!r}" if error is None else f"raised {shown(error)}")


async def _cut(
    rig: Rig[Any], method: str, work: Coroutine[Any, Any, Any], wait: Callable[[], Any], seen: Cancelled
) -> asyncio.Task[Any]:
    """Start a call, cancel it after the wait, and see it end."""
    task = asyncio.ensure_future(work)
    await wait()
    struck = task.cancel()
    problem = f"{method} was still running {SLACK:g} s after it was cancelled"
    with rig.watch.over(2 * SLACK, problem, "let CancelledError through"):
        done, _ = await asyncio.wait({task}, timeout=SLACK)
    if not done:
        fail(problem, "let CancelledError through; wait for nothing on its way")
    if struck:
        seen.note(task)
    return task


def _points(took: float) -> list[Callable[[], Any]]:
    """Give waits: a few steps of the loop, and parts of the time that the whole call took."""

    async def steps(count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    return [
        *(lambda count=count: steps(count) for count in STEPS),
        *(lambda part=part: asyncio.sleep(part * took) for part in FRACTIONS),
    ]


async def cancel_create(rig: Rig[Any]) -> Cancelled:
    """Cancel creates at many points; what one of them still gave is taken over by the rig."""
    began = time.monotonic()
    await rig.create()
    seen = Cancelled()
    for wait in _points(time.monotonic() - began):
        task = await _cut(rig, "create", rig.adapter.create(), wait, seen)
        if not task.cancelled() and task.exception() is None:
            await rig.destroy(task.result(), when="of what a cancelled create still gave")
    return seen


async def cancel_method(rig: Rig[Any], method: str) -> Cancelled:
    """Cancel calls of validate, reset or destroy, each on a resource of its own."""
    resource = await rig.create()
    began = time.monotonic()
    await rig.attempt(method, resource)
    took = time.monotonic() - began
    if method == "destroy":
        rig.forget(resource)
    seen = Cancelled()
    for wait in _points(took):
        resource = await rig.create()
        await _cut(rig, method, getattr(rig.adapter, method)(resource), wait, seen)
        if method == "destroy":
            rig.forget(resource)
        else:
            await rig.destroy(resource, when=f"after a cancelled {method}")
    return seen


def judge_swallowing(method: str, seen: Cancelled) -> None:
    """Fail if cancellation is swallowed as a habit.

    Now and then is no habit: before Python 3.12 ``asyncio.wait_for`` itself may swallow one that comes in
    the moment of success.
    """
    if len(seen.swallowed) >= 2 and 2 * len(seen.swallowed) > seen.struck:
        fail(
            f"{method} was cancelled {seen.struck} times and swallowed that {len(seen.swallowed)} times: "
            f"it {seen.swallowed[0]} instead of raising CancelledError",
            "catch Exception, not BaseException; after cleaning up in `except BaseException`, raise again",
        )
