"""What can be said of an adapter before it is called: its form, its name, its secrets."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import pytest

from respool import Adapter, AsyncAdapter

from ..._adapter_checks import ARGUMENTS, check_adapter
from ._doors import Doors, T
from ._findings import fail, require
from ._scene import scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._rig import Rig

__all__ = ["ShapeTests"]

SECRETIVE = re.compile(r"pass|pwd|secret|token|credential|api_?key", re.IGNORECASE)


class ShapeTests(Doors[T]):
    """What the kit asks of the adapter's class, and of what it shows of itself."""

    _contract: ClassVar[type[Any]] = Adapter

    def test_the_adapter_is_an_instance_of_the_contract(self, adapter: Any) -> None:
        """A pool takes nothing else."""
        right = self._contract.__name__
        require(not isinstance(adapter, type), "the fixture gives a class", "return an instance of it")
        require(
            isinstance(adapter, self._contract),
            f"{type(adapter).__name__} is no {right}",
            f"write class {type(adapter).__name__}({right}[YourResource])",
        )

    def test_its_methods_have_the_right_names_colours_and_arguments(self, adapter: Any) -> None:
        """Misspelt, sync for async, a yield, an argument too many: a pool refuses it before anything runs."""
        try:
            check_adapter(adapter, asynchronous=self._contract is AsyncAdapter)
        except TypeError as exc:
            fail(str(exc), "write it as the contract has it: no pool takes the adapter otherwise")
        _refuse_near_misses(adapter)

    def test_its_kind_is_one_word(self, adapter: Any) -> None:
        """It names pools, metrics and log lines."""
        kind = adapter.kind
        require(
            isinstance(kind, str) and re.fullmatch(r"|[A-Za-z][\w-]*", kind),
            f"kind is {kind!r}",
            'give one word, such as kind = "smtp", or leave it out',
        )

    @scene()
    async def test_no_secret_is_shown(self, rig: Rig[Any]) -> None:
        """Not in repr or str of the adapter, nor in the error of a create that failed."""
        adapters, errors = [rig.adapter], []
        if self._has("unreachable"):
            adapters.append(self._stranded())  # type: ignore[attr-defined]  # of CreateTests
            outcome = await rig.attempt("create", when="with the backend unreachable", adapter=adapters[-1])
            errors = [error for error in (outcome.error,) if error is not None]
        secrets = {*self.secrets, *(secret for adapter in adapters for secret in _secrets_of(adapter))}
        if not secrets:
            pytest.skip("give `secrets = ('the password',)` to run this: none was found in the adapter")
        for thing in (*adapters, *errors):
            _require_discretion(thing, secrets)


def _refuse_near_misses(adapter: Any) -> None:
    """Be stricter than a pool: in a subclass of a right adapter, too, a misspelt method is never called."""
    for name in dir(type(adapter)):
        if name.startswith("_") or name in ARGUMENTS or not callable(getattr(type(adapter), name)):
            continue
        for meant in difflib.get_close_matches(name, ARGUMENTS, n=1, cutoff=0.85):
            fail(f"{type(adapter).__name__} has a method {name}, which no pool calls", f"call it {meant}")


def _secrets_of(thing: Any, depth: int = 3) -> Iterator[str]:
    """Find the strings that an object keeps under a secretive name, or in the password part of a URL."""
    for name, value in _parts_of(thing):
        if isinstance(value, str):
            if SECRETIVE.search(name) and len(value) >= 4:
                yield value
            yield from _url_secret(value)
        elif depth and not isinstance(value, int | float | type):
            yield from _secrets_of(value, depth - 1)


def _parts_of(thing: Any) -> list[tuple[str, Any]]:
    if isinstance(thing, dict):
        return [(str(name), value) for name, value in thing.items()]
    if isinstance(thing, list | tuple):
        return [("", value) for value in thing]
    slots = [name for base in type(thing).__mro__ for name in getattr(base, "__slots__", ())]
    found = {name: getattr(thing, name) for name in slots if name[:2] != "__" and hasattr(thing, name)}
    return [*found.items(), *getattr(thing, "__dict__", {}).items()]


def _url_secret(text: str) -> Iterator[str]:
    try:
        password = urlsplit(text).password
    except ValueError:
        return
    if password:
        yield password


def _require_discretion(thing: Any, secrets: set[str]) -> None:
    for shown in (repr(thing), str(thing)):
        for secret in secrets:
            if secret in shown:
                fail(
                    f"a secret is shown by {type(thing).__name__}: {shown.replace(secret, '<the secret>')}",
                    "leave it out of __repr__ (attrs: field(repr=False)) and of the messages of errors",
                )
