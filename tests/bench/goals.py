"""The numbers of the design that the bench can measure: wanted, measured, reached or not."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ._result import Goal, Table
from ._samples import Spread, brief
from .pools.limits import ASYNC_REFERENCE, REFERENCE
from .pools.ours import OURS
from .pools.real import LOOKING

__all__ = ["goals", "goals_table"]

Tables = Mapping[str, Table]

PEERS = {
    "psycopg_pool": "(which checks nothing)",
    "psycopg_pool, check": "(equal checks)",
    "SQLAlchemy": "(which checks nothing)",
    "SQLAlchemy, pre_ping": "(equal checks)",
    "redis-py": "",
}
"""Whose price a lease of ours is compared with, and what they do less."""
UNPROBED = "respool, no probe"


def goals_table(tables: Tables) -> Table:
    """Show all of them."""
    answers = {True: "reached", False: "NOT reached", None: "-"}
    rows = tuple((each.what, each.goal, each.measured, answers[each.reached]) for each in goals(tables))
    note = (
        "the rows on outages, overload and resource-seconds are those of `tox -e elastic` and the fault tests"
    )
    return Table("goals", "The numbers of the design", ("what", "goal", "measured", ""), rows, (note,))


def goals(tables: Tables) -> list[Goal]:
    """Judge every number whose table was made in this run."""
    found: list[Goal] = []
    for table, judge in JUDGES.items():
        if table in tables:
            found += judge(tables[table], tables)
    return found


def _thread_leases(table: Table, _: Tables) -> list[Goal]:
    ours = table.cell(OURS, "block, ratio")
    assert isinstance(ours, Spread)
    found = [Goal("thread lease", f"at most 1.5 x {REFERENCE} (aim 1.0)", f"{ours} x", ours.middle <= 1.5)]
    for peer in ("psycopg_pool", "SQLAlchemy QueuePool", "redis-py BlockingConnectionPool"):
        found.append(_faster(table, peer, 10, "thread lease"))
    return found


def _asyncio_leases(table: Table, _: Tables) -> list[Goal]:
    ours = table.cell(OURS, "block, ratio")
    assert isinstance(ours, Spread)
    found = [Goal("async lease", f"at most 1.5 x {ASYNC_REFERENCE}", f"{ours} x", ours.middle <= 1.5)]
    for peer, times in (("psycopg_pool", 8), ("asyncpg", 20)):
        found.append(_faster(table, peer, times, "async lease"))
    return found


def _faster(table: Table, peer: str, times: int, what: str) -> Goal:
    """Compare by the ratios to the reference: the nanoseconds of two medians may be of different rounds."""
    mine, his = table.cell(OURS, "block, ratio"), table.cell(peer, "block, ratio")
    if not isinstance(mine, Spread) or not isinstance(his, Spread):
        return Goal(f"{what} against {peer}", f"at least {times} x faster", "not measured", None)
    factor = his.middle / mine.middle
    return Goal(f"{what} against {peer}", f"at least {times} x faster", f"{brief(factor)} x", factor >= times)


def _real(most: Mapping[str, float], colour: str) -> Callable[[Table, Tables], list[Goal]]:
    def judge(table: Table, _: Tables) -> list[Goal]:
        found = []
        for row in table.rows:
            if row[0] != OURS or not isinstance(row[3], Spread) or not isinstance(row[4], Spread):
                continue
            limit = most.get(str(row[1]), most[""])
            what, goal = f"lease on {row[1]}, {colour}", f"adds at most {limit} us"
            measured = f"{brief(row[3].middle)} us, scaled {row[4]} us"
            found.append(Goal(what, goal, measured, row[4].middle <= limit))
            found += _fifth(table, str(row[1]), row[3].middle)
            found += _plainest(table, str(row[1]), row[3].middle)
        return found

    return judge


def _fifth(table: Table, backend: str, mine: float) -> list[Goal]:
    """Compare with each peer on the same backend, with its check of liveness on, as ours is, and off."""
    found = []
    prices = {row[0]: row[3].middle for row in table.rows if row[1] == backend and isinstance(row[3], Spread)}
    for row in table.rows:
        if row[1] != backend or row[0] not in PEERS or not isinstance(row[3], Spread):
            continue
        if "rollback is a round trip" in str(row[6]):  # which ours does not need
            continue
        share = mine / row[3].middle
        what = f"lease on {backend} against {row[0]} {PEERS[str(row[0])]}"
        found.append(Goal(what.rstrip(), "at most 0.2 of it", brief(share), share <= 0.2))
        if UNPROBED in prices and "nothing" in what:
            share = prices[UNPROBED] / row[3].middle
            what = f"lease on {backend} against {row[0]} (no check on either side)"
            found.append(Goal(what, "at most 0.2 of it", brief(share), share <= 0.2))
    return found


def _plainest(table: Table, backend: str, mine: float) -> list[Goal]:
    """Show how much is left to win: the price beside that of a locked deque and one look at the socket."""
    return [
        Goal(
            f"lease on {backend} beside {LOOKING}",
            "no goal: the plainest pool",
            f"{brief(mine / row[3].middle)} x",
            None,
        )
        for row in table.rows
        if row[:2] == (LOOKING, backend) and isinstance(row[3], Spread)
    ]


def _flat(what: str) -> Callable[[Table, Tables], list[Goal]]:
    def judge(table: Table, _: Tables) -> list[Goal]:
        cell = table.cell(OURS, "last / first")
        growth = cell.middle if isinstance(cell, Spread) else cell
        if not isinstance(growth, float):
            return []
        return [Goal(what, "flat: at most 1.3 x", f"{brief(growth)} x", growth <= 1.3)]

    return judge


def _contended(table: Table, _: Tables) -> list[Goal]:
    found = []
    for threads, size, held in ((64, 4, "0"), (16, 1, "1 ms")):
        for row in table.rows:
            if row[:4] == (OURS, threads, size, held) and isinstance(row[9], float):
                what = f"{threads} threads on {size}, held {held}"
                found.append(Goal(what, "Jain at least 0.99", f"{row[9]:.3f}", row[9] >= 0.99))
    return found


def _tasks(table: Table, _: Tables) -> list[Goal]:
    """Compare with the fastest peer; the last two hundredths are the timers' own noise."""
    rows = {str(row[0]): row for row in table.rows if row[2] == "1 ms" and isinstance(row[3], float)}
    if OURS not in rows:
        return []
    mine = rows.pop(OURS)
    rows.pop(ASYNC_REFERENCE, None)
    best = max(rows.values(), key=lambda row: float(str(row[3])))
    measured = f"{brief(float(str(mine[3])))}/s, {best[0]} {brief(float(str(best[3])))}/s"
    reached = float(str(mine[3])) >= 0.98 * float(str(best[3]))
    return [Goal(f"{mine[1]} tasks on 10, held 1 ms", "as many as the fastest peer", measured, reached)]


