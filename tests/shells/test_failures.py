"""When the adapter fails: creates that raise, hang or lie, and checks that do."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import weakref
from contextlib import suppress
from functools import partial
from time import monotonic, sleep

import pytest

from respool import (
    BackendError,
    CapacityReached,
    ConfigFault,
    CreateFailed,
    Fault,
    OutageBegan,
    OutageEnded,
    PoolTimeout,
    ResourceGivenUp,
    make_async_pool,
    make_pool,
)
from respool.testing import Resource, ScriptedError, Step, never, slow, value
from tests.shells.rig import HANG, Rig, eventually

DOWN = ScriptedError("nobody answers", fault=Fault.BACKEND_DOWN)
CONFIG = ScriptedError("password authentication failed", fault=Fault.CONFIG)
FULL = ScriptedError("too many connections", fault=Fault.CAPACITY)


class Thing:
    """What can be referred to weakly."""


def test_one_transient_failure_does_not_fail_a_waiting_caller(rig: Rig) -> None:
    """Behaviours 38 and 39."""
    pool = rig.pool(rig.adapter(create=[DOWN, DOWN], abilities=["classify"]), max_size=1)
    pool.acquire().release()
    assert pool.stats().create_failures == 2


def test_failing_creates_end_in_a_timeout_with_phase_and_cause(rig: Rig) -> None:
    """Behaviours 36 and 37."""
    pool = rig.pool(rig.adapter(create=lambda call: OSError("refused")), max_size=2)
    callers = [pool.begin(timeout=0.3) for _ in range(5)]
    for caller in callers:
        error = caller.error()
        assert isinstance(error, PoolTimeout)
        assert error.phase == "create"
        assert isinstance(error.__cause__, OSError)
        assert "OSError: refused" in str(error)


def test_a_timeout_says_which_call_failed_last_and_how_long_it_waited(rig: Rig) -> None:
    """Behaviour 36: in the words of the contract, "within 2.0 s (...; last create failed 0.3 s ago: ...)"."""
    pool = rig.pool(rig.adapter(create=lambda call: OSError("refused")), max_size=1)
    with pytest.raises(
        PoolTimeout, match=r"within 1\.0 s \(.*; last create failed \d\.\d s ago: OSError: refused"
    ):
        pool.acquire(timeout=1)

    pool = rig.pool(rig.adapter(validate=lambda call: OSError("gone")), max_size=1, check_after=0)
    pool.acquire().release()
    lease = pool.acquire(timeout=30)
    with pytest.raises(
        PoolTimeout, match=r"within 0\.05 s \(.*; last validate failed \d\.\d s ago: OSError: gone"
    ):
        pool.acquire(timeout=0.05)
    lease.release()


def test_a_timeout_tells_an_error_once_though_its_cause_is_a_copy_with_plain_values(rig: Rig) -> None:
    """Behaviour 36: who comes later gets a copy that keeps nothing alive, which reads otherwise."""
    pool = rig.pool(rig.adapter(create=lambda call: OSError(Thing(), "refused")), max_size=1)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.05)
    with pytest.raises(PoolTimeout, match=r"OSError: .*'?refused'?\)$") as caught:
        pool.acquire(timeout=0)
    assert "<Thing>" in str(caught.value.__cause__)
    assert 1 == str(caught.value).count("refused")


def test_the_pool_serves_again_as_soon_as_creates_succeed(rig: Rig) -> None:
    """Behaviours 38, 43 and 58."""
    events: list[object] = []
    pool = rig.pool(
        rig.adapter(create=lambda call: DOWN, abilities=["classify"]), max_size=2, on_event=events.append
    )
    waiter = pool.begin_waiting()
    eventually(lambda: pool.stats().create_failures >= 2)
    pool.adapter.script("create", None)
    waiter.result().release()
    assert [type(e) for e in events if isinstance(e, OutageBegan | OutageEnded)] == [OutageBegan, OutageEnded]


def test_in_an_outage_at_most_four_creates_start_in_any_second_and_nothing_burns(rig: Rig) -> None:
    """Behaviours 44 and 45: the engine is asked now and then, however many wait."""
    starts: list[float] = []
    ticks: list[float] = []

    def refuse(call: object) -> ScriptedError:
        starts.append(monotonic())
        return DOWN

    pool = rig.pool(rig.adapter(create=refuse, abilities=["classify"]), max_size=8)
    engine = pool.raw._core.engine
    tick = engine.tick

    def counted(now: float) -> None:
        ticks.append(now)
        tick(now)

    engine.tick = counted
    callers = [pool.begin(timeout=2.5) for _ in range(20)]
    for caller in callers:
        assert isinstance(caller.error(), PoolTimeout)
    later = starts[2:]
    assert later
    for first, fifth in zip(later, later[4:], strict=False):
        assert fifth - first > 0.9
    assert 0 < len(ticks) < 1000  # a shell that spins comes to that in a moment


def test_an_old_error_is_not_told_to_a_later_caller(rig: Rig) -> None:
    """Behaviour 40."""
    pool = rig.pool(rig.adapter(create=[OSError("long ago")]), max_size=1)
    lease = pool.acquire()
    with pytest.raises(PoolTimeout) as caught:
        pool.acquire(timeout=0.05)
    assert caught.value.__cause__ is None
    lease.release()


def test_a_wrong_password_fails_at_once_where_nothing_is_open(rig: Rig) -> None:
    """Behaviour 46."""
    events: list[object] = []
    pool = rig.pool(
        rig.adapter(create=lambda call: CONFIG, abilities=["classify"]), max_size=4, on_event=events.append
    )
    with pytest.raises(BackendError) as caught:
        pool.acquire(timeout=30)
    assert caught.value.__cause__ is CONFIG
    eventually(lambda: [e for e in events if isinstance(e, ConfigFault)])


def test_a_wrong_password_warns_and_the_pool_serves_on_where_something_is_open(rig: Rig) -> None:
    """Behaviour 46."""
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=2)
    lease = pool.acquire()
    pool.adapter.script("create", lambda call: CONFIG)
    waiter = pool.begin_waiting()
    eventually(lambda: pool.stats().create_failures >= 1)
    lease.release()
    waiter.result().release()


def test_too_many_connections_lowers_the_ceiling_and_is_no_outage(rig: Rig) -> None:
    """Behaviour 36: the backend's refusal bounds the pool, and callers share what there is."""
    events: list[object] = []
    adapter = rig.adapter(create=[None, FULL], abilities=["classify"])
    pool = rig.pool(adapter, max_size=4, on_event=events.append)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    eventually(lambda: [e for e in events if isinstance(e, CapacityReached)])
    assert pool.stats().ceiling == 1
    assert not [e for e in events if isinstance(e, OutageBegan)]
    lease.release()
    waiter.result().release()


