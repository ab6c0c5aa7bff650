"""Cancellation at every await: nothing is lost, nothing is handed to a dead task, nothing is swallowed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from respool import AsyncPool, PoolError, PoolTimeout
from respool.testing import AsyncScriptedAdapter, Resource, error, never, slow
from tests.shells.loops import opened, run, turns, until, waiters


async def taker(pool: AsyncPool[Resource]) -> None:
    async with pool.acquire():
        await asyncio.Event().wait()


async def cancelled(task: asyncio.Future[Any]) -> None:
    """Cancel a task and see that it was."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_waiter_leaves_the_line() -> None:
    """Behaviours 23 and 27."""

    async def main() -> None:
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            first, second = asyncio.create_task(taker(pool)), asyncio.ensure_future(pool.acquire())
            await waiters(pool, 2)
            await cancelled(first)
            assert 1 == pool.stats().waiting
            lease.release()
            (await second).release()

    run(main)


def test_a_grant_that_its_waiter_can_no_longer_take_goes_to_the_next() -> None:
    """Behaviours 24 and 28: cancelled between the grant and the wake-up."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True), max_size=1) as pool:
            lease = await pool.acquire()
            first, second = asyncio.create_task(taker(pool)), asyncio.ensure_future(pool.acquire())
            await waiters(pool, 2)
            lease.release()
            assert 1 == pool.stats().waiting, "the first has been granted it, and does not know yet"
            await cancelled(first)
            assert 0 == pool.stats().waiting, "the second has it at once"
            (await second).release()
            assert 1 == pool.stats().created

    run(main)


def test_a_grant_that_nobody_takes_rests() -> None:
    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True), max_size=1) as pool:
            lease = await pool.acquire()
            task = asyncio.create_task(taker(pool))
            await waiters(pool, 1)
            lease.release()
            await cancelled(task)
            assert (1, 0) == (pool.stats().idle, pool.stats().in_use)

    run(main)


@pytest.mark.parametrize("how", ["create_task", "ensure_future", "coroutine"])
def test_a_task_cancelled_before_its_first_step_has_taken_nothing(how: str) -> None:
    """Behaviour 31."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True)) as pool:
            async with pool.acquire():
                pass
            start: dict[str, Callable[[], asyncio.Future[Any]]] = {
                "create_task": lambda: asyncio.create_task(pool.acquire()),
                "ensure_future": lambda: asyncio.ensure_future(pool.acquire()),
                "coroutine": lambda: asyncio.create_task(taker(pool)),
            }
            task = start[how]()
            await cancelled(task)
            assert (0, 1) == (pool.stats().in_use, pool.stats().idle)

    run(main)


@pytest.mark.parametrize("timeout", [{}, {"timeout": 5.0}], ids=["the pool's timeout", "a timeout"])
@pytest.mark.parametrize("how", ["with", "await"])
def test_a_task_that_is_being_cancelled_still_gets_what_is_idle(how: str, timeout: dict[str, float]) -> None:
    """Behaviour 32: what is there takes no turn of the loop, in which the cancellation would strike."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True), max_size=1) as pool:
            async with pool.acquire():
                pass

            async def caller() -> None:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                if how == "with":
                    async with pool.acquire(**timeout) as resource:
                        got.append(resource.number)
                else:
                    lease = await pool.acquire(**timeout)
                    got.append(lease.resource.number)
                    lease.release()
                await asyncio.Event().wait()

            got: list[int] = []
            with pytest.raises(asyncio.CancelledError):
                await asyncio.create_task(caller())
            assert [1] == got
            assert (1, 0) == (pool.stats().idle, pool.stats().waiting)

    run(main)


def test_cancelling_a_caller_never_cancels_the_create_that_it_caused() -> None:
    """Behaviour 29."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(create=never())
        async with opened(adapter) as pool:
            task = asyncio.create_task(taker(pool))
            await adapter.wait_for_call("create")
            await cancelled(task)
            assert 1 == pool.stats().creating
            adapter.release_blocked()
            await until(lambda: pool.stats().idle == 1)

    run(main)


