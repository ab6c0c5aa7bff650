"""The reference page of adapter calls says what both pools do: where each runs, and what leads to which."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from respool import Fault, Timeouts
from respool.testing import ScriptedError, error, never, ok, value
from tests.shells.rig import Rig, RigLease, RigPool, eventually

PAGE = (Path(__file__).parents[2] / "docs/reference/adapter-calls.md").read_text()
ABILITIES = ("probe", "dirty", "abort", "classify")


def rows(head: str) -> list[list[str]]:
    """Give the cells of the table that begins with this head."""
    lines = PAGE[PAGE.index(f"| {head} |") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


# ---------------------------------------------------------------------- the first table


def here() -> str:
    """Tell whether this runs in a thread or task of the pool's own, or in the caller's."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    name = task.get_name() if task is not None else threading.current_thread().name
    return "pool" if name.startswith("respool-") else "caller"


def test_each_method_runs_where_the_page_says(rig: Rig) -> None:
    seen: dict[str, set[str]] = {}

    def note(call: Any) -> Any:
        seen.setdefault(call.method, set()).add(here())
        return value(True) if call.method == "is_dirty" else None

    methods = ("create", "validate", "reset", "destroy", "probe", "is_dirty")
    for local in (False, True):
        adapter = rig.adapter(abilities=ABILITIES, reset_is_local=local, **dict.fromkeys(methods, note))
        pool = rig.pool(adapter, check_after=0, max_size=1)
        for _ in range(2):
            pool.acquire().release()
            pool.quiet()
        pool.close()
        if not local:
            seen["not local"] = seen.pop("reset")
    seen["reset` with `reset_is_local"] = seen.pop("reset")
    seen["reset"] = seen.pop("not local")
    told = {cells[0].strip("`"): {cells[2]} for cells in rows("method")}
    assert {"any"} == told.pop("abort")
    assert {"same"} == told.pop("classify")
    assert {"pool; what it gave: caller"} == told.pop("glance")  # see `test_glance.py`
    assert told == seen


def test_the_page_names_every_method_and_its_limit() -> None:
    told = {cells[0].strip("`"): cells[3] for cells in rows("method") if "local" not in cells[0]}
    for method in ("create", "validate", "reset", "destroy"):
        assert f"`{method}_timeout`" == told.pop(method)
        assert re.search(rf"`{method}_timeout` {getattr(Timeouts(), method):g}\b", PAGE)
    assert dict.fromkeys(("probe", "glance", "is_dirty", "abort", "classify"), "must not block") == told


# ---------------------------------------------------------------------- the second table


@attrs.define
class Scene:
    """One pool of one resource, and what its adapter was asked since a certain moment."""

    pool: RigPool
    mark: int = 0
    leases: list[RigLease] = attrs.field(factory=list)

    @property
    def adapter(self) -> Any:
        return self.pool.adapter

    def from_here(self) -> None:
        """Look at what is called from now on."""
        self.pool.quiet()
        self.mark = len(self.adapter.calls())

    def calls(self) -> list[str]:
        """Give the methods that were called, in order."""
        return [call.method for call in self.adapter.calls()[self.mark :]]

    def acquire(self) -> None:
        """Hold one until the calls are compared."""
        self.leases.append(self.pool.acquire())

    def idle(self) -> None:
        """Have one idle, and look from here."""
        self.pool.acquire().release()
        self.from_here()

    def held(self) -> RigLease:
        """Have one held, and look from here."""
        lease = self.pool.acquire()
        self.from_here()
        return lease


def scene(rig: Rig, options: dict[str, Any], scripts: dict[str, Any]) -> Scene:
    adapter = rig.adapter(**{"abilities": ABILITIES, **scripts})
    return Scene(rig.pool(adapter, **{"max_size": 1, "check_after": 60.0, **options}))


Happening = Callable[[Scene], object]


def acquire_idle(scene: Scene) -> None:
    scene.idle()
    scene.acquire()


def release_held(scene: Scene) -> None:
    scene.held().release()