def test_create_returning_none_is_an_error_and_its_place_comes_back(rig: Rig) -> None:
    """Behaviour 41."""
    pool = rig.pool(rig.adapter(create=[value(None)]), max_size=1)
    with pytest.raises(BackendError, match="returned None"):
        pool.acquire()
    pool.acquire().release()
    assert pool.stats().size == 1


class Strange(BaseException):
    """No Exception, as KeyboardInterrupt is none."""


def test_something_that_is_no_exception_from_create_leaks_no_place(rig: Rig) -> None:
    """Behaviour 42."""
    pool = rig.pool(rig.adapter(create=[Strange("odd")]), max_size=1)
    with pytest.raises(BackendError) as caught:
        pool.acquire()
    assert isinstance(caught.value.__cause__, Strange)
    pool.acquire().release()


def test_a_hung_create_holds_up_nobody_else_and_is_given_up(rig: Rig) -> None:
    """Behaviours 48 and 49: what it still brings is destroyed."""
    events: list[object] = []
    adapter = rig.adapter(create=[None, never()])
    pool = rig.pool(adapter, max_size=2, create_timeout=0.2, on_event=events.append)
    lease = pool.acquire()
    waiter = pool.begin_waiting()
    eventually(lambda: [e for e in events if isinstance(e, ResourceGivenUp)])
    other = waiter.result()
    assert pool.stats().size <= 2
    adapter.release_all()
    eventually(lambda: pool.stats().stuck == 0)
    for one in (lease, other):
        one.release()
    assert pool.quiet().size == adapter.open
    pool.check()


