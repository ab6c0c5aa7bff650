"""`Hands`: one adapter and what it can do, looked up once when the pool is made."""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from contextlib import suppress
from types import CoroutineType
from typing import TYPE_CHECKING, Any

import attrs

from ._adapter import (
    Adapter,
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
    from collections.abc import Callable

__all__ = [
    "COROUTINE",
    "GENERATOR",
    "PLAIN",
    "Hands",
    "check_adapter",
    "colour_of",
    "default_name",
    "hands_of",
    "misfit",
    "traits_of",
]

METHODS = ("create", "validate", "reset", "destroy")
ABILITIES = ("probe", "glance", "is_dirty", "abort", "classify")
ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((*METHODS, *ABILITIES), ("resource", "/")),
    "create": (),
    "classify": ("exc", "/"),
}
"""What each method of the contract takes, as its signature is written."""

EXAMPLES = {"kind": "'smtp'", "noun": "'session'", "reset_is_local": "True"}
"""What an attribute of the contract may look like."""

COROUTINE, GENERATOR, PLAIN = "a coroutine function", "a generator (it has a yield)", "a plain function"

_numbers = itertools.count(1)
"""For default names: each pool of a process has a number of its own."""


@attrs.frozen(eq=False)
class Hands:
    """An adapter with its abilities; None where it lacks one."""

    adapter: Any
    kind: str
    noun: str
    probe: Callable[[Any], bool] | None
    glance: Callable[[Any], Callable[[], object] | None] | None
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
        """What a release calls; who cannot tell counts as dirty. None where there is nothing to reset."""
        return (self.is_dirty or _always) if self.resets else None

    def arguments(self) -> list[str]:
        """Name what the adapter's maker takes by keyword, such as ``hygiene``."""
        with suppress(TypeError, ValueError):  # what is written in C may have no signature
            taken = inspect.signature(type(self.adapter)).parameters.values()
            return [one.name for one in taken if one.kind is one.KEYWORD_ONLY and one.name != "timeouts"]
        return []

    def glance_at(self, resource: Any) -> Callable[[], object] | None:
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
        """Give the adapter's verdict, or None where it has none; a classify that raises has none."""
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
        verdict = self.fault_of(exc)
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
        """Give what a method answered.

        Raises:
            TypeError: A coroutine: the method has done nothing yet, and never will.
        """
        if isinstance(answer, CoroutineType):
            answer.close()
            raise TypeError(f"{method} of {type(self.adapter).__name__} returned a coroutine and did nothing")
        return answer


