"""`in_threads`: a blocking adapter under asyncio."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from respool import (
    Adapter,
    AsyncAdapter,
    AsyncPool,
    PoolTimeout,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsProbe,
    _bridge,
    in_threads,
)
from respool._async_workers import GIVEN_UP
from respool.testing import AsyncScriptedAdapter, ScriptedAdapter, never, ok, slow
from tests.shells.loops import HANG, run, turns, until
from tests.shells.rig import eventually

ABILITIES: dict[str, Any] = {
    "probe": SupportsProbe,
    "dirty": SupportsDirty,
    "abort": SupportsAbort,
    "classify": SupportsClassify,
}


def bridge_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if "-bridge" in thread.name]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    deadline = threading.Event()
    for _ in range(2000):
        if not bridge_threads():
            return
        deadline.wait(0.005)
    raise AssertionError(f"threads are left: {bridge_threads()}")


def test_a_blocking_adapter_serves_an_async_pool_from_daemon_threads(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        adapter = ScriptedAdapter()
        async with AsyncPool(in_threads(adapter), max_size=2) as pool:
            async with pool.acquire() as resource:
                resource.leftovers.append("state")
            async with pool.acquire() as resource:
                assert [] == resource.leftovers
            async with pool.acquire(), pool.acquire():
                assert all(t.daemon for t in threading.enumerate() if "-bridge" in t.name)
            me = threading.get_ident()
            assert not [call for call in adapter.calls() if call.thread == me]
            pool._core.engine.check()
        adapter.check()
        assert (0, []) == (adapter.open, bridge_threads())

    with caplog.at_level("DEBUG", "respool"):
        run(main)
    assert "in_threads" not in caplog.text


def test_the_threads_are_there_while_anything_is_open_or_on_its_way() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(create=[ok(), ok(), never()])
        bridged = in_threads(adapter)
        first, second = await bridged.create(), await bridged.create()
        assert bridge_threads()
        await bridged.destroy(first)
        assert bridge_threads()
        third = asyncio.ensure_future(bridged.create())
        await until(lambda: adapter.count("create") == 3)
        await bridged.destroy(second)
        assert 2 == len(bridge_threads())
        adapter.release_all()
        await bridged.destroy(await third)
        await until(lambda: not bridge_threads())

    run(main)


@pytest.mark.parametrize("abilities", [(), *((name,) for name in ABILITIES), tuple(ABILITIES)])
def test_the_bridge_has_exactly_the_abilities_of_the_adapter(abilities: tuple[Any, ...]) -> None:
    bridged = in_threads(ScriptedAdapter(abilities=abilities))
    assert {*abilities} == {name for name, protocol in ABILITIES.items() if isinstance(bridged, protocol)}


def test_the_bridge_adds_no_call_that_the_adapter_has_not() -> None:
    class Bare(Adapter[object]):
        noun = "thing"

        def create(self) -> object:
            return object()

    async def main() -> None:
        async with AsyncPool(in_threads(Bare())) as pool:
            assert ("bare", "thing") == (pool._core.bound.kind, pool._core.bound.noun)
            assert (False, False) == (pool._core.bound.validates, pool._core.bound.resets)
            async with pool.acquire():
                pass
            turned: list[int] = []
            asyncio.get_running_loop().call_soon(turned.append, 1)
            async with pool.acquire():
                assert [] == turned

    run(main)


def test_a_local_reset_runs_in_place_on_the_loop() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(reset_is_local=True)
        async with AsyncPool(in_threads(adapter)) as pool:
            lease = await pool.acquire()
            lease.release()
            assert [threading.get_ident()] == [call.thread for call in adapter.calls("reset")]

    run(main)


def test_a_blocking_adapter_without_the_bridge_is_refused_with_the_remedy() -> None:
    with pytest.raises(TypeError, match=r"in_threads\(adapter\)"):
        AsyncPool(ScriptedAdapter())  # type: ignore[arg-type]  # the mistake
    with pytest.raises(TypeError, match="AsyncPool"):
        in_threads(AsyncScriptedAdapter())  # type: ignore[arg-type]  # the mistake
    bridged = in_threads(adapter := ScriptedAdapter())
    assert isinstance(bridged, AsyncAdapter)
    assert f"in_threads({adapter!r})" == repr(bridged)


def test_a_hung_call_delays_neither_the_loop_nor_others() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(create=[never()])
        async with AsyncPool(in_threads(adapter), max_size=2, create_timeout=0.1) as pool:
            async with pool.acquire(timeout=HANG):
                assert 1 == pool.stats().stuck
            adapter.release_all()
            await until(lambda: pool.stats().stuck == 0)
        adapter.check()
        assert 0 == adapter.open

    run(main)


@pytest.mark.parametrize("method", ["validate", "reset"])
def test_a_call_that_was_given_up_is_over_before_its_resource_is_destroyed(method: str) -> None:
    async def main() -> None:
        adapter = ScriptedAdapter()
        adapter.script(method, [never()])
        facts: dict[str, Any] = {f"{method}_timeout": 0.05}
        pool = AsyncPool(in_threads(adapter), max_size=1, check_after=0, **facts)
        async with pool:
            (await pool.acquire()).release()
            async with pool.acquire(timeout=HANG):
                assert (1, 0) == (pool.stats().stuck, adapter.count("destroy"))
            adapter.release_all()
            await until(lambda: adapter.destroyed == 1)
        adapter.check()
        assert 0 == adapter.open

    run(main)


def test_a_call_that_was_given_up_is_aborted_where_the_adapter_can() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(reset=[never()], abilities={"abort"})
        async with AsyncPool(in_threads(adapter), max_size=1, reset_timeout=0.05) as pool:
            (await pool.acquire()).release()
            async with pool.acquire(timeout=HANG) as resource:
                assert (2, 1) == (resource.number, adapter.count("abort"))
        adapter.check()
        assert 0 == adapter.open

    run(main)


def test_what_a_cancelled_create_still_brings_is_destroyed() -> None:
    """Without a pool: a bridge is an adapter, and anybody may cancel its calls."""

    async def main() -> None:
        adapter = ScriptedAdapter(create=never())
        bridged = in_threads(adapter)
        task = asyncio.ensure_future(bridged.create())
        await until(lambda: adapter.count("create") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        adapter.release_all()
        await until(lambda: adapter.destroyed == 1)
        adapter.check()

    run(main)


def test_what_a_cancelled_create_brings_may_fail_to_end_and_ends_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(create=[never()], destroy=[SystemExit("goodbye")])
        bridged = in_threads(adapter)
        task = asyncio.ensure_future(bridged.create())
        await until(lambda: adapter.count("create") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        adapter.release_all()
        await until(lambda: not bridged._flying)  # type: ignore[attr-defined]  # what runs on its threads
        assert 1 == adapter.count("destroy")
        await bridged.destroy(await bridged.create())

    ended: list[object] = []
    monkeypatch.setattr(threading, "excepthook", ended.append)
    run(main)
    assert [] == ended


def test_what_a_cancelled_create_has_brought_already_is_destroyed() -> None:
    """Its thread is back, and the loop does not know yet: nobody but the loop is left to see to it."""

    async def main() -> None:
        adapter = ScriptedAdapter()
        bridged = in_threads(adapter)
        task = asyncio.ensure_future(bridged.create())
        await turns(1)
        [call] = bridged._flying  # type: ignore[attr-defined]  # what runs on its threads
        eventually(lambda: call._back)  # and the loop stands still
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: adapter.destroyed == 1)
        adapter.check()

    run(main)


def test_a_cancelled_create_that_fails_has_nothing_destroyed(caplog: pytest.LogCaptureFixture) -> None:
    class Fails(Adapter[object]):
        asked = threading.Event()
        refused = threading.Event()

        def create(self) -> object:
            self.asked.set()
            self.refused.wait(HANG)
            raise OSError("refused")

        def destroy(self, resource: object, /) -> None:
            raise AssertionError(f"there is nothing to destroy: {resource}")

    async def main() -> None:
        bridged = in_threads(Fails())
        task = asyncio.ensure_future(bridged.create())
        await until(Fails.asked.is_set)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        Fails.refused.set()
        await until(lambda: not bridged._flying)  # type: ignore[attr-defined]  # what runs on its threads

    with caplog.at_level("DEBUG", "respool"):
        run(main)
    assert [] == caplog.messages


def test_calls_beyond_the_most_threads_wait_and_one_that_is_given_up_makes_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_bridge, "MOST_THREADS", 2)

    async def main() -> None:
        adapter = ScriptedAdapter(create=never())
        bridged = in_threads(adapter)
        tasks = [asyncio.ensure_future(bridged.create()) for _ in range(3)]
        await until(lambda: adapter.count("create") == 2)
        await asyncio.sleep(0.02)
        assert (2, 2) == (adapter.count("create"), len(bridge_threads()))
        tasks[0].cancel(GIVEN_UP)
        await until(lambda: adapter.count("create") == 3)
        adapter.release_all()
        for resource in await asyncio.gather(*tasks):
            await bridged.destroy(resource)

    run(main)


def test_creates_cancelled_at_any_moment_leak_nothing() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(create=lambda call: slow(0.001 * (call.nth % 3)))
        bridged = in_threads(adapter)
        for nth in range(200):
            task = asyncio.ensure_future(bridged.create())
            await turns(1)
            if nth % 2:
                await asyncio.sleep(0.0005 * (nth % 5))
            task.cancel()
            try:
                await bridged.destroy(await task)
            except asyncio.CancelledError:
                pass
        await until(lambda: adapter.created == adapter.destroyed and not bridge_threads())
        adapter.check()

    run(main)


def test_a_call_whose_caller_has_gone_is_never_overtaken_on_its_resource() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(validate=[never()])
        bridged = in_threads(adapter)
        resource = await bridged.create()
        task = asyncio.ensure_future(bridged.validate(resource))
        await until(lambda: adapter.count("validate") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        destroying = asyncio.ensure_future(bridged.destroy(resource))
        await asyncio.sleep(0.02)
        assert 0 == adapter.count("destroy")
        adapter.release_all()
        await destroying
        adapter.check()

    run(main)


@pytest.mark.parametrize("abort", [[], [OSError("shut already")]], ids=["and ends", "which fails"])
def test_a_call_whose_caller_has_gone_is_aborted_where_the_adapter_can(abort: list[Any]) -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(validate=[never()], abort=abort, abilities={"abort"})
        bridged = in_threads(adapter)
        resource = await bridged.create()
        task = asyncio.ensure_future(bridged.validate(resource))
        await until(lambda: adapter.count("validate") == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert 1 == adapter.count("abort")
        adapter.release_all()
        await bridged.destroy(resource)
        adapter.check()

    run(main)


@pytest.mark.parametrize("args", [(GIVEN_UP,), ()], ids=["given up", "cancelled"])
def test_a_destroy_that_waits_for_another_call_follows_it_though_its_caller_goes(
    args: tuple[str, ...],
) -> None:
    """The thread that is in the other call may need longer than the destroy may take."""

    async def main() -> None:
        adapter = ScriptedAdapter(validate=[never()])
        bridged = in_threads(adapter)
        resource = await bridged.create()
        validating = asyncio.ensure_future(bridged.validate(resource))
        await until(lambda: adapter.count("validate") == 1)
        validating.cancel()
        destroying = asyncio.ensure_future(bridged.destroy(resource))
        await turns()
        destroying.cancel(*args)
        await turns()
        assert (destroying.done(), 0) == (not args, adapter.count("destroy"))
        adapter.release_all()
        await until(lambda: adapter.destroyed == 1)
        await asyncio.wait([validating, destroying])
        adapter.check()

    run(main)


def test_a_destroy_that_comes_in_the_turn_in_which_the_other_call_is_back_goes_on() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(validate=[never()])
        bridged = in_threads(adapter)
        resource = await bridged.create()
        validating = asyncio.ensure_future(bridged.validate(resource))
        await until(lambda: adapter.count("validate") == 1)
        validating.cancel()
        await asyncio.wait([validating])
        [call] = bridged._running.values()  # type: ignore[attr-defined]  # what its threads are in
        call.done.set_result(None)
        destroying = bridged.destroy(resource)
        assert destroying.send(None) is not None, "it gives the loop a turn"
        destroying.close()
        call.done = asyncio.get_running_loop().create_future()  # for the thread, which is not back in truth
        adapter.release_all()
        await asyncio.wait_for(call.done, HANG)

    run(main)


def test_creates_that_fail_leave_no_thread_after_close() -> None:
    async def main() -> None:
        pool = AsyncPool(in_threads(ScriptedAdapter(create=[OSError("refused")] * 9)))
        with pytest.raises(PoolTimeout):
            await pool.acquire(timeout=0.1)
        assert await pool.close()
        assert [] == bridge_threads()

    run(main)


def test_a_pool_of_blocking_resources_times_out_like_any_other() -> None:
    async def main() -> None:
        adapter = ScriptedAdapter(create=never())
        async with AsyncPool(in_threads(adapter)) as pool:
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.05)
            adapter.release_all()

    run(main)


@pytest.mark.parametrize("end", ["pass", "pool.acquire(timeout=0.1)"])
def test_hung_threads_hold_up_neither_the_loops_end_nor_the_interpreters(end: str) -> None:
    """Behaviour 117."""
    text = f"""
