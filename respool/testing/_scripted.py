"""Scripted adapters: they do what a test tells them, call by call, and record how they are used."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import threading
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypedDict, Unpack

from respool import Adapter, AsyncAdapter, Fault

from ._ledger import Call, Ledger, Resource
from ._steps import Aborted, Play, Script, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Ability", "AsyncScriptedAdapter", "ScriptedAdapter", "Scripts"]

Ability: TypeAlias = Literal["probe", "dirty", "abort", "classify"]


class Scripts(TypedDict, total=False):
    """One script per method; a method without one does what a right adapter does."""

    create: Script
    validate: Script
    reset: Script
    destroy: Script
    probe: Script
    is_dirty: Script
    abort: Script
    classify: Script


class _Base:
    """What both colours share: scripts, ledger, and the view of a test on them."""

    kind = "scripted"
    reset_is_local = False

    def __new__(cls, *, abilities: Iterable[Ability] = (), **_: Any) -> Self:
        """Choose the class that has just the wanted abilities: a pool finds them by their methods."""
        made: Self = object.__new__(_variant(cls, frozenset(abilities)))  # type: ignore[arg-type]  # a class is hashable
        return made

    def __init__(
        self,
        *,
        abilities: Iterable[Ability] = (),
        reset_is_local: bool = False,
        log_limit: int | None = None,
        **scripts: Unpack[Scripts],
    ) -> None:
        """Take the scripts.

        Args:
            abilities: Which of ``probe``, ``dirty``, ``abort`` and ``classify`` the adapter has.
            reset_is_local: As `Adapter.reset_is_local`.
            log_limit: Keep that many calls in the log; None keeps all.
            scripts: One per method, see `Scripts`.
        """
        unknown = set(scripts) - set(Scripts.__annotations__)
        if unknown:
            raise TypeError(f"no such method to script: {', '.join(sorted(unknown))}")
        self.reset_is_local = reset_is_local
        self.ledger = Ledger(log_limit)
        self._plays: Mapping[str, Play] = {method: Play(script) for method, script in scripts.items()}  # type: ignore[arg-type]  # items() of a TypedDict are objects

    def script(self, method: str, script: Script) -> None:
        """Give a method another script from its next call on."""
        self._plays = {**self._plays, method: Play(script)}

    @property
    def created(self) -> int:
        """How many resources were made."""
        return self.ledger.created

    @property
    def destroyed(self) -> int:
        """How many resources were destroyed, well or with an error."""
        return self.ledger.destroyed

    @property
    def open(self) -> int:
        """How many resources were made and not yet destroyed."""
        return self.ledger.created - self.ledger.destroyed

    @property
    def violations(self) -> list[str]:
        """Every breach of the contract so far: destroyed twice, two calls at once on one resource ..."""
        return self.ledger.violations

    def check(self) -> None:
        """Raise AssertionError if the contract was ever broken."""
        self.ledger.check()

    def calls(self, method: str | None = None) -> list[Call]:
        """Give the calls so far, of all methods or of one, in the order in which they began."""
        return self.ledger.calls(method)

    def count(self, method: str) -> int:
        """Count the calls of a method so far."""
        return self.ledger.count(method)

    def holding(self, resource: Resource) -> AbstractContextManager[Resource]:
        """Note for the time of a ``with`` block that somebody holds the resource.

        Any adapter call on it meanwhile, and a second holder, are violations.
        """
        return self.ledger.holding(resource)

    def release_blocked(self) -> None:
        """End the slow and hung calls that run now; each goes on with what its step says comes then."""
        self.ledger.release(for_good=False)

    def release_all(self) -> None:
        """End the slow and hung calls that run now, and let no later one wait: for the end of a test."""
        self.ledger.release(for_good=True)

    def _step(self, call: Call) -> Step:
        play = self._plays.get(call.method)
        return Step() if play is None else play.step(call)

    def _finish(self, call: Call, step: Step, natural: Any) -> Any:
        if call.aborted and step.delay:
            raise Aborted(f"{call.method} was aborted")
        if step.error is not None:
            raise step.error
        if step.gives_value:
            return step.value
        return self.ledger.enroll(call) if call.method == "create" else natural

    def _at_once(self, method: str, resource: Resource | None, natural: Any) -> Any:
        """Carry out a method that is a plain function in both colours."""
        call = self.ledger.begin(method, resource)
        try:
            step = self._step(call)
            if step.delay:
                _wait(self.ledger, call, step)
            answer = self._finish(call, step, natural)
        except BaseException as exc:
            self.ledger.end(call, exc)
            raise
        self.ledger.end(call)
        return answer


class _Probing(_Base):
    def probe(self, resource: Resource, /) -> bool:
        """Say True unless the resource is broken."""
        answer: bool = self._at_once("probe", resource, not resource.broken)
        return answer


class _Dirty(_Base):
    def is_dirty(self, resource: Resource, /) -> bool:
        """Tell whether there are leftovers."""
        answer: bool = self._at_once("is_dirty", resource, bool(resource.leftovers))
        return answer


class _Aborting(_Base):
    def abort(self, resource: Resource, /) -> None:
        """End the slow or hung call on the resource with `Aborted`."""
        self._at_once("abort", resource, None)
        self.ledger.abort(resource)


class _Classifying(_Base):
    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault that a `ScriptedError` carries, BENIGN for anything else."""
        answer: Fault = self._at_once("classify", None, getattr(exc, "fault", Fault.BENIGN))
        return answer


