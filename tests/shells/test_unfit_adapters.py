"""What is no adapter is refused when the pool is made, by the method's name and with the right signature.

What only a call can show (a plain ``create`` that returns a coroutine) is refused at that call.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from respool import Adapter, AsyncAdapter, AsyncPool, BackendError, Pool, make_async_pool, make_pool
from respool.testing import AsyncScriptedAdapter, ScriptedAdapter
from tests.shells.rig import Rig, eventually


class Plain(Adapter[Any]):
    """A right blocking adapter, to be spoilt."""

    def create(self) -> Any:
        return object()


class Coroutines(AsyncAdapter[Any]):
    """A right asynchronous adapter, to be spoilt."""

    async def create(self) -> Any:
        return object()


RIGHT = {"threads": Plain, "asyncio": Coroutines}


def spoilt(rig: Rig, **attributes: Any) -> Any:
    """Make an adapter of the rig's colour with these attributes in its class."""
    return type("Spoilt", (RIGHT[rig.name],), attributes)()


def refusal(rig: Rig, adapter: Any) -> str:
    """Give the words with which a pool refuses an adapter, both when it is made and at a refresh."""
    with pytest.raises(TypeError) as made:
        rig.make(adapter, {})
    pool = rig.pool()
    with pytest.raises(TypeError) as refreshed:
        pool.refresh(adapter)
    assert str(made.value) == str(refreshed.value)
    return str(made.value)


def right(rig: Rig, signature: str) -> str:
    """Give a method's signature as this shell wants it."""
    return f"async def {signature}" if rig.name == "asyncio" else f"def {signature}"


def pools(rig: Rig) -> tuple[str, str]:
    """Name this shell's pool, and the other."""
    return ("AsyncPool", "Pool") if rig.name == "asyncio" else ("Pool", "AsyncPool")


async def coroutine(*_: Any) -> Any:
    return object()


def generator(*_: Any) -> Any:
    """Give one thing after the other."""
    yield


async def async_generator(*_: Any) -> Any:
    """Give one thing after the other, by and by."""
    yield


class Generates:
    """Does so when it is called."""

    def __call__(self, *_: Any) -> Any:
        yield


def plain(*_: Any) -> Any:
    return object()


# ---------------------------------------------------------------------- no adapter at all


def test_a_class_is_refused_and_the_call_is_shown(rig: Rig) -> None:
    mine, _ = pools(rig)
    adapter = RIGHT[rig.name]
    name = adapter.__name__
    assert f"{name} is a class, {mine} needs an instance: {mine}({name}(...))" == refusal(rig, adapter)


def test_an_adapter_for_the_other_pool_is_refused_by_name(rig: Rig) -> None:
    mine, other = pools(rig)
    adapter = Coroutines() if rig.name == "threads" else Plain()
    told = refusal(rig, adapter)
    assert told.startswith(f"{type(adapter).__name__} is an adapter for {other}, not for {mine}")
    assert ("in_threads(adapter)" in told) is (rig.name == "asyncio")


@pytest.mark.parametrize(
    "thing",
    ["smtp://localhost", object, 42, plain, [Plain()]],
    ids=["url", "class", "number", "function", "list"],
)
def test_what_is_no_adapter_is_refused_and_told_what_one_is(rig: Rig, thing: Any) -> None:
    told = refusal(rig, thing)
    if isinstance(thing, type):
        assert f"{thing.__name__} is a class" in told
    else:
        base = RIGHT[rig.name].__base__
        assert base is not None
        assert f"{type(thing).__name__} is no adapter: subclass respool.{base.__name__}" in told
        assert "create(self)" in told
        assert f"make_{'async_' if rig.name == 'asyncio' else ''}pool" in told


def test_none_is_no_adapter_for_a_new_pool(rig: Rig) -> None:
    with pytest.raises(TypeError, match="NoneType is no adapter"):
        rig.make(None, {})


def test_an_adapter_without_create_cannot_be_made(rig: Rig) -> None:
    with pytest.raises(TypeError, match="create"):
        type("Empty", (RIGHT[rig.name].__base__,), {})()