def test_a_create_past_its_timeout_is_the_cause_of_a_timeout_and_not_the_end_we_put_to_it(rig: Rig) -> None:
    """Behaviours 36 and 48: an asyncio call is ended by a cancellation, of which no caller hears."""
    adapter = rig.adapter(create=lambda call: never())
    pool = rig.pool(adapter, max_size=1, create_timeout=0.1)
    with pytest.raises(PoolTimeout, match=r"TimeoutError: create took longer than 0\.1 s") as caught:
        pool.acquire(timeout=0.25)
    assert isinstance(caught.value.__cause__, TimeoutError)
    assert pool.stats().last_error == "TimeoutError: create took longer than 0.1 s"
    adapter.release_all()


def test_invalid_idle_resources_are_passed_over_and_replaced(rig: Rig) -> None:
    """Behaviours 81, 82, 92."""
    pool = rig.pool(max_size=3, check_after=0)
    leases = [pool.acquire() for _ in range(3)]
    for lease in leases:
        lease.resource.broken = True
        lease.release()
    pool.quiet()
    with pool.leased() as resource:
        assert resource.number > 3
    assert pool.adapter.count("validate") <= 3


def test_a_validate_that_hangs_costs_one_caller_its_timeout_once(rig: Rig) -> None:
    """Behaviours 84 and 85: the other idle ones are suspect from then on, and creation goes on beside."""
    pool = rig.pool(max_size=3, check_after=0, validate_timeout=0.2)
    leases = [pool.acquire() for _ in range(3)]
    for lease in leases:
        lease.release()
    pool.quiet()
    pool.adapter.script("validate", lambda call: never())
    began = monotonic()
    for expected in (4, 5):
        lease = pool.acquire(timeout=10)
        assert lease.resource.number >= expected
    assert monotonic() - began < 5
    pool.adapter.release_all()


def test_within_the_trust_window_nothing_is_validated(rig: Rig) -> None:
    """Behaviours 83 and 86: neither what is brand-new nor what was used just now."""
    pool = rig.pool(max_size=1, check_after=1000)
    for _ in range(3):
        pool.acquire().release()
    assert pool.adapter.count("validate") == 0


def test_after_the_trust_window_the_full_check_runs(rig: Rig) -> None:
    """Behaviours 81 and 83."""
    pool = rig.pool(max_size=1, check_after=0.2)
    pool.acquire().release()
    threading.Event().wait(0.5)
    with pool.leased() as resource:
        assert resource.number == 1
    assert pool.adapter.count("validate") == 1


def test_the_probe_runs_at_every_hand_out_and_a_dead_one_is_never_handed_out(rig: Rig) -> None:
    """Behaviour 87."""
    pool = rig.pool(rig.adapter(abilities=["probe"]), max_size=1, check_after=1000)
    lease = pool.acquire()
    dead = lease.resource
    lease.release()
    pool.quiet()
    pool.acquire().release()
    assert pool.adapter.count("probe") == 2
    pool.quiet()
    dead.broken = True
    with pool.leased() as resource:
        assert resource.number == 2
    pool.adapter.script("probe", [None, ValueError("gone"), None])
    pool.quiet()
    with pool.leased() as resource:
        assert resource.number in (2, 3)
    pool.check()


def test_who_was_handed_a_dead_one_keeps_his_place_and_his_timeout(rig: Rig) -> None:
    """Behaviours 21 and 22."""
    pool = rig.pool(rig.adapter(abilities=["probe"]), max_size=1, check_after=1000, fairness="strict")
    held = pool.acquire()
    callers = [pool.begin_waiting(5.0) for _ in range(3)]
    held.resource.broken = True
    held.release()
    for caller in callers:
        lease = caller.result()
        assert not any(other.done for other in callers[callers.index(caller) + 1 :])
        lease.release()


def test_a_backend_that_accepts_and_hangs_up_is_not_stormed_with_creates(rig: Rig) -> None:
    """Behaviours 10, 44, 45, 82: and the time-out tells the timeout that was in force."""
    pool = rig.pool(rig.adapter(abilities=["probe"], probe=lambda call: OSError("hung up")), max_size=3)
    with pytest.raises(PoolTimeout, match=r"within 1\.0 s"):
        pool.acquire(1.0)
    assert pool.adapter.count("create") <= 8


def test_reset_runs_before_anybody_sees_the_resource_again(rig: Rig) -> None:
    """Behaviours 88, 89, 94: the releaser does not wait for it, the next holder does."""
    pool = rig.pool(rig.adapter(reset=lambda call: slow(0.05)), max_size=1)
    with pool.leased() as resource:
        resource.leftovers.append("an open transaction")
    with pool.leased() as resource:
        assert resource.leftovers == []


