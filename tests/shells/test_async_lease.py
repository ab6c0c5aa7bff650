"""The ways to lease under asyncio, and the mistakes that people make with them."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import warnings
from typing import Any

import pytest

from respool import AsyncAdapter, AsyncLease, AsyncPool, AsyncRefresh, PoolMisuse, PoolTimeout
from respool.testing import AsyncScriptedAdapter, ScriptedError, never
from tests.shells.loops import collect, opened, run, turns, until, waiters


class Bare(AsyncAdapter[object]):
    """No reset: the fast lane alone."""

    async def create(self) -> object:
        return object()


class Counting(asyncio.SelectorEventLoop):
    """Counts the timers that are set."""

    timers = 0

    def call_at(self, *args: Any, **facts: Any) -> asyncio.TimerHandle:
        self.timers += 1
        return super().call_at(*args, **facts)


def test_async_with_gives_the_resource_and_returns_it() -> None:
    async def main() -> None:
        async with opened() as pool:
            async with pool.acquire() as resource:
                assert (1, 1) == (resource.number, pool.stats().in_use)
            await until(lambda: pool.stats().idle == 1)

    run(main)


def test_await_gives_a_lease_that_is_a_context_manager_too() -> None:
    async def main() -> None:
        async with opened() as pool:
            lease = await pool.acquire()
            assert isinstance(lease, AsyncLease)
            async with lease as resource:
                assert resource is lease.resource
            with pytest.raises(PoolMisuse, match="released before"):
                lease.release()

    run(main)


class Probing(Bare):
    """A probe and no reset."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def probe(self, resource: object, /) -> bool:
        self.told.append("probe")
        return True


class Resetting(Bare):
    """A reset, on the spot, and no probe."""

    reset_is_local = True

    def __init__(self) -> None:
        self.told: list[str] = []

    async def reset(self, resource: object, /) -> None:
        self.told.append("reset")


async def _as_block(request: Any) -> None:
    async with request:
        pass


async def _as_lease(request: Any) -> None:
    (await request).release()


async def _as_block_of_a_lease(request: Any) -> None:
    async with await request:
        pass


@pytest.mark.parametrize("lease", [_as_block, _as_lease, _as_block_of_a_lease])
@pytest.mark.parametrize("timeout", [{}, {"timeout": 5.0}], ids=["the pool's timeout", "one of its own"])
@pytest.mark.parametrize(("kind", "told"), [(Probing, "probe"), (Resetting, "reset")])
def test_every_way_to_lease_asks_the_only_ability_there_is(
    kind: type[Probing | Resetting], told: str, timeout: dict[str, float], lease: Any
) -> None:
    """Behaviours 87 and 89."""

    async def main() -> None:
        adapter = kind()
        async with AsyncPool(adapter, max_size=1) as pool:
            await _as_lease(pool.acquire())
            await until(lambda: pool.stats().idle == 1)
            adapter.told.clear()
            await lease(pool.acquire(**timeout))
            assert [told] == adapter.told

    run(main)


@pytest.mark.parametrize("timeout", [{}, {"timeout": 5.0}], ids=["the pool's timeout", "one of its own"])
@pytest.mark.parametrize(
    "exc", [ValueError(), GeneratorExit(), KeyboardInterrupt(), asyncio.CancelledError()], ids=repr
)
def test_an_exception_that_leaves_the_block_of_an_acquire_gives_the_resource_back(
    exc: BaseException, timeout: dict[str, float]
) -> None:
    """Behaviour 104: at once, and not because the sweep finds it."""

    async def main() -> None:
        async with opened(max_size=1) as pool:
            with pytest.raises(type(exc)) as caught:
                async with pool.acquire(**timeout):
                    raise exc
            assert exc is caught.value
            async with pool.acquire():
                pass
            assert (1, 0) == (pool.stats().created, pool.stats().recovered)

    run(main)