# ---------------------------------------------------------------------- misspelt


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("validat", "validate(self, resource, /)"),
        ("validates", "validate(self, resource, /)"),
        ("resett", "reset(self, resource, /)"),
        ("destory", "destroy(self, resource, /)"),
        ("isDirty", "is_dirty(self, resource, /)"),
        ("is_drity", "is_dirty(self, resource, /)"),
        ("probes", "probe(self, resource, /)"),
        ("aborrt", "abort(self, resource, /)"),
        ("clasify", "classify(self, exc, /)"),
    ],
)
def test_a_misspelt_method_is_refused_with_what_was_meant(rig: Rig, written: str, meant: str) -> None:
    told = refusal(rig, spoilt(rig, **{written: plain}))
    assert told.startswith(f"Spoilt.{written}: did you mean {meant.partition('(')[0]!r}?")
    assert meant in told


@pytest.mark.parametrize("name", ["connect", "close", "created", "_validat", "ping", "host", "resets"])
def test_a_helper_of_the_adapters_own_is_no_misspelling(rig: Rig, name: str) -> None:
    method = coroutine if rig.name == "asyncio" else plain
    rig.pool(spoilt_but_kept(rig, {name: plain, "create": method, "reset": method})).acquire().release()


def spoilt_but_kept(rig: Rig, attributes: dict[str, Any]) -> Any:
    """Make an adapter that a pool takes; the rig asks it for a last check when it closes."""
    quiet = {"check": lambda self: None, "release_all": lambda self: None}
    return spoilt(rig, **quiet, **attributes)


# ---------------------------------------------------------------------- the wrong colour, the wrong form


@pytest.mark.parametrize("method", ["create", "validate", "reset", "destroy"])
def test_a_method_of_the_wrong_colour_is_refused_with_the_right_signature(rig: Rig, method: str) -> None:
    asynchronous = rig.name == "asyncio"
    told = refusal(rig, spoilt(rig, **{method: plain if asynchronous else coroutine}))
    colour = "a plain function" if asynchronous else "a coroutine function"
    arguments = "(self)" if method == "create" else "(self, resource, /)"
    assert f"Spoilt.{method} is {colour}, it must be: {right(rig, method + arguments)}" == told


@pytest.mark.parametrize("ability", ["probe", "is_dirty", "abort", "classify"])
def test_an_ability_is_a_plain_function_in_both_colours(rig: Rig, ability: str) -> None:
    argument = "exc" if ability == "classify" else "resource"
    told = refusal(rig, spoilt(rig, **{ability: coroutine}))
    assert f"Spoilt.{ability} is a coroutine function, it must be: def {ability}(self, {argument}, /)" == told


def test_a_create_with_a_yield_is_refused_for_what_it_is(rig: Rig) -> None:
    def create(self: Any) -> Any:
        yield object()

    async def acreate(self: Any) -> Any:
        yield object()

    for written in (create, acreate):
        told = refusal(rig, spoilt(rig, create=written))
        assert (
            f"Spoilt.create is a generator (it has a yield), it must be: {right(rig, 'create(self)')}" == told
        )


@pytest.mark.parametrize("method", ["validate", "reset", "destroy", "probe", "is_dirty", "abort", "classify"])
def test_a_method_that_takes_no_resource_is_refused_with_the_right_signature(rig: Rig, method: str) -> None:
    asynchronous = rig.name == "asyncio" and method in ("validate", "reset", "destroy")

    async def alone(self: Any) -> None: ...

    told = refusal(rig, spoilt(rig, **{method: alone if asynchronous else lambda self: None}))
    argument = "exc" if method == "classify" else "resource"
    signature = f"{'async ' if asynchronous else ''}def {method}(self, {argument}, /)"
    assert f"Spoilt.{method} does not take the arguments of the contract (too many positional" in told
    assert told.endswith(signature)


def test_a_method_that_wants_more_is_refused_and_its_argument_named(rig: Rig) -> None:
    async def acreate(self: Any, url: str) -> Any: ...

    def create(self: Any, url: str) -> Any: ...

    told = refusal(rig, spoilt(rig, create=acreate if rig.name == "asyncio" else create))
    assert (
        "Spoilt.create does not take the arguments of the contract (missing a required argument: 'url')"
        in told
    )


