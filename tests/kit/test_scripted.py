"""The scripted adapters do as they are told, and notice what a pool does wrong to them."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from respool import Fault, SupportsAbort, SupportsClassify, SupportsDirty, SupportsProbe
from respool.testing import (
    Aborted,
    AsyncScriptedAdapter,
    Resource,
    ScriptedAdapter,
    ScriptedError,
    Step,
    VirtualClock,
    error,
    never,
    ok,
    slow,
    value,
)

COLOURS = [ScriptedAdapter, AsyncScriptedAdapter]


def test_without_a_script_it_is_a_right_adapter():
    adapter = ScriptedAdapter()
    resource = adapter.create()
    resource.leftovers.append("x")
    adapter.reset(resource)
    assert [] == resource.leftovers
    assert adapter.validate(resource) is True
    resource.broken = True
    assert adapter.validate(resource) is False
    assert (1, 0, 1) == (adapter.created, adapter.destroyed, adapter.open)
    adapter.destroy(resource)
    assert (1, 1, 0) == (adapter.created, adapter.destroyed, adapter.open)
    adapter.check()


def test_a_sequence_is_followed_call_by_call_and_then_everything_is_well():
    adapter = ScriptedAdapter(create=[ok(), error(OSError("refused")), KeyError, None, value("odd")])
    assert 1 == adapter.create().number
    with pytest.raises(OSError, match="refused"):
        adapter.create()
    with pytest.raises(KeyError):
        adapter.create()
    assert 2 == adapter.create().number
    assert "odd" == adapter.create()
    assert 3 == adapter.create().number
    assert ["ok", "error", "error", "ok", "ok", "ok"] == [call.outcome for call in adapter.calls("create")]
    assert 3 == adapter.created


def test_one_step_holds_for_every_call_and_a_function_is_asked_each_time():
    adapter = ScriptedAdapter(
        validate=value(False), reset=lambda call: ScriptedError if call.nth % 2 else None
    )
    resource = adapter.create()
    assert [False, False] == [adapter.validate(resource), adapter.validate(resource)]
    with pytest.raises(ScriptedError):
        adapter.reset(resource)
    adapter.reset(resource)


def test_a_script_can_be_changed_on_the_way():
    adapter = ScriptedAdapter(create=error())
    with pytest.raises(ScriptedError):
        adapter.create()
    adapter.script("create", ok())
    assert 1 == adapter.create().number


def test_an_unknown_method_or_ability_is_refused():
    with pytest.raises(TypeError, match="creat"):
        ScriptedAdapter(creat=ok())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="prob"):
        ScriptedAdapter(abilities={"prob"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (lambda: Step(delay="1"), TypeError, "delay is '1', it must be a number"),
        (lambda: slow(True), TypeError, "delay is True, it must be a number"),
        (lambda: slow(float("nan")), ValueError, "delay is nan, it must be a number of seconds, 0 or more"),
        (lambda: slow(1, then=5), TypeError, "a script has 5, it must be a Step"),
        (lambda: Step(error="no"), TypeError, "error is 'no', it must be an exception"),
        (lambda: ScriptedAdapter(create=dict), TypeError, "a script has <class 'dict'>, it must be a Step"),
        (lambda: ScriptedAdapter(create=5), TypeError, "a script is 5, it must be a Step"),
        (lambda: ScriptedAdapter(create="fail"), TypeError, "a script is 'fail', it must be a Step"),
        (lambda: ScriptedAdapter(create=[5]).create(), TypeError, "a script has 5, it must be a Step"),
    ],
)
def test_a_script_that_could_not_be_followed_is_refused(make, kind, says):
    """A step that raises what is no exception would be a fault of the adapter, for the pool."""
    with pytest.raises(kind, match=says):
        make()


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("size", range(5))
def test_it_has_just_the_abilities_that_were_asked_for(colour, size):
    protocols = {
        "probe": SupportsProbe,
        "dirty": SupportsDirty,
        "abort": SupportsAbort,
        "classify": SupportsClassify,
    }
    for wanted in itertools.combinations(protocols, size):
        adapter = colour(abilities=wanted)
        assert isinstance(adapter, colour)
        assert set(wanted) == {name for name, protocol in protocols.items() if isinstance(adapter, protocol)}


def test_the_abilities_answer_by_the_resource_and_the_error():
    adapter = ScriptedAdapter(abilities={"probe", "dirty", "classify"})
    resource = adapter.create()
    assert adapter.probe(resource) is True
    assert adapter.is_dirty(resource) is False
    resource.broken = True
    resource.leftovers.append(1)
    assert adapter.probe(resource) is False
    assert adapter.is_dirty(resource) is True
    assert Fault.CAPACITY is adapter.classify(ScriptedError("full", Fault.CAPACITY))
    assert Fault.BENIGN is adapter.classify(ValueError("mine"))


def test_a_hung_call_ends_when_released():
    adapter = ScriptedAdapter(create=[never(), never(then=error(OSError("late")))])
    made: list[object] = []

    def create():
        try:
            made.append(adapter.create())
        except OSError as exc:
            made.append(str(exc))

    threads = [threading.Thread(target=create) for _ in range(2)]
    for thread in threads:
        thread.start()
    adapter.wait_for_call("create", 2)
    assert [] == made
    assert 0 == adapter.open
    adapter.release_all()
    for thread in threads:
        thread.join(5)
    assert {"late", Resource} == {m if isinstance(m, str) else type(m) for m in made}
    adapter.script("create", never())
    adapter.create()  # nothing waits any more


def test_abort_ends_a_hung_call_with_an_error_and_is_harmless_otherwise():
    adapter = ScriptedAdapter(validate=[never()], abilities={"abort"})
    resource = adapter.create()
    errors: list[BaseException] = []

    def validate():
        try:
            adapter.validate(resource)
        except Aborted as exc:
            errors.append(exc)

    thread = threading.Thread(target=validate)
    thread.start()
    adapter.wait_for_call("validate")
    adapter.abort(resource)
    thread.join(5)
    assert ["validate was aborted"] == [str(exc) for exc in errors]
    adapter.abort(resource)
    assert adapter.validate(resource) is True
    adapter.destroy(resource)
    adapter.abort(resource)


def test_waiting_for_a_call_that_does_not_come_says_what_came():
    adapter = ScriptedAdapter()
    adapter.create()
    with pytest.raises(AssertionError, match="1 of 2 calls of create began"):
        adapter.wait_for_call("create", 2, timeout=0.01)


def test_destroying_twice_is_noted():
    adapter = ScriptedAdapter()
    resource = adapter.create()
    adapter.destroy(resource)
    adapter.destroy(resource)
    assert ["destroy was called on resource 1 after its destroy"] == adapter.violations
    with pytest.raises(AssertionError, match="after its destroy"):
        adapter.check()


def test_two_calls_at_once_on_one_resource_are_noted():
    adapter = ScriptedAdapter(validate=never())
    resource = adapter.create()
    thread = threading.Thread(target=adapter.validate, args=(resource,))
    thread.start()
    adapter.wait_for_call("validate")
    adapter.reset(resource)
    adapter.release_all()
    thread.join(5)
    assert ["reset was called on resource 1 while validate was running on it"] == adapter.violations


def test_a_call_beside_a_holder_and_a_second_holder_are_noted():
    adapter = ScriptedAdapter()
    resource = adapter.create()
    with adapter.holding(resource):
        adapter.reset(resource)
        with adapter.holding(resource):
            pass
    adapter.reset(resource)
    assert adapter.violations == [
        "reset was called on resource 1 while a holder had it",
        "resource 1 was handed out to two holders",
    ]


def test_who_is_handed_a_resource_in_the_middle_of_a_call_or_after_its_end_is_noted():
    adapter = ScriptedAdapter(validate=never())
    resource = adapter.create()
    thread = threading.Thread(target=adapter.validate, args=(resource,))
    thread.start()
    adapter.wait_for_call("validate")
    with adapter.holding(resource):
        pass
    adapter.release_all()
    thread.join(5)
    adapter.destroy(resource)
    with adapter.holding(resource):
        pass
    assert adapter.violations == [
        "resource 1 was handed out while validate was running on it",
        "resource 1 was handed out after its destroy",
    ]


def test_a_resource_of_another_adapter_is_noted():
    adapter = ScriptedAdapter()
    adapter.create()
    adapter.reset(ScriptedAdapter().create())
    assert 1 == len(adapter.violations)
    assert "did not make" in adapter.violations[0]


def test_a_failing_destroy_counts_as_one():
    adapter = ScriptedAdapter(destroy=error())
    resource = adapter.create()
    with suppress(ScriptedError):
        adapter.destroy(resource)
    assert (1, 0) == (adapter.destroyed, adapter.open)


def test_the_log_gives_order_thread_and_resource_and_can_be_bounded():
    adapter = ScriptedAdapter(log_limit=2)
    resource = adapter.create()
    adapter.validate(resource)
    adapter.reset(resource)
    first, second = adapter.calls()
    assert ("validate", 1, threading.get_ident()) == (first.method, first.resource, first.thread)
    assert first.ended is not None
    assert first.number < first.ended < second.number
    assert 1 == adapter.count("create")


def test_many_threads_make_distinct_resources_and_a_true_count():
    adapter = ScriptedAdapter(create=[ScriptedError] * 50)
    numbers: list[int] = []

    def work():
        for _ in range(50):
            with suppress(ScriptedError):
                numbers.append(adapter.create().number)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert list(range(1, 351)) == sorted(numbers)
    assert 350 == adapter.open == len(adapter.ledger.open_resources())
    adapter.check()


def test_the_async_one_follows_its_script_too():
    async def main() -> None:
        adapter = AsyncScriptedAdapter(
            create=[ok(), slow(0.001)], validate=[never()], reset=error(), abilities={"abort"}
        )
        resource, other = await adapter.create(), await adapter.create()
        assert (1, 2) == (resource.number, other.number)
        hung = asyncio.create_task(adapter.validate(resource))
        await adapter.wait_for_call("validate")
        adapter.abort(resource)
        with pytest.raises(Aborted):
            await hung
        with pytest.raises(ScriptedError):
            await adapter.reset(resource)
        await adapter.destroy(resource)
        assert 1 == adapter.open
        adapter.check()

    asyncio.run(main())


def test_cancelling_an_async_create_makes_nothing():
    async def main() -> None:
        adapter = AsyncScriptedAdapter(create=never())
        task = asyncio.create_task(adapter.create())
        await adapter.wait_for_call("create")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (0, ["error"]) == (adapter.created, [call.outcome for call in adapter.calls()])
        with pytest.raises(AssertionError, match="0 of 1"):
            await adapter.wait_for_call("reset", timeout=0.01)
        task = asyncio.create_task(adapter.create())
        await adapter.wait_for_call("create", 2)
        adapter.release_all()
        assert 1 == (await task).number

    asyncio.run(main())


def test_virtual_time_runs_what_is_due_in_order_and_at_its_moment():
    clock = VirtualClock()
    seen: list[tuple[float, str]] = []

    def note(name: str) -> None:
        seen.append((clock.now(), name))

    clock.call_later(2, lambda: note("late"))
    clock.call_later(1, lambda: note("a"))
    clock.call_at(1, lambda: note("b"))
    clock.call_at(1, lambda: clock.call_later(0.5, lambda: note("nested")))
    taken_back = clock.call_later(1.2, lambda: note("never"))
    taken_back.cancel()
    clock.advance(1.5)
    assert [(1.0, "a"), (1.0, "b"), (1.5, "nested")] == seen
    assert (1.5, 2.0) == (clock.now(), clock.next_due())
    assert clock.run_next() is True
    assert (2.0, "late") == seen[-1]
    assert (False, None) == (clock.run_next(), clock.next_due())
    with pytest.raises(ValueError, match="0 or more"):
        clock.advance(-1)
    with pytest.raises(ValueError, match="nan"):
        clock.call_at(float("nan"), lambda: None)


def test_scripts_and_clock_do_not_need_pytest():
    code = "import sys, respool.testing as t; t.ScriptedAdapter; print('pytest' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "False" == shown.stdout.strip()
