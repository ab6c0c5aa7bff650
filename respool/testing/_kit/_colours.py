"""The two classes that authors subclass: everything both colours share, and what only one of them has."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, ClassVar

from respool import Adapter, AsyncAdapter

from ._abilities import AbortTests, ClassifyTests, DirtyTests, ProbeTests
from ._cancel import cancel_create, cancel_method, judge_swallowing
from ._doors import AsyncDoors, Doors, T, ThreadDoors
from ._findings import fail, require, shown
from ._leaks import LeakTests, descriptors, rounds_leave
from ._lifecycle import CreateTests, DestroyTests, ResetTests, ValidateTests
from ._rig import AsyncRig, Rig, ThreadRig
from ._scene import scene
from ._shape import ShapeTests
from ._storms import async_storm, thread_storm

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["AdapterTests", "AsyncAdapterTests"]

STALL = 0.2
"""Seconds that a coroutine may keep the loop to itself; far above a busy machine's pauses, three in a row."""


class _CommonTests(
    ClassifyTests[T],
    AbortTests[T],
    DirtyTests[T],
    ProbeTests[T],
    LeakTests[T],
    DestroyTests[T],
    ResetTests[T],
    ValidateTests[T],
    CreateTests[T],
    ShapeTests[T],
    Doors[T],
):
    """The tests that are the same in both colours; pytest runs those of the last base first."""


class AdapterTests(_CommonTests[T], ThreadDoors[T]):
    """The conformance tests of a blocking adapter.

    Subclass it in a test module, give the fixture ``adapter`` and as many back doors as you can::

        class TestSmtp(AdapterTests[smtplib.SMTP]):
            @pytest.fixture
            def adapter(self, server):
                return SmtpAdapter(server.host, server.port)

            def sever(self, resource, /):
                resource.sock.shutdown(socket.SHUT_RDWR)

    What is missing is skipped by name. Every call is bounded by ``timeouts`` (give those that your pools
    will use), so nothing an adapter does can hang the run. All calls but those of one test are made in
    one thread, which is not the one that pytest runs in.

    Attributes:
        timeouts: How long one call of each method may take; the defaults are a pool's.
        rounds: How many resources the leak tests make and destroy.
        patience: Seconds for the backend to notice what happened.
        secrets: What no repr and no error may show, besides what the kit finds by itself.
        deviations: Names of tests that this adapter does not pass, each with the reason. They are
            expected to fail, and fail the run if they pass. Replacing a test is refused.
    """

    _contract: ClassVar[type[Any]] = Adapter

    def _rig(self, adapter: Any) -> Rig[T]:
        return ThreadRig(self, adapter)

    @scene()
    async def test_a_resource_made_in_one_thread_works_in_another(self, rig: ThreadRig[Any]) -> None:
        """A pool creates, checks, cleans and destroys in whatever thread is at hand."""
        resource = await rig.create()
        mend = "keep nothing that is bound to a thread (threading.local, check_same_thread)"
        for method in ("validate", "reset", "validate", "destroy"):
            rig.move()
            outcome = await rig.attempt(method, resource, when="in another thread than create")
            if outcome.error is not None or (method == "validate" and outcome.value is not True):
                raised = outcome.error and f"raised {shown(outcome.error)}"
                what = raised or f"gave {outcome.value!r}"
                fail(f"{method} in another thread than create {what}", mend)
        rig.forget(resource)

    @scene()
    async def test_a_storm_through_a_pool_of_two(self, rig: ThreadRig[Any]) -> None:
        """Four threads, two resources: no lease fails, none sees another's state, nothing stays open."""
        await thread_storm(self, rig)