import asyncio, threading, warnings
warnings.simplefilter("ignore", ResourceWarning)
from respool import Adapter, AsyncPool, PoolTimeout, in_threads

class Hangs(Adapter):
    def create(self):
        threading.Event().wait()

async def main():
    global pool
    pool = AsyncPool(in_threads(Hangs()), min_size=2)
    try:
        await pool.acquire(timeout=0.2)
    except PoolTimeout:
        {end}
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


def test_a_forked_child_has_threads_of_its_own_and_leaves_the_parents_calls_alone() -> None:
    """The parent's threads still linger, and one of them is in the middle of a call."""
    text = """
import asyncio, os, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from respool import AsyncPool, in_threads
from respool.testing import ScriptedAdapter, never

adapter = ScriptedAdapter(reset=[never()])
bridge = in_threads(adapter)
pool = AsyncPool(bridge, max_size=4, timeout=10)

async def use(count):
    leases = [await pool.acquire() for _ in range(count)]
    for lease in leases:
        lease.release()

async def child():
    assert not bridge._flying and not bridge._open
    async with pool:
        async with pool.acquire() as resource:
            assert resource.number == 4, resource
    assert adapter.destroyed == 1
    until = time.monotonic() + 10
    while [t for t in threading.enumerate() if "-bridge" in t.name]:
        assert time.monotonic() < until, "a thread is left"
        await asyncio.sleep(0.01)

async def parent():
    await use(3)
    while adapter.count("reset") < 3:
        await asyncio.sleep(0.001)
    assert len(bridge._threads._threads) > 1 and bridge._flying
    pid = os.fork()
    if pid == 0:
        return False
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
    adapter.release_all()
    assert await pool.close()
    assert adapter.destroyed == adapter.created == 3
    return True

if asyncio.new_event_loop().run_until_complete(parent()):
    print("fine")
else:
    try:
        asyncio.run(child())
    except BaseException as exc:
        print("child", repr(exc), flush=True)
        os._exit(1)
    os._exit(0)
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=60, check=False
    )
    assert (0, "fine\n") == (done.returncode, done.stdout), done.stderr
