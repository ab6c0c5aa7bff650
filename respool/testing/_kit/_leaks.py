"""What must be left when resources are gone: nothing."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ._doors import Doors, T
from ._findings import require
from ._scene import scene

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ._rig import Rig

__all__ = ["LeakTests", "descriptors", "rounds_leave", "what_is_left"]

FEW = 10
"""Rounds where each may be slow: what leaks every time is seen in as many."""
DESCRIPTORS = next((folder for folder in ("/proc/self/fd", "/dev/fd") if os.path.isdir(folder)), None)


def descriptors() -> int:
    """Count the open descriptors of this process; skip where the system does not show them."""
    if DESCRIPTORS is None:
        pytest.skip("this system does not list a process's descriptors (/proc/self/fd)")
    return len(os.listdir(DESCRIPTORS))


def _measures(rig: Rig[Any]) -> dict[str, Callable[[], Any]]:
    """Give all that can be counted here, under the name of what would be left."""
    found: dict[str, Callable[[], Any]] = {}
    if rig.kit._has("count_open"):  # first, for the back door may leave a thread of its own
        found["resources open at the backend"] = lambda: rig.door("count_open")
    if DESCRIPTORS is not None:
        found["descriptors"] = descriptors
    found["tasks"] = lambda: len(asyncio.all_tasks())
    found["threads"] = threading.active_count
    return found


async def what_is_left(rig: Rig[Any], work: Callable[[], Awaitable[int]]) -> str:
    """Have some work done, and list what there is more of after it; nothing: an empty text.

    The work tells its rounds. Threads are a leak only where every other round left one: the loop's own
    executor may grow by one meanwhile.
    """
    gc.collect()
    measures = _measures(rig)
    before = {name: await rig.steady(measure) for name, measure in measures.items()}
    rounds = await work()
    left = {name: await rig.settles(measures[name], count) - count for name, count in before.items()}
    least = {"threads": (rounds + 1) // 2}
    return ", ".join(f"{count} {name}" for name, count in left.items() if count >= least.get(name, 1))


async def rounds_leave(rig: Rig[Any], measure: Callable[[], Any], rounds: int) -> int:
    """Tell how many more there are of what is measured, after so many resources came and went."""
    await rig.destroy(await rig.create())  # what a driver sets up once is no leak
    gc.collect()
    before = await rig.steady(measure)
    kept = [await _made_and_destroyed(rig) for _ in range(rounds)]
    left = await rig.settles(measure, before) - before
    del kept  # until here: a holder may keep what it had, so destroy has to end it and not the collector
    return left


async def _made_and_destroyed(rig: Rig[Any]) -> Any:
    resource = await rig.create()
    await rig.destroy(resource)
    return resource


class LeakTests(Doors[T]):
    """What the kit asks of destroy in the long run, and of a create that failed."""

    @scene("count_open")
    async def test_nothing_stays_open_at_the_backend(self, rig: Rig[Any]) -> None:
        """The backend's own count is back where it was."""
        mend = "mend the back door: ask the backend for what is open now"
        resource = await rig.create()
        one = await rig.steady(lambda: rig.door("count_open"))
        require(one >= 1, f"count_open() says {one} while a resource is open", mend)
        another = await rig.create()
        two = await rig.rises(lambda: rig.door("count_open"), one + 1)
        require(two > one, f"count_open() says {two} with two resources open, and {one} with one", mend)
        await rig.destroy(resource)
        await rig.destroy(another)
        left = await rounds_leave(rig, lambda: rig.door("count_open"), self.rounds)
        require(
            left <= 0,
            f"{left} resources are still open at the backend after {self.rounds} were made and destroyed",
            "close the resource in destroy, whatever state it is in",
        )

    @scene()
    async def test_no_descriptor_is_left(self, rig: Rig[Any]) -> None:
        """The process has no more descriptors than before."""
        left = await rounds_leave(rig, descriptors, self.rounds)
        require(
            left <= 0,
            f"{left} descriptors are left after {self.rounds} resources were made and destroyed",
            "close in destroy everything that create opened: sockets, files, duplicates made for abort",
        )

    @scene()
    async def test_no_thread_is_left(self, rig: Rig[Any]) -> None:
        """The process has no more threads than before."""
        left = await rounds_leave(rig, threading.active_count, self.rounds)
        require(
            left <= 0,
            f"{left} threads are left after {self.rounds} resources were made and destroyed",
            "stop and join in destroy the threads that belong to the resource",
        )

    @scene("sever")
    async def test_nothing_is_left_of_severed_resources(self, rig: Rig[Any]) -> None:
        """No descriptor, thread or task, nothing open at the backend, though the goodbye failed."""
        await self._require_nothing_left(rig, "sever", "severed")

    @scene("soil")
    async def test_nothing_is_left_of_soiled_resources(self, rig: Rig[Any]) -> None:
        """The same of resources that were given up as their holder left them."""
        await self._require_nothing_left(rig, "soil", "soiled")

    async def _require_nothing_left(self, rig: Rig[Any], door: str, kind: str) -> None:
        kept: list[Any] = []  # as a holder may; none is ended by being collected

        async def end(rounds: int) -> int:
            for _ in range(rounds):
                kept.append(resource := await rig.create())
                await rig.door(door, resource)
                rig.forget(resource)
                await rig.attempt("destroy", resource, when=f"of a {kind} resource")
            return rounds

        await end(1)  # what a driver sets up once is no leak
        rounds = min(self.rounds, FEW)
        left = await what_is_left(rig, lambda: end(rounds))
        require(
            not left,
            f"{left} are left after {rounds} {kind} resources were destroyed",
            "close in destroy whatever becomes of a goodbye: `try: goodbye, finally: close`",
        )

    @scene("unreachable")
    async def test_a_failed_create_leaves_nothing_behind(self, rig: Rig[Any]) -> None:
        """During an outage a pool tries for hours: each failure must clean up after itself."""
        stranded = self._stranded()  # type: ignore[attr-defined]  # of CreateTests

        async def fail_often(seconds: float = 2.0) -> int:
            began, tries = time.monotonic(), 0
            while tries < FEW and time.monotonic() < began + seconds:
                await rig.attempt("create", when="with the backend unreachable", adapter=stranded)
                tries += 1
            return tries

        await fail_often(0.01)  # what a driver sets up once is no leak
        left = await what_is_left(rig, fail_often)
        require(
            not left,
            f"{left} are left after creates that failed",
            "close in create what was opened, and end what was started, before the step that raised",
        )