def _bursts(table: Table, _: Tables) -> list[Goal]:
    extra = table.cell(OURS, "creates, 5 idle")
    assert isinstance(extra, float)
    return [Goal("spike", "at most 2 extra creates", f"{extra:.0f}", extra <= 2)]


def _imports(table: Table, _: Tables) -> list[Goal]:
    taken, scaled = table.cell(OURS, "processor, ms"), table.cell(OURS, "processor, scaled")
    assert isinstance(taken, float)
    assert isinstance(scaled, float)
    measured = f"{taken:.0f} ms, scaled {scaled:.0f} ms"
    return [Goal("import respool", "at most 60 ms over bare python", measured, scaled <= 60)]


JUDGES: dict[str, Callable[[Table, Tables], list[Goal]]] = {
    "thread_leases": _thread_leases,
    "asyncio_leases": _asyncio_leases,
    "real_connections": _real({"": 2.0, "SQLite": 0.7}, "threads"),
    "async_real_connections": _real({"": 10.0}, "asyncio"),
    "idle_crowd": _flat("cost per lease beside idle resources"),
    "tasks": _tasks,
    "waiting_tasks": _flat("cost per waiter served, asyncio"),
    "waiting_threads": _flat("cost per waiter served, threads"),
    "cancelled_waiters": _flat("cost per cancelled waiter"),
    "contended": _contended,
    "bursts": _bursts,
    "imports": _imports,
}
