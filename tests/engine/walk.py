"""What may happen to a pool: acts for the seeded walks and the state machine, and the invariants."""

from __future__ import annotations

import random
from typing import Any

from respool._adapter import Fault
from respool._engine import Create, Destroy, Elastic, Fixed, Latch, OnDemand, Sizer, Validate, Waiter
from respool._engine._slot import RETIRE, SUSPECT

from .world import EXACT, Lease, World


def options_of(rng: random.Random) -> dict[str, Any]:
    """Draw a pool's options; small pools more often, for that is where everything meets."""
    max_size = rng.choice([0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 5])
    return {
        "min_size": rng.choice([0, 0, min(1, max_size), max_size]),
        "max_size": max_size,
        "max_waiting": rng.choice([None, None, 3]),
        "max_idle": rng.choice([None, 2.0]),
        "max_lifetime": rng.choice([None, 5.0, 3600.0]),
        "max_uses": rng.choice([None, None, None, 1, 4]),
        "check_after": rng.choice([0, 0.5, 100.0, 100.0]),
        "keepalive": rng.choice([None, 0.7]),
        "reset_timeout": rng.choice([0.4, 5.0]),
        "order": rng.choice(["lifo", "fifo"]),
        "leak_after": rng.choice([None, None, None, 1.0]),
        "on_event": rng.choice([(), (), (), (lambda event: None,)]),
        "max_creating": rng.choice([1, 2, 8]),
        "admission": rng.choice([None, "deadline", "report"]),
    }


def sizer_of(rng: random.Random) -> Sizer:
    """Draw who decides on the size."""
    kind = rng.randrange(5)
    return Fixed(3) if kind == 0 else Elastic(0.01, 3.0) if kind == 1 else OnDemand()


