"""`Hands`: one adapter and what it can do, looked up once when the pool is made."""

from __future__ import annotations

import difflib
import inspect
import itertools
from typing import TYPE_CHECKING, Any

import attrs

from ._adapter import (
    Adapter,
    AsyncAdapter,
    Fault,
    SupportsAbort,
    SupportsClassify,
    SupportsDirty,
    SupportsProbe,
)
from ._engine import Traits

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Hands", "check_adapter", "default_name", "hands_of", "traits_of"]

METHODS = {"create": 0, "validate": 1, "reset": 1, "destroy": 1}
"""The contract's methods, and how many arguments each takes."""
ABILITIES = {"probe": 1, "is_dirty": 1, "abort": 1, "classify": 1}

_numbers = itertools.count(1)


@attrs.frozen(eq=False)
class Hands:
    """An adapter with its abilities; None where it lacks one."""

    adapter: Any
    kind: str
    probe: Callable[[Any], bool] | None
    is_dirty: Callable[[Any], bool] | None
    abort: Callable[[Any], None] | None
    classify: Callable[[BaseException], Fault] | None
    validates: bool
    """Whether ``validate`` is more than the default, which trusts."""
    resets: bool
    """Whether ``reset`` is more than the default, which does nothing."""
    local: bool
    """Whether ``reset`` runs in place."""

    def fault_of(self, exc: BaseException) -> Fault | None:
        """Give the adapter's verdict, or None where it has none; a classify that raises has none."""
        if self.classify is None or not isinstance(exc, Exception):
            return None
        try:
            return self.classify(exc)
        except Exception:
            return None

    def fault_of_create(self, exc: BaseException) -> Fault:
        """Give the verdict on a failed create; without one, a bug is CONFIG and all else BACKEND_DOWN."""
        verdict = self.fault_of(exc)
        if verdict is not None:
            return verdict
        if isinstance(exc, TypeError | AttributeError | ImportError | ValueError):
            return Fault.CONFIG
        return Fault.BACKEND_DOWN


def hands_of(adapter: Any, base: type) -> Hands:
    """Look up an adapter's abilities."""
    return Hands(
        adapter=adapter,
        kind=_kind(adapter),
        probe=adapter.probe if isinstance(adapter, SupportsProbe) else None,
        is_dirty=adapter.is_dirty if isinstance(adapter, SupportsDirty) else None,
        abort=adapter.abort if isinstance(adapter, SupportsAbort) else None,
        classify=adapter.classify if isinstance(adapter, SupportsClassify) else None,
        validates=_overrides(adapter, base, "validate"),
        resets=_overrides(adapter, base, "reset"),
        local=bool(adapter.reset_is_local),
    )


def traits_of(*hands: Hands, strict: bool, cancels: bool = False) -> Traits:
    """Tell the engine what the adapters of one pool can do."""
    return Traits(
        validates=any(h.validates for h in hands),
        resets=any(h.resets for h in hands),
        aborts=any(h.abort is not None for h in hands),
        cancels=cancels,
        strict=strict,
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
    for name, arguments in METHODS.items():
        _check_method(adapter, name, arguments, asynchronous=asynchronous)
    for name, arguments in ABILITIES.items():
        if hasattr(adapter, name):
            _check_method(adapter, name, arguments, asynchronous=False)
    _check_spelling(adapter, base)


def _check_method(adapter: Any, name: str, arguments: int, *, asynchronous: bool) -> None:
    method = getattr(adapter, name)
    given = "self, resource, /" if arguments else "self"
    if name == "classify":
        given = "self, exc, /"
    right = f"{'async ' if asynchronous else ''}def {name}({given})"
    where = f"{type(adapter).__name__}.{name}"
    if not callable(method):
        raise TypeError(f"{where} is {method!r}, it must be a method: {right}")
    if inspect.iscoroutinefunction(method) != asynchronous:
        colour = "a plain function" if asynchronous else "a coroutine function"
        raise TypeError(f"{where} is {colour}, it must be: {right}")
    try:
        inspect.signature(method).bind(*[None] * arguments)
    except TypeError as exc:
        raise TypeError(f"{where} does not take the arguments of the contract ({exc}): {right}") from None
    except ValueError:  # a builtin without a signature: it is what the user chose
        return


def _check_spelling(adapter: Any, base: type) -> None:
    """Refuse a method whose name is nearly one of the contract's: it would never be called."""
    known = [*METHODS, *ABILITIES]
    own = {name for cls in type(adapter).__mro__ if cls not in base.__mro__ for name in vars(cls)}
    for name in sorted(own):
        if name.startswith("_") or name in known or hasattr(base, name):
            continue
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
        if near and callable(getattr(adapter, name)) and near[0] not in own:
            raise TypeError(f"{type(adapter).__name__}.{name}: did you mean {near[0]!r}? it is never called")


def _kind(adapter: Any) -> str:
    name = type(adapter).__name__
    return adapter.kind or name.removesuffix("Adapter").strip("_").lower() or "pool"


def _overrides(adapter: Any, base: type, method: str) -> bool:
    own = getattr(adapter, method)
    return getattr(own, "__func__", own) is not getattr(base, method)
