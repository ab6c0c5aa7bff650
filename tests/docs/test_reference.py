"""The page of Python names shows a class whole, what it takes from a private base included."""

from __future__ import annotations

from pathlib import Path

import respool

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def from_private_bases(cls: type) -> set[str]:
    """Give the public members that a class has from a base of ours that is not public."""
    bases = [base for base in cls.__mro__[1:] if base.__module__.startswith("respool._")]
    hidden = [base for base in bases if base.__name__ not in respool.__all__]
    return {name for base in hidden for name in vars(base) if not name.startswith("_")}


def test_the_page_of_names_shows_what_is_inherited() -> None:
    """Sphinx leaves it out unless it is told: a lease would be shown without its methods."""
    assert {"detach", "discard", "release", "resource"} == from_private_bases(respool.Lease)
    core = PAGE.read_text().partition(".. automodule:: respool\n")[2].partition("```")[0]
    assert ":inherited-members:" in core
