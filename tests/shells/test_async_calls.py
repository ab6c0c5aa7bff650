"""How adapter calls are carried out under asyncio: timeouts, aborts, resets in place, what must pass."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from respool import AsyncAdapter, AsyncPool, BackendError, PoolTimeout
from respool.testing import AsyncScriptedAdapter, Resource, error, never, slow
from tests.shells.loops import HANG, opened, run, turns, until, waiters


@pytest.mark.parametrize("method", ["create", "validate", "reset", "destroy"])
def test_a_call_past_its_timeout_is_cancelled_and_its_place_is_free(method: str) -> None:
    """Behaviours 48, 84 and 106."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter()
        adapter.script(method, [never()])
        facts: dict[str, Any] = {f"{method}_timeout": 0.05}
        async with opened(adapter, max_size=1, check_after=0, **facts) as pool:
            if method == "create":
                async with pool.acquire(timeout=10):
                    pass
            else:
                lease = await pool.acquire()
                lease.discard() if method == "destroy" else lease.release()
                async with pool.acquire(timeout=10) as resource:
                    assert 2 == resource.number
            call = adapter.calls(method)[0]
            await until(lambda: call.outcome == "error")
            assert isinstance(call.error, asyncio.CancelledError)
            await until(lambda: pool.stats().stuck == 0)

    run(main)


def test_a_call_that_swallows_its_cancellation_stays_stuck_and_what_it_brings_is_destroyed() -> None:
    """Behaviour 49."""

    class Stubborn(AsyncScriptedAdapter):
        gate: asyncio.Event

        async def create(self) -> Resource:
            while self.count("create") == 0 and not self.gate.is_set():
                try:
                    await self.gate.wait()
                except asyncio.CancelledError:
                    pass
            return await super().create()

    async def main() -> None:
        adapter = Stubborn()
        adapter.gate = asyncio.Event()
        async with opened(adapter, max_size=1, create_timeout=0.05) as pool:
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0.3)
            assert pool.stats().stuck >= 1
            adapter.gate.set()
            await until(lambda: pool.stats().stuck == 0)
            async with pool.acquire(timeout=10):
                assert pool.stats().destroyed["given up"] >= 1

    run(main)


def test_a_call_that_is_given_up_is_aborted_as_well() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(reset=[never()], abilities={"abort"})
        async with opened(adapter, max_size=1, reset_timeout=0.05) as pool:
            (await pool.acquire()).release()
            async with pool.acquire(timeout=10):
                assert [1, 1] == [adapter.count("abort"), adapter.created - adapter.open]

    run(main)


def test_hung_destroys_delay_neither_resets_nor_creates() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(destroy=never())
        async with opened(adapter, max_size=30, destroy_timeout=0.2) as pool:
            for lease in [await pool.acquire() for _ in range(20)]:
                lease.discard()
            async with asyncio.timeout(15):
                for _ in range(5):
                    async with pool.acquire():
                        pass
            adapter.release_all()

    run(main)


def test_a_local_reset_is_over_when_release_returns() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(reset_is_local=True)
        async with opened(adapter) as pool:
            lease = await pool.acquire()
            tasks = asyncio.all_tasks()
            lease.resource.leftovers.append("state")
            lease.release()
            assert (1, 1, tasks) == (adapter.count("reset"), pool.stats().idle, asyncio.all_tasks())

    run(main)


def test_a_local_reset_that_fails_costs_the_resource_and_not_the_caller() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(reset=[error(OSError("gone"))], reset_is_local=True)
        async with opened(adapter) as pool:
            async with pool.acquire():
                pass
            async with pool.acquire() as resource:
                assert 2 == resource.number

    run(main)


class Waits(AsyncScriptedAdapter):
    """Promises that its reset is local, and waits in the middle of it all the same."""

    fails = False

    async def reset(self, resource: Resource, /) -> None:
        call = self.ledger.begin("reset", resource)
        await asyncio.sleep(0.02)
        self.ledger.end(call)
        if self.fails:
            raise OSError("gone")


@pytest.mark.parametrize("fails", [False, True])
def test_a_local_reset_that_waits_after_all_is_never_cut_in_half(fails: bool) -> None:
    async def main() -> None:
        adapter = Waits(reset_is_local=True)
        adapter.fails = fails
        async with opened(adapter, max_size=1) as pool:
            lease = await pool.acquire()
            lease.release()
            assert (1, 0) == (pool.stats().resetting, pool.stats().idle)
            lease = await pool.acquire()
            assert (2 if fails else 1) == lease.resource.number
            lease.discard()

    run(main)


def test_a_local_reset_that_waits_ends_before_a_closing_pool_destroys() -> None:
    async def main() -> None:
        adapter = Waits(reset_is_local=True)
        async with opened(adapter, max_size=1) as pool:
            lease = await pool.acquire()
            closing = asyncio.ensure_future(pool.close())
            await turns()
            lease.release()
            assert await closing
            calls = adapter.calls()
            assert ["create", "reset", "destroy"] == [call.method for call in calls]
            assert ["ok"] * 3 == [call.outcome for call in calls]

    run(main)


class Hangs(Waits):
    """Waits for ever in its reset, or ends it as a cancelled task would."""

    cancelled = False

    async def reset(self, resource: Resource, /) -> None:
        if self.cancelled:
            await asyncio.sleep(0)
            raise asyncio.CancelledError
        await asyncio.Event().wait()


