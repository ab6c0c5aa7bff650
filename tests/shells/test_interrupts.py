"""An exception at every bytecode of acquire and release: nothing is lost, and nothing gets two owners."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import pytest

import respool._thread_core
import respool._threads
from respool import Adapter, Elastic, Fixed, Lease, Pool, SizingPolicy

from .strikes import moments_in, strike

HANG = 20.0
"""Longer than anything here takes, s: a guard against hanging."""
BY_ITSELF = 97
"""Every so many strikes nobody but the keeper helps, so that it is seen to do so by itself."""


class Thing:
    """A resource."""

    def __init__(self) -> None:
        self.dirty = False
        self.suspect = False
        self.ended = False


class Plain(Adapter[Thing]):
    """Makes things, and sees that each is destroyed once."""

    kind = "thing"

    def __init__(self) -> None:
        self.made: list[Thing] = []

    def create(self) -> Thing:
        """Make one."""
        self.made.append(Thing())
        return self.made[-1]

    def destroy(self, resource: Thing, /) -> None:
        """End one."""
        assert not resource.ended, "destroyed twice"
        resource.ended = True


class Cleaning(Plain):
    """Resets what is dirty, on a worker's thread."""

    def is_dirty(self, resource: Thing, /) -> bool:
        """Know."""
        return resource.dirty

    def reset(self, resource: Thing, /) -> None:
        """Clean."""
        resource.dirty = False


class CleaningAborting(Cleaning):
    """The same, and a waiting caller may do it."""

    def abort(self, resource: Thing, /) -> None:
        """Never needed."""


class CleaningHere(Cleaning):
    """Resets what is dirty, in the releasing thread."""

    reset_is_local = True


class Probing(Plain):
    """Probes at every hand-out, and validates the suspects."""

    def probe(self, resource: Thing, /) -> bool:
        """Look."""
        return not resource.suspect

    def validate(self, resource: Thing, /) -> bool:
        """Find that nothing was wrong."""
        resource.suspect = False
        return True


class Scene:
    """A pool of two, and what happens in it while an exception strikes."""

    adapter: type[Plain] = Plain
    size = 2
    sizing: SizingPolicy = Fixed()

    def __init__(self) -> None:
        self.open()

    def open(self) -> None:
        """Make the pool."""
        self.hands = self.adapter()
        self.pool = Pool(self.hands, max_size=self.size, check_after=0.2, timeout=HANG, sizing=self.sizing)

    def prepare(self) -> None:
        """Make the pool what it shall be before the work."""

    def work(self) -> None:
        """Do what is interrupted."""
        raise AssertionError("a scene has work")

    def after(self) -> None:
        """End what was begun beside the work."""

    # ---- helpers

    def fill(self) -> None:
        """Have everything open and idle."""
        leases = [self.pool.acquire() for _ in range(self.size)]
        for lease in leases:
            lease.release()

    def settle(self, alone: bool) -> None:
        """Wait until the law holds; ``alone``: nobody but the keeper sweeps."""
        core = self.pool._core
        deadline = monotonic() + HANG
        if not alone:
            core.do(self._sweep)
        while (wrong := self._wrong(core)) is not None:
            assert monotonic() < deadline, wrong
            sleep(0.001)
            if not alone:
                core.do(self._sweep)

    def _sweep(self, now: float) -> None:
        engine = self.pool._core.engine
        engine.ages.due = min(engine.ages.due, now)
        engine.tick(now)

    @staticmethod
    def _wrong(core: Any) -> str | None:
        with core.mutex:
            try:
                core.engine.check()
            except AssertionError as wrong:
                return str(wrong)
        if core._speaker._speaking() is not None:
            return "nobody can announce events any more"
        return "an event is torn" if core.engine.torn else None

    def count(self) -> None:
        """Everything can be had, everything once."""
        leases = [self.pool.acquire() for _ in range(self.size)]
        things = {id(lease.resource) for lease in leases}
        assert self.size == len(things), "a resource has two owners"
        assert not any(lease.resource.ended for lease in leases), "a resource was destroyed under its holder"
        for lease in leases:
            lease.release()

    def end(self) -> None:
        """Close, and see that nothing was lost."""
        assert self.pool.close(HANG)
        stats = self.pool.stats()
        left = self.pool._core.engine.ledger.left
        assert stats.created == sum(stats.destroyed.values()) + left
        assert left == sum(not thing.ended for thing in self.hands.made)


class AcquireAndRelease(Scene):
    """The fast lane."""

    prepare = Scene.fill

    def work(self) -> None:
        """Acquire, release."""
        self.pool.acquire().release()


class WithBlock(Scene):
    """The fast lane, as everybody writes it."""

    prepare = Scene.fill

    def work(self) -> None:
        """Enter, leave."""
        with self.pool.acquire():
            pass


class Creation(Scene):
    """The slow path, to a resource that has to be made."""

    size = 1
    sizing = Elastic()

    def prepare(self) -> None:
        """Have nothing open."""
        for lease in [self.pool.acquire() for _ in range(self.size)]:
            lease.discard()

    def work(self) -> None:
        """Acquire, release."""
        with self.pool.acquire():
            pass


