"""Seeded random walks through the engine: every step keeps the law, and in the end nothing is lost."""

from __future__ import annotations

import gc
import random
from typing import Any

import pytest

from respool._adapter import Fault
from respool._engine import Create, Fixed, Waiter

from .world import Lease, World, destroy_all

SEEDS = 150
STEPS = 250


def options_of(rng: random.Random) -> dict[str, Any]:
    """Draw a pool's options."""
    max_size = rng.choice([0, 1, 2, 3, 5])
    return {
        "min_size": rng.randint(0, max_size),
        "max_size": max_size,
        "max_waiting": rng.choice([None, None, 3]),
        "max_idle": rng.choice([None, 2.0]),
        "max_lifetime": rng.choice([None, 5.0, 3600.0]),
        "max_uses": rng.choice([None, 1, 4]),
        "check_after": rng.choice([0, 0.5, 100.0]),
        "keepalive": rng.choice([None, 0.7]),
        "order": rng.choice(["lifo", "fifo"]),
        "leak_after": rng.choice([None, None, 1.0]),
        "on_event": rng.choice([(), (), (lambda event: None,)]),
        "max_creating": rng.choice([1, 2, 8]),
    }


class Walk:
    """One walk: the world, and what its callers hold."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = random.Random(seed)
        self.counts = rng.random() < 0.8
        self.world = World(
            seed=seed,
            counts=self.counts,
            sizer=Fixed(3) if rng.random() < 0.2 else None,
            traits={
                "validates": rng.random() < 0.7,
                "resets": rng.random() < 0.7,
                "aborts": rng.random() < 0.5,
                "strict": rng.random() < 0.5,
            },
            **options_of(rng),
        )
        self.leases: list[Lease] = []
        self.waiters: list[Waiter] = []

    def step(self) -> None:
        """Do one thing at random."""
        acts = [name for name in dir(self) if name.startswith("do_")]
        getattr(self, self.rng.choice(acts))()
        assert len({id(lease._hold[0]) for lease in self.leases}) == len(self.leases)
        engine = self.world.engine
        assert engine.ledger.size <= max(engine.max_size, self.biggest)

    biggest = 5

    def do_acquire(self) -> None:
        got = self.world.acquire(self.rng.choice([None, 0.5, 3.0, 30.0]))
        (self.waiters if isinstance(got, Waiter) else self.leases).append(got)  # type: ignore[arg-type]

    do_acquire_2 = do_acquire_3 = do_acquire

    def do_try(self) -> None:
        waiter = self.world.ask(0, waits=False)
        assert waiter.answered
        if (lease := self.world.collect(waiter)) is not None:
            self.leases.append(lease)

    def do_collect(self) -> None:
        for waiter in tuple(self.waiters):
            if (lease := self.world.collect(waiter)) is not None:
                self.leases.append(lease)
            if waiter.answered:
                self.waiters.remove(waiter)

    do_collect_2 = do_collect

    def do_cancel(self) -> None:
        if self.waiters:
            waiter = self.waiters.pop(self.rng.randrange(len(self.waiters)))
            self.world.do(self.world.engine.cancel, waiter)

    def do_expire(self) -> None:
        if self.waiters:
            self.world.do(self.world.engine.expire, self.rng.choice(self.waiters))

    def do_release(self) -> None:
        if self.leases:
            self.world.release(self._some_lease())

    do_release_2 = do_release_3 = do_release

    def do_release_oddly(self) -> None:
        if self.leases:
            self.world.release(
                self._some_lease(),
                soiled=self.rng.random() < 0.7,
                doubt=self.rng.random() < 0.3,
                fault=self.rng.choice([None, None, *Fault]),
            )

    def do_discard(self) -> None:
        if self.leases:
            self.world.do(self.world.engine.discard, self.world.end(self._some_lease()))

    def do_detach(self) -> None:
        if self.leases:
            self.world.do(self.world.engine.detach, self.world.end(self._some_lease()))

    def do_probe_fails(self) -> None:
        if self.leases:
            slot = self.world.end(self._some_lease())
            engine = self.world.engine
            self.world.do(self.rng.choice([engine.doubted, engine.discard]), slot)

    def do_forget(self) -> None:
        if self.leases and self.counts:
            lease = self._some_lease()
            lease._hold[0].resource.holder = None
            del lease
            self._sweep()

    def do_lose(self) -> None:
        if self.leases and self.counts:
            self.world.end(self._some_lease())
            self._sweep()

    def do_begin(self) -> None:
        if self.world.commands:
            self.world.begin(self.rng.choice(self.world.commands))

    do_begin_2 = do_begin_3 = do_begin

    def do_succeed(self) -> None:
        if self.world.running:
            self.world.succeed(self.rng.choice(self.world.running))

    do_succeed_2 = do_succeed_3 = do_succeed

    def do_fail(self) -> None:
        if self.world.running:
            command = self.rng.choice(self.world.running)
            facts = {"fatal": self.rng.random() < 0.2} if isinstance(command, Create) else {}
            self.world.fail(command, self.rng.choice(list(Fault)), **facts)

    def do_advance(self) -> None:
        self.world.advance(self.rng.choice([0.0001, 0.05, 0.3, 1.0, 6.0]))

    do_advance_2 = do_advance

    def do_tick(self) -> None:
        self.world.do(self.world.engine.tick)

    def do_stall(self) -> None:
        if self.rng.random() < 0.1:
            self.world.clock.advance(50.0)
            self._sweep()

    def do_resize(self) -> None:
        if self.rng.random() < 0.3:
            most = self.rng.randint(0, 5)
            self.world.do(self.world.engine.resize, self.rng.randint(0, most), most)

    def do_refresh(self) -> None:
        if self.rng.random() < 0.3:
            source = self.rng.choice([None, "second"])
            self.world.do(self._refresh, self.rng.choice([0.0, 0.0, 2.0]), source)

    def _refresh(self, over: float, source: Any, now: float) -> None:
        self.world.engine.refresh(now, over, source)

    def do_pause(self) -> None:
        if self.rng.random() < 0.2:
            self.world.do(self.world.engine.pause)

    def do_resume(self) -> None:
        self.world.do(self.world.engine.resume)

    def _some_lease(self) -> Lease:
        return self.leases.pop(self.rng.randrange(len(self.leases)))

    def _sweep(self) -> None:
        """Have what was lost found: the law holds again after the sweep."""
        engine = self.world.engine
        engine.ages.due = min(engine.ages.due, self.world.now)
        self.world.do(engine.tick)

    def settle(self) -> None:
        """All commands end well: everybody who can be served is, and nobody waits beyond his time."""
        world = self.world
        world.do(world.engine.resume)
        for _ in range(200):
            while self.leases:
                world.release(self.leases.pop())
            world.run()
            for command in tuple(world.running):
                world.succeed(command)
            self.do_collect()
            if not self.waiters and not self.leases and not world.commands:
                break
            world.advance(0.6)
        if world.engine.max_size:
            assert not self.waiters, "somebody waits though nothing is in his way"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_random_walk_keeps_the_law_and_loses_nothing(seed: int) -> None:
    """Behaviours 1, 2, 3, 37, 38, 103, 108, 121, 131."""
    walk = Walk(seed)
    for _ in range(STEPS):
        walk.step()
    walk.settle()
    waiters, walk.waiters = walk.waiters, []
    for waiter in waiters:
        walk.world.do(walk.world.engine.cancel, waiter)
    del waiters
    gc.collect()
    destroy_all(walk.world)
    ledger = walk.world.engine.ledger
    assert ledger.created == sum(ledger.destroyed.values()) + ledger.left