def test_a_reset_that_hangs_holds_up_no_releaser(rig: Rig) -> None:
    """Behaviour 94: whichever way the lease ends."""
    pool = rig.pool(rig.adapter(reset=lambda call: never()), max_size=2, reset_timeout=HANG * 2)
    one, other = pool.acquire(), pool.acquire()

    def end() -> None:
        one.release()
        rig.leave(other.raw, None)

    releaser = threading.Thread(target=end)
    releaser.start()
    releaser.join(HANG)
    assert not releaser.is_alive()
    eventually(lambda: 2 == pool.adapter.count("reset"))
    assert 2 == pool.stats().resetting
    pool.adapter.release_all()


def test_a_local_reset_runs_in_place(rig: Rig) -> None:
    """Behaviour 88."""
    pool = rig.pool(rig.adapter(reset_is_local=True), max_size=1)
    with pool.leased() as resource:
        resource.leftovers.append("something")
    assert resource.leftovers == []
    assert pool.stats().idle == 1


def test_a_clean_return_skips_the_reset_where_the_adapter_can_tell(rig: Rig) -> None:
    """Behaviour 89."""
    pool = rig.pool(rig.adapter(abilities=["dirty"]), max_size=1)
    pool.acquire().release()
    assert pool.adapter.count("reset") == 0
    with pool.leased() as resource:
        resource.leftovers.append("something")
    pool.acquire().release()
    assert pool.adapter.count("reset") == 1


@pytest.mark.parametrize("by_block", [True, False])
def test_who_cannot_tell_whether_a_resource_is_clean_says_that_it_is_not(rig: Rig, by_block: bool) -> None:
    """Behaviour 89."""
    adapter = rig.adapter(abilities=["dirty"], is_dirty=[ScriptedError("cannot tell")])
    pool = rig.pool(adapter, max_size=1)
    if by_block:
        with pool.leased():
            pass
    else:
        pool.acquire().release()
    pool.quiet()
    assert 1 == pool.adapter.count("reset")


def test_a_reset_that_fails_gives_the_resource_up(rig: Rig) -> None:
    """Behaviours 88 and 90."""
    for local in (False, True):
        pool = rig.pool(rig.adapter(reset=[ScriptedError("cannot")], reset_is_local=local), max_size=1)
        pool.acquire().release()
        with pool.leased() as resource:
            assert resource.number == 2
        assert pool.stats().destroyed["reset failed"] == 1


def test_run_tries_again_on_another_resource_after_a_broken_one_only(rig: Rig) -> None:
    """Behaviour 91."""
    seen: list[int] = []

    def work(fault: Fault) -> object:
        def job(resource: object) -> int:
            seen.append(resource.number)  # type: ignore[attr-defined]  # a scripted resource
            if len(seen) == 1:
                raise ScriptedError(fault=fault)
            return len(seen)

        return job

    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=2)
    assert pool.run(work(Fault.RESOURCE_BROKEN), attempts=2) == 2
    assert len(set(seen)) == 2
    for other in set(Fault) - {Fault.RESOURCE_BROKEN}:
        seen.clear()
        with pytest.raises(ScriptedError):
            pool.run(work(other), attempts=5)
        assert len(seen) == 1
    seen.clear()
    with pytest.raises(ScriptedError):
        pool.run(work(Fault.RESOURCE_BROKEN))


def test_run_tries_again_after_a_group_only_where_every_member_is_a_broken_resource(rig: Rig) -> None:
    """Behaviour 91: an error of another kind in it is the caller's to see."""
    broken = ScriptedError(fault=Fault.RESOURCE_BROKEN)
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=1)
    for members, expected in ([broken, broken], 2), ([broken, KeyError("lost otherwise")], 1):
        seen: list[int] = []

        def work(resource: Resource, members: list[Exception] = members, seen: list[int] = seen) -> int:
            seen.append(resource.number)
            if len(seen) == 1:
                raise ExceptionGroup("of a task group", members)
            return len(seen)

        with suppress(ExceptionGroup):
            assert expected == pool.run(work, attempts=2)
        assert expected == len(set(seen))
    assert {"broken": 2} == pool.quiet().destroyed


