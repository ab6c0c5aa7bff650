"""One test of the kit: a coroutine over the rig, dressed as a plain test function for pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._watch import run_watched

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["scene"]


def scene(*needs: str) -> Callable[[Callable[..., Coroutine[Any, Any, None]]], Callable[..., None]]:
    """Make a pytest test of ``body(kit, rig)``, skipped by name where an ability or back door is missing."""

    def dress(body: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
        def test(self: Any, adapter: Any) -> None:
            self._need(adapter, *needs)
            rig = self._rig(adapter)

            async def perform() -> None:
                try:
                    await body(self, rig)
                finally:
                    await rig.finish()

            run_watched(perform, rig.watch)

        test.__name__, test.__doc__ = body.__name__, body.__doc__
        test.__qualname__, test.__module__ = body.__qualname__, body.__module__
        test.needs = needs  # type: ignore[attr-defined]  # for the page that lists the tests
        return test

    return dress
