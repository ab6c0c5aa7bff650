"""Live control: resize, refresh, pause, close."""

from __future__ import annotations

import threading
from time import monotonic

import pytest

from respool import BackendError, Fault, Fixed, PoolClosed, PoolTimeout
from respool.testing import ScriptedError, Step, error, never, slow, value
from tests.shells.rig import HANG, Rig, eventually


def test_growing_serves_the_waiters_at_once(rig: Rig) -> None:
    """Behaviour 118."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    pool.resize(max_size=2)
    waiter.result().release()
    lease.release()


def test_shrinking_below_what_is_in_use_closes_the_surplus_on_return(rig: Rig) -> None:
    """Behaviours 73, 119, 120."""
    pool = rig.pool(max_size=3)
    leases = [pool.acquire() for _ in range(3)]
    pool.resize(max_size=1)
    assert pool.stats().in_use == 3
    for lease in leases:
        lease.release()
    eventually(lambda: pool.quiet().size == 1)
    waiter = [pool.begin() for _ in range(2)]
    assert eventually(lambda: [w for w in waiter if w.done])
    assert pool.stats().size == 1
    for one in waiter:
        one.result().release()


def test_resizing_up_and_down_quickly_converges(rig: Rig) -> None:
    """Behaviour 121."""
    pool = rig.pool(max_size=5)
    leases = [pool.acquire() for _ in range(5)]
    for lease in leases[:3]:
        lease.release()
    for size in (1, 4, 0, 5, 3):
        pool.resize(max_size=size)
    for lease in leases[3:]:
        lease.release()
    leases = [pool.acquire() for _ in range(3)]
    pool.begin_waiting(timeout=0.1).error()
    assert (3, 3) == (pool.quiet().size, pool.stats().in_use)
    for lease in leases:
        lease.release()
    pool.check()


def test_bad_sizes_are_refused_and_change_nothing(rig: Rig) -> None:
    """Behaviour 20."""
    pool = rig.pool(max_size=2)
    with pytest.raises(ValueError, match="min_size is 3"):
        pool.resize(min_size=3)
    assert (pool.stats().min_size, pool.stats().max_size) == (0, 2)


def test_refresh_replaces_idle_resources_now_and_held_ones_on_return(rig: Rig) -> None:
    """Behaviours 74, 108 and 122."""
    pool = rig.pool(max_size=2)
    held, idle = pool.acquire(), pool.acquire()
    idle.release()
    wait = pool.refresh()
    eventually(lambda: pool.adapter.destroyed == 1, "the idle one")
    assert not wait(0.05)
    assert held.resource.number == 1
    held.release()
    assert wait(10.0)
    with pool.leased() as resource:
        assert resource.number == 3
    assert pool.quiet().destroyed == {"refreshed": 2}


def test_refresh_can_be_spread_over_time(rig: Rig) -> None:
    """Behaviour 123."""
    pool = rig.pool(max_size=3, min_size=3)
    pool.wait_ready()
    wait = pool.refresh(over=0.6)
    eventually(lambda: pool.adapter.destroyed >= 1)
    assert pool.adapter.destroyed < 3
    assert wait(10.0)
    assert pool.adapter.destroyed >= 3


def test_refresh_with_another_adapter_lets_each_adapter_destroy_its_own(rig: Rig) -> None:
    """Behaviour 124."""
    old, new = rig.adapter(), rig.adapter()
    pool = rig.pool(old, max_size=2)
    lease = pool.acquire()
    wait = pool.refresh(new)
    other = pool.acquire()
    lease.release()
    assert wait(10.0)
    assert (old.created, old.destroyed) == (1, 1)
    assert (new.created, new.destroyed) == (1, 0)
    other.release()
    new.check()


def test_a_create_in_flight_at_a_refresh_counts_as_old(rig: Rig) -> None:
    """Behaviour 122."""
    pool = rig.pool(rig.adapter(create=[never()]), max_size=2)
    waiter = pool.begin_waiting()
    eventually(lambda: pool.adapter.count("create") == 1)
    wait = pool.refresh()
    pool.adapter.release_all()
    lease = waiter.result()
    assert lease.resource.number == 2
    assert wait(10.0)
    lease.release()


def test_a_switch_away_from_a_backend_that_hangs_serves_who_waits(rig: Rig) -> None:
    """Behaviours 48 and 124."""
    old, new = rig.adapter(create=[never()]), rig.adapter()
    pool = rig.pool(old, max_size=2)
    waiter = pool.begin_waiting()
    eventually(lambda: old.count("create") == 1)
    wait = pool.refresh(new)
    waiter.result().release()
    assert not wait(0.05)
    old.release_all()
    assert wait(10.0)
    assert (new.created, new.destroyed) == (1, 0)


def test_a_login_refused_by_the_backend_before_is_no_answer_after_a_switch(rig: Rig) -> None:
    """Behaviours 46 and 124."""
    wrong = ScriptedError("wrong password", fault=Fault.CONFIG)
    old, new = rig.adapter(abilities=["classify"], create=[never(then=error(wrong))]), rig.adapter()
    pool = rig.pool(old, max_size=1)
    waiter = pool.begin_waiting()
    eventually(lambda: old.count("create") == 1)
    pool.refresh(new)
    old.release_all()
    waiter.result().release()
    assert new.created == 1


def test_a_paused_pool_grants_nothing_until_it_is_resumed(rig: Rig) -> None:
    """Behaviour 125."""
    pool = rig.pool(max_size=2)
    held = pool.acquire()
    pool.acquire().release()
    pool.pause()
    assert pool.try_acquire() is None
    with pytest.raises(PoolTimeout, match="paused"):
        pool.acquire(timeout=0.05)
    waiters = [pool.begin_waiting() for _ in range(2)]
    held.release()
    assert (2, 2) == (pool.quiet().idle, pool.stats().waiting)
    pool.resume()
    for lease in [waiter.result() for waiter in waiters]:
        lease.release()


def test_close_wakes_all_waiters_with_pool_closed(rig: Rig) -> None:
    """Behaviours 110, 112 and 113."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    waiters = [pool.begin_waiting() for _ in range(3)]
    began = monotonic()
    assert not pool.close(0.05)
    assert monotonic() - began < HANG
    for waiter in waiters:
        assert isinstance(waiter.error(), PoolClosed)
    with pytest.raises(PoolClosed):
        pool.acquire()
    with pytest.raises(PoolClosed):
        pool.try_acquire()
    lease.release()
    eventually(lambda: pool.adapter.destroyed == 1, "the destroy after the release")
    assert pool.close()