_MIXINS: Mapping[Ability, type[_Base]] = {
    "probe": _Probing,
    "dirty": _Dirty,
    "abort": _Aborting,
    "classify": _Classifying,
}


@functools.cache
def _variant(cls: type[Any], abilities: frozenset[Ability]) -> type[Any]:
    unknown = sorted(abilities - _MIXINS.keys())
    if unknown:
        raise TypeError(f"unknown ability {unknown[0]!r}; there are {', '.join(_MIXINS)}")
    mixins = tuple(mixin for ability, mixin in _MIXINS.items() if ability in abilities)
    if not mixins:
        return cls
    return type(cls.__name__, (*mixins, cls), {"__module__": cls.__module__, "__doc__": cls.__doc__})


def _wait(ledger: Ledger, call: Call, step: Step) -> None:
    gate = threading.Event()
    ledger.set_gate(call, gate.set)
    gate.wait(None if math.isinf(step.delay) else step.delay)


def _waker(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> Callable[[], None]:
    """Give a function that sets an asyncio event from any thread, and minds no loop that is gone."""

    def wake() -> None:
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(event.set)

    return wake


class ScriptedAdapter(_Base, Adapter[Resource]):
    """A blocking adapter that follows a script per method; safe for any number of threads.

    ::

        adapter = ScriptedAdapter(create=[ok(), error(OSError("refused")), never()], abilities={"abort"})

    The first create succeeds, the second fails, the third hangs until ``release_all``, all later ones
    succeed. Without a script ``validate`` and ``probe`` say whether the resource is unbroken, ``reset``
    empties its leftovers.
    """

    def create(self) -> Resource:
        """Make a numbered resource."""
        made: Resource = self._at_once("create", None, None)
        return made

    def validate(self, resource: Resource, /) -> bool:
        """Say True unless the resource is broken."""
        answer: bool = self._at_once("validate", resource, not resource.broken)
        return answer

    def reset(self, resource: Resource, /) -> None:
        """Empty the leftovers."""
        self._at_once("reset", resource, None)
        resource.leftovers.clear()

    def destroy(self, resource: Resource, /) -> None:
        """Enter the resource's end in the ledger."""
        self._at_once("destroy", resource, None)

    def wait_for_call(self, method: str, n: int = 1, timeout: float = 5.0, *, ended: bool = False) -> None:
        """Block until the nth call of a method has begun, or with ``ended`` has ended.

        Raises:
            AssertionError: When that has not come after ``timeout`` seconds.
        """
        self.ledger.wait_for(method, n, timeout, ended=ended)


class AsyncScriptedAdapter(_Base, AsyncAdapter[Resource]):
    """The same for asyncio: the four methods are coroutines, the abilities plain functions."""

    async def create(self) -> Resource:
        """Make a numbered resource."""
        made: Resource = await self._run("create", None, None)
        return made

    async def validate(self, resource: Resource, /) -> bool:
        """Say True unless the resource is broken."""
        answer: bool = await self._run("validate", resource, not resource.broken)
        return answer

    async def reset(self, resource: Resource, /) -> None:
        """Empty the leftovers."""
        await self._run("reset", resource, None)
        resource.leftovers.clear()

    async def destroy(self, resource: Resource, /) -> None:
        """Enter the resource's end in the ledger."""
        await self._run("destroy", resource, None)

    async def wait_for_call(
        self, method: str, n: int = 1, timeout: float = 5.0, *, ended: bool = False
    ) -> None:
        """Wait until the nth call of a method has begun, or with ``ended`` has ended.

        Raises:
            AssertionError: When that has not come after ``timeout`` seconds.
        """
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        with self.ledger.watching(_waker(loop, changed)):
            try:
                async with asyncio.timeout(timeout):
                    while self.ledger.count(method, ended=ended) < n:
                        changed.clear()
                        await changed.wait()
            except TimeoutError:
                raise AssertionError(self.ledger.missing(method, n, timeout, ended=ended)) from None

    async def _run(self, method: str, resource: Resource | None, natural: Any) -> Any:
        call = self.ledger.begin(method, resource)
        try:
            step = self._step(call)
            if step.delay:
                await self._pause(call, step)
            answer = self._finish(call, step, natural)
        except BaseException as exc:
            self.ledger.end(call, exc)
            raise
        self.ledger.end(call)
        return answer

    async def _pause(self, call: Call, step: Step) -> None:
        loop, gate = asyncio.get_running_loop(), asyncio.Event()
        self.ledger.set_gate(call, _waker(loop, gate))
        try:
            async with asyncio.timeout(None if math.isinf(step.delay) else step.delay):
                await gate.wait()
        except TimeoutError:
            pass
