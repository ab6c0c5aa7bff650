"""What each choice costs or saves: our own pool with one thing different at a time."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

from respool import Adapter, Fixed, Pool, PoolOptions

from ._result import Bounds, Table
from ._samples import interleave, noise_of
from .pools.limits import REFERENCE, LockedDeque

__all__ = ["choices"]


class _Bare(Adapter[object]):
    kind = "bench"

    def create(self) -> object:
        return object()


class _Probed(_Bare):
    def probe(self, resource: object, /) -> bool:
        return True


class _Cleaned(_Probed):
    reset_is_local = True

    def is_dirty(self, resource: object, /) -> bool:
        return False

    def reset(self, resource: object, /) -> None:
        raise AssertionError("never dirty")


class _Soiled(_Cleaned):
    def is_dirty(self, resource: object, /) -> bool:
        return True

    def reset(self, resource: object, /) -> None: ...


class _Validated(_Bare):
    def validate(self, resource: object, /) -> bool:
        return True


CASES: dict[str, tuple[type[_Bare], PoolOptions]] = {
    "everything on by default": (_Bare, {}),
    'fairness="strict"': (_Bare, {"fairness": "strict"}),
    'order="fifo"': (_Bare, {"order": "fifo"}),
    "sizing=Fixed()": (_Bare, {"sizing": Fixed(1), "max_size": 1}),
    "max_idle and max_uses set": (_Bare, {"max_idle": 60.0, "max_uses": 1 << 40}),
    "adapter validates (check_after=0.5)": (_Validated, {}),
    "adapter has a probe": (_Probed, {}),
    "probe, is_dirty says clean": (_Cleaned, {}),
    "probe, dirty, reset in place": (_Soiled, {}),
    "leak_after set": (_Bare, {"leak_after": 60.0}),
    "a listener": (_Bare, {"on_event": (lambda event: None,)}),
    "check_after=0: validated at every lease": (_Validated, {"check_after": 0}),
}
NOTES = (
    "the last three give up the fast lane: every lease goes through the engine, under its lock",
    "'validated at every lease' hands the check to a worker thread and waits for it",
)


def choices(bounds: Bounds) -> list[Table]:
    """Time one uncontended block per case, all beside the same reference."""
    pools = {name: Pool(adapter(), **options) for name, (adapter, options) in CASES.items()}
    runs: dict[str, Callable[[int], float]] = {REFERENCE: LockedDeque(1).blocks}
    runs |= {name: _blocks(pool) for name, pool in pools.items()}
    done = interleave(runs, REFERENCE, rounds=bounds.rounds, slice_s=bounds.slice_s)
    for pool in pools.values():
        pool.close()
    usual = done["everything on by default"].seconds.middle
    rows = tuple(
        (name, each.seconds.middle * 1e9, each.ratio, each.seconds.middle / usual)
        for name, each in done.items()
    )
    columns = ("what", "block, ns", "ratio to the reference", "ratio to the default")
    title = "What a choice costs, threads, uncontended"
    return [Table("choices", title, columns, rows, NOTES, noise_of(done[REFERENCE]))]


def _blocks(pool: Pool[Any]) -> Callable[[int], float]:
    def run(count: int) -> float:
        acquire = pool.acquire
        started = process_time()
        for _ in range(count):
            with acquire():
                pass
        return process_time() - started

    return run
