"""`BoundAdapter`: an adapter and its optional abilities, looked up once when the pool is made."""

from __future__ import annotations

import inspect
import itertools
import math
from contextlib import suppress
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import attrs

from ._adapter import (
    AsyncAdapter,
    Fault,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsGlance,
    SupportsProbe,
)
from ._engine import Traits
from ._errors import BackendError
from ._log import logger
from ._scrub import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

__all__ = ["BoundAdapter", "bind_adapter", "gravest", "traits_of"]

GRAVEST_FIRST = (
    Fault.BACKEND_DOWN,
    Fault.RESOURCE_BROKEN,
    None,
    Fault.CAPACITY,
    Fault.CONFIG,
    Fault.BENIGN,
)
"""Of several verdicts, the one that the pool acts on: what makes it give up most. None has it look."""

_numbers = itertools.count(1)
"""For default names: each pool of a process that is given none has a number of its own."""


@attrs.frozen(eq=False)
class BoundAdapter:
    """An adapter with its abilities; None where it lacks one."""

    adapter: Any
    kind: str
    noun: str
    probe: Callable[[Any], bool] | None
    glance: Callable[[Any], Callable[[int], object] | None] | None
    is_dirty: Callable[[Any], bool] | None
    abort: Callable[[Any], None] | None
    classify: Callable[[BaseException], Fault] | None
    validates: bool
    """Whether ``validate`` is more than the default, which trusts."""
    resets: bool
    """Whether ``reset`` is more than the default, which does nothing."""
    local: bool
    """Whether ``reset`` runs in place."""

    @property
    def dirty_test(self) -> Callable[[Any], bool] | None:
        """What a release calls; without `is_dirty` all count as dirty. None: there is nothing to reset."""
        return (self.is_dirty or _always) if self.resets else None

    def default_name(self) -> str:
        """Name a pool after its adapter's kind, with a number of its own."""
        return f"{self.kind}-{next(_numbers)}"

    def arguments(self) -> list[str]:
        """Name what the adapter's maker takes by keyword, such as ``hygiene``."""
        with suppress(TypeError, ValueError):  # what is written in C may have no signature
            taken = inspect.signature(type(self.adapter)).parameters.values()
            return [one.name for one in taken if one.kind is one.KEYWORD_ONLY and one.name != "timeouts"]
        return []

    def glance_at(self, resource: Any) -> Callable[[int], object] | None:
        """Give what a hand-out of this resource calls before the probe; None leaves it to the probe."""
        if self.glance is None:
            return None
        name = type(self.adapter).__name__
        try:
            found = self.glance(resource)
        except Exception as exc:
            logger.debug("glance of %s raised %s: its resources are probed", name, describe(exc))
            return None
        if found is None or callable(found):
            return found
        logger.debug("glance of %s gave %r, it must be a callable or None", name, type(found))
        return None

    def fault_of(self, exc: BaseException) -> Fault | None:
        """Give the adapter's verdict, the gravest on a group's members, or None where it has none."""
        return gravest(self.faults_of(exc))

    def faults_of(self, exc: BaseException) -> set[Fault | None]:
        """Give the adapter's verdicts on an exception, or on each member of a group; None: it has none."""
        return {self._verdict(member) for member in members_of(exc)}

    def _verdict(self, exc: BaseException) -> Fault | None:
        if self.classify is None or not isinstance(exc, Exception):
            return None
        try:
            verdict: object = self.classify(exc)
        except Exception:
            return None
        return verdict if isinstance(verdict, Fault) else None

    def fault_of_create(self, exc: BaseException) -> Fault:
        """Give the verdict on a failed create; without one, a bug is CONFIG and all else BACKEND_DOWN.

        BENIGN does not count: it says that the resource is fine, and here there is none.
        """
        fault = gravest({self._verdict_on_create(member) for member in members_of(exc)})
        assert fault is not None, "there is a verdict on each"
        return fault

    def _verdict_on_create(self, exc: BaseException) -> Fault:
        verdict = self._verdict(exc)
        if verdict not in (None, Fault.BENIGN):
            return verdict
        if isinstance(exc, TypeError | AttributeError | ImportError | ValueError):
            return Fault.CONFIG
        return Fault.BACKEND_DOWN

    def refuse_product(self, resource: object) -> BackendError | None:
        """Say why what ``create`` gave is no resource; None where it may be one."""
        where = f"create of {type(self.adapter).__name__} returned"
        if resource is None:
            return BackendError(f"{where} None, not a resource")
        # No other awaitable is refused: some resources can be awaited themselves.
        if not isinstance(resource, CoroutineType):
            return None
        resource.close()
        if isinstance(self.adapter, AsyncAdapter):
            return BackendError(f"{where} a coroutine, not a resource: 'return await ...' is meant")
        return BackendError(
            f"{where} a coroutine, not a resource: a Pool needs 'def create(self)' that makes one itself; "
            "for coroutines there are AsyncAdapter and AsyncPool"
        )

    def finished(self, method: str, answer: object) -> object:
        """Pass on what a method has returned.

        Raises:
            TypeError: A coroutine: the method has done nothing yet, and never will. None from ``validate``:
                some drivers' own checks return that, and raise where something is wrong.
        """
        name = f"{method} of {type(self.adapter).__name__}"
        if isinstance(answer, CoroutineType):
            answer.close()
            raise TypeError(f"{name} returned a coroutine and did nothing")
        if answer is None and method == "validate":
            raise TypeError(f"{name} returned None, it must return True for a resource that works")
        return answer


