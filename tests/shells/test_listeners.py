"""Listeners that take their time, and ones that end a thread: whose time, and whose thread, it is."""

from __future__ import annotations

import logging
import threading
from time import monotonic, sleep
from typing import Any

import pytest

import respool._speaker
from respool import (
    Acquired,
    EventsLost,
    Fixed,
    Lease,
    LeaseLeaking,
    PolicyFailed,
    Pool,
    PoolEvent,
    PoolResumed,
    Released,
    Signals,
    make_pool,
)
from respool._engine import _reporter
from respool.testing import ScriptedAdapter

from .rig import HANG, eventually

LEASES = 100


class Slow:
    """A listener that stays with its first event of a lease until it is let go."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, str]] = []
        self.held: list[Lease[Any]] = []
        self.stays = False
        self.let_go = threading.Event()

    def __call__(self, event: object) -> None:
        """Hear of an event, and note on which thread."""
        self.heard.append((event, threading.current_thread().name))
        if self.stays:
            self.stays = False
            self.let_go.wait(HANG)

    def keep(self, pool: Pool[Any], leases: int) -> threading.Thread:
        """Have a caller of his own deliver an event, and others make many more meanwhile."""
        self.heard.clear()
        self.stays = True
        caller = threading.Thread(target=lambda: self.held.append(pool.acquire()), name="caller")
        caller.start()
        eventually(lambda: self.heard)
        for _ in range(leases):
            pool.acquire().release()
        assert 1 == len(self.heard), "one event at a time"
        return caller


def pool_of(name: str, listener: Slow) -> Pool[object]:
    """Make a pool of two that are open already, with nothing to reset."""
    pool = make_pool(object, name=name, max_size=2, sizing=Fixed(), on_event=listener)
    eventually(lambda: 2 == pool.stats().idle)
    eventually(lambda: len(listener.heard) >= 2)
    return pool


@pytest.mark.parametrize(("longest", "most"), [(respool._speaker.LONGEST_TURN, 1), (HANG, 16)])
def test_a_caller_who_delivers_events_of_others_goes_on_soon_and_leaves_the_rest_to_the_pool(
    monkeypatch: pytest.MonkeyPatch, longest: float, most: int
) -> None:
    """Behaviours 9 and 134."""
    monkeypatch.setattr(respool._speaker, "LONGEST_TURN", longest)
    slow = Slow()
    with pool_of("told", slow) as pool:
        caller = slow.keep(pool, LEASES)
        sleep(respool._speaker.LONGEST_TURN if longest < HANG else 0)
        slow.let_go.set()
        caller.join(HANG)
        eventually(lambda: 2 * LEASES + 1 == len(slow.heard), "every event")
        slow.held.pop().release()
    events = [event for event, _ in slow.heard if isinstance(event, Acquired | Released)]
    assert sorted(events, key=lambda event: event.at) == events
    whose = [by for _, by in slow.heard[: 2 * LEASES + 1]]
    assert ["caller"] * most == whose[:most]
    assert {"respool-told-news"} == set(whose[most:]) - {"respool-told-keeper"}


def test_what_listeners_are_too_slow_for_is_dropped_and_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 134."""
    monkeypatch.setattr(_reporter, "MOST_UNTOLD", 10)
    caplog.set_level(logging.WARNING, logger="respool")
    slow = Slow()
    with pool_of("drops", slow) as pool:
        for _ in range(2):
            slow.let_go.clear()
            caller = slow.keep(pool, LEASES)
            slow.let_go.set()
            caller.join(HANG)
            eventually(lambda: not pool._core.engine.reporter.events)
            slow.held.pop().release()
            [lost] = eventually(lambda: [event for event, _ in slow.heard if isinstance(event, EventsLost)])
            assert 2 * LEASES - 10 == lost.lost
    [warning] = caplog.records
    assert "events lost" in warning.getMessage()
    assert f"lost: {lost.lost // 100}" in warning.getMessage()


def test_when_close_returns_every_event_is_delivered() -> None:
    """Behaviour 116: also what the last caller had no time for."""
    heard: list[object] = []

    def slow(event: object) -> None:
        sleep(0.006)
        heard.append(event)

    for _ in range(3):
        with Pool(ScriptedAdapter(), name="ended", max_size=4, min_size=4, on_event=slow) as pool:
            pool.wait_ready()
            pool.acquire().release()
        assert not pool._core.engine.reporter.events
        assert not [each for each in threading.enumerate() if each.name.startswith("respool-ended")]


class Ending:
    """A listener that ends its thread at the first leak it hears of, and the first release."""

    def __init__(self) -> None:
        self.ended: list[str] = []

    def __call__(self, event: object) -> None:
        """Hear of an event."""
        if isinstance(event, LeaseLeaking | Released) and type(event).__name__ not in self.ended:
            self.ended.append(type(event).__name__)
            raise SystemExit("enough")


