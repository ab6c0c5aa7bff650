"""The glance: what a hand-out calls in place of the probe while it sees nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from respool import Adapter, AsyncAdapter, AsyncPool, Pool, SupportsGlance, in_threads
from tests.shells.rig import eventually
from tests.shells.test_adapter_calls import here
from tests.shells.test_async_bridge import bridge_threads

LOUD = RuntimeError("it hung up")


class Wire:
    """A resource whose wire says something, or not."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.says: Any = ""
        self.looked: list[str] = []

    def look(self, seconds: int, /) -> object:
        """Say what it says at once, or raise it."""
        assert seconds == 0
        self.looked.append(here())
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


class Looks(Adapter[Wire]):
    """An adapter with a glance; it finds suspect what has something to say, until it is validated."""

    def __init__(self, glance: Callable[[Wire], Any] = lambda wire: wire.look) -> None:
        self._glance = glance
        self.made: list[Wire] = []
        self.asked: list[str] = []
        self.probed: list[int] = []
        self.validated: list[int] = []
        self.verdict: bool | Exception = False

    def create(self) -> Wire:
        """Make one."""
        self.made.append(Wire(len(self.made)))
        return self.made[-1]

    def validate(self, resource: Wire, /) -> bool:
        """Find it well, and silent from now on."""
        self.validated.append(resource.number)
        resource.says = ""
        return True

    def probe(self, resource: Wire, /) -> bool:
        """Give the verdict that was asked for."""
        self.probed.append(resource.number)
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict

    def glance(self, resource: Wire, /) -> Callable[[int], object] | None:
        """Give what the test wants."""
        self.asked.append(here())
        return self._glance(resource)  # type: ignore[no-any-return]  # or something worse


Lease = Callable[[], int]
"""Leases once, by one of the ways in which a lease begins, and gives the resource's number."""


@contextmanager
def threads(adapter: Looks, way: str) -> Iterator[Lease]:
    with Pool(adapter, max_size=1) as pool:
        block, explicit = pool.acquire, lambda: pool.acquire(5.0)

        def lease() -> int:
            with (block if way == "block" else explicit)() as wire:
                return wire.number

        yield lease


@contextmanager
def tasks(adapter: AsyncAdapter[Wire], way: str) -> Iterator[Lease]:
    async def by_block() -> int:
        async with pool.acquire() as wire:
            return wire.number

    async def by_await() -> int:
        lease = await pool.acquire()
        try:
            return lease.resource.number
        finally:
            lease.release()

    async def opened() -> AsyncPool[Wire]:
        return AsyncPool(adapter, max_size=1)

    with asyncio.Runner() as runner:
        pool = runner.run(opened())
        yield lambda: runner.run(by_block() if way == "block" else by_await())
        runner.run(pool.close())
    eventually(lambda: not bridge_threads(), "the end of the bridge's threads")


Rig = Callable[[Looks], AbstractContextManager[Lease]]


@pytest.fixture(params=["block", "slow", "task's block", "task's await"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Give each way in which a lease begins."""
    shell, _, way = request.param.rpartition(" ")
    return lambda adapter: tasks(in_threads(adapter), way) if shell else threads(adapter, way)


def test_a_glance_belongs_to_a_probe() -> None:
    assert isinstance(Looks(), SupportsGlance)
    assert not isinstance(type("Half", (), {"glance": Looks.glance})(), SupportsGlance)


def test_it_is_asked_for_once_by_the_pool_and_called_by_who_acquires(rig: Rig) -> None:
    adapter = Looks()
    with rig(adapter) as lease:
        for _ in range(3):
            lease()
    assert adapter.asked == ["pool"]
    assert set(adapter.made[0].looked) == {"caller"}


def test_while_it_sees_nothing_the_probe_is_not_asked(rig: Rig) -> None:
    adapter = Looks()
    with rig(adapter) as lease:
        assert [lease() for _ in range(3)] == [0, 0, 0]
    assert len(adapter.made[0].looked) >= 2
    assert adapter.probed == adapter.validated == []


def test_when_it_sees_something_the_probe_decides(rig: Rig) -> None:
    adapter = Looks()
    with rig(adapter) as lease:
        lease()
        adapter.made[0].says = "a notification"
        adapter.verdict = True
        assert lease() == 0
        assert (adapter.probed, adapter.validated) == ([0], [])
        adapter.verdict = False
        assert lease() == 0
        assert (adapter.probed, adapter.validated) == ([0, 0], [0])
        adapter.made[0].says = "goodbye"
        adapter.verdict = LOUD
        assert lease() == 1


def test_one_that_raises_has_found_it_dead(rig: Rig) -> None:
    """Behaviour 87."""
    adapter = Looks()
    with rig(adapter) as lease:
        lease()
        adapter.made[0].says = LOUD
        assert lease() == 1
    assert adapter.probed == []


def refuse(wire: Wire) -> None:
    """Be no glance."""
    raise LOUD


@pytest.mark.parametrize(
    ("glance", "said"), [(lambda wire: None, 0), (lambda wire: "nonsense", 1), (refuse, 1)]
)
def test_what_has_none_is_probed_every_time(
    rig: Rig, glance: Callable[[Wire], Any], said: int, caplog: pytest.LogCaptureFixture
) -> None:
    adapter = Looks(glance)
    adapter.verdict = True
    with caplog.at_level(logging.DEBUG, "respool"), rig(adapter) as lease:
        assert [lease() for _ in range(4)] == [0, 0, 0, 0]
    assert len(adapter.probed) >= 3
    assert said == sum("glance of " in record.message for record in caplog.records)
    assert all(record.levelno == logging.DEBUG for record in caplog.records)


class Probes(Looks):
    """Writes the probe anew, of which the glance above knows nothing."""

    def probe(self, resource: Wire, /) -> bool:
        """Find it well."""
        self.probed.append(resource.number)
        return True


class Cleans(Looks):
    """Writes a dirty test of its own."""

    verdict = True

    def is_dirty(self, resource: Wire, /) -> bool:
        """See less than the one above may have seen."""
        return False


class GlancesToo(Probes):
    """Writes both anew."""

    def glance(self, resource: Wire, /) -> Callable[[int], object]:
        """Give it once more."""
        return resource.look


@pytest.mark.parametrize(("kind", "probed"), [(Probes, True), (Cleans, True), (GlancesToo, False)])
def test_a_glance_that_was_written_before_the_probe_or_the_dirty_test_is_not_used(
    rig: Rig, kind: type[Looks], probed: bool
) -> None:
    """Behaviour 87. Whoever extends an adapter that has one is asked at every hand-out all the same."""
    adapter = kind()
    adapter.verdict = True
    with rig(adapter) as lease:
        for _ in range(3):
            lease()
    assert bool(adapter.probed) is probed


def test_a_glance_without_a_probe_is_refused() -> None:
    class Half(Adapter[Wire]):
        def create(self) -> Wire:
            return Wire(0)

        def glance(self, resource: Wire, /) -> Callable[[int], object]:
            return resource.look

    with pytest.raises(TypeError, match="Half has glance and no probe"):
        Pool(Half())
