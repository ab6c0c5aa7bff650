"""What a traceback calls an error: by the name that users import."""

from __future__ import annotations

import importlib
import pickle

import pytest

from .sources import ADAPTERS

PACKAGES = ("respool", "respool.testing", "respool.simulation", *ADAPTERS)


def public_errors(package: str) -> list[type[BaseException]]:
    """List the exceptions among a package's public names."""
    home = importlib.import_module(package)
    values = [getattr(home, name) for name in home.__all__]
    return [value for value in values if isinstance(value, type) and issubclass(value, BaseException)]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_traceback_names_an_error_as_users_import_it(package: str) -> None:
    """`respool.PoolTimeout`, not the private module in which it stands."""
    private = [error for error in public_errors(package) if "._" in error.__module__]
    assert [] == private


@pytest.mark.parametrize("error", public_errors("respool"))
def test_an_error_is_pickled_by_that_name(error: type[BaseException]) -> None:
    assert error is pickle.loads(pickle.dumps(error))
    assert f"respool.{error.__name__}: said" == f"{error.__module__}.{error.__name__}: {error('said')}"