def release_dirty(scene: Scene) -> None:
    lease = scene.held()
    lease.resource.leftovers.append("something")
    lease.release()


def leave_with(exc: Exception) -> Happening:
    def leave(scene: Scene) -> None:
        lease = scene.held()
        scene.pool.rig.leave(lease.raw, exc)

    return leave


def release_after_close(scene: Scene) -> None:
    lease = scene.held()
    scene.pool.close(0)
    lease.release()


def refresh(scene: Scene) -> None:
    scene.idle()
    scene.pool.refresh()(None)


def close(scene: Scene) -> None:
    scene.idle()
    scene.pool.close()


def hung_keepalive(scene: Scene) -> None:
    scene.held().release()
    scene.mark += 1  # its return is another line
    eventually(lambda: scene.adapter.count("destroy"), "the end of the one that hung")


FIRST: dict[str, Any] = {"check_after": 0.0}
BROKEN = ScriptedError(fault=Fault.RESOURCE_BROKEN)
HAPPENINGS: dict[str, tuple[Happening, dict[str, Any], dict[str, Any]]] = {
    "an acquire, and nothing is idle": (Scene.acquire, {}, {}),
    "an acquire, and one is idle": (acquire_idle, {}, {}),
    "an acquire, and one has been idle for `check_after`": (acquire_idle, FIRST, {}),
    "an acquire, and the probe of the idle one says False": (
        acquire_idle,
        {},
        {"probe": [ok(), value(False)]},
    ),
    "an acquire, and the probe of the idle one raises": (acquire_idle, {}, {"probe": [ok(), error(BROKEN)]}),
    "an acquire, and the check of the idle one says False": (acquire_idle, FIRST, {"validate": value(False)}),
    "an acquire, and the check of the idle one raises": (acquire_idle, FIRST, {"validate": error(BROKEN)}),
    "a release of a clean one": (release_held, {}, {}),
    "a release of a dirty one": (release_dirty, {}, {}),
    "a release, and the reset raises": (release_dirty, {}, {"reset": error(BROKEN)}),
    "a release after an exception that is `BENIGN`": (leave_with(KeyError("his own")), {}, {}),
    "a release after an exception that is `RESOURCE_BROKEN`": (leave_with(BROKEN), {}, {}),
    "a release after an exception without a verdict": (
        leave_with(KeyError("what is it?")),
        {},
        {"classify": error(ValueError("no idea"))},
    ),
    "a discard": (lambda s: s.held().discard(), {}, {}),
    "a detach": (lambda s: s.held().detach(), {}, {}),
    "a release of one that has been used `max_uses` times": (release_held, {"max_uses": 1}, {}),
    "a release when the pool is closed": (release_after_close, {}, {}),
    "a refresh, and one is idle": (refresh, {}, {}),
    "a close, and one is idle": (close, {}, {}),
    "an acquire, and the first create raises": (
        Scene.acquire,
        {},
        {"create": [error(ScriptedError(fault=Fault.BACKEND_DOWN))]},
    ),
    "a keepalive, and the check outlasts `validate_timeout`": (
        hung_keepalive,
        {"keepalive": 0.05, "validate_timeout": 0.2, "sizing": None},
        # A thread's call ends by the abort, a task's by being cancelled as well: only one has a verdict.
        {"validate": never(), "abilities": ("probe", "dirty", "abort")},
    ),
}


def test_every_line_of_the_table_has_a_scenario() -> None:
    assert list(HAPPENINGS) == [cells[0] for cells in rows("what happens")]


@pytest.mark.parametrize(("what", "calls"), [tuple(cells) for cells in rows("what happens")])
def test_the_calls_are_those_of_the_page(rig: Rig, what: str, calls: str) -> None:
    happens, options, scripts = HAPPENINGS[what]
    set_up = scene(rig, options, scripts)
    happens(set_up)
    set_up.pool.quiet()
    assert re.findall(r"`(\w+)`", calls) == set_up.calls()
    for lease in set_up.leases:
        lease.release()
