"""What the kit asks of the optional abilities: probe with its glance, is_dirty, abort, classify."""

from __future__ import annotations

import asyncio
import math
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from respool import Fault, SupportsGlance

from ._doors import Doors, T
from ._findings import MEND, fail, require, shown
from ._rig import Outcome
from ._scene import scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._rig import Rig

__all__ = ["AbortTests", "ClassifyTests", "DirtyTests", "ProbeTests"]

ENDS = "shut the socket down (shutdown of a duplicate made in create), or kill what it waits for"
PROMPT = 0.015
"""Seconds for what may not block. A system call takes microseconds, and up to three of the interpreter's
switch intervals where another thread of the process computes."""
TRIES = 5
"""Of which the best counts: a busy machine may take one from the processor, and hardly five in a row."""


class ProbeTests(Doors[T]):
    """What the kit asks of ``probe``."""

    @scene("probe")
    async def test_probe_is_true_on_a_fresh_resource_and_does_not_block(self, rig: Rig[Any]) -> None:
        """It runs at every hand-out, so it may neither wait nor consume anything."""
        resource = await rig.create()
        mend = "say False only for a hang-up or unread bytes; poll with a timeout of 0 and read nothing"
        for _ in range(3):
            answer = await rig.must("probe", resource, when="on a fresh resource", mend=mend)
            require(answer is True, f"probe gave {answer!r} for a fresh resource", mend)
        await rig.validate(resource, when="after a probe")
        took = min([await rig.seconds("probe", resource) for _ in range(TRIES)])
        _require_prompt("probe", took)
        look = await self._glance(rig, resource)
        if look is not None:
            await self._require_glance(rig, look, False, "on a fresh resource")
            glance = partial(_called, look)
            took = min([await rig.seconds("glance", resource, glance) for _ in range(TRIES)])
            _require_prompt("glance", took)

    @scene("probe", "sever")
    async def test_probe_is_not_true_on_a_severed_resource(self, rig: Rig[Any]) -> None:
        """False or an exception, as soon as the hang-up has arrived; a ``glance`` sees it too."""
        resource = await rig.create()
        look = await self._glance(rig, resource)
        await rig.door("sever", resource)
        deadline = time.monotonic() + self.patience
        outcome = Outcome(True)
        while outcome.value is True and time.monotonic() < deadline:
            outcome = await rig.attempt("probe", resource, when="on a severed resource")
            await asyncio.sleep(0.01)
        require(
            outcome.error is not None or outcome.value is False,
            f"probe still gave {outcome.value!r} {self.patience:g} s after the resource was severed",
            "poll the socket for a hang-up or readable bytes; a probe that sees nothing is better left out",
        )
        if look is not None:
            await self._require_glance(rig, look, True, "on a severed resource")

    async def _glance(self, rig: Rig[Any], resource: Any) -> Callable[[int], object] | None:
        """Ask once, as a pool does after ``create``, for what its hand-outs call before the probe."""
        if not isinstance(rig.adapter, SupportsGlance):
            return None
        mend = "give a callable that takes one number, or None"
        look: Callable[[int], object] | None = await rig.must("glance", resource, mend=mend)
        require(look is None or callable(look), f"glance gave {look!r}", mend)
        return look

    async def _require_glance(
        self, rig: Rig[Any], look: Callable[[int], object], sees: bool, when: str
    ) -> None:
        outcome = await rig.attempt("glance", when=when, adapter=SimpleNamespace(glance=partial(look, 0)))
        told = f"raised {shown(outcome.error)}" if outcome.error else f"gave {outcome.value!r}"
        require(
            bool(outcome.error or outcome.value) is sees,
            f"a glance {told} {when}, so that "
            + ("the probe is not asked there" if sees else "the probe is asked at every hand-out"),
            "give a callable that sees what probe sees and nothing else, such as the poll of a select.poll()",
        )


class DirtyTests(Doors[T]):
    """What the kit asks of ``is_dirty``."""

    @scene("is_dirty")
    async def test_is_dirty_is_false_on_a_clean_resource(self, rig: Rig[Any]) -> None:
        """On a fresh one, and on one that was reset; else no return would ever be cheap."""
        resource = await rig.create()
        await self._require_dirt(rig, resource, False, "on a fresh resource")
        if self._has("soil"):
            await rig.door("soil", resource)
            if (await rig.reset(resource, "of a soiled resource")).error is not None:
                return
            await self._require_dirt(rig, resource, False, "after reset")

    @scene("is_dirty", "soil")
    async def test_is_dirty_is_true_on_a_soiled_resource(self, rig: Rig[Any]) -> None:
        """A False here lets the next user see what the last one left."""
        resource = await rig.create()
        await rig.door("soil", resource)
        await self._require_dirt(rig, resource, True, "on a soiled resource")

    async def _require_dirt(self, rig: Rig[Any], resource: Any, expected: bool, when: str) -> None:
        mend = "answer from what the driver knows locally; where it cannot know of some state, answer True"
        answer = await rig.must("is_dirty", resource, when=when, mend=mend)
        require(answer is expected, f"is_dirty {when} gave {answer!r} instead of {expected}", mend)


