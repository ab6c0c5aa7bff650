"""What an author gives the kit: back doors, bounds, and deviations with a reason."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import pytest

from respool import (
    Adapter,
    AsyncAdapter,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsGlance,
    SupportsProbe,
    Timeouts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ABILITIES", "DOORS", "AsyncDoors", "Doors", "ThreadDoors"]

T = TypeVar("T")

DOORS: Mapping[str, str] = {
    "sever": "sever(resource): break it without the adapter, as a dying server or network would",
    "soil": "soil(resource): leave behind what the next user must not see",
    "is_clean": "is_clean(resource): tell whether nothing of soil() is left",
    "count_open": "count_open(): count the resources that the backend has open",
    "unreachable": "unreachable(): an adapter like this one that cannot connect",
    "hang": "hang(resource): a call on the resource that does not return by itself",
    "use": "use(resource): a little real work on the resource, which raises when it is broken",
}

ABILITIES: Mapping[str, type[Any]] = {
    "probe": SupportsProbe,
    "glance": SupportsGlance,
    "is_dirty": SupportsDirty,
    "abort": SupportsAbort,
    "classify": SupportsClassify,
}


def _is_seconds(given: object) -> bool:
    return isinstance(given, int | float) and given >= 0


SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "timeouts": (lambda given: isinstance(given, Timeouts), "Timeouts, such as Timeouts(create=5)"),
    "rounds": (lambda given: isinstance(given, int) and given >= 1, "a whole number, 1 or more"),
    "grace": (_is_seconds, "a number of seconds, 0 or more"),
    "patience": (_is_seconds, "a number of seconds, 0 or more"),
    "secrets": (
        # Of a lone string each letter would be one, and an empty one is shown by everything.
        lambda given: (
            isinstance(given, Collection)
            and not isinstance(given, str | bytes)
            and all(isinstance(one, str) and one for one in given)
        ),
        "a tuple of strings that are not empty, such as ('the password',)",
    ),
    "deviations": (lambda given: isinstance(given, Mapping), "a dict of tests and reasons"),
}


class Doors(Generic[T]):
    """Common to both colours: the bounds, the deviations and their guards."""

    timeouts: ClassVar[Timeouts] = Timeouts()
    """How long one call of each method may take; give what your pools will be given."""
    rounds: ClassVar[int] = 50
    """How many resources the leak tests make and destroy; fewer where one is expensive."""
    grace: ClassVar[float] = 1.0
    """Seconds on top of each timeout: a driver's own timeout is usually the same number."""
    patience: ClassVar[float] = 3.0
    """Seconds for the backend to notice: a hang-up to arrive, a session to leave its list."""
    secrets: ClassVar[Sequence[str]] = ()
    """What no message may show; what is called password, token or so in the adapter is found by itself."""
    deviations: ClassVar[Mapping[str, str]] = {}
    """Tests that this adapter does not pass, with the reason; each must fail, or it fails for passing."""

    _coloured_doors: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Apply the deviations, and refuse what would weaken the kit unseen."""
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(__name__.rpartition(".")[0]):
            return
        _refuse_overrides(cls)
        _judge_settings(cls)
        _judge_colours(cls)
        for name, reason in cls.__dict__.get("deviations", {}).items():
            setattr(cls, name, _deviating(_known_test(cls, name), name, reason))

    @classmethod
    def _has(cls, door: str) -> bool:
        return not getattr(getattr(cls, door), "_is_missing", False)

    @classmethod
    def _need(cls, adapter: object, *names: str) -> None:
        """Skip, and say what is missing, unless the ability or back door is there."""
        for name in names:
            if name in ABILITIES and not isinstance(adapter, ABILITIES[name]):
                pytest.skip(f"give the adapter `{name}` ({ABILITIES[name].__name__}) to run this")
            if name in DOORS and not cls._has(name):
                pytest.skip(f"give `{DOORS[name].split(':')[0]}` to run this: {DOORS[name].split(': ')[1]}")


def _missing(door: Callable[..., Any]) -> Any:
    """Mark a back door as not given; it is never called."""
    door._is_missing = True  # type: ignore[attr-defined]  # our own mark on a function
    return door


def _kit_tests(cls: type[Doors[Any]]) -> list[str]:
    return sorted(
        name
        for base in cls.__mro__
        if base.__module__.startswith(__name__.rpartition(".")[0])
        for name in vars(base)
        if name.startswith("test_")
    )


def _refuse_overrides(cls: type[Doors[Any]]) -> None:
    for name in sorted(set(_kit_tests(cls)) & vars(cls).keys()):
        raise TypeError(
            f"{cls.__name__} replaces {name}; a deviation is declared, with its reason: "
            f"deviations = {{{name!r}: 'why'}}"
        )


def _judge_settings(cls: type[Doors[Any]]) -> None:
    for name, (fits, rule) in SETTINGS.items():
        given = inspect.getattr_static(cls, name)
        computed = hasattr(given, "__get__")  # a property, say: known when it is asked for
        if not computed and not fits(given):
            told = "of the wrong kind" if name == "secrets" else repr(given)
            raise TypeError(f"{cls.__name__}.{name} is {told}, it must be {rule}")


def _judge_colours(cls: type[Doors[Any]]) -> None:
    for name in filter(cls._has, DOORS):
        door = inspect.getattr_static(cls, name)  # perhaps of a mixin that both colours share
        wanted = cls._coloured_doors and name != "unreachable"
        if inspect.iscoroutinefunction(door) is wanted:
            continue
        if wanted and name != "hang" and inspect.isfunction(door):
            setattr(cls, name, _awaited(door))
            continue
        right = "async def" if wanted else "def, not async def"
        raise TypeError(f"{cls.__name__}.{name} must be written with {right}")


def _awaited(door: Callable[..., Any]) -> Callable[..., Any]:
    """Let a back door be plain where it has nothing to await: a socket is shut, a list is looked at."""

    @functools.wraps(door)
    async def awaited(*args: Any) -> Any:
        answer = door(*args)
        return await answer if inspect.isawaitable(answer) else answer

    return awaited


def _known_test(cls: type[Doors[Any]], name: str) -> Callable[..., Any]:
    known = _kit_tests(cls)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.3)
        hint = f", did you mean {near[0]!r}?" if near else ""
        raise TypeError(f"{cls.__name__}.deviations names {name!r}, which is no test of the kit{hint}")
    test: Callable[..., Any] = getattr(cls, name)
    return test


def _deviating(test: Callable[..., Any], name: str, reason: str) -> Any:
    if not str(reason).strip():
        raise TypeError(f"deviations[{name!r}] is {reason!r}, it must say why")

    @functools.wraps(test)
    def deviating(*args: Any, **kwargs: Any) -> Any:
        return test(*args, **kwargs)

    return pytest.mark.xfail(reason=reason, strict=True)(deviating)


class ThreadDoors(Doors[T]):
    """The back doors of a blocking adapter; each is optional, and what it lacks is skipped by name."""

    @_missing
    def sever(self, resource: T, /) -> None:
        """Break the resource without the adapter, as a dying server or network would."""

    @_missing
    def soil(self, resource: T, /) -> None:
        """Leave something behind on the resource that the next user must not see."""

    @_missing
    def is_clean(self, resource: T, /) -> bool:
        """Tell whether nothing of `soil` is left on the resource."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    def count_open(self) -> int:
        """Count the resources that the backend has open, asking the backend and not the adapter."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    def unreachable(self) -> Adapter[T]:
        """Give an adapter like the one under test that cannot connect."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    def hang(self, resource: T, /) -> None:
        """Call something on the resource that does not return by itself (wait for bytes that never come)."""

    @_missing
    def use(self, resource: T, /) -> None:
        """Do a little real work on the resource; raise the driver's error where it is broken."""


class AsyncDoors(Doors[T]):
    """The same for an asynchronous adapter: coroutines, or plain where there is nothing to await.

    `unreachable` is always plain, and `hang` always a coroutine: it would block the loop.
    """

    _coloured_doors: ClassVar[bool] = True

    @_missing
    async def sever(self, resource: T, /) -> None:
        """Break the resource without the adapter, as a dying server or network would."""

    @_missing
    async def soil(self, resource: T, /) -> None:
        """Leave something behind on the resource that the next user must not see."""

    @_missing
    async def is_clean(self, resource: T, /) -> bool:
        """Tell whether nothing of `soil` is left on the resource."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    async def count_open(self) -> int:
        """Count the resources that the backend has open, asking the backend and not the adapter."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    def unreachable(self) -> AsyncAdapter[T]:
        """Give an adapter like the one under test that cannot connect."""
        raise AssertionError("a back door that is not given is never called")

    @_missing
    async def hang(self, resource: T, /) -> None:
        """Await something on the resource that does not end by itself (bytes that never come)."""

    @_missing
    async def use(self, resource: T, /) -> None:
        """Do a little real work on the resource; raise the driver's error where it is broken."""