@pytest.mark.parametrize("cancelled", [False, True])
@pytest.mark.parametrize("why", ["uses", "refreshed", "closed"])
def test_a_local_reset_that_hangs_never_stands_in_for_the_destroy(why: str, cancelled: bool) -> None:
    async def main() -> None:
        adapter = Hangs(reset_is_local=True)
        adapter.cancelled = cancelled
        most: dict[str, Any] = {"max_uses": 1} if why == "uses" else {}
        pool = AsyncPool(adapter, max_size=1, destroy_timeout=0.1, **most)
        lease = await pool.acquire()
        if why == "refreshed":
            pool.refresh()
        closing = asyncio.ensure_future(pool.close()) if why == "closed" else None
        await turns()
        lease.release()
        await until(lambda: why in pool.stats().destroyed)
        assert (1, 0) == (adapter.destroyed, adapter.open)
        assert await (closing or pool.close(HANG))

    run(main)


def test_a_loop_that_ends_in_a_half_reset_still_sees_the_destroy() -> None:
    async def main() -> None:
        pool = AsyncPool(adapter, max_size=1, max_uses=1)
        (await pool.acquire()).release()
        await turns()
        assert 0 == adapter.destroyed

    adapter = Hangs(reset_is_local=True)
    run(main)
    assert (1, 0) == (adapter.destroyed, adapter.open)


def test_a_timeout_in_a_local_reset_never_strikes_the_releaser() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(reset=[slow(0.01)], reset_is_local=True)
        async with opened(adapter, max_size=1) as pool:
            (await pool.acquire()).release()
            await asyncio.sleep(0.05)
            async with pool.acquire() as resource:
                assert 2 == resource.number, "its reset could not be finished, so it was given up"

    run(main)


class Rare(BaseException):
    """No Exception, and nothing that a loop ends for."""


@pytest.mark.parametrize("raised", [Rare("rare"), None])
def test_what_is_no_resource_and_no_exception_reaches_one_caller_at_once(raised: Rare | None) -> None:
    """Behaviours 36, 41 and 42."""

    class Odd(AsyncAdapter[Any]):
        async def create(self) -> Any:
            if raised is not None:
                raise raised

    async def main() -> None:
        async with AsyncPool(Odd()) as pool:
            with pytest.raises(BackendError) as told:
                await pool.acquire(timeout=10)
            assert raised is None or told.value.__cause__ is raised
            pool._core.engine.check()

    run(main)


def test_an_interrupt_in_an_adapter_call_passes_through_the_loop() -> None:
    adapter = AsyncScriptedAdapter(validate=[KeyboardInterrupt()])
    pool = AsyncPool(adapter, max_size=1, check_after=0)

    async def main() -> None:
        for _ in range(2):
            async with pool.acquire():
                pass

    async def end() -> None:
        async with pool, pool.acquire() as resource:
            assert 2 == resource.number
            pool._core.engine.check()

    loop = asyncio.new_event_loop()
    first = loop.create_task(main())
    with pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(first)
    loop.run_until_complete(first)
    loop.run_until_complete(end())
    loop.close()
    assert adapter.created == adapter.destroyed


def test_the_total_wait_never_exceeds_its_timeout_though_everything_hangs() -> None:
    """Behaviour 9."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(create=never())
        async with opened(adapter) as pool:
            loop = asyncio.get_running_loop()
            start = loop.time()
            with pytest.raises(PoolTimeout) as told:
                await pool.acquire(timeout=0.1)
            assert ("create", True) == (told.value.phase, 0.1 <= loop.time() - start < 10)

    run(main)


def test_a_listener_may_speak_to_the_pool(caplog: pytest.LogCaptureFixture) -> None:
    """Behaviour 134: and one that raises hurts nobody."""
    seen: list[str] = []

    async def main() -> None:
        def listen(event: Any) -> None:
            seen.append(type(event).__name__)
            pool.stats()
            if seen[-1] == "ResourceCreated":
                pool.resize(max_size=3)
            raise RuntimeError("a listener's own trouble")

        pool = AsyncPool(AsyncScriptedAdapter(), max_size=2, on_event=listen)
        async with pool, pool.acquire():
            assert 3 == pool.stats().max_size

    with caplog.at_level(logging.WARNING, "respool"):
        run(main)
    assert ["ResourceCreated", "Acquired", "PoolResized"] == seen[:3]
    assert 1 == sum("a listener raised" in record.message for record in caplog.records)


def test_a_listener_that_causes_an_event_by_every_event_does_not_stop_the_loop() -> None:
    """Behaviour 134."""
    enough = 5000
    heard = 0

    async def main() -> None:
        def listen(event: Any) -> None:
            nonlocal heard
            heard += 1
            if heard < enough:
                pool.resize(max_size=2)

        nonlocal heard
        async with AsyncPool(AsyncScriptedAdapter(), max_size=2, on_event=listen) as pool, pool.acquire():
            await asyncio.sleep(0)
            assert 1 < heard < enough
            heard = enough

    run(main)


def test_ten_thousand_waiters_drain() -> None:
    """Behaviour 26."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True, log_limit=10), max_size=2) as pool:
            order: list[int] = []

            async def caller(number: int) -> None:
                async with pool.acquire():
                    order.append(number)

            held = await pool.acquire(), await pool.acquire()
            crowd = [asyncio.create_task(caller(number)) for number in range(10_000)]
            await waiters(pool, 10_000)
            for lease in held:
                lease.release()
            await asyncio.wait(crowd)
            assert list(range(10_000)) == order

    asyncio.run(main())
