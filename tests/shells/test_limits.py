"""Limits that hold under pressure: deadlines, admission, readiness, demand that is gone, failing policies."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from respool import PolicyFailed, PoolRejected, PoolTimeout, Signals, WouldReject
from respool.testing import never, slow
from tests.shells.rig import HANG, Rig, eventually


def test_several_invalid_resources_do_not_stretch_a_timeout(rig: Rig) -> None:
    """Behaviours 10 and 82: each check takes its time, all say no, and nothing new comes."""
    pool = rig.pool(max_size=4, check_after=0)
    leases = [pool.acquire() for _ in range(4)]
    for lease in leases:
        lease.resource.broken = True
        lease.release()
    pool.quiet()
    pool.adapter.script("create", lambda call: never())
    pool.adapter.script("validate", lambda call: slow(0.05))
    began = monotonic()
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.3)
    assert monotonic() - began < HANG / 4
    assert pool.adapter.count("validate") <= 4
    pool.adapter.release_all()


@pytest.mark.parametrize("admission", ["deadline", "report", None])
def test_a_hopeless_wait_is_refused_reported_or_let_be(rig: Rig, admission: str | None) -> None:
    """Behaviours 17 and 18."""
    events: list[object] = []
    pool = rig.pool(max_size=1, admission=admission, on_event=events.append)
    for _ in range(30):
        with pool.leased():
            threading.Event().wait(0.03)
    lease = pool.acquire()
    waiter = pool.begin_waiting(timeout=30)
    refused = PoolRejected if admission == "deadline" else PoolTimeout
    with pytest.raises(refused):
        pool.acquire(timeout=0.02)
    lease.release()
    waiter.result().release()
    stats = pool.stats()
    assert (int(admission == "deadline"), int(admission == "report")) == (stats.rejected, stats.would_reject)
    assert stats.would_reject == len([event for event in events if isinstance(event, WouldReject)])


def test_a_pool_becomes_ready_though_an_early_resource_dies(rig: Rig) -> None:
    """Behaviours 51 and 52."""
    pool = rig.pool(rig.adapter(create=[None, never(), slow(0.2)]), max_size=2, min_size=2)
    eventually(lambda: pool.adapter.count("create") == 2)
    early = eventually(pool.try_acquire, "the first resource")
    early.discard()
    pool.adapter.release_blocked()
    pool.wait_ready()
    assert 2 == pool.stats().idle


class AsDemanded:
    """A policy that wants what is in use or waited for, and nothing for later."""

    def target(self, signals: Signals, /) -> int:
        """Follow the demand of the moment."""
        return signals.in_use + signals.waiting


def test_creates_that_nobody_wants_any_more_are_not_begun(rig: Rig) -> None:
    """Behaviours 56 and 57."""
    pool = rig.pool(rig.adapter(create=[never()]), max_size=5, max_creating=1, sizing=AsDemanded())
    callers = [pool.begin(timeout=0.2) for _ in range(5)]
    for caller in callers:
        assert isinstance(caller.error(), PoolTimeout)
    eventually(lambda: pool.stats().target == 0, "the policy to be asked again")
    pool.adapter.release_all()
    pool.quiet()
    assert 1 == pool.adapter.count("create")


class Failing:
    """A policy that fails after its first answer."""

    asked = 0

    def target(self, signals: Signals, /) -> int:
        """Fail from the second time on."""
        self.asked += 1
        if self.asked > 1:
            raise ZeroDivisionError("no load, no mean")
        return 1


def test_a_policy_that_fails_loses_nothing_and_is_told_of(rig: Rig) -> None:
    """Behaviour 75."""
    events: list[object] = []
    pool = rig.pool(max_size=2, sizing=Failing(), on_event=events.append)
    first = pool.acquire()
    waiter = pool.begin_waiting()
    [failed, *_] = eventually(lambda: [event for event in events if isinstance(event, PolicyFailed)])
    assert "ZeroDivisionError" in failed.error
    first.release()
    waiter.result().release()
    pool.check()