class Walk:
    """A world, and what its callers hold; every ``do_`` method is one act."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.counts = rng.random() < 0.75 and EXACT
        self.world = World(
            seed=rng.randrange(1 << 30),
            counts=self.counts,
            dear=rng.random() < 0.5,
            sizer=sizer_of(rng),
            traits={
                "validates": rng.random() < 0.7,
                "resets": rng.random() < 0.7,
                "aborts": rng.random() < 0.5,
                "callers_clean": rng.random() < 0.5,
                "strict": rng.random() < 0.5,
            },
            **options_of(rng),
        )
        self.engine = self.world.engine
        self.leases: list[Lease] = []
        self.waiters: list[Waiter] = []
        self.latches: list[Latch] = []
        self.allowed = self.engine.max_size
        """The size may not pass the cap; after a resize down it may not grow."""

    @classmethod
    def acts(cls) -> dict[str, int]:
        """Every act, and how often it comes beside the others."""
        return {name: WEIGHTS.get(name, 1) for name in sorted(dir(cls)) if name.startswith("do_")}

    def step(self) -> None:
        """Do one thing at random."""
        acts = self.acts()
        [act] = self.rng.choices(list(acts), list(acts.values()))
        getattr(self, act)()
        # A waiter who has left with an answer that he never saw is nobody's, and so is what he was given.
        self.world.woken.clear()
        self.check()

    # ------------------------------------------------------------------ invariants

    def check(self) -> None:
        """What must hold after every step, beside the law that the world checks itself."""
        engine = self.engine
        held = [id(lease._hold[0]) for lease in self.leases]
        assert len(held) == len(set(held)), "a slot has two holders"
        assert engine.ledger.size <= self.allowed, f"size {engine.ledger.size}, allowed {self.allowed}"
        self.allowed = max(engine.max_size, engine.ledger.size)
        self._check_that_nobody_sleeps_through()
        assert not (engine.closing and engine.line.count), "somebody waits for a closed pool"

    def _check_that_nobody_sleeps_through(self) -> None:
        """Where somebody waits and something fit is idle, he has been told to come and get it.

        One who has begun to clean has no use for it: he has his own in a moment, or else is told then.
        """
        engine = self.engine
        fit = [slot for slot in engine.lane.resting() if not slot.mark & (RETIRE | SUSPECT)]
        waiting = [each for each in engine.line if each.chore is None or each.handed_at is not None]
        if not fit or not waiting or engine.paused:
            return
        nudged = engine._nudged
        assert nudged is not None, f"{len(waiting)} wait, {fit} are idle, and nobody was told"
        assert nudged.nudged, "the nudge was lost"
        assert nudged in self.waiters, "somebody was told who is not there any more"

    def _check_deadlines(self) -> None:
        """After a tick nobody waits whose time is up."""
        now = self.world.now
        late = [w for w in (*self.waiters, *self.latches) if not w.answered and w.deadline < now]
        assert not late, f"{len(late)} wait beyond their deadlines"

    # ------------------------------------------------------------------ callers

    def do_acquire(self) -> None:
        """Somebody comes."""
        got = self.world.acquire(self.rng.choice([None, 0.5, 3.0, 30.0]))
        (self.waiters if isinstance(got, Waiter) else self.leases).append(got)  # type: ignore[arg-type]

    def do_crowd(self) -> None:
        """Several come at once."""
        for _ in range(self.rng.randint(2, 6)):
            self.do_acquire()

    def do_try(self) -> None:
        """Somebody takes what is idle or nothing."""
        waiter = self.world.ask(0, waits=False)
        assert waiter.answered
        if (lease := self.world.collect(waiter)) is not None:
            self.leases.append(lease)

    def do_collect(self) -> None:
        """Those who wait wake up, in any order, and look."""
        self.rng.shuffle(self.waiters)
        for waiter in tuple(self.waiters):
            if self.rng.random() < 0.7:
                self._collect(waiter)

    def _collect(self, waiter: Waiter) -> None:
        if waiter.chore is not None and self.rng.random() < 0.4:
            # Perhaps he was answered in the middle of it.
            self.world.clean(waiter, ok=self.rng.random() < 0.7, fault=self.rng.choice([None, *Fault]))
        lease = self.world.collect(waiter, in_a_hurry=self.rng.random() < 0.5)
        if lease is not None:
            self.leases.append(lease)
        if waiter.answered:
            self.waiters.remove(waiter)

    def do_cancel(self) -> None:
        """Somebody leaves: waiting, nudged, or granted and not yet awake."""
        if self.waiters:
            waiter = self._some(self.waiters)
            if waiter.chore is not None and self.rng.random() < 0.5:
                self.world.clean(waiter, ok=False)
            self.world.do(self.engine.cancel, waiter)

    def do_expire(self) -> None:
        """Somebody's own clock says that his time is up."""
        if self.waiters:
            self.world.do(self.engine.expire, self.rng.choice(self.waiters))

    def do_latch(self) -> None:
        """Somebody waits for the pool itself."""
        what = self.rng.choice(["ready", "refreshed", "closed"])
        latch = Latch(self.world.now, self.rng.choice([None, 2.0]), what, self.engine.generation)
        self.world.do(self.engine.latches.add, latch)
        self.latches.append(latch)

    def do_drop_latches(self) -> None:
        """Those who wait for the pool leave."""
        while self.latches:
            self.world.do(self.engine.latches.drop, self.latches.pop())

    # ------------------------------------------------------------------ holders

    def do_release(self) -> None:
        """A holder is done."""
        if self.leases:
            self.world.release(self._some(self.leases))

    def do_bustle(self) -> None:
        """All holders are done within no time, and whoever is told comes at once."""
        while self.leases:
            self.do_release()
            self.do_collect()
            if self.rng.random() < 0.3:
                break

    def do_soil(self) -> None:
        """All holders leave something behind, and some come again at once."""
        while self.leases:
            self.world.release(self._some(self.leases), soiled=True)
            if self.rng.random() < 0.5:
                self.do_acquire()

    def do_release_oddly(self) -> None:
        """A holder is done, by the slow path."""
        if self.leases:
            self.world.release(self._some(self.leases), **self._odd_facts())

    def _odd_facts(self) -> dict[str, Any]:
        return {
            "soiled": self.rng.random() < 0.7,
            "doubt": self.rng.random() < 0.3,
            "fault": self.rng.choice([None, None, *Fault]),
        }

    def do_discard(self) -> None:
        """A holder gives his resource up."""
        if self.leases:
            self.world.do(self.engine.discard, self.world.end(self._some(self.leases)))

    def do_detach(self) -> None:
        """A holder keeps his resource."""
        if self.leases:
            self.world.do(self.engine.detach, self.world.end(self._some(self.leases)))

    def do_check_at_hand_out_fails(self) -> None:
        """A probe says suspect or dead, or a reset in place raises."""
        if self.leases:
            slot = self.world.end(self._some(self.leases))
            choice = self.rng.randrange(3)
            if choice == 0:
                self.world.do(self.engine.doubted, slot)
            elif choice == 1:
                self.world.do(self.engine.probe_failed, slot, OSError("gone"))
            else:
                fault = self.rng.choice([None, *Fault])
                self.world.do(self.engine.reset_in_place_failed, slot, OSError("no"), fault)
                return
            # Who was to have it asks again, and may have come before all others, or after them.
            arrived = self.world.now - self.rng.choice([0.0, 0.01, 1.0])
            waiter = Waiter(arrived, self.rng.choice([None, 0.02, 5.0]))
            self.world.do(self.engine.ask, waiter, again=True)
            self.waiters.append(waiter)

    # ------------------------------------------------------------------ interrupts and forgetting

    def do_forget(self) -> None:
        """A lease is dropped with its hold full."""
        if self.leases:
            lease = self._some(self.leases)
            lease._hold[0].resource.holder = None
            del lease
            self.world.sweep()

    def do_lose(self) -> None:
        """An interrupt strikes between the pop of the hold and what was to follow."""
        if self.leases:
            self.world.end(self._some(self.leases))
            self.world.sweep()

    def do_lose_idle(self) -> None:
        """An interrupt strikes between the pop of idle and what was to follow."""
        if self.engine.lane.pop() is not None:
            self.world.sweep()

    def do_come_back_late(self) -> None:
        """A slot is in nobody's sight for a while, and comes back after it was missed."""
        if self.leases:
            lease = self._some(self.leases)
            slot = self.world.end(lease)
            del lease
            self.world.sweep(check=False)
            self._come_back(slot)

    def _come_back(self, slot: Any) -> None:
        engine, way = self.engine, self.rng.randrange(4)
        if way == 0:
            self.world.do(engine.discard, slot)
        elif way == 1:
            self.world.do(engine.detach, slot)
        elif way == 2:
            self.world.do(engine.doubted, slot)
        else:
            self.world.give(slot)

    def do_lose_command(self) -> None:
        """Who carried out a call is gone, and its result with him; by exact counts that is seen."""
        if self.world.running and self.counts:
            command = self._some(self.world.running)
            if isinstance(command, Destroy):
                self.world.bury(command.slot.resource)
            del command
            self.world.sweep()

    def do_lose_issued_command(self) -> None:
        """A command is lost on its way to a worker."""
        if self.world.commands and self.counts:
            self._some(self.world.commands)
            self.world.sweep()

    def do_tear(self) -> None:
        """An interrupt strikes between two bytecodes of an event; the shell mends with the next one."""
        choice = self.rng.randrange(6)
        after = self.rng.randrange(400)
        if choice == 4:
            self._tear_control(after)
        elif choice == 5 and self.waiters:
            self._tear_waiter(after)
        elif choice == 0 or not (self.leases or self.waiters):
            self._tear_ask(after)
        elif choice == 1 and self.waiters:
            waiter = self._some(self.waiters)
            self.world.tear(self.engine.retry, waiter, after=after)
            self._tidy(waiter)
        elif choice == 2:
            event = self.rng.choice([self.engine.pause, self.engine.resume, self.engine.match])
            self.world.tear(event, after=after)
            self.world.mend()
        elif self.leases:
            self._tear_return(after)

    def _tear_ask(self, after: int) -> None:
        waiter = Waiter(self.world.now, 3.0)
        self.world.tear(self.engine.ask, waiter, after=after)
        self._tidy(waiter)

    def _tidy(self, waiter: Waiter) -> None:
        """What a shell does when a waiter was interrupted."""
        self.engine.mend(self.world.now)
        self.engine.cancel(waiter, self.world.now)
        self.world.sweep()

    def _tear_control(self, after: int) -> None:
        """What a caller asks of the pool itself; the end of it comes rarely."""
        engine = self.engine
        choice = self.rng.randrange(31)
        if choice < 10:
            most = self.rng.choice([0, 1, 2, 3])
            self.allowed = max(self.allowed, most)
            self.world.tear(engine.resize, self.rng.randint(0, most), most, after=after)
        elif choice < 20:
            over = self.rng.choice([0.0, 2.0])
            self.world.tear(lambda now: engine.refresh(now, over, "third"), after=after)
            self.world.mend()
            # Who was interrupted has no handle to wait with: he asks again.
            self.world.do(lambda now: engine.refresh(now, over))
        elif choice < 30:
            latch = Latch(self.world.now, 2.0, self.rng.choice(["ready", "refreshed"]), engine.generation)
            self.world.tear(engine.latches.add, latch, after=after)
            engine.latches.drop(latch, self.world.now)
        else:
            self.world.tear(engine.close, after=after)
        self.world.mend()

    def _tear_waiter(self, after: int) -> None:
        """What becomes of one who waits: his time is up, he leaves, his chore is done or somebody else's."""
        engine, waiter = self.engine, self._some(self.waiters)
        slot = waiter.chore
        if slot is not None and waiter.answered:
            self.world.tear(engine.hand_on, waiter, after=after)
        elif slot is not None and slot.started:
            ok = self.rng.random() < 0.5
            self.world.tear(engine.was_reset, slot, after=after, ok=ok, by=waiter)
        else:
            self.world.tear(self.rng.choice([engine.expire, engine.cancel]), waiter, after=after)
        del slot
        self._tidy(waiter)

    def _tear_return(self, after: int) -> None:
        engine = self.engine
        event = self.rng.choice([engine.give_back, engine.discard, engine.detach, engine.doubted])
        facts = self._odd_facts() if event == engine.give_back else {}
        self.world.tear(event, self.world.end(self._some(self.leases)), after=after, **facts)
        self.world.mend()

    # ------------------------------------------------------------------ commands

    def do_begin(self) -> None:
        """A worker begins."""
        if self.world.commands:
            self.world.begin(self.rng.choice(self.world.commands))

    def do_succeed(self) -> None:
        """A call ends well, perhaps long after it was given up."""
        if self.world.running:
            self.world.succeed(self.rng.choice(self.world.running))

    def do_work(self) -> None:
        """All that was asked for is done, well."""
        self.world.run()

    def do_fail(self) -> None:
        """A call ends badly."""
        if self.world.running:
            command = self.rng.choice(self.world.running)
            facts = {"fatal": self.rng.random() < 0.2} if isinstance(command, Create) else {}
            self.world.fail(command, self.rng.choice(list(Fault)), **facts)

    def do_refute(self) -> None:
        """A check says no."""
        checks = [command for command in self.world.running if isinstance(command, Validate)]
        if checks:
            self.world.refute(self.rng.choice(checks))

    # ------------------------------------------------------------------ time

    def do_advance(self) -> None:
        """Time passes."""
        self.world.advance(self.rng.choice([0.00005, 0.0001, 0.05, 0.3, 1.0]))
        self._check_deadlines()

    def do_rest(self) -> None:
        """Much time passes: calls are given up, resources get old."""
        self.world.advance(self.rng.choice([6.0, 11.0, 40.0]))
        self._check_deadlines()

    def do_tick(self) -> None:
        """A keeper looks without need."""
        self.world.do(self.engine.tick)

    def do_stall(self) -> None:
        """The process was stopped."""
        self.world.clock.advance(self.rng.choice([2.0, 50.0]))
        if self.rng.random() < 0.5:
            self.do_acquire()
        self.world.do(self.engine.tick)

    # ------------------------------------------------------------------ control

    def do_resize(self) -> None:
        """Other limits."""
        most = self.rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 3, 5])
        self.allowed = max(self.allowed, most)
        self.world.do(self.engine.resize, self.rng.randint(0, most), most)

    def do_refresh(self) -> None:
        """Everything is to be replaced."""
        over, source = self.rng.choice([0.0, 0.0, 2.0]), self.rng.choice([None, "second"])
        self.world.do(lambda now: self.engine.refresh(now, over, source))

    def do_pause(self) -> None:
        """Nothing is granted."""
        self.world.do(self.engine.pause)

    def do_resume(self) -> None:
        """Leases are granted again."""
        self.world.do(self.engine.resume)

    def do_close(self) -> None:
        """The end, now and then before the end of the walk."""
        if self.rng.random() < 0.05:
            self.world.do(self.engine.close)

    # ------------------------------------------------------------------ the end

    def settle(self) -> None:
        """Everything ends well from now on: everybody is served, or refused by his deadline."""
        world = self.world
        world.do(self.engine.resume)
        for _ in range(100):
            while self.leases:
                world.release(self._some(self.leases))
            world.run()
            for command in tuple(world.running):
                world.succeed(command)
            for waiter in tuple(self.waiters):
                self._collect(waiter)
            if not self.waiters and not self.leases and not world.commands:
                break
            world.advance(0.6)
            self._check_deadlines()
        self._rest()
        if self.engine.max_size and not self.engine.closing:
            assert not self.waiters, "somebody waits though nothing is in his way"
        self._check_latches()
        self._check_sizes()

    def _rest(self) -> None:
        """Nobody comes, what was begun is brought to its end, and a backend without room gets some."""
        for pause in (*[0.5] * 6, *[60.0] * 6):
            if pause < 1 or not all(latch.answered for latch in self.latches if latch.what == "ready"):
                self.world.advance(pause)
                self.world.run()

    def _check_latches(self) -> None:
        """At rest a pool is ready, and nothing old is left of it."""
        for latch in self.latches:
            dormant = latch.what == "ready" and not self.engine.max_size
            if latch.what != "closed" and not dormant:
                assert latch.answered, f"{latch.what}, and nobody was told"

    def _check_sizes(self) -> None:
        engine = self.engine
        assert engine.closing or engine.ledger.size <= engine.max_size
        old = [s for s in engine.ledger if s.mark & RETIRE and s.counted]
        assert not old, f"{old} should be gone"

    def end(self) -> None:
        """Close, and nothing is left: no slot, no waiter, every resource destroyed or taken out."""
        waiters, self.waiters = self.waiters, []
        for waiter in waiters:
            self.world.do(self.engine.cancel, waiter)
        waiters.clear()
        self.world.close()
        assert all(latch.answered for latch in self.latches)
        alive = [thing for thing in self.world.things if thing.alive]
        assert len(alive) == self.engine.ledger.left, "a resource was lost"

    def _some(self, things: list[Any]) -> Any:
        return things.pop(self.rng.randrange(len(things)))


WEIGHTS = {
    "do_acquire": 8,
    "do_collect": 12,
    "do_release": 10,
    "do_begin": 4,
    "do_succeed": 6,
    "do_work": 14,
    "do_fail": 3,
    "do_advance": 10,
    "do_bustle": 6,
    "do_soil": 6,
    "do_resume": 5,
    "do_tear": 3,
}
"""How often an act comes; 1 where nothing is said."""