def test_an_acquire_can_be_given_to_everything_that_awaits() -> None:
    """`create_task` takes coroutines only, `ensure_future` and `gather` anything awaitable."""

    async def main() -> None:
        async with opened(max_size=6) as pool, asyncio.TaskGroup() as group:
            leases = [
                await asyncio.create_task(pool.acquire()),
                await asyncio.ensure_future(pool.acquire()),
                await asyncio.wait_for(pool.acquire(), 5),
                await group.create_task(pool.acquire(timeout=5)),
                *await asyncio.gather(pool.acquire(), pool.acquire(timeout=5)),
            ]
            assert 6 == len({lease.resource.number for lease in leases})
            for lease in leases:
                lease.release()

    run(main)


def test_an_exit_stack_may_enter_an_acquire() -> None:
    async def main() -> None:
        async with opened() as pool:
            async with contextlib.AsyncExitStack() as stack:
                first = await stack.enter_async_context(pool.acquire())
                second = await stack.enter_async_context(pool.acquire())
                assert first is not second
            assert 0 == pool.stats().in_use

    run(main)


def test_an_uncontended_lease_does_not_yield_to_the_loop() -> None:
    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True)) as pool:
            async with pool.acquire():
                pass
            turned: list[int] = []
            asyncio.get_running_loop().call_soon(turned.append, 1)
            for _ in range(100):
                async with pool.acquire():
                    pass
                (await pool.acquire()).release()
            assert [] == turned

    run(main)


def test_ten_thousand_leases_start_no_task_and_no_timer() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Counting)
        async with AsyncPool(Bare()) as pool:
            async with pool.acquire():
                pass
            before, tasks = loop.timers, asyncio.all_tasks()
            for _ in range(10_000):
                async with pool.acquire():
                    pass
            assert tasks == asyncio.all_tasks()
            assert loop.timers - before < 50, "sweeps set one now and then, leases none"

    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(main())


def test_a_thousand_waiters_share_one_timer() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Counting)
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            before = loop.timers
            crowd = [asyncio.create_task(pool.acquire()) for _ in range(1000)]
            await turns()
            assert 1000 == pool.stats().waiting
            assert loop.timers - before < 50
            for task in crowd:
                task.cancel()
            await asyncio.wait(crowd)
            lease.release()

    with asyncio.Runner(loop_factory=Counting) as runner:
        runner.run(main())


