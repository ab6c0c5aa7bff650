"""The thread pool under many threads, quick switches and faults; tests/soak does it a million times."""

from __future__ import annotations

import random
import sys
import threading
from time import sleep
from types import FrameType
from typing import Any, Literal

import pytest

from respool import Adapter, Fixed, Pool

from .stress import Stress, descriptors, switching


@pytest.mark.parametrize("fairness", ["eventual", "strict"])
def test_twenty_thousand_leases_under_faults_lose_nothing(fairness: str) -> None:
    """Behaviours 1, 3, 34, 37, 38, 74, 103, 116."""
    before = descriptors()
    stress = Stress(threads=16, leases=10_000, size=6, seed=3, rate=0.02, fairness=fairness)
    stress.run()
    stress.end()
    assert stress.served["served"] > 9_000
    assert before == descriptors()


ROUNDS = 60
STUMBLE = 0.03
"""How often a thread gives way before a line of the pool's own code."""


def stumble(frame: FrameType, event: str, _: Any) -> Any:
    """Give way to other threads at random places in the pool."""
    if "respool/_" not in frame.f_code.co_filename:
        return None
    if event == "line" and random.random() < STUMBLE:
        sleep(random.choice((0.0, 0.0, 0.003)))
    return stumble


class Plain(Adapter[object]):
    """Nothing to do, so that the hand-off is all that happens."""

    def create(self) -> object:
        """Make anything."""
        return object()


@pytest.mark.parametrize("fairness", ["eventual", "strict"])
@pytest.mark.parametrize(("threads", "size"), [(2, 1), (3, 1), (3, 2), (12, 3)])
def test_at_a_microsecond_between_switches_no_wake_up_is_lost(
    threads: int, size: int, fairness: Literal["eventual", "strict"]
) -> None:
    """Behaviours 3, 12: without a keeper, the net under the protocol, a lost wake-up ends in a time-out."""
    pool = Pool(Plain(), max_size=size, fairness=fairness, admission=None, timeout=60.0, sizing=Fixed())
    pool._core._hire_keeper = lambda: None  # type: ignore[method-assign]  # the net is what is taken away
    for lease in [pool.acquire() for _ in range(size)]:
        lease.release()
    held: set[int] = set()
    wrong: list[object] = []
    start = threading.Barrier(threads)

    def live() -> None:
        sys.settrace(stumble)
        try:
            for _ in range(ROUNDS):
                # Everybody once, then nobody is left who could wake a sleeper by the way.
                start.wait()
                with pool.acquire() as thing:
                    if id(thing) in held:
                        wrong.append("two holders")
                    held.add(id(thing))
                    held.discard(id(thing))
        except BaseException as exc:
            wrong.append(exc)
            start.abort()
        finally:
            sys.settrace(None)

    with switching(1e-6):
        workers = [threading.Thread(target=live) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert [] == wrong
    assert pool.close()