class First(Creation):
    """The same in a pool that has no thread yet: neither keeper nor worker."""

    def __init__(self) -> None:
        self.begun = False

    def prepare(self) -> None:
        """Begin anew."""
        if self.begun:
            self.end()
        self.begun = True
        self.open()

    def count(self) -> None:
        """The keeper is there, whatever was interrupted."""
        self.pool.acquire().release()
        assert self.pool._core.leash.thread is not None
        assert self.pool._core.leash.is_there()


class Waiting(Scene):
    """The slow path, to a resource that somebody else gives back."""

    size = 1
    strict = False

    def prepare(self) -> None:
        """Have another thread hold the resource, until somebody waits or the work is over."""
        lease = self.pool.acquire()
        self._over = threading.Event()
        self._holder = threading.Thread(target=self._hold, args=(lease, self._over))
        self._holder.start()

    def _hold(self, lease: Lease[Thing], over: threading.Event) -> None:
        line = self.pool._core.engine.line
        while not line.count and not over.is_set():
            sleep(0.0001)
        lease.release()

    def work(self) -> None:
        """Acquire, release."""
        with self.pool.acquire():
            pass

    def after(self) -> None:
        """Let the holder end."""
        self._over.set()
        self._holder.join()


class DirtyReturn(Scene):
    """A return that somebody else cleans."""

    adapter = Cleaning
    prepare = Scene.fill

    def work(self) -> None:
        """Leave something behind."""
        with self.pool.acquire() as thing:
            thing.dirty = True


class DirtyReturnHere(DirtyReturn):
    """A return that the holder cleans."""

    adapter = CleaningHere


class CleaningForOneself(Scene):
    """A return that nobody has cleaned yet when the next caller, who waits for it, comes."""

    adapter = CleaningAborting

    def prepare(self) -> None:
        """Have one idle, and no worker who cleans."""
        self.fill()
        cleaners = self.pool._core._cleaners
        cleaners.dismiss()
        assert cleaners.join(HANG)
        cleaners.staff = lambda: None  # type: ignore[method-assign]

    def work(self) -> None:
        """Leave something behind, and want it back."""
        with self.pool.acquire() as thing:
            thing.dirty = True
        with self.pool.acquire() as thing:
            assert not thing.dirty

    def after(self) -> None:
        """Let the workers clean what is left."""
        del self.pool._core._cleaners.staff
        self.pool._core._cleaners.staff()


class Failing(Scene):
    """A block that ends with an exception."""

    adapter = Cleaning
    prepare = Scene.fill

    def work(self) -> None:
        """Fail."""
        try:
            with self.pool.acquire():
                raise LookupError("the user's own")
        except LookupError:
            pass


class Probed(Scene):
    """A hand-out that looks, and finds nothing."""

    adapter = Probing
    prepare = Scene.fill

    def work(self) -> None:
        """Acquire, release."""
        with self.pool.acquire():
            pass


class Suspected(Probed):
    """A hand-out that finds something to check."""

    def prepare(self) -> None:
        """Make everything suspect."""
        self.fill()
        for thing in self.hands.made:
            thing.suspect = True


class Discard(Scene):
    """A resource that is given up."""

    prepare = Scene.fill

    def work(self) -> None:
        """Acquire, discard."""
        self.pool.acquire().discard()


class Detach(Scene):
    """A resource that is taken away."""

    prepare = Scene.fill

    def work(self) -> None:
        """Acquire, detach."""
        self.pool.acquire().detach()


SCENES = [
    AcquireAndRelease,
    WithBlock,
    Creation,
    First,
    Waiting,
    DirtyReturn,
    DirtyReturnHere,
    CleaningForOneself,
    Failing,
    Probed,
    Suspected,
    Discard,
    Detach,
]


LONG = {Creation: 2, First: 4, Waiting: 2, Suspected: 4, Detach: 2}
"""Scenes of some thousand bytecodes: here one in so many is struck, in tests/soak every one."""


def strike_everywhere(scene: Scene, stride: int = 1) -> int:
    """Strike at one bytecode after the other until the work comes to its end; give how many there are."""
    at = 0
    turn = 0
    struck = True
    while struck:
        scene.prepare()
        struck = strike(scene.work, at)
        scene.after()
        scene.settle(alone=turn % BY_ITSELF == BY_ITSELF - 1)
        scene.count()
        at += stride
        turn += 1
    scene.end()
    return at - stride


@pytest.fixture(autouse=True)
def _forgotten_leases_are_expected() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.__name__)
def test_an_exception_at_any_bytecode_loses_nothing(scene: type[Scene]) -> None:
    """Behaviours 27, 28, 33, 42, 103."""
    assert 40 < strike_everywhere(scene(), LONG.get(scene, 1))


def test_a_creation_that_was_entered_and_not_put_out_is_made_up_for_by_the_keeper_alone() -> None:
    """Behaviour 103. Nobody uses the pool any more, so that no event of his makes it look."""
    scene = First()
    scene.prepare()
    moments = moments_in("Supply._create", scene.work)
    assert moments
    for at in moments[len(moments) // 2 :: 5]:
        scene.prepare()
        assert strike(scene.work, at)
        scene.settle(alone=True)
        scene.count()
    scene.end()


@pytest.mark.parametrize("scene", [AcquireAndRelease, Waiting, DirtyReturn])
def test_so_it_is_where_reference_counts_tell_nothing(
    scene: type[Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(respool._threads, "COUNTS", False)
    monkeypatch.setattr(respool._thread_core, "COUNTS", False)
    assert 40 < strike_everywhere(scene(), LONG.get(scene, 1))