class AbortTests(Doors[T]):
    """What the kit asks of ``abort``."""

    @scene("abort", "hang")
    async def test_abort_ends_a_hung_call(self, rig: Rig[Any]) -> None:
        """The call ends soon, and before one that is left alone: a timeout of its own is no abort."""
        left_alone, aborted = await rig.create(), await rig.create()
        ended: list[asyncio.Future[Any]] = []
        control = self._hang(rig, left_alone, ended)
        await asyncio.sleep(0.15)
        hung = self._hang(rig, aborted, ended)
        await asyncio.sleep(0.15)
        require(
            not ended, "hang() returned by itself", "mend the back door: wait for something that never comes"
        )
        await self._require_end(rig, aborted, hung)
        require(
            ended == [hung],
            "an aborted call ended no sooner than one that was left alone",
            f"{ENDS}; and let hang() outlast the driver's own timeout",
        )
        await self._require_end(rig, left_alone, control)
        await rig.destroy(aborted, when="of an aborted resource")

    def _hang(self, rig: Rig[Any], resource: Any, ended: list[asyncio.Future[Any]]) -> asyncio.Future[Any]:
        """Start a call that hangs, and note its end."""
        hung: asyncio.Future[Any] = rig.start(self.hang, resource)  # type: ignore[attr-defined]  # defined by either colour

        def note(done: asyncio.Future[Any]) -> None:
            ended.append(done)
            if not done.cancelled():
                done.exception()  # whatever it was, it has been seen

        hung.add_done_callback(note)
        return hung

    async def _require_end(self, rig: Rig[Any], resource: Any, hung: asyncio.Future[Any]) -> None:
        """Abort, and see the hung call end."""
        await rig.must("abort", resource, when="of a hung call", mend=ENDS)
        done, _ = await asyncio.wait({hung}, timeout=self.patience)
        if not done:
            hung.cancel()
            fail(f"a hung call was still running {self.patience:g} s after abort", ENDS)

    @scene("abort")
    async def test_abort_of_an_idle_or_dead_resource_is_harmless(self, rig: Rig[Any]) -> None:
        """The call that it was meant for may have ended a moment ago, and the resource with it."""
        mend = "suppress OSError and the driver's errors, and keep no descriptor number that may be reused"
        resource = await rig.create()
        await rig.must("abort", resource, when="of an idle resource", mend=mend)
        await rig.must("abort", resource, when="for the second time", mend=mend)
        await rig.destroy(resource, when="of an aborted resource")
        await rig.must("abort", resource, when="of a destroyed resource", mend=mend)
        if self._has("sever"):
            severed = await rig.create()
            await rig.door("sever", severed)
            await rig.must("abort", severed, when="of a severed resource", mend=mend)

    @scene("abort")
    async def test_abort_of_a_destroyed_resource_touches_no_other(self, rig: Rig[Any]) -> None:
        """The system gives a descriptor's number away again; an abort that comes late must not hit it."""
        gone = await rig.create()
        await rig.destroy(gone)
        others = [await rig.create() for _ in range(3)]
        await rig.attempt("abort", gone, when="of a destroyed resource")
        for other in others:
            outcome = await rig.attempt("validate", other, when="after another one's late abort")
            require(
                outcome.value is True,
                "abort of a destroyed resource broke another one",
                "shut down a duplicate that create made and destroy closes, never a descriptor's number",
            )

    @scene("abort")
    async def test_abort_does_not_wait(self, rig: Rig[Any]) -> None:
        """It is called from the keeper's thread, or on the loop; the best of five attempts counts."""
        best = math.inf
        for _ in range(TRIES):
            resource = await rig.create()
            best = min(best, await rig.seconds("abort", resource))
            await rig.destroy(resource, when="of an aborted resource")
            if best < PROMPT:
                return
        _require_prompt("abort", best)