def test_a_cancelled_check_or_reset_is_finished_all_the_same() -> None:
    """Behaviour 30: the releaser is cancelled while its reset runs, the waiter while its check runs."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(reset=[never()], validate=[never()])
        async with opened(adapter, max_size=1, check_after=0) as pool:

            async def lease() -> None:
                async with pool.acquire():
                    pass
                await asyncio.Event().wait()

            releaser = asyncio.create_task(lease())
            await adapter.wait_for_call("reset")
            await cancelled(releaser)
            assert 1 == pool.stats().resetting
            waiter = asyncio.create_task(taker(pool))
            adapter.release_blocked()
            await adapter.wait_for_call("validate")
            await cancelled(waiter)
            adapter.release_blocked()
            await until(lambda: pool.stats().idle == 1)
            assert 1 == pool.stats().created

    run(main)


def test_a_block_that_is_cancelled_is_cleaned_and_checked_before_anyone_else_sees_it() -> None:
    """Behaviours 88 and 104: an interrupted exchange may have left an unread reply."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(abilities={"dirty"})
        async with opened(adapter, max_size=1) as pool:
            begun = asyncio.Event()

            async def hold() -> None:
                async with pool.acquire():
                    begun.set()
                    await asyncio.Event().wait()

            task = asyncio.create_task(hold())
            await begun.wait()
            await cancelled(task)
            async with pool.acquire():
                assert [1, 1] == [adapter.count(method) for method in ("reset", "validate")]

    run(main)


@pytest.mark.parametrize("times", [2, 5])
def test_cancelling_again_and_again_loses_nothing(times: int) -> None:
    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset=slow(0.01)), max_size=1) as pool:
            lease = await pool.acquire()

            async def stubborn() -> None:
                try:
                    async with pool.acquire():
                        pass
                finally:
                    async with pool.acquire():
                        pass

            task = asyncio.create_task(stubborn())
            await waiters(pool, 1)
            for _ in range(times):
                task.cancel()
                await turns(3)
            lease.release()
            await asyncio.wait([task])
            assert task.cancelled()

    run(main)


async def _timeout(pool: AsyncPool[Any]) -> None:
    async with asyncio.timeout(0.01):
        await pool.acquire()


async def _wait_for(pool: AsyncPool[Any]) -> None:
    await asyncio.wait_for(pool.acquire(), 0.01)


async def _group(pool: AsyncPool[Any]) -> None:
    async with asyncio.timeout(0.01), asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(taker(pool))


