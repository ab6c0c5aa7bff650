"""Greenlets are threads to a pool, once gevent has patched what threads are made of."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("gevent")  # no wheel of it for every interpreter

PATCHED = """
from gevent import monkey

monkey.patch_all()

import logging
import gevent
from respool import PoolTimeout, make_pool

logging.disable()

def settled(pool):
    for _ in range(200):
        stats = pool.stats()
        if stats.idle == stats.size and not stats.waiting:
            return stats
        gevent.sleep(0.01)
    raise AssertionError(stats)
"""


def greenlets(program: str) -> None:
    """Run a program under gevent, in a process of its own: what is patched stays patched."""
    done = subprocess.run(
        [sys.executable, "-c", PATCHED + textwrap.dedent(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stdout)


def test_greenlets_share_a_pool_and_run_while_others_wait() -> None:
    greenlets("""
        order = []

        def serve(number):
            with pool.acquire(timeout=10):
                gevent.sleep(0.01)
                order.append(number)

        with make_pool(object, max_size=2) as pool:
            gevent.joinall([gevent.spawn(serve, number) for number in range(20)], raise_error=True)
            assert sorted(order) == list(range(20))
            stats = settled(pool)
            assert 20 == stats.acquired and stats.waited and 2 >= stats.created
    """)


def test_a_wait_ends_at_its_timeout_and_at_the_next_release() -> None:
    greenlets("""
        with make_pool(object, max_size=1) as pool:
            held = pool.acquire()
            try:
                pool.acquire(timeout=0.05)
            except PoolTimeout:
                pass
            else:
                raise AssertionError("there was one more")
            gevent.spawn_later(0.05, held.release)
            pool.acquire(timeout=10).release()
    """)


CUT_SHORT = {
    "killed": """
        def cut_short(call):
            greenlet = gevent.spawn(call)
            gevent.sleep(0.05)
            greenlet.kill()
    """,
    "timed-out": """
        def cut_short(call):
            with gevent.Timeout(0.05, False):
                call()
    """,
}


@pytest.mark.parametrize("how", CUT_SHORT)
def test_a_greenlet_that_is_cut_short_takes_nothing_along(how: str) -> None:
    greenlets(
        CUT_SHORT[how]
        + """
        with make_pool(lambda: gevent.sleep(0.1) or object(), max_size=1) as pool:
            cut_short(pool.acquire)
            assert 1 == pool.stats().creating
            held = pool.acquire(timeout=10)
            cut_short(pool.acquire)
            assert 0 == pool.stats().waiting
            held.release()
            cut_short(lambda: pool.run(lambda thing: gevent.sleep(60)))
            pool.acquire(timeout=10).release()
            assert 1 == settled(pool).size
    """
    )


def test_a_create_that_never_returns_holds_up_nobody_else() -> None:
    greenlets("""
        ticks = []

        def tick():
            while True:
                ticks.append(1)
                gevent.sleep(0.01)

        other = gevent.spawn(tick)
        pool = make_pool(lambda: gevent.sleep(60), max_size=1, create_timeout=0.2)
        try:
            pool.acquire(timeout=0.5)
        except PoolTimeout as exc:
            assert "create" in str(exc), exc
        assert 20 < len(ticks)
        other.kill()
        pool.close(timeout=0)
    """)