class AsyncAdapterTests(_CommonTests[T], AsyncDoors[T]):
    """The conformance tests of an asynchronous adapter; see `AdapterTests`.

    The fixture ``adapter`` is a plain one that gives an `AsyncAdapter`; every back door but
    ``unreachable`` is a coroutine. Each test runs on a fresh event loop of its own, so no pytest plugin
    is needed, and the adapter must not be bound to a loop before ``create``.
    """

    _contract: ClassVar[type[Any]] = AsyncAdapter

    def _rig(self, adapter: Any) -> Rig[T]:
        return AsyncRig(self, adapter)

    @scene()
    async def test_create_does_not_block_the_loop(self, rig: Rig[Any]) -> None:
        """The best of three attempts counts: a busy machine stalls once, blocking code always."""

        async def replace(resource: Any) -> None:
            await rig.destroy(resource)
            await rig.create()

        await _require_pulse("create and destroy", rig.create, replace)

    @scene()
    async def test_validate_and_reset_do_not_block_the_loop(self, rig: Rig[Any]) -> None:
        """The two that run most often; reset on a soiled resource, where ``soil`` is given."""

        async def used() -> Any:
            resource = await rig.create()
            if self._has("soil"):
                await rig.door("soil", resource)
            return resource

        await _require_pulse("validate", rig.create, lambda resource: rig.attempt("validate", resource))
        await _require_pulse("reset", used, lambda resource: rig.attempt("reset", resource))

    @scene()
    async def test_no_task_is_left(self, rig: Rig[Any]) -> None:
        """The loop has no more tasks than before."""
        left = await rounds_leave(rig, lambda: len(asyncio.all_tasks()), self.rounds)
        require(
            left <= 0,
            f"{left} tasks are left after {self.rounds} resources were made and destroyed",
            "in destroy cancel and await the tasks that belong to the resource",
        )

    @scene()
    async def test_cancelling_create_leaves_nothing(self, rig: Rig[Any]) -> None:
        """A create past its timeout is cancelled: what it has opened by then is its own to close."""
        await rig.destroy(await rig.create())
        opened = await rig.steady(lambda: rig.door("count_open")) if self._has("count_open") else 0
        before, tasks = await rig.steady(descriptors), len(asyncio.all_tasks())
        await cancel_create(rig)
        await rig.end_all()
        mend = "close what was opened in `except BaseException: ...; raise`, CancelledError included"
        left = await rig.settles(descriptors, before) - before
        require(left <= 0, f"{left} descriptors are left after cancelled creates", mend)
        left = await rig.settles(lambda: len(asyncio.all_tasks()), tasks) - tasks
        require(left <= 0, f"{left} tasks are left after cancelled creates", mend)
        if self._has("count_open"):
            left = await rig.settles(lambda: rig.door("count_open"), opened) - opened
            require(left <= 0, f"{left} resources are open at the backend after cancelled creates", mend)

    @scene()
    async def test_cancellation_of_create_is_not_swallowed(self, rig: Rig[Any]) -> None:
        """It raises CancelledError, soon."""
        judge_swallowing("create", await cancel_create(rig))

    @scene()
    async def test_cancellation_of_the_other_methods_is_not_swallowed(self, rig: Rig[Any]) -> None:
        """Being cancelled says nothing about the resource: it is no failed check, and no success."""
        for method in ("validate", "reset", "destroy"):
            judge_swallowing(method, await cancel_method(rig, method))

    @scene()
    async def test_a_reset_said_to_be_local_does_not_wait(self, rig: Rig[Any]) -> None:
        """With ``reset_is_local`` a pool runs reset to its end in place."""
        if not rig.adapter.reset_is_local:
            return
        resource = await rig.create()
        if self._has("soil"):
            await rig.door("soil", resource)
        step = rig.adapter.reset(resource)
        try:
            step.send(None)
        except StopIteration:
            return
        except Exception:
            return  # it refuses, which is as quick
        step.close()
        fail("reset_is_local is True, yet reset awaits something", "leave reset_is_local out")

    @scene()
    async def test_a_storm_through_a_pool_of_two(self, rig: Rig[Any]) -> None:
        """Four tasks, two resources: no lease fails, none sees another's state, nothing stays open."""
        await async_storm(self, rig)


async def _require_pulse(
    what: str, prepare: Callable[[], Awaitable[Any]], work: Callable[[Any], Awaitable[object]]
) -> None:
    """Fail where the work on what was prepared stops the loop three times in a row."""
    stall = math.inf
    for _ in range(3):
        resource = await prepare()
        pulse = asyncio.ensure_future(_longest_stall())
        await asyncio.sleep(0)
        await work(resource)
        pulse.cancel()
        stall = min(stall, (await asyncio.gather(pulse))[0])
        if stall < STALL:
            return
    fail(
        f"{what} kept the event loop from all others for {stall:.2f} s",
        "await a driver that is asynchronous itself, or keep the blocking Adapter and use in_threads()",
    )


async def _longest_stall() -> float:
    """Tick until cancelled; give the longest time between two ticks."""
    longest, last = 0.0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
    except asyncio.CancelledError:
        return max(longest, time.monotonic() - last)