def test_close_may_be_repeated_and_called_by_several(rig: Rig) -> None:
    """Behaviour 111: at once too, and then each of them waits for the end."""
    pool = rig.pool(max_size=2)
    held = pool.acquire()
    pool.acquire().release()
    answers: list[bool] = []
    closers = [threading.Thread(target=lambda: answers.append(pool.close(HANG))) for _ in range(3)]
    for closer in closers:
        closer.start()
    lines = pool.raw._core.engine.latches.lines
    eventually(lambda: [3] == [line.count for line in tuple(lines.values())], "three who wait")
    assert [] == answers
    held.release()
    for closer in closers:
        closer.join()
    assert pool.close()
    assert ([True] * 3, 2) == (answers, pool.adapter.destroyed)


def test_nothing_is_created_after_close_and_a_late_create_is_destroyed(rig: Rig) -> None:
    """Behaviours 50 and 115."""
    pool = rig.pool(rig.adapter(create=[never()]), max_size=1, min_size=1)
    waiter = pool.begin_waiting()
    eventually(lambda: pool.adapter.count("create") == 1)
    assert not pool.close(0.05)
    assert isinstance(waiter.error(), PoolClosed)
    pool.adapter.release_all()
    assert pool.close()
    assert pool.adapter.open == 0
    assert pool.adapter.count("create") == 1


def test_close_completes_though_create_always_fails(rig: Rig) -> None:
    """Behaviour 114."""
    pool = rig.pool(rig.adapter(create=lambda call: ScriptedError()), max_size=2, min_size=2)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.05)
    assert pool.close()


def test_close_ends_when_the_last_create_has_failed(rig: Rig) -> None:
    """Behaviour 114: and does not sit its time out."""
    pool = rig.pool(rig.adapter(create=[never(Step(error=ScriptedError()))]), max_size=1)
    waiter = pool.begin_waiting()
    eventually(lambda: pool.adapter.count("create") == 1)
    answers: list[bool] = []
    closer = threading.Thread(target=lambda: answers.append(pool.close(None)), daemon=True)
    closer.start()
    assert isinstance(waiter.error(), PoolClosed)
    pool.adapter.release_all()
    closer.join(HANG)
    assert [True] == answers


@pytest.mark.parametrize("timeout", [10.0, None])
def test_close_waits_for_holders_up_to_its_timeout(rig: Rig, timeout: float | None) -> None:
    """Behaviour 112: and for ever where that is None, as everywhere."""
    pool = rig.pool(max_size=1)
    lease = pool.acquire()
    timer = threading.Timer(0.1, lease.release)
    timer.start()
    began = monotonic()
    assert pool.close(timeout)
    assert monotonic() - began < 9
    timer.join()