def test_a_listener_that_ends_its_thread_ends_a_callers_and_none_of_the_pools_own(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Behaviour 134."""
    heard: list[object] = []
    ending = Ending()
    # No reset: a worker that carries one out may be the first to tell of the release.
    with make_pool(object, name="ends", max_size=1, leak_after=0.05, on_event=[ending, heard.append]) as pool:
        lease = pool.acquire()
        leaking = eventually(lambda: [event for event in heard if isinstance(event, LeaseLeaking)])
        assert 1 == len(leaking), "who listens beside it has heard as well"
        assert "respool-ends-keeper" in [thread.name for thread in threading.enumerate()]
        assert any("a listener raised" in record.getMessage() for record in caplog.records)
        speaker = pool._core._speaker
        eventually(lambda: speaker._speaking() is None, "the end of the keeper's turn, who would tell ours")
        with pytest.raises(SystemExit):
            lease.release()
        assert ["LeaseLeaking", "Released"] == ending.ended
        pool.acquire().release()


class Quitting:
    """A sizing policy that ends its thread whenever it is asked on a thread of the pool, or not."""

    def __init__(self, *, among_own: bool) -> None:
        self.among_own = among_own
        self.asked = 0

    def target(self, signals: Signals, /) -> int:
        """Give no size."""
        if self.among_own == threading.current_thread().name.startswith("respool-"):
            self.asked += 1
            raise SystemExit("no more sizes")
        return 2


def test_a_policy_that_ends_its_thread_fails_among_the_pools_own() -> None:
    """Behaviours 75 and 134."""
    heard: list[object] = []
    policy = Quitting(among_own=True)
    pool = Pool(ScriptedAdapter(), max_size=4, sizing=policy, on_event=heard.append)
    with pool, pool.acquire():
        [failed, *_] = eventually(lambda: [event for event in heard if isinstance(event, PolicyFailed)])
        assert "SystemExit: no more sizes" in failed.error
        before = policy.asked
        eventually(lambda: policy.asked > before, "the keeper's next question")


def test_a_policy_that_ends_its_thread_ends_the_callers() -> None:
    with Pool(ScriptedAdapter(), max_size=4, sizing=Quitting(among_own=False)) as pool:
        with pytest.raises(SystemExit):
            pool.acquire()
        assert 0 == pool.stats().waiting


def test_a_keeper_that_has_ended_is_replaced_and_one_that_seemed_to_have_makes_room() -> None:
    with Pool(ScriptedAdapter(), name="kept", max_size=2) as pool:
        pool.acquire().release()
        core = pool._core
        first = core.leash.thread
        assert first is not None
        core.leash.thread = None
        core._hire_keeper()
        second = core.leash.thread
        assert isinstance(second, threading.Thread)
        assert second is not first
        first.join(HANG)
        assert not first.is_alive()
        assert second.is_alive()


# ---------------------------------------------------------------------- who waits until all is told


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let who waits for listeners sleep in virtual time, and give his naps."""
    slept: list[float] = []
    begin = monotonic()
    monkeypatch.setattr(respool._speaker, "monotonic", lambda: begin + sum(slept))
    monkeypatch.setattr(respool._speaker, "sleep", slept.append)
    return slept


def test_nobody_waits_where_all_is_told_or_he_is_the_one_who_tells(naps: list[float]) -> None:
    with make_pool(object, on_event=[lambda event: None]) as pool:
        speaker = pool._core._speaker
        speaker.finish()
        turn = speaker._take_turn()
        assert turn is not None
        pool._core.engine.reporter.events.append(PoolResumed(pool="pool", at=0.0))
        speaker.finish()
        assert [] == naps
        del turn


def test_a_slow_listener_is_waited_for_a_second_and_no_longer(naps: list[float]) -> None:
    with make_pool(object, on_event=[lambda event: None]) as pool:
        speaker = pool._core._speaker
        turn = speaker._take_turn()
        assert turn is not None
        turn.thread = -1  # another one's
        speaker.finish()
        assert pytest.approx(respool._speaker.PATIENCE, abs=0.01) == sum(naps)
        del turn


def test_who_finds_another_thread_telling_leaves_it_the_rest() -> None:
    told: list[PoolEvent] = []
    with make_pool(object, on_event=[told.append]) as pool:
        speaker = pool._core._speaker
        events = pool._core.engine.reporter.events
        turn = speaker._take_turn()
        assert turn is not None
        told.clear()
        events.append(PoolResumed(pool="pool", at=0.0))
        speaker._tell_rest(respool._speaker._Turn())
        assert ([], 1) == (told, len(events))
        del turn
        speaker._tell_rest(respool._speaker._Turn())
        assert [PoolResumed(pool="pool", at=0.0)] == told
