"""What must be left when resources are gone: nothing."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from ._doors import Doors, T
from ._findings import fail, require
from ._scene import scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._rig import Rig

__all__ = ["LeakTests", "descriptors", "rounds_leave"]

DESCRIPTORS = next((folder for folder in ("/proc/self/fd", "/dev/fd") if os.path.isdir(folder)), None)


def descriptors() -> int:
    """Count the open descriptors of this process; skip where the system does not show them."""
    if DESCRIPTORS is None:
        pytest.skip("this system does not list a process's descriptors (/proc/self/fd)")
    return len(os.listdir(DESCRIPTORS))


async def rounds_leave(rig: Rig[Any], measure: Callable[[], Any], rounds: int) -> int:
    """Tell how many more there are of what is measured, after so many resources came and went."""
    await rig.destroy(await rig.create())  # what a driver sets up once is no leak
    gc.collect()
    before = await rig.steady(measure)
    for _ in range(rounds):
        await rig.destroy(await rig.create())
    return await rig.settles(measure, before) - before


class LeakTests(Doors[T]):
    """What the kit asks of destroy in the long run, and of a create that failed."""

    @scene("count_open")
    async def test_nothing_stays_open_at_the_backend(self, rig: Rig[Any]) -> None:
        """The backend's own count is back where it was."""
        resource, before = await rig.create(), 0
        before = await rig.steady(lambda: rig.door("count_open"))
        require(
            before >= 1,
            f"count_open() says {before} while a resource is open",
            "mend the back door: ask the backend for what is open now",
        )
        await rig.destroy(resource)
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

    @scene("unreachable")
    async def test_a_failed_create_leaves_nothing_behind(self, rig: Rig[Any]) -> None:
        """During an outage a pool tries for hours: each failure must clean up after itself."""
        stranded = self._stranded()  # type: ignore[attr-defined]  # of CreateTests
        await rig.attempt("create", when="with the backend unreachable", adapter=stranded)
        gc.collect()
        before, tries, began = await rig.steady(descriptors), 0, time.monotonic()
        while tries < 10 and time.monotonic() < began + 2:
            await rig.attempt("create", when="with the backend unreachable", adapter=stranded)
            tries += 1
        left = await rig.settles(descriptors, before) - before
        if left > 0:
            fail(
                f"{left} descriptors are left after {tries} creates that failed",
                "close in create what was opened before the step that raised",
            )