@pytest.mark.parametrize("facts", [{}, {"abilities": {"dirty"}}], ids=["any", "asked whether it is clean"])
@pytest.mark.parametrize("end", ["block", "with", "release"])
def test_the_end_of_a_lease_itself_serves_who_waits(end: str, facts: dict[str, Any]) -> None:
    """Behaviour 12: at once, and not when the pool next looks around."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True, **facts), max_size=1) as pool:
            request = pool.acquire()
            lease = await request if end != "block" else None
            block = request if lease is None else lease
            if end != "release":
                await block.__aenter__()
            waiter = asyncio.ensure_future(pool.acquire())
            await waiters(pool, 1)
            if end == "release":
                assert lease is not None
                lease.release()
            else:
                await block.__aexit__(None, None, None)
            assert (0, 1) == (pool.stats().waiting, pool.stats().in_use)
            (await waiter).release()

    run(main)


def test_waiters_are_served_in_the_order_in_which_they_came() -> None:
    """Behaviours 21 and 22."""

    async def main() -> None:
        served: list[int] = []

        async def caller(pool: AsyncPool[Any], number: int) -> None:
            async with pool.acquire():
                served.append(number)

        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            crowd = [asyncio.create_task(caller(pool, number)) for number in range(100)]
            await waiters(pool, 100)
            lease.release()
            await caller(pool, 100)
            await asyncio.wait(crowd)
        assert list(range(101)) == served

    run(main)


def test_a_forgotten_async_with_is_warned_about_and_loses_nothing() -> None:
    async def main() -> None:
        async with opened() as pool:
            with warnings.catch_warnings(record=True) as told:
                warnings.simplefilter("always")
                # Where a request is used again it is found by the next one, or at the end; else at once.
                pool.acquire()
                pool.acquire().close()
                assert 1 == len(told)
                pool.acquire(timeout=1)
                assert 2 == len(told)
                pool.acquire()
                await pool.close()
            assert {RuntimeWarning} == {each.category for each in told}
            assert 3 == len(told)
            assert "never awaited" in str(told[0].message)
            assert "async with pool.acquire()" in str(told[0].message)

    run(main)


def test_what_was_used_is_not_warned_about() -> None:
    async def main() -> None:
        async with opened(max_size=1) as pool:
            lease = await pool.acquire()
            with pytest.raises(PoolTimeout):
                await pool.acquire(timeout=0)
            with pytest.raises(PoolTimeout):
                async with pool.acquire(timeout=0.01):
                    pass
            request = pool.acquire()
            request.close()
            del request
            lease.release()
            collect()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(main)


def test_an_acquire_that_is_taken_for_the_resource_says_that_it_was_not_awaited() -> None:
    async def main() -> None:
        async with opened() as pool:
            request = pool.acquire()
            with pytest.raises(AttributeError, match=r"un-awaited acquire\(\).*execute"):
                request.execute  # type: ignore[attr-defined]  # noqa: B018  # the mistake
            async with request:
                pass

    run(main)


def test_plain_with_names_the_remedy() -> None:
    async def main() -> None:
        async with opened() as pool:
            with pytest.raises(TypeError, match=r"async with pool\.acquire"), pool.acquire():  # type: ignore[attr-defined]  # the mistake
                pass
            lease = await pool.acquire()
            with pytest.raises(TypeError, match="async with lease"), lease:  # type: ignore[attr-defined]  # the mistake
                pass
            assert 1 == pool.stats().in_use
            with pytest.raises(TypeError, match="async with pool"), pool:  # type: ignore[attr-defined]  # the mistake
                pass
            lease.release()

    run(main)


def test_an_acquire_is_used_once() -> None:
    async def main() -> None:
        async with opened() as pool:
            request = pool.acquire(timeout=1)
            async with request:
                with pytest.raises(PoolMisuse, match="used once"):
                    await request
            with pytest.raises(PoolMisuse, match="used once"):
                await request

    run(main)


def test_a_request_cannot_be_copied() -> None:
    """Behaviours 96, 97: its block ends a lease."""

    async def main() -> None:
        async with opened(max_size=1) as pool:
            request = pool.acquire()
            async with request:
                with pytest.raises(TypeError, match="cannot be copied or pickled: it is used once"):
                    copy.copy(request)

    run(main)


def test_a_request_that_somebody_keeps_is_never_used_by_somebody_else() -> None:
    async def main() -> None:
        async with opened() as pool:
            kept = pool.acquire()
            async with kept, pool.acquire() as other:
                assert kept is not pool._core.spare or other
                async with pool.acquire() as third:
                    assert other is not third
            assert pool.acquire() is not kept
            pool.acquire().close()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        run(main)


def test_a_forgotten_lease_is_found_and_its_resource_recovered() -> None:
    """Behaviours 35 and 127."""

    async def main() -> None:
        async with opened(max_size=1, check_after=0.2) as pool:
            await pool.acquire()
            with pytest.warns(ResourceWarning, match="never released"):
                async with pool.acquire(timeout=10) as resource:
                    assert 1 == resource.number
            assert 1 == pool.stats().recovered

    run(main)


def test_a_nested_acquire_is_told_to_the_task_that_holds_and_to_no_later_one() -> None:
    async def told(pool: AsyncPool[Any]) -> bool:
        with pytest.raises(PoolTimeout) as refused:
            await pool.acquire(timeout=0)
        return "nested acquire" in str(refused.value)

    async def main() -> None:
        async with opened(max_size=1, leak_after=1000.0) as pool:
            async with pool.acquire():
                assert await told(pool)
                assert not await asyncio.create_task(told(pool))
            lease = await asyncio.create_task(pool.acquire())
            # The id of the task that has ended is soon used again.
            assert [] == [nth for nth in range(500) if await asyncio.create_task(told(pool))]
            lease.release()

    run(main)


def test_a_generator_that_is_closed_returns_its_lease() -> None:
    """Behaviour 104."""

    async def main() -> None:
        async with opened(max_size=1) as pool:

            async def rows() -> Any:
                async with pool.acquire() as resource:
                    yield resource

            generator = rows()
            await anext(generator)
            assert 1 == pool.stats().in_use
            await generator.aclose()
            assert 0 == pool.stats().in_use

    run(main)


def test_a_coroutine_that_is_collected_in_its_block_returns_its_lease() -> None:
    async def main() -> None:
        async with opened(max_size=1) as pool:

            async def work() -> None:
                async with pool.acquire():
                    await asyncio.get_running_loop().create_future()

            coro = work()
            while True:  # drive it by hand: no task refers to it
                try:
                    waits_for = coro.send(None)
                except StopIteration:
                    raise AssertionError("it waits for ever") from None
                if pool.stats().in_use:
                    break
                waits_for._asyncio_future_blocking = False
                await waits_for
            coro.close()
            assert 0 == pool.stats().in_use

    run(main)


def test_run_tries_again_on_another_resource_only_where_asked() -> None:
    async def main() -> None:
        adapter = AsyncScriptedAdapter(abilities={"classify"})
        async with opened(adapter) as pool:
            seen: list[int] = []

            async def work(resource: Any) -> int:
                seen.append(resource.number)
                if len(seen) < 2:
                    raise ScriptedError("broken")
                return 7

            assert 7 == await pool.run(work, attempts=2)
            assert [1, 2] == seen
            with pytest.raises(TypeError, match="async def"):
                await pool.run(lambda _: 5)  # type: ignore[arg-type, return-value]  # the mistake

    run(main)


def test_wait_ready_and_refresh_wait_on_the_loop() -> None:
    async def main() -> None:
        async with opened(AsyncScriptedAdapter(create=[None, None, never()]), max_size=3) as pool:
            await pool.wait_ready(5)
            lease = await pool.acquire()
            handle = pool.refresh()
            assert not await handle.wait(0.01)
            lease.release()
            assert await handle.wait(5)

    run(main)


def test_the_handle_of_a_refresh_can_be_awaited_itself() -> None:
    async def main() -> None:
        async with opened(max_size=2) as pool:
            lease = await pool.acquire()
            handle: AsyncRefresh = pool.refresh()
            waiting = asyncio.ensure_future(handle)
            await turns(3)
            assert not waiting.done()
            lease.release()
            assert await waiting is True
            assert 1 == sum(pool.stats().destroyed.values())

    run(main)


def test_without_reference_counts_every_lease_is_fresh_and_a_forgotten_one_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on PyPy and without the GIL: the end of a lease tells that it was forgotten."""
    monkeypatch.setattr("respool._asyncio.COUNTS", False)
    monkeypatch.setattr("respool._async_core.COUNTS", False)

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True), max_size=1, check_after=0.2) as pool:
            for _ in range(3):
                async with pool.acquire():
                    pass
                (await pool.acquire()).release()
            with pytest.warns(RuntimeWarning, match="never awaited"):
                pool.acquire()
            await pool.acquire()
            collect()
            with pytest.warns(ResourceWarning, match="never released"):
                async with pool.acquire(timeout=10):
                    pass
            assert (1, 1) == (pool.stats().created, pool.stats().recovered)

    run(main)


@pytest.mark.parametrize("holds", [True, False])
def test_a_coroutine_that_ends_in_another_thread_loses_nothing(holds: bool) -> None:
    """A collection strikes in any thread; the event happens on the loop."""

    async def main() -> None:
        async with opened(AsyncScriptedAdapter(reset_is_local=True), max_size=1) as pool:
            lease = await pool.acquire()

            async def work() -> None:
                async with pool.acquire():
                    await asyncio.get_running_loop().create_future()

            coro = work()
            coro.send(None)
            assert 1 == pool.stats().waiting
            if holds:
                lease.release()
                coro.send(None)
                assert (1, 0) == (pool.stats().in_use, pool.stats().waiting)
            await asyncio.get_running_loop().run_in_executor(None, coro.close)
            await until(lambda: pool.stats().waiting == 0 and (not holds or pool.stats().in_use == 0))
            if not holds:
                lease.release()
            async with pool.acquire(timeout=10):
                pass

    run(main)