def test_a_create_that_fails_in_a_task_group_fails_for_what_is_in_the_group(rig: Rig) -> None:
    """Behaviour 46."""
    group = ExceptionGroup("of a task group", [CONFIG, CONFIG])
    pool = rig.pool(rig.adapter(create=lambda call: group, abilities=["classify"]))
    with pytest.raises(BackendError, match="2 sub-exceptions"):
        pool.acquire()
    assert 1 == pool.adapter.count("create")


def test_the_cause_shows_where_create_failed_to_all_who_waited_for_it(rig: Rig) -> None:
    """Behaviour 36: the driver's own exception, left as it is."""
    pool = rig.pool(rig.adapter(create=[slow(0.1, Step(error=CONFIG))], abilities=["classify"]), max_size=1)
    callers = [pool.begin_waiting(), pool.begin_waiting()]
    for caller in callers:
        error = caller.error()
        assert isinstance(error, BackendError)
        assert CONFIG is error.__cause__
        assert "create" in "".join(traceback.format_tb(error.__cause__.__traceback__))


def test_the_cause_of_a_timeout_shows_where_create_failed_and_goes_on_doing_so(rig: Rig) -> None:
    """Behaviour 36."""
    pool = rig.pool(rig.adapter(create=lambda call: OSError("nobody there")), max_size=1)
    with pytest.raises(PoolTimeout) as caught:
        pool.acquire(timeout=0.1)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.2)
    cause = caught.value.__cause__
    assert cause is not None
    assert "create" in "".join(traceback.format_tb(cause.__traceback__))


def test_a_failed_reset_keeps_no_resource_alive_whatever_it_was_raised_from() -> None:
    """Behaviour 109."""

    def reset(thing: Thing) -> None:
        try:
            raise OSError("inner")
        except OSError as exc:
            raise RuntimeError("outer") from exc

    with make_pool(Thing, reset=reset, max_size=1) as pool:
        lease = pool.acquire()
        gone = weakref.ref(lease.resource)
        lease.release()
        eventually(lambda: pool.stats().destroyed)
        gc.collect()
        eventually(lambda: gone() is None)
        assert "RuntimeError: outer" == pool.stats().last_error


def test_a_refusal_is_gone_when_its_caller_has_dealt_with_it() -> None:
    """Behaviour 109: its traceback refers to the frame that raised it, which must not refer to it in turn."""
    gc.disable()
    try:
        with make_pool(Thing, max_size=0) as pool:
            for refuses in (
                *(partial(pool.acquire, wait) for wait in (0, 0.01)),
                partial(pool.wait_ready, 0),
            ):
                try:
                    refuses()
                except PoolTimeout as refusal:
                    gone = weakref.ref(refusal)
                assert gone() is None
    finally:
        gc.enable()


def test_a_destroy_that_raises_keeps_no_resource_alive() -> None:
    """Behaviours 105 and 109."""

    def destroy(thing: Thing) -> None:
        raise OSError(9, "bad descriptor")

    gc.disable()
    try:
        with make_pool(Thing, destroy=destroy, max_size=1) as pool:
            lease = pool.acquire()
            gone = weakref.ref(lease.resource)
            lease.discard()
            eventually(lambda: gone() is None, "the end of the resource", within=2.0)
    finally:
        gc.enable()


def test_a_destroy_that_raises_in_a_loop_keeps_no_resource_alive() -> None:
    """Behaviours 105 and 109."""

    async def create() -> Thing:
        return Thing()

    async def destroy(thing: Thing) -> None:
        raise OSError(9, "bad descriptor")

    async def main() -> None:
        async with make_async_pool(create, destroy=destroy, max_size=1) as pool:
            lease = await pool.acquire()
            gone = weakref.ref(lease.resource)
            lease.discard()
            while not pool.stats().destroyed:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert gone() is None

    gc.disable()
    try:
        asyncio.run(asyncio.wait_for(main(), HANG))
    finally:
        gc.enable()


def test_who_gets_no_other_resource_sees_what_broke_the_first(rig: Rig) -> None:
    """Behaviour 91."""
    pool = rig.pool(rig.adapter(abilities=["classify"], create=[None, never()]), max_size=1)
    errors = [ScriptedError("broken", fault=Fault.RESOURCE_BROKEN)]

    def work(_: object) -> None:
        raise errors[0]

    with pytest.raises(PoolTimeout, match="no resource from pool") as caught:
        pool.run(work, attempts=3, timeout=0.2)
    assert errors[0] is caught.value.__cause__
    pool.adapter.release_all()