def test_a_method_that_is_no_method_is_refused(rig: Rig) -> None:
    told = refusal(rig, spoilt(rig, validate=True))
    assert (
        f"Spoilt.validate is True, it must be a method: {right(rig, 'validate(self, resource, /)')}" == told
    )


def test_an_attribute_of_the_wrong_type_is_refused(rig: Rig) -> None:
    told = refusal(rig, spoilt(rig, reset_is_local=lambda self: True))
    assert told.startswith("Spoilt.reset_is_local is <bound method ")
    assert "it must be a bool, as a class attribute: reset_is_local = True" in told
    assert "Spoilt.kind is 7, it must be a str" in refusal(rig, spoilt(rig, kind=7))
    assert refusal(rig, spoilt(rig, noun=7)).endswith("as a class attribute: noun = 'session'")


# ---------------------------------------------------------------------- what only a call can show


def scripted(rig: Rig, **methods: Any) -> Any:
    """Make a scripted adapter some of whose methods are plainly wrong."""
    base = AsyncScriptedAdapter if rig.name == "asyncio" else ScriptedAdapter
    return type("Wrong", (base,), methods)()


def wrong_answer(rig: Rig, make: Callable[[], Any]) -> Any:
    """Write a method of the right colour that answers with this."""

    async def acalled(self: Any, *_: Any) -> Any:
        return make()

    def called(self: Any, *_: Any) -> Any:
        return make()

    return acalled if rig.name == "asyncio" else called


def test_a_create_that_returns_none_fails_its_callers_at_once(rig: Rig) -> None:
    """Behaviour 41."""
    pool = rig.pool(scripted(rig, create=wrong_answer(rig, lambda: None)))
    error = pool.begin(60).error()
    assert isinstance(error, BackendError)
    assert "returned None, not a resource" in str(error)


def test_a_create_that_returns_a_coroutine_fails_its_callers_at_once(rig: Rig) -> None:
    pool = rig.pool(scripted(rig, create=wrong_answer(rig, coroutine)))
    error = pool.begin(60).error()
    assert isinstance(error, BackendError)
    assert "returned a coroutine, not a resource" in str(error)
    assert ("return await" if rig.name == "asyncio" else "def create(self)") in str(error)


class Unbound:
    """A proxy that stands for nothing yet: whoever asks for its class is told so."""

    @property
    def __class__(self) -> Any:
        raise RuntimeError("working outside of a context")


class Fatal(BaseException):
    """Not an Exception."""


def test_what_cannot_be_looked_at_is_destroyed_and_its_create_has_failed(rig: Rig) -> None:
    """Behaviours 42 and 108: it never came into the pool."""
    ended: list[Any] = []

    def glance(self: Any, resource: Any, /) -> None:
        raise Fatal("in the glance")

    async def adestroy(self: Any, resource: Any, /) -> None:
        ended.append(resource)

    def destroy(self: Any, resource: Any, /) -> None:
        ended.append(resource)

    end = adestroy if rig.name == "asyncio" else destroy
    sights = {"glance": glance, "probe": lambda self, resource, /: True}
    for makes, attributes in ((Unbound, {}), (object, sights)):
        ended.clear()
        adapter = spoilt_but_kept(rig, {"create": wrong_answer(rig, makes), "destroy": end, **attributes})
        pool = rig.pool(adapter, max_size=1)
        error = pool.begin(60).error()
        assert isinstance(error, BackendError)
        assert isinstance(error.__cause__, RuntimeError if makes is Unbound else Fatal)
        assert ended
        eventually(lambda pool=pool: pool.stats().create_failures == len(ended))  # type: ignore[misc]  # as bound
        assert 0 == pool.stats().created


def test_a_validate_that_returns_a_coroutine_is_a_failed_check(rig: Rig) -> None:
    events: list[Any] = []
    adapter = scripted(rig, validate=wrong_answer(rig, coroutine))
    pool = rig.pool(adapter, check_after=0, on_event=events.append, max_size=1)
    pool.acquire().release()
    pool.acquire().release()
    assert 2 == pool.stats().created
    assert [] != [event for event in events if "returned a coroutine" in str(event)]


