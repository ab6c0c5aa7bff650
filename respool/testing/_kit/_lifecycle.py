"""What the kit asks of create, validate, reset and destroy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from respool import Adapter, AsyncAdapter, SupportsDirty

from ._doors import Doors, T
from ._findings import RETURN_IT, fail, require, shown
from ._scene import scene

if TYPE_CHECKING:
    from ._rig import Rig

__all__ = ["CreateTests", "DestroyTests", "ResetTests", "ValidateTests"]


class CreateTests(Doors[T]):
    """What the kit asks of ``create``."""

    @scene()
    async def test_create_gives_distinct_live_resources(self, rig: Rig[Any]) -> None:
        """Three at once: none is None, no two are the same, and all work."""
        made = [await rig.create() for _ in range(3)]
        require(
            len({id(resource) for resource in made}) == len(made),
            "create gave the same object twice while the first was still open",
            "make a new resource in every call; keep none in the adapter",
        )
        for resource in made:
            await rig.validate(resource, when="with three resources open")

    @scene("sever")
    async def test_severing_one_resource_leaves_the_others_alone(self, rig: Rig[Any]) -> None:
        """Two resources share nothing that can break."""
        broken, whole = await rig.create(), await rig.create()
        await rig.door("sever", broken)
        await rig.validate(whole, when="on a resource whose neighbour was severed")
        if self._has("use"):
            await rig.door("use", whole)

    @scene("soil", "is_clean")
    async def test_soiling_one_resource_leaves_the_others_clean(self, rig: Rig[Any]) -> None:
        """Two resources share no state."""
        soiled, other = await rig.create(), await rig.create()
        await rig.door("soil", soiled)
        require(
            await rig.door("is_clean", other),
            "what soil() left on one resource is seen on another",
            "give every resource a session of its own: nothing of it may be shared through the adapter",
        )

    @scene()
    async def test_each_method_works_on_the_resource_that_it_is_given(self, rig: Rig[Any]) -> None:
        """Not on the one that was made last."""
        mend = "use the argument of the method: keep no resource in the adapter (self), nor in its class"
        first, last = await rig.create(), await rig.create()
        if self._has("soil") and self._has("is_clean"):
            await rig.door("soil", first)
            if (await rig.reset(first, "of the first of two resources")).error is None:
                require(await rig.door("is_clean", first), "reset did not clean the first of two", mend)
        await rig.destroy(first, when="of the first of two resources")
        outcome = await rig.attempt("validate", last, when="on the last of two resources")
        require(outcome.value is True, "destroy of the first of two resources broke the last", mend)
        if self._has("sever"):
            first = await rig.create()
            await rig.create()
            await rig.door("sever", first)
            outcome = await rig.attempt("validate", first, when="on the first of two resources")
            require(outcome.value is not True, "validate did not find that the first of two is severed", mend)

    @scene()
    async def test_several_creates_can_run_at_once(self, rig: Rig[Any]) -> None:
        """A pool makes up to ``max_creating`` resources at the same time."""
        starts = [rig.start(rig.adapter.create) for _ in range(4)]
        done, late = await asyncio.wait(starts, timeout=rig.bound("create"))
        made = [start.result() for start in done if start.exception() is None]
        for resource in made:
            rig.adopt(resource)
        mend = "share nothing between two calls of create, or guard it with a lock"
        require(not late, "four creates at once did not return in time", mend)
        for start in done:
            if (error := start.exception()) is not None:
                fail(f"one of four creates at once raised {shown(error)}", mend)
            require(start.result() is not None, "create returned None", RETURN_IT)
        require(
            len({id(resource) for resource in made}) == 4, "creates at once gave the same object twice", mend
        )

    @scene("unreachable")
    async def test_an_unreachable_backend_fails_in_time(self, rig: Rig[Any]) -> None:
        """Create raises an ordinary exception, within its timeout."""
        outcome = await rig.attempt("create", when="with the backend unreachable", adapter=self._stranded())
        if outcome.error is None:
            rig.adopt(outcome.value)
            fail(
                f"create with the backend unreachable gave {type(outcome.value).__name__}",
                "connect in create, not at the first use; or mend unreachable(), if it can be reached",
            )
        require(
            isinstance(outcome.error, Exception),
            f"create with the backend unreachable raised {shown(outcome.error)}, which is no Exception",
            "raise the driver's own error",
        )

    def _stranded(self) -> Any:
        """Give the adapter that cannot connect."""
        stranded = self.unreachable()  # type: ignore[attr-defined]  # defined by either colour
        contract = AsyncAdapter if self._coloured_doors else Adapter
        require(
            isinstance(stranded, contract),
            f"unreachable() gave {stranded!r}, it must be an {contract.__name__}",
            "mend the back door: return an adapter like the one under test that cannot connect",
        )
        return stranded


class ValidateTests(Doors[T]):
    """What the kit asks of ``validate``."""

    @scene()
    async def test_validate_is_true_on_a_fresh_resource(self, rig: Rig[Any]) -> None:
        """The first answer is True itself: a forgotten ``return`` gives None."""
        await rig.validate(await rig.create())

    @scene()
    async def test_validate_can_be_repeated(self, rig: Rig[Any]) -> None:
        """A keepalive validates the same idle resource again and again."""
        resource = await rig.create()
        for _ in range(5):
            await rig.validate(resource, when="once more on the same resource")

    @scene()
    async def test_validate_changes_nothing(self, rig: Rig[Any]) -> None:
        """What was clean before a check is clean after it: no transaction left open, nothing consumed."""
        resource, looked = await rig.create(), False
        mend = "put back what the check itself did (end its transaction, read its whole answer)"
        await rig.validate(resource)
        # First, for the door may use the resource, and what is used may be dirty.
        if isinstance(rig.adapter, SupportsDirty):
            looked = True
            outcome = await rig.attempt("is_dirty", resource)
            require(outcome.value is False, "validate left a clean resource dirty (is_dirty)", mend)
        if self._has("is_clean"):
            looked = True
            require(await rig.door("is_clean", resource), "validate left a clean resource unclean", mend)
        if self._has("use"):
            looked = True
            await rig.door("use", resource)
        if not looked:
            pytest.skip("give `is_clean(resource)`, `use(resource)` or the ability `is_dirty` to run this")

    @scene("sever")
    async def test_validate_finds_a_severed_resource(self, rig: Rig[Any]) -> None:
        """False or an exception, in time."""
        resource = await rig.create()
        await rig.door("sever", resource)
        outcome = await rig.attempt("validate", resource, when="on a severed resource")
        require(
            outcome.error is not None or outcome.value is False,
            f"validate gave {outcome.value!r} for a severed resource",
            "do a round trip in validate (a ping), or check that the back door sever() really breaks it",
        )


class ResetTests(Doors[T]):
    """What the kit asks of ``reset``."""

    @scene("soil", "is_clean")
    async def test_reset_cleans_or_refuses(self, rig: Rig[Any]) -> None:
        """After soil and reset nothing is left, unless reset raised to give the resource up."""
        resource = await rig.create()
        require(
            await rig.door("is_clean", resource),
            "is_clean() says False on a fresh resource",
            "mend the back door is_clean(), or have create deliver a clean resource",
        )
        await rig.door("soil", resource)
        require(
            not await rig.door("is_clean", resource),
            "is_clean() says True right after soil()",
            "mend the back doors: soil() must leave what is_clean() looks for",
        )
        outcome = await rig.reset(resource, "of a soiled resource")
        if outcome.error is None:
            require(
                await rig.door("is_clean", resource),
                "reset returned without an error, yet what soil() left is still there",
                "undo it in reset, or raise (ResourceSpoiled) so that the resource is given up",
            )

    @scene()
    async def test_reset_can_be_repeated(self, rig: Rig[Any]) -> None:
        """Twice in a row on a clean resource: no error, and it still works."""
        resource = await rig.create()
        mend = "let reset find out by itself whether there is anything to do"
        await rig.must("reset", resource, when="of a clean resource", mend=mend)
        await rig.must("reset", resource, when="for the second time in a row", mend=mend)
        await rig.validate(resource, when="after two resets")

    @scene("soil")
    async def test_a_reset_resource_still_works(self, rig: Rig[Any]) -> None:
        """A reset that did not refuse leaves a resource that validates and can be used."""
        resource = await rig.create()
        await rig.door("soil", resource)
        outcome = await rig.reset(resource, "of a soiled resource")
        if outcome.error is None:
            await rig.validate(resource, when="after soil and reset")
            if self._has("use"):
                await rig.door("use", resource)

    @scene("sever")
    async def test_reset_of_a_severed_resource_ends_in_time(self, rig: Rig[Any]) -> None:
        """It may raise, it may do nothing; it may not hang."""
        resource = await rig.create()
        await rig.door("sever", resource)
        outcome = await rig.reset(resource, "of a severed resource")
        require(
            outcome.error is None or isinstance(outcome.error, Exception),
            f"reset of a severed resource raised {outcome.error!r}, which is no Exception",
            "raise the driver's own error",
        )


class DestroyTests(Doors[T]):
    """What the kit asks of ``destroy``."""

    @scene()
    async def test_destroy_ends_a_fresh_resource(self, rig: Rig[Any]) -> None:
        """No error, in time."""
        await rig.destroy(await rig.create())

    @scene("sever")
    async def test_destroy_copes_with_a_severed_resource(self, rig: Rig[Any]) -> None:
        """The usual case: what is destroyed is broken."""
        resource = await rig.create()
        await rig.door("sever", resource)
        await rig.destroy(resource, when="of a severed resource")

    @scene("soil")
    async def test_destroy_copes_with_a_soiled_resource(self, rig: Rig[Any]) -> None:
        """A holder may discard in the middle of anything."""
        resource = await rig.create()
        await rig.door("soil", resource)
        await rig.destroy(resource, when="of a soiled resource")
