"""An outage from its beginning to the first answer after it: how it is sat out, knocked at and told of.

What a busy machine adds is kept apart from what the pool owes. Starts of creates are read off the pool's own
clock, for what the server sees of them is late by whatever the scheduler likes. And where a call outlasts its
timeout for want of a processor, the pool tells of an outage as it should: that is not the one of the test.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic, sleep, time
from typing import Any

import attrs

from respool._engine._laws.backoff import CreationGate
from tests.faults.rig import MARGIN, RECOVERY, Crowd, FaultPool, eventually

STARTS = 4
"""How many creates may start in any second of an outage."""
SILENCE = re.compile(r"time[d ]*out|took longer", re.IGNORECASE)
"""What an error says where nobody answered in time."""


class NotedGate(CreationGate):
    """Notes when each create was started and when one failed, by the pool's own clock."""

    def __init__(self, max_creating: int) -> None:
        super().__init__(max_creating)
        self.starts: list[float] = []
        self.failures: list[float] = []

    def started(self, now: float) -> None:
        self.starts.append(now)
        super().started(now)

    def failed(self, now: float, draw: Callable[[], float]) -> None:
        self.failures.append(now)
        super().failed(now, draw)

    def in_outage(self, since: float) -> list[float]:
        """Give the starts from the first failure on."""
        known = min((moment for moment in self.failures if moment >= since), default=since)
        return [moment for moment in self.starts if moment >= known]


def note_starts(pool: FaultPool) -> NotedGate:
    """Have the starts of a pool noted that has started nothing yet."""
    growth = pool.raw._core.engine.growth
    gate = NotedGate(growth.max_creating)
    pool.shell.plain(lambda: setattr(growth, "gate", gate))
    return gate


@attrs.frozen
class Outage:
    """When the server went, when it was well again, and when the first answer came after that.

    A server is taken for mended when its start has returned; it may serve a little before, and from then on
    (``over``) the pool may grow as fast as it likes.
    """

    struck: float
    over: float
    mended: float
    first: float
    gates: tuple[NotedGate, ...]
    """What each pool started, and what failed."""

    @property
    def back_after(self) -> float:
        """Seconds from the mending to the first answer."""
        return self.first - self.mended

    def busiest_second(self, moments: list[float]) -> int:
        """Give the most moments in any one second of the outage."""
        within = sorted(moment for moment in moments if self.struck <= moment < self.over)
        return max((sum(first <= m < first + 1.0 for m in within) for first in within), default=0)

    def judge_starts(self, least: int = 0) -> None:
        """See that each pool knocked gently."""
        for gate in self.gates:
            starts = gate.in_outage(self.struck)
            shown = [round(moment - self.struck, 3) for moment in starts]
            assert least <= self.busiest_second(starts) <= STARTS, shown

    def judge_reports(self, pools: list[FaultPool], records: list[logging.LogRecord], least: int = 1) -> None:
        """See that each pool told of it once, and of its end."""
        for pool in pools:
            judge_reports(records, pool.name, self.struck, self.over, least)

    def judge_connections(self, pools: list[FaultPool], accepted: list[list[float]]) -> None:
        """See that no driver connects where the pool has started nothing."""
        for pool, gate, moments in zip(pools, self.gates, accepted, strict=True):
            since = self.struck - pool.timeouts.create  # a start may be on its way when the server goes
            started = sum(since <= moment < self.over for moment in gate.starts)
            assert sum(self.struck <= moment < self.over for moment in moments) <= started


def sit_out(
    pools: list[FaultPool],
    strike: Callable[[], Any],
    mend: Callable[[], Any],
    away: float,
    *,
    callers: int = 6,
    timeout: float = 0.5,
) -> Outage:
    """Strike under load, wait, mend, and see that the callers of every pool are soon served again."""
    gates = tuple(note_starts(pool) for pool in pools)
    with ExitStack() as stack:
        crowds: list[Crowd] = [stack.enter_context(pool.callers(callers, timeout)) for pool in pools]
        for crowd in crowds:
            crowd.served_after(0.0, 10)
        strike()
        struck = monotonic()
        for crowd in crowds:
            crowd.failed_after(struck)
        sleep(max(0.0, struck + away - monotonic()))
        mending = monotonic()
        mend()
        mended = monotonic()
        firsts = [crowd.served_after(mended) for crowd in crowds]
        agains = [crowd.served_after(mending) for crowd in crowds]
        for crowd, first in zip(crowds, firsts, strict=True):
            crowd.served_after(first.ended, 10)
        for pool in pools:
            # Found while somebody comes: it takes a create, or a check that is answered.
            eventually(
                lambda pool=pool: not pool.raw._core.engine.reporter.in_outage, "the end of the outage"
            )
    for pool in pools:
        pool.judge_errors()
    again = min(call.ended for call in agains)
    outage = Outage(struck, min(mended, again), mended, max(first.ended for first in firsts), gates)
    assert outage.back_after < RECOVERY + pools[0].timeouts.create + MARGIN
    return outage


# ---------------------------------------------------------------------- what is told


def outage_records(records: list[logging.LogRecord], name: str) -> list[tuple[str, str]]:
    """List what the log says, WARNING and above and the end of an outage: level and the event's name."""
    told = [r for r in records if r.name == "respool" and r.args and r.args[0] == name]
    return [
        (r.levelname, str(r.args[1]).partition(",")[0])
        for r in told
        if r.args and (r.levelno >= logging.WARNING or "outage" in str(r.args[1]))
    ]


@attrs.define
class Told:
    """An outage as the log tells of it."""

    began: float
    error: str
    ended: float | None = None

    @property
    def silent(self) -> bool:
        """Whether nobody answered in time, which is all that a busy machine can be blamed for."""
        return SILENCE.search(self.error) is not None


def outages(records: list[logging.LogRecord], name: str) -> list[Told]:
    """List the outages that were told, each once while it lasted."""
    told: list[Told] = []
    ahead = time() - monotonic()
    for record in records:
        if record.name != "respool" or not record.args or record.args[0] != name:
            continue
        what, _, rest = str(record.args[1]).partition(",")
        if what == "outage began":
            assert logging.WARNING == record.levelno
            assert all(outage.ended is not None for outage in told), "told once more while it lasts"
            told.append(Told(record.created - ahead, rest))
        elif what == "outage ended":
            assert logging.INFO == record.levelno
            told[-1].ended = record.created - ahead
    return told


def judge_reports(
    records: list[logging.LogRecord], name: str, since: float, until: float, least: int
) -> None:
    """See that the one outage between two moments was told once, and its end.

    Others may have been told: before, for a fault takes a moment to strike everything, and where nobody
    answered in time, for want of a processor.
    """

    def of_it() -> list[Told]:
        return [
            each
            for each in outages(records, name)
            if (each.began < until or not each.silent) and (each.ended is None or each.ended >= since)
        ]

    eventually(lambda: all(each.ended is not None for each in of_it()), "the news that it is over")
    assert least <= len(outages(records, name))
    assert len(of_it()) <= 1, of_it()