def test_a_configuration_error_on_a_further_attempt_keeps_its_own_cause(rig: Rig) -> None:
    """Behaviours 46 and 91."""
    wrong = ScriptedError("wrong password", fault=Fault.CONFIG)
    pool = rig.pool(rig.adapter(abilities=["classify"], create=[None, wrong]), max_size=1)

    def work(_: object) -> None:
        raise ScriptedError("broken", fault=Fault.RESOURCE_BROKEN)

    with pytest.raises(BackendError) as caught:
        pool.run(work, attempts=3, timeout=HANG)
    assert wrong is caught.value.__cause__


def test_a_run_that_tried_again_keeps_no_error_alive(rig: Rig) -> None:
    """Behaviour 109: the error's traceback refers to the frame that kept it, and so to resources."""
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=2)
    seen: list[weakref.ref[ScriptedError]] = []

    def work(_: object) -> str:
        if seen:
            return "well"
        error = ScriptedError("broken", fault=Fault.RESOURCE_BROKEN)
        seen.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    gc.disable()
    try:
        assert "well" == pool.run(work, attempts=2)
        eventually(lambda: seen[0]() is None, "the end of the error", within=2.0)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("facts", "error", "match"),
    [
        ({"timeout": -1}, ValueError, "timeout is -1, it must be a number of seconds, 0 or more"),
        ({"timeout": float("nan")}, ValueError, "timeout is nan"),
        ({"timeout": "3"}, TypeError, "timeout is '3'"),
        ({"timeout": True}, TypeError, "timeout is True"),
        ({"attempts": 0}, ValueError, "attempts is 0, it must be at least 1"),
        ({"attempts": 1.5}, TypeError, "attempts is 1.5, it must be an int"),
        ({"attempts": "2"}, TypeError, "attempts is '2'"),
        ({"attempts": True}, TypeError, "attempts is True"),
    ],
)
def test_a_run_refuses_what_an_acquire_refuses(
    rig: Rig, facts: dict[str, object], error: type[Exception], match: str
) -> None:
    """Behaviour 20."""
    pool = rig.pool()
    with pytest.raises(error, match=match):
        pool.run(lambda _: pytest.fail("it ran"), **facts)
    if "timeout" in facts:
        wait = pool.refresh()
        with pytest.raises(error, match=match):
            wait(facts["timeout"])  # type: ignore[arg-type]  # the mistake


def test_a_coroutine_function_is_no_work_for_threads() -> None:
    async def work(_: object) -> None:
        pytest.fail("it ran")

    with make_pool(dict, max_size=1) as pool:
        with pytest.raises(TypeError, match=r"plain function.* AsyncPool"):
            pool.run(work)
        assert (0, 1) == (pool.stats().in_use, pool.stats().idle)


def test_a_failed_create_is_an_event_without_secrets(rig: Rig) -> None:
    """Behaviour 135."""
    events: list[object] = []
    leak = OSError("cannot reach postgres://app:hunter2@db/app?password=hunter2")
    pool = rig.pool(rig.adapter(create=lambda call: leak), max_size=1, on_event=events.append)
    with pytest.raises(PoolTimeout) as caught:
        pool.acquire(timeout=0.1)
    assert [e for e in events if isinstance(e, CreateFailed)]
    for text in (str(caught.value), repr(events), repr(pool.stats()), repr(pool.raw)):
        assert "hunter2" not in text


def test_a_further_attempt_without_time_left_names_the_time_of_all_attempts(rig: Rig) -> None:
    pool = rig.pool(rig.adapter(abilities=["classify"]), max_size=1)

    def work(_: object) -> None:
        sleep(0.06)
        raise ScriptedError("broken", fault=Fault.RESOURCE_BROKEN)

    with pytest.raises(PoolTimeout, match=r"within the 0\.05 s of run\(\): no resource from pool .* at once"):
        pool.run(work, attempts=2, timeout=0.05)


def test_a_first_attempt_names_the_time_that_it_was_given(rig: Rig) -> None:
    with pytest.raises(PoolTimeout, match=r"within 0\.05 s \("):
        rig.pool(max_size=0).run(lambda _: pytest.fail("it ran"), attempts=2, timeout=0.05)