def test_a_validate_that_returns_nothing_is_a_failed_check_that_says_so(rig: Rig) -> None:
    """A driver's own check often returns nothing and raises: taken as it is, it would fail every resource."""
    events: list[Any] = []
    adapter = scripted(rig, validate=wrong_answer(rig, lambda: None))
    pool = rig.pool(adapter, check_after=0, on_event=events.append, max_size=1)
    pool.acquire().release()
    pool.acquire().release()
    assert 2 == pool.stats().created
    told = "returned None, it must return True for a resource that works"
    assert told in str(pool.stats().last_error)
    assert [] != [event for event in events if told in str(event)]


def test_a_reset_that_returns_a_coroutine_gives_the_resource_up(rig: Rig) -> None:
    for local in (False, True):
        wrong = wrong_answer(rig, coroutine)
        adapter = scripted(rig, reset=wrong)
        adapter.reset_is_local = local
        pool = rig.pool(adapter, max_size=1)
        pool.acquire().release()
        pool.acquire().release()
        assert 2 <= pool.stats().created


# ---------------------------------------------------------------------- plain callables


def test_plain_callables_that_take_other_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match=r"create is <.*it is called with no argument: missing a required"):
        make_pool(lambda url: url)  # type: ignore[misc, call-arg, arg-type]
    with pytest.raises(TypeError, match=r"validate is <.*called with one argument, the resource: too many"):
        make_pool(object, validate=lambda: True)  # type: ignore[misc, arg-type]
    with pytest.raises(TypeError, match="reset is 3, it must be callable"):
        make_async_pool(coroutine, reset=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("misspelt", "meant"), [("destory", "destroy"), ("validat", "validate"), ("max_sise", "max_size")]
)
def test_a_misspelt_argument_of_a_helper_is_guessed(misspelt: str, meant: str) -> None:
    for make, create in ((make_pool, object), (make_async_pool, coroutine)):
        with pytest.raises(TypeError, match=f"unknown option '{misspelt}', did you mean '{meant}'"):
            make(create, **{misspelt: len})  # type: ignore[operator]  # the mistake


@pytest.mark.parametrize("name", ["create", "validate", "reset", "destroy"])
def test_a_coroutine_function_is_refused_by_the_blocking_helper(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} is a coroutine function, use make_async_pool"):
        make_pool(**{"create": object, name: coroutine})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["create", "validate", "reset", "destroy"])
def test_a_blocking_callable_in_the_asyncio_helper_is_named_at_its_first_call(name: str) -> None:
    """By its looks it might return an awaitable, so it cannot be refused before."""

    async def main() -> str | None:
        given: dict[str, Any] = {"create": made, name: lambda *_: None}
        pool = make_async_pool(**given, check_after=0, on_event=events.append)
        async with pool:
            with contextlib.suppress(BackendError):
                for _ in range(2):
                    async with pool.acquire(timeout=1):
                        pass
        return pool.stats().last_error

    async def made() -> object:
        return object()

    events: list[object] = []
    told = f"TypeError: {name} returned NoneType, which nobody can await: it must be an async def"
    last_error = asyncio.run(main())
    assert told in (str(events) if name == "destroy" else str(last_error))


@pytest.mark.parametrize("name", ["create", "validate", "reset", "destroy"])
@pytest.mark.parametrize("given", [generator, async_generator, partial(generator), Generates()])
def test_a_generator_is_refused_by_both_helpers(name: str, given: Any) -> None:
    """Behaviour 88: called, it does nothing at all."""
    with pytest.raises(TypeError, match=rf"{name} is a generator .*, it must be a plain function"):
        make_pool(**{"create": object, name: given})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=rf"{name} is a generator .*, it must be a coroutine function"):
        make_async_pool(**{"create": coroutine, name: given})  # type: ignore[arg-type]


def test_an_object_that_is_called_is_judged_by_its_call() -> None:
    class Called:
        async def __call__(self, resource: object) -> None: ...

    with pytest.raises(TypeError, match="reset is a coroutine function"):
        make_pool(object, reset=Called())
    make_pool(Called)
    make_async_pool(coroutine, reset=Called())


def test_the_right_adapters_are_taken() -> None:
    assert "plain" in Pool(Plain()).name
    assert "coroutines" in AsyncPool(Coroutines()).name