@pytest.mark.parametrize("how", [_timeout, _wait_for, _group])
def test_every_kind_of_timeout_ends_a_wait(how: Callable[[AsyncPool[Any]], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            with pytest.raises(TimeoutError):
                await how(pool)
            assert 0 == pool.stats().waiting
            lease.release()

    run(main)


def test_the_pools_own_timeout_and_a_cancellation_at_once_lose_nothing() -> None:
    async def main() -> None:
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            for _ in range(50):
                task = asyncio.ensure_future(pool.acquire(timeout=0.005))
                asyncio.get_running_loop().call_later(0.005, task.cancel)
                with pytest.raises((asyncio.CancelledError, PoolTimeout)):
                    await task
            assert 0 == pool.stats().waiting
            lease.release()

    run(main)


def test_a_wait_that_is_thrown_away_loses_nothing() -> None:
    """A GeneratorExit at the await, without any task."""

    async def main() -> None:
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            for request in (pool.acquire(), pool.acquire(timeout=5)):
                request.send(None)
                assert 1 == pool.stats().waiting
                request.close()
                assert 0 == pool.stats().waiting
            coro = taker(pool)
            coro.send(None)
            coro.close()
            lease.release()

    run(main)


def test_cancelling_those_who_wait_for_the_pool_itself_leaves_it_as_it_is() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(create=[None, never()])
        async with opened(adapter, max_size=2) as pool:
            lease = await pool.acquire()
            pool.resize(min_size=2)
            handle = pool.refresh()
            for wait in (pool.wait_ready(), handle.wait()):
                task = asyncio.ensure_future(wait)
                await turns()
                await cancelled(task)
            assert {} == pool._core.engine.latches.lines
            task = asyncio.ensure_future(pool.close())
            await turns()
            await cancelled(task)
            lease.release()

    run(main)


def test_a_cancelled_run_gives_its_resource_back() -> None:
    async def main() -> None:
        async with opened(max_size=1) as pool:

            async def work(_: Resource) -> None:
                await asyncio.Event().wait()

            task = asyncio.create_task(pool.run(work, attempts=5))
            await until(lambda: pool.stats().in_use == 1)
            await cancelled(task)
            async with pool.acquire(timeout=5):
                pass

    run(main)


def test_whoever_cancels_the_pools_own_tasks_loses_nothing() -> None:
    """A server that cancels all tasks at its end may go on after all."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(create=[None, None, never()], reset=[never(), never()])
        async with opened(adapter, max_size=3) as pool:
            first, second = await pool.acquire(), await pool.acquire()
            first.release()
            second.release()
            pool.resize(min_size=3)
            await adapter.wait_for_call("create", 3)
            await adapter.wait_for_call("reset", 2)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                if task.get_name().startswith("respool"):
                    task.cancel()
            await turns()
            pool._core.engine.check()
            await pool.wait_ready(10)
            await until(lambda: adapter.destroyed == 2)

    run(main)


def test_a_last_call_that_is_cancelled_leaves_no_timer_behind() -> None:
    """Behaviour 116."""

    async def main() -> None:
        adapter = AsyncScriptedAdapter(destroy=[asyncio.CancelledError("by the driver itself")])
        loop = asyncio.get_running_loop()
        pool = AsyncPool(adapter)
        async with pool.acquire():
            pass
        assert await pool.close()
        assert not [timer for timer in loop._scheduled if "respool" in repr(timer) and not timer.cancelled()]  # type: ignore[attr-defined]

    run(main)


def test_a_storm_of_cancellations_loses_nothing() -> None:
    """Behaviours 3, 27, 28, 30: ten thousand rounds, each caller cancelled wherever it is."""

    async def main() -> None:
        rng = random.Random(20_240)
        adapter = AsyncScriptedAdapter(
            create=lambda _: error(OSError("refused")) if rng.random() < 0.05 else slow(rng.random() / 1000),
            reset=lambda _: slow(rng.random() / 2000) if rng.random() < 0.5 else None,
            validate=lambda _: slow(rng.random() / 2000),
            abilities={"dirty", "abort"},
            log_limit=100,
        )

        async def caller(pool: AsyncPool[Resource]) -> None:
            async with pool.acquire(timeout=rng.choice([None, 0.002, 5])) as resource:
                with adapter.holding(resource):
                    if rng.random() < 0.3:
                        resource.leftovers.append(1)
                    await asyncio.sleep(rng.choice([0, 0, 0.0005]))

        async with opened(adapter, max_size=4, check_after=0.001, max_creating=4) as pool:
            for round_ in range(500):
                tasks = [asyncio.create_task(caller(pool)) for _ in range(20)]
                await turns(rng.randrange(4))
                for task in rng.sample(tasks, 14):
                    task.cancel()
                    if rng.random() < 0.2:
                        task.cancel()
                    if rng.random() < 0.5:
                        await turns(1)
                done, _ = await asyncio.wait(tasks)
                wrong = [t.exception() for t in done if not t.cancelled() and t.exception() is not None]
                assert [] == [exc for exc in wrong if not isinstance(exc, PoolError)]
                if round_ % 20 == 0:
                    pool._core.engine.check()
            await until(lambda: pool.stats().in_use == 0)

    asyncio.run(main())