def _require_prompt(ability: str, took: float) -> None:
    require(
        took < PROMPT,
        f"{ability} took {took * 1e3:.0f} ms, at the best of {TRIES} attempts",
        MEND[ability],
    )


class _Mute(Exception):
    """An error that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class ClassifyTests(Doors[T]):
    """What the kit asks of ``classify``."""

    @scene("classify")
    async def test_classify_takes_the_users_own_errors_for_benign(self, rig: Rig[Any]) -> None:
        """It sees whatever leaves a ``with`` block; a KeyError there costs nobody a connection."""
        for error in (ValueError("mine"), KeyError("mine"), ZeroDivisionError(), AssertionError()):
            fault = await self._fault(rig, error)
            require(
                fault is Fault.BENIGN,
                f"classify gave {fault} for the user's own {error!r}",
                "return Fault.BENIGN for every exception that is not known to come from the driver",
            )

    @scene("classify")
    async def test_classify_never_raises(self, rig: Rig[Any]) -> None:
        """Errors without arguments, without text, and those that are no Exception."""
        odd: list[BaseException] = [Exception(), OSError(), OSError(None, None), _Mute(), TimeoutError()]
        odd += [KeyboardInterrupt(), SystemExit(0), asyncio.CancelledError(), GeneratorExit()]
        for seen in await self._errors_seen(rig):
            odd += [seen, *_bare(seen)]
        for error in odd:
            await self._fault(rig, error)

    @scene("classify", "sever")
    async def test_classify_knows_the_errors_of_a_severed_resource(self, rig: Rig[Any]) -> None:
        """BENIGN would put the broken resource back among the idle ones."""
        errors = await self._severed_errors(rig)
        if not errors:
            pytest.skip("give `use(resource)` to run this: nothing raised on a severed resource")
        for error in errors:
            fault = await self._fault(rig, error)
            require(
                fault in (Fault.RESOURCE_BROKEN, Fault.BACKEND_DOWN),
                f"classify gave {fault} for what a severed resource raised: {shown(error)}",
                "return Fault.RESOURCE_BROKEN for errors of the connection (OSError, EOFError, the driver's)",
            )

    @scene("classify", "unreachable")
    async def test_classify_knows_an_unreachable_backend(self, rig: Rig[Any]) -> None:
        """Whether to wait, to ask for less, or to tell the user at once."""
        error = await self._unreachable_error(rig)
        if error is None:
            pytest.skip("create did not raise with the backend unreachable, which another test reports")
        fault = await self._fault(rig, error)
        require(
            fault in (Fault.BACKEND_DOWN, Fault.CONFIG, Fault.CAPACITY),
            f"classify gave {fault} for what create raised with the backend unreachable: {shown(error)}",
            "return BACKEND_DOWN if nobody answers, CONFIG for a wrong password or name, CAPACITY if full",
        )

    async def _fault(self, rig: Rig[Any], error: BaseException) -> Fault:
        name = type(error).__name__
        mend = "look with isinstance and getattr(exc, ..., None) and end with `return Fault.BENIGN`"
        fault = await rig.must("classify", error, when=f"of {name}", mend=mend)
        if not isinstance(fault, Fault):
            fail(f"classify gave {fault!r} for {name}, which is no Fault", mend)
        return fault

    async def _errors_seen(self, rig: Rig[Any]) -> list[BaseException]:
        errors = await self._severed_errors(rig) if self._has("sever") else []
        if self._has("unreachable") and (error := await self._unreachable_error(rig)) is not None:
            errors.append(error)
        return errors

    async def _severed_errors(self, rig: Rig[Any]) -> list[BaseException]:
        used, checked = await rig.create(), await rig.create()
        await rig.door("sever", used)
        await rig.door("sever", checked)
        seen = [await rig.attempt("validate", checked, when="on a severed resource")]
        if self._has("use"):
            try:
                await rig.door("use", used)
            except Exception as exc:
                seen.append(Outcome(error=exc))
        return [outcome.error for outcome in seen if outcome.error is not None]

    async def _unreachable_error(self, rig: Rig[Any]) -> BaseException | None:
        stranded = self._stranded()  # type: ignore[attr-defined]  # of CreateTests
        outcome = await rig.attempt("create", when="with the backend unreachable", adapter=stranded)
        return outcome.error


def _bare(error: BaseException) -> list[BaseException]:
    """Give the same kind of error without arguments, where it can be made so."""
    try:
        return [type(error)()]
    except Exception:
        return []


def _called(look: Callable[[int], object], _: object) -> object:
    return look(0)
