"""What a lease adds to a statement: neighbours on one connection, in turns, in one process after another.

The same code is up to a third slower in one process than in the next, as its objects happen to lie in memory,
and slower where a dozen pools and their threads have lived before. After a round trip that shows, for the
caches are cold. So each process is fresh, and none has the last word.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import attrs

from ._result import Bounds, Cell
from ._samples import Spread

__all__ = ["BLOCK", "COLUMNS", "SCALED", "WARM", "Measure", "Pairs", "Price", "in_processes"]

BLOCK, WARM = 100, 10
"""Pairs in one pool's turn, and those before it that do not count: the caches are the other pools' then."""
COLUMNS = ("pool", "backend", "bare, us", "a lease adds, us", "adds, scaled", "lease alone, us", "does")
SCALED = "'scaled': what it would be where a deque with two Lock sections takes 340 ns, measured beside it"


@attrs.frozen
class Price:
    """What one pool's leases added in one process."""

    name: str
    does: str
    bare: float
    added: float
    scaled: float
    alone: float
    """Without a statement. All in us."""


Measure = Callable[[str, str, int], tuple[list[Price], list[str]]]
"""Measures all pools of a backend by so many pairs each; gives what is missing as notes."""


@attrs.define
class Pairs:
    """What one pool's neighbours took, bare and leased, in turns with the other pools of the backend."""

    bare: list[float] = attrs.field(factory=list)
    added: list[float] = attrs.field(factory=list)
    slow: list[float] = attrs.field(factory=list)

    def note(self, turn: int, first: float, second: float) -> None:
        """Take in one pair: in even turns the lease goes first; what warms up does not count."""
        bare, leased = (first, second) if turn % 2 else (second, first)
        if turn >= 0:
            self.bare.append(1e6 * bare)
            self.added.append(1e6 * (leased - bare))

    def price(self, name: str, does: str, alone: float) -> Price:
        """Sum up."""
        added = median(self.added)
        return Price(name, does, median(self.bare), added, added / median(self.slow), alone)


def in_processes(
    measure: Measure, name: str, backend: str, url: str, bounds: Bounds, notes: list[str]
) -> list[tuple[Cell, ...]]:
    """Measure in one process after another; each cell is the median of theirs, with its interval."""
    found: dict[str, list[Price]] = {}
    for _ in range(bounds.processes):
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as crew:
            prices, said = crew.submit(_quietly, measure, backend, url, bounds.most_pairs).result()
        notes += [note for note in said if note not in notes]
        for price in prices:
            found.setdefault(price.name, []).append(price)
    return [(pool, name, *_cells(prices)) for pool, prices in found.items()]


def _quietly(measure: Measure, backend: str, url: str, pairs: int) -> tuple[list[Price], list[str]]:
    logging.getLogger("respool").setLevel(logging.ERROR)
    return measure(backend, url, pairs)


def _cells(prices: list[Price]) -> tuple[Cell, ...]:
    return (
        median(price.bare for price in prices),
        Spread.of([price.added for price in prices]),
        Spread.of([price.scaled for price in prices]),
        median(price.alone for price in prices),
        prices[0].does,
    )