def bind_adapter(adapter: Any, base: type) -> BoundAdapter:
    """Look up an adapter's abilities."""

    def ability(protocol: type, method: str) -> Any:
        return getattr(adapter, method) if isinstance(adapter, protocol) else None

    return BoundAdapter(
        adapter=adapter,
        kind=_kind(adapter),
        noun=adapter.noun,
        probe=ability(SupportsProbe, "probe"),
        glance=ability(SupportsGlance, "glance") if _glance_holds(adapter) else None,
        is_dirty=ability(SupportsDirty, "is_dirty"),
        abort=ability(SupportsAbort, "abort"),
        classify=ability(SupportsClassify, "classify"),
        validates=_overrides(adapter, base, "validate"),
        resets=_overrides(adapter, base, "reset"),
        local=bool(adapter.reset_is_local),
    )


def members_of(exc: BaseException) -> list[BaseException]:
    """Take a group apart, for no adapter knows a ``TaskGroup``'s; any other exception is its only member."""
    members, groups = [], [exc]
    while groups:
        one = groups.pop()
        if isinstance(one, BaseExceptionGroup):
            groups.extend(one.exceptions)
        else:
            members.append(one)
    return members


def gravest(verdicts: Collection[Fault | None]) -> Fault | None:
    """Give the verdict that the pool acts on."""
    return min(verdicts, key=GRAVEST_FIRST.index)


def _glance_holds(adapter: Any) -> bool:
    """Whether ``glance`` is as new as ``probe`` and ``is_dirty``, which a subclass may have overridden."""
    return all(_depth(adapter, "glance") <= _depth(adapter, name) for name in ("probe", "is_dirty"))


def _depth(adapter: Any, method: str) -> float:
    """Say how far up its classes an adapter's method is defined, 0 in itself; ``inf`` where it has none."""
    homes = [vars(adapter) if hasattr(adapter, "__dict__") else {}, *map(vars, type(adapter).__mro__)]
    return next((depth for depth, names in enumerate(homes) if method in names), math.inf)


def _always(resource: Any, /) -> bool:
    return True


def traits_of(*adapters: BoundAdapter, strict: bool, cancels: bool = False) -> Traits:
    """Tell the engine what the adapters of one pool can do."""
    aborts = [a.abort is not None for a in adapters]
    return Traits(
        validates=any(a.validates for a in adapters),
        resets=any(a.resets for a in adapters),
        aborts=any(aborts),
        cancels=cancels,
        strict=strict,
        # A caller may be given the resource of any of them. A call that can be cancelled is a task, and
        # costs no switch.
        callers_clean=all(aborts) and not cancels,
    )


def _kind(adapter: Any) -> str:
    name = type(adapter).__name__
    return adapter.kind or name.removesuffix("Adapter").strip("_").lower() or "pool"


def _overrides(adapter: Any, base: type, method: str) -> bool:
    own = getattr(adapter, method)
    return getattr(own, "__func__", own) is not getattr(base, method)
