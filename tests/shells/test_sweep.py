"""The keeper's rounds: what they retire, what they leave alone, and what a stopped process does not lose."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from respool.testing import never
from tests.shells.rig import HANG, Rig, RigPool, eventually

LIFETIME = 1000.0


def lifetimes(rig: Rig, pool: RigPool) -> list[float]:
    """Give each resource's own lifetime, as drawn."""
    drawn: list[float] = rig.plain(
        lambda: [slot.expires - slot.born for slot in pool.raw._core.engine.ledger]
    )
    return drawn


def test_each_resource_has_a_lifetime_of_its_own_drawn_once(rig: Rig) -> None:
    """Behaviours 70 and 71: shortened by up to a quarter, and spread over it."""
    pool = rig.pool(max_size=60, max_lifetime=LIFETIME, check_after=0)
    leases = [pool.acquire() for _ in range(60)]
    drawn = lifetimes(rig, pool)
    assert 0.75 * LIFETIME - 1 <= min(drawn) < 0.82 * LIFETIME
    assert 0.93 * LIFETIME < max(drawn) <= LIFETIME
    for lease in leases:
        lease.release()
    pool.acquire().release()
    assert 1 == pool.adapter.count("validate")
    assert drawn == lifetimes(rig, pool)


def test_a_round_of_checks_asks_each_idle_one_once_and_holds_up_nobody(rig: Rig) -> None:
    """Behaviours 77 and 85."""
    pool = rig.pool(max_size=4, keepalive=0.5, check_after=1000)
    leases = [pool.acquire() for _ in range(4)]
    for lease in leases:
        lease.release()
    pool.quiet()
    pool.adapter.script("validate", [never()])
    eventually(lambda: pool.adapter.count("validate") == 1)
    borrowed = pool.acquire()
    pool.adapter.release_blocked()
    eventually(lambda: pool.adapter.count("validate") >= 3, "the round's end")
    asked = [call.resource for call in pool.adapter.calls("validate")][:3]
    assert {1, 2, 3, 4} == {*asked, borrowed.resource.number}
    borrowed.release()


def test_what_is_being_retired_is_never_handed_out(rig: Rig) -> None:
    """Behaviour 78."""
    pool = rig.pool(rig.adapter(destroy=[never()]), max_size=2, max_idle=0.1)
    pool.acquire().release()
    eventually(lambda: pool.adapter.count("destroy") == 1)
    with pool.leased() as resource:
        assert 2 == resource.number
    pool.adapter.release_all()
    pool.check()


STOPPED = """
    import asyncio, sys, threading, time
    from respool.testing import AsyncScriptedAdapter, ScriptedAdapter
    from respool import AsyncPool, Pool

    AGES = dict(max_size=3, min_size=0, max_idle=3.0, max_lifetime=4.0, check_after=2.0)

    def report(pool, adapter):
        stats = pool.stats()
        print(stats.idle, dict(stats.destroyed), adapter.count("validate"), flush=True)

    def threads():
        adapter = ScriptedAdapter()
        pool = Pool(adapter, **AGES)
        for lease in [pool.acquire() for _ in range(3)]:
            lease.release()
        print("ready", flush=True)
        sys.stdin.readline()
        time.sleep(0.3)
        report(pool, adapter)
        with pool.acquire():
            report(pool, adapter)

    async def tasks():
        adapter = AsyncScriptedAdapter()
        pool = AsyncPool(adapter, **AGES)
        for lease in [await pool.acquire() for _ in range(3)]:
            lease.release()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.sleep(0.3)
        report(pool, adapter)
        async with pool.acquire():
            report(pool, adapter)
        await pool.close()

    threads() if sys.argv[1] == "threads" else asyncio.run(tasks())
"""


@pytest.mark.parametrize("shell", ["threads", "asyncio"])
def test_a_process_that_was_stopped_loses_nothing_and_checks_before_use(shell: str) -> None:
    """Behaviour 136: asleep for longer than every age; nothing is retired, and the next hand-out asks first.

    Both shells: a Pool() in threads, an AsyncPool() under asyncio.
    """
    command = [sys.executable, "-c", textwrap.dedent(STOPPED), shell]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        threading.Event().wait(0.2)
        os.kill(process.pid, signal.SIGSTOP)
        threading.Event().wait(5.0)
        os.kill(process.pid, signal.SIGCONT)
        out, _ = process.communicate("go\n", timeout=HANG)
    assert ["3 {} 0", "2 {} 1"] == out.splitlines()
