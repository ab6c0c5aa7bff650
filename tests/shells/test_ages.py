"""Ages and uses: what is retired, when, and what never is."""

from __future__ import annotations

import threading

from respool.testing import never
from tests.shells.rig import Rig, eventually


def test_a_resource_idle_for_too_long_is_retired_down_to_min_size(rig: Rig) -> None:
    """Behaviours 64 and 65."""
    pool = rig.pool(max_size=4, min_size=1, max_idle=0.2)
    leases = [pool.acquire() for _ in range(4)]
    for lease in leases:
        lease.release()
    eventually(lambda: pool.quiet().size == 1)
    created = pool.stats().created
    threading.Event().wait(0.5)
    assert pool.stats().created == created
    assert pool.stats().destroyed["idle"] == 3


def test_a_lifetime_holds_on_a_hot_pool_too(rig: Rig) -> None:
    """Behaviours 68 and 73."""
    pool = rig.pool(max_size=1, max_lifetime=0.3)

    def used_until_replaced() -> bool:
        with pool.leased() as resource:
            return resource.number > 2

    eventually(used_until_replaced, "a replacement while the pool is hot")
    assert pool.quiet().destroyed["lifetime"] >= 2


def test_a_held_resource_is_never_retired_under_its_holder(rig: Rig) -> None:
    """Behaviours 73 and 108."""
    pool = rig.pool(max_size=1, max_lifetime=0.1, max_idle=0.1)
    lease = pool.acquire()
    with pool.adapter.holding(lease.resource):
        threading.Event().wait(0.6)
        assert pool.adapter.destroyed == 0
    lease.release()
    eventually(lambda: pool.adapter.destroyed == 1)
    pool.check()


def test_a_resource_is_retired_after_max_uses(rig: Rig) -> None:
    """Behaviours 72 and 74."""
    pool = rig.pool(max_size=1, max_uses=2)
    seen = []
    for _ in range(6):
        with pool.leased() as resource:
            seen.append(resource.number)
    assert seen == [1, 1, 2, 2, 3, 3]
    assert pool.quiet().destroyed == {"uses": 3}


def test_min_size_is_kept_in_the_background(rig: Rig) -> None:
    """Behaviours 5, 61 and 62."""
    pool = rig.pool(max_size=4, min_size=2)
    eventually(lambda: pool.quiet().idle == 2)
    pool.acquire().discard()
    eventually(lambda: pool.quiet().idle == 2)


def test_what_is_created_for_min_size_serves_whoever_waits_and_keeps_no_place_from_him(rig: Rig) -> None:
    """Behaviours 13 and 62: a create in the background that hangs holds up neither place nor caller."""
    pool = rig.pool(rig.adapter(create=[never()]), min_size=1, max_size=2)
    eventually(lambda: pool.adapter.count("create") == 1, "the create in the background")
    callers = [pool.begin_waiting(), pool.begin()]
    served = eventually(lambda: [caller for caller in callers if caller.done], "a create beside it")
    assert 1 == len(served)
    pool.adapter.release_blocked()
    for caller in callers:
        caller.result().release()
    assert 2 == pool.quiet().created


def test_keepalive_checks_idle_resources_one_at_a_time_and_ages_none_of_them(rig: Rig) -> None:
    """Behaviours 69, 79 and 80."""
    pool = rig.pool(max_size=3, keepalive=0.2, max_idle=1.5, check_after=1000)
    leases = [pool.acquire() for _ in range(3)]
    for lease in leases:
        lease.release()
    pool.quiet()
    pool.adapter.script("validate", [never()])
    eventually(lambda: pool.adapter.count("validate") == 1)
    threading.Event().wait(0.4)
    assert pool.adapter.count("validate") == 1
    pool.adapter.release_all()
    eventually(lambda: pool.adapter.count("validate") >= 4, "each in its turn")
    eventually(lambda: pool.quiet().size == 0, "idle ages go on in spite of the checks")
    pool.check()