def test_a_slow_destroy_is_waited_for_and_a_hung_one_is_not(rig: Rig) -> None:
    """Behaviours 105 and 106: its place is free though the destroy fails or hangs."""
    pool = rig.pool(
        rig.adapter(destroy=[ScriptedError(), slow(0.05), never()]), max_size=1, destroy_timeout=0.2
    )
    for expected in (1, 2, 3, 4):
        with pool.leased() as resource:
            assert resource.number == expected
            lease_number = resource.number
        pool.acquire().discard()
        assert lease_number == expected
    assert pool.stats().stuck <= 1
    pool.adapter.release_all()


def test_fixed_prefills_and_never_shrinks(rig: Rig) -> None:
    """Behaviour 61 and 65."""
    pool = rig.pool(max_size=3, sizing=Fixed(), max_idle=0.05)
    eventually(lambda: pool.stats().idle == 3)
    assert pool.adapter.destroyed == 0
    pool.acquire().discard()
    eventually(lambda: pool.stats().idle == 3)


def test_a_fixed_size_that_is_max_size_follows_a_resize_both_ways(rig: Rig) -> None:
    """Behaviours 19, 118, 121: a dormant pool wakes as well."""
    pool = rig.pool(max_size=0, sizing=Fixed())
    for size in (3, 1, 2):
        pool.resize(max_size=size)
        eventually(lambda size=size: (pool.stats().idle, pool.stats().size) == (size, size))
    assert (2, 2) == (pool.stats().target, pool.stats().ceiling)


def test_a_fixed_size_of_its_own_stays_within_the_limits(rig: Rig) -> None:
    """Behaviours 20, 121."""
    pool = rig.pool(max_size=0, sizing=Fixed(2))
    for most, size in ((5, 2), (1, 1), (3, 2)):
        pool.resize(max_size=most)
        eventually(lambda size=size: (pool.stats().idle, pool.stats().size) == (size, size))
    with pytest.raises(ValueError, match="min_size is 3, it must be at most 2, as sizing is Fixed"):
        pool.resize(min_size=3)
    assert 0 == pool.stats().min_size


def test_wait_ready_ends_when_min_size_is_open(rig: Rig) -> None:
    """Behaviours 51 and 61."""
    pool = rig.pool(max_size=4, min_size=3)
    pool.wait_ready()
    assert pool.stats().size >= 3


def test_wait_ready_gives_up_with_the_cause(rig: Rig) -> None:
    """Behaviour 51."""
    pool = rig.pool(rig.adapter(create=lambda call: OSError("nobody there")), max_size=1, min_size=1)
    with pytest.raises(PoolTimeout) as caught:
        pool.wait_ready(0.2)
    assert caught.value.phase == "create"
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("fault", [Fault.CONFIG, None], ids=["configuration", "nothing made"])
def test_wait_ready_is_told_at_once_what_waiting_cannot_mend_though_one_is_open(
    rig: Rig, fault: Fault | None
) -> None:
    """Behaviour 51."""
    bad = value(None) if fault is None else ScriptedError("password authentication failed", fault=fault)
    pool = rig.pool(rig.adapter(create=[None, *[bad] * 50], abilities=["classify"]), max_size=2)
    pool.acquire().release()
    pool.resize(min_size=2)
    with pytest.raises(BackendError):
        pool.wait_ready(HANG)


def test_a_pool_of_no_size_is_not_ready(rig: Rig) -> None:
    """Behaviours 19, 51."""
    pool = rig.pool(max_size=0)
    with pytest.raises(PoolTimeout, match="resize"):
        pool.wait_ready(0.1)


def test_a_pool_that_was_given_a_name_or_refused_uses_up_no_number(rig: Rig) -> None:
    before = int(rig.pool().raw.name.rpartition("-")[2])
    rig.pool(name="orders")
    with pytest.raises(ValueError, match="max_size"):
        rig.pool(max_size=-1)
    with pytest.raises(TypeError, match="sizing is 5"):
        rig.pool(sizing=5)
    assert before + 1 == int(rig.pool().raw.name.rpartition("-")[2])


def test_only_an_adapter_that_can_abort_is_asked_to(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "respool")
    pool = rig.pool(rig.adapter(abilities=["abort"]), max_size=2, reset_timeout=0.1)
    held = pool.acquire()
    unable = rig.adapter(reset=[never()])
    pool.refresh(adapter=unable)
    pool.acquire().release()
    eventually(lambda: pool.stats().stuck or pool.stats().destroyed)
    unable.release_all()
    held.release()
    assert "abort raised" not in caplog.text