def hands_of(adapter: Any, base: type) -> Hands:
    """Look up an adapter's abilities."""

    def ability(protocol: type, method: str) -> Any:
        return getattr(adapter, method) if isinstance(adapter, protocol) else None

    return Hands(
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


def _glance_holds(adapter: Any) -> bool:
    """Whether ``glance`` is as new as ``probe`` and ``is_dirty``, which a subclass may have overridden."""
    return all(_depth(adapter, "glance") <= _depth(adapter, name) for name in ("probe", "is_dirty"))


def _depth(adapter: Any, method: str) -> float:
    """Say how far up from the adapter itself a method was written; ``inf`` where it has none."""
    homes = [vars(adapter) if hasattr(adapter, "__dict__") else {}, *map(vars, type(adapter).__mro__)]
    return next((depth for depth, names in enumerate(homes) if method in names), math.inf)


def _always(resource: Any, /) -> bool:
    return True


def traits_of(*hands: Hands, strict: bool, cancels: bool = False) -> Traits:
    """Tell the engine what the adapters of one pool can do."""
    aborts = [h.abort is not None for h in hands]
    return Traits(
        validates=any(h.validates for h in hands),
        resets=any(h.resets for h in hands),
        aborts=any(aborts),
        cancels=cancels,
        strict=strict,
        # A caller may be given the resource of any of them. A call that can be cancelled is a task, and
        # costs no switch.
        callers_clean=all(aborts) and not cancels,
    )


def default_name(hands: Hands) -> str:
    """Name a pool after its adapter's kind, with a number of its own."""
    return f"{hands.kind}-{next(_numbers)}"


def check_adapter(adapter: Any, *, asynchronous: bool) -> None:
    """Refuse what is no adapter of this colour.

    Raises:
        TypeError: Names the method and what it should be.
    """
    base = AsyncAdapter if asynchronous else Adapter
    pool, other_pool = ("AsyncPool", "Pool") if asynchronous else ("Pool", "AsyncPool")
    if isinstance(adapter, type):
        raise TypeError(
            f"{adapter.__name__} is a class, {pool} needs an instance: {pool}({adapter.__name__}(...))"
        )
    if isinstance(adapter, Adapter if asynchronous else AsyncAdapter):
        bridge = "; to use it here all the same: in_threads(adapter)" if asynchronous else ""
        raise TypeError(f"{type(adapter).__name__} is an adapter for {other_pool}, not for {pool}{bridge}")
    if not isinstance(adapter, base):
        raise TypeError(
            f"{type(adapter).__name__} is no adapter: subclass respool.{base.__name__} and write "
            f"create(self), or give plain callables to make_{'async_' if asynchronous else ''}pool"
        )
    for name in METHODS:
        _check_method(adapter, name, asynchronous=asynchronous)
    for name in ABILITIES:
        if hasattr(adapter, name):
            _check_method(adapter, name, asynchronous=False)
    if hasattr(adapter, "glance") and not hasattr(adapter, "probe"):
        raise TypeError(
            f"{type(adapter).__name__} has glance and no probe: "
            "what a glance sees is judged by def probe(self, resource, /)"
        )
    _check_attributes(adapter)
    _check_spelling(adapter, base)


def _check_method(adapter: Any, name: str, *, asynchronous: bool) -> None:
    method = getattr(adapter, name)
    arguments = ARGUMENTS[name]
    right = f"{'async ' if asynchronous else ''}def {name}({', '.join(['self', *arguments])})"
    where = f"{type(adapter).__name__}.{name}"
    if not callable(method):
        raise TypeError(f"{where} is {method!r}, it must be a method: {right}")
    if (colour := colour_of(method)) != (COROUTINE if asynchronous else PLAIN):
        raise TypeError(f"{where} is {colour}, it must be: {right}")
    if trouble := misfit(method, *arguments[:1]):
        raise TypeError(f"{where} does not take the arguments of the contract ({trouble}): {right}")


def misfit(call: Any, *arguments: object) -> str:
    """Say why something cannot be called with these arguments; empty where it can, or nobody knows."""
    try:
        inspect.signature(call).bind(*arguments)
    except TypeError as exc:
        return str(exc)
    except ValueError:  # a builtin without a signature
        return ""
    return ""


def colour_of(call: Any) -> str:
    """Say what kind of function something is, or what its ``__call__`` is."""
    while isinstance(call, functools.partial):
        call = call.func
    ways = (call, type(call).__call__)
    if any(map(inspect.iscoroutinefunction, ways)):
        return COROUTINE
    if any(inspect.isasyncgenfunction(way) or inspect.isgeneratorfunction(way) for way in ways):
        return GENERATOR
    return PLAIN


def _check_attributes(adapter: Any) -> None:
    for name, kind in (("kind", str), ("noun", str), ("reset_is_local", bool)):
        value = getattr(adapter, name)
        if not isinstance(value, kind):
            raise TypeError(
                f"{type(adapter).__name__}.{name} is {value!r}, it must be a {kind.__name__}, "
                f"as a class attribute: {name} = {EXAMPLES[name]}"
            )


def _check_spelling(adapter: Any, base: type) -> None:
    """Refuse a method whose name is nearly one of the contract's: it would never be called."""
    known = {_bare(name): name for name in ARGUMENTS}
    own = {name for cls in type(adapter).__mro__ if cls not in base.__mro__ for name in vars(cls)}
    for name in sorted(own):
        if name.startswith("_") or name in ARGUMENTS or hasattr(base, name):
            continue
        import difflib  # late: most adapters have no methods but the contract's

        near = difflib.get_close_matches(_bare(name), known, n=1, cutoff=0.85)
        if near and callable(getattr(adapter, name)) and known[near[0]] not in own:
            right = known[near[0]]
            raise TypeError(
                f"{type(adapter).__name__}.{name}: did you mean {right!r}? it is never called; "
                f"the contract has {right}({', '.join(['self', *ARGUMENTS[right]])})"
            )


def _bare(name: str) -> str:
    """Reduce a name to what people remember of it: ``isDirty``, ``is_dirty`` -> ``isdirty``."""
    return name.replace("_", "").lower()


def _kind(adapter: Any) -> str:
    name = type(adapter).__name__
    return adapter.kind or name.removesuffix("Adapter").strip("_").lower() or "pool"


def _overrides(adapter: Any, base: type, method: str) -> bool:
    own = getattr(adapter, method)
    return getattr(own, "__func__", own) is not getattr(base, method)
