"""The default sizing on a real Postgres behind a proxy: a spike, slow connects, overload, an outage.

Connects, starts and answers are counted and put in order; times are guards against a very busy machine.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from time import monotonic, sleep
from typing import Any

import pytest

from respool import Elastic, PoolEvent, PoolRejected, PoolStats, PoolTimeout, TargetChanged
from respool_postgres import async_postgres_pool, postgres_pool
from tests.faults.grounds import Work
from tests.faults.rig import HANG, MARGIN, Call, Shell, eventually
from tests.servers import Endpoint, Proxy

HELPERS: dict[str, Callable[..., Any]] = {"threads": postgres_pool, "asyncio": async_postgres_pool}
threads_only = pytest.mark.parametrize("shell", ["threads"], indirect=True)


class Watched:
    """A pool made by the helper, with what it told and when it began each connect."""

    def __init__(self, shell: Shell, url: str, options: dict[str, Any]) -> None:
        self.shell = shell
        self.events: list[PoolEvent] = []
        self.starts: list[float] = []

        def conninfo() -> str:
            self.starts.append(monotonic())  # it is asked for once per connect
            return url

        make = HELPERS[shell.name]
        self.raw = shell.plain(lambda: make(conninfo, on_event=self.events.append, **options))

    def stats(self) -> PoolStats:
        """Take a snapshot."""
        found: PoolStats = self.shell.plain(self.raw.stats)
        return found

    def begin(self, work: Work, timeout: float) -> Future[Call]:
        """Send a caller."""
        return self.shell.begin(self.raw, Call(0, timeout, monotonic()), work)

    def together(self, count: int, work: Work, timeout: float = 15.0) -> list[Call]:
        """Send callers at once and wait until all are back."""
        return [future.result(HANG) for future in [self.begin(work, timeout) for _ in range(count)]]

    def crowd(self, count: int, work: Work, timeout: float) -> Crowd:
        """Send callers who come again and again."""
        return Crowd(self, count, work, timeout)

    def pause(self, seconds: float) -> Work:
        """Give work that holds the lease and asks nothing of anybody."""

        def work(_: Any) -> Generator[Any, Any, None]:
            if self.shell.name == "threads":
                sleep(seconds)
            else:
                yield asyncio.sleep(seconds)

        return work

    def settled(self) -> PoolStats:
        """Wait until nothing is on its way and nobody waits."""

        def still() -> PoolStats | None:
            stats = self.stats()
            return None if stats.creating + stats.waiting + stats.in_use + stats.resetting else stats

        found: PoolStats = eventually(still, "a quiet pool")
        return found

    def end(self) -> None:
        """Close, and see that nothing is missing."""
        assert self.shell.wait(lambda: self.raw.close(15.0))
        self.shell.check(self.raw)

    def reasons(self, verb: str) -> list[str]:
        """List why the target moved in one direction, oldest first."""
        told = [event.reason for event in list(self.events) if isinstance(event, TargetChanged)]
        return [reason for reason in told if reason.startswith(verb)]


class Crowd:
    """Callers who come again, 20 ms after they were refused or served."""

    def __init__(self, pool: Watched, count: int, work: Work, timeout: float) -> None:
        self.calls: list[Call] = []
        self._timeout = timeout
        self._home = threading.Event()
        self._futures = pool.shell.crowd(pool.raw, count, self._next, lambda resource, _: work(resource))

    def _next(self) -> Call | None:
        if self._home.is_set():
            return None
        self.calls.append(Call(0, self._timeout, monotonic()))
        return self.calls[-1]

    def served_after(self, moment: float) -> Call:
        """Wait for an answer to somebody who is served after a moment."""

        def looked_up() -> Call | None:
            return next((c for c in list(self.calls) if c.served and c.ended >= moment), None)

        found: Call = eventually(looked_up, "an answer")
        return found

    def go_home(self) -> list[Call]:
        """Let nobody come again, and wait until all have left; gives all their calls."""
        self._home.set()
        for future in self._futures:
            future.result(HANG)
        return self.calls


@pytest.fixture
def proxy(postgres_server: Endpoint, proxy_to: Callable[[Endpoint], Proxy]) -> Proxy:
    """Put a proxy before the shared server, which nobody hurts here."""
    return proxy_to(postgres_server)


@pytest.fixture
def opened(shell: Shell, postgres_server: Endpoint, proxy: Proxy) -> Iterator[Callable[..., Watched]]:
    """Make pools behind the proxy; at the end each is closed, and nothing is missing."""
    made: list[Watched] = []

    def opened(**options: Any) -> Watched:
        made.append(Watched(shell, proxy.url(postgres_server.url), options))
        return made[-1]

    yield opened
    for pool in made:
        pool.end()


def asleep(seconds: float) -> Work:
    """Give work that takes so long on the server."""

    def work(resource: Any) -> Generator[Any, Any, None]:
        yield resource.execute("SELECT pg_sleep(%s)", [seconds])

    return work


def test_a_spike_of_short_calls_on_five_idle_connections_makes_hardly_any_more(
    opened: Callable[..., Watched], proxy: Proxy
) -> None:
    """Behaviour 53. A connect takes 150 ms, and the five clear a line of fifty long before.

    A machine that stalls in the middle makes a longer line of it, which deserves more: the best of three.
    """
    proxy.delay(connect=0.150)
    extra: list[int] = []
    while not extra or (min(extra) > 2 and len(extra) < 3):
        extra.append(spike(opened(min_size=5, max_size=50)))
    assert min(extra) <= 2, extra


def spike(pool: Watched) -> int:
    """Send fifty callers of 2 ms at once to a pool that has worked and rests; give the extra creates."""
    pool.shell.wait(lambda: pool.raw.wait_ready(HANG))
    for _ in range(4):
        pool.together(5, pool.pause(0.002))
    sleep(0.5)  # it has worked, and now it rests
    before = len(pool.starts)
    calls = pool.together(50, pool.pause(0.002))
    stats = pool.settled()
    assert [None] * 50 == [call.error for call in calls]
    assert (before, len(pool.starts)) == (5, stats.created)
    return len(pool.starts) - before


@threads_only
def test_twenty_callers_none_idle_and_slow_connects_all_get_one(
    opened: Callable[..., Watched], proxy: Proxy
) -> None:
    """Nobody leaves before all are served: the window of creates has to open by itself."""
    proxy.delay(connect=0.3)
    pool = opened(max_size=20)
    everybody = threading.Barrier(20)

    def stay(resource: Any) -> Generator[Any, Any, None]:
        yield resource.execute("SELECT 1")
        everybody.wait(HANG)

    calls = pool.together(20, stay)
    stats = pool.settled()
    assert [None] * 20 == [call.error for call in calls]
    assert (20, 0, 0) == (stats.created, stats.create_failures, stats.timeouts)
    # Served by one of the two connects with which every pool begins: one connect, not two in a row.
    first = min(call.granted for call in calls if call.granted is not None)
    assert first - calls[0].asked < 0.3 + MARGIN
    assert sum(start < pool.starts[0] + 0.25 for start in pool.starts) <= 2


@threads_only
def test_it_grows_under_a_lasting_load_shrinks_after_it_and_says_why(opened: Callable[..., Watched]) -> None:
    """Behaviour 54. A create is worth one second of an idle connection here, so that the end is soon."""
    pool = opened(max_size=12, sizing=Elastic(create_price=1.0))
    one, many = pool.crowd(1, asleep(0.01), 15.0), pool.crowd(8, asleep(0.05), 15.0)
    grown = eventually(lambda: (stats := pool.stats()).size >= 5 and stats.target >= 5 and stats, "growth")
    assert grown.reason.startswith("grew to "), grown.reason
    many.go_home()
    eventually(lambda: "no more was needed for" in pool.stats().reason, "shrinking")
    eventually(lambda: pool.stats().size < grown.size, "fewer connections")
    one.go_home()
    gone = eventually(lambda: (stats := pool.stats()).size == 0 and stats, "an empty pool")
    assert (0, gone.created) == (gone.target, gone.destroyed["surplus"])
    grew, shrank = pool.reasons("grew to "), pool.reasons("shrank to ")
    assert all("target wait 10 ms" in reason for reason in grew), grew
    assert any("no more was needed for" in reason for reason in shrank), shrank
    assert len(grew) + len(shrank) == len(pool.reasons(""))


@threads_only
def test_overload_is_refused_or_served_in_time_and_leaves_no_line_behind(
    opened: Callable[..., Watched],
) -> None:
    """Two connections serve forty a second; thirty clients, who come again when refused, want far more."""
    pool = opened(max_size=2)
    pool.together(30, asleep(0.05))  # nobody is refused before holds are known
    crowd = pool.crowd(30, asleep(0.05), 0.5)
    sleep(3.0)
    calls = crowd.go_home()
    over = monotonic()
    eventually(lambda: not pool.stats().waiting, "no line", 6.0)
    assert pool.begin(asleep(0.0), 6.0).result(HANG).served
    assert monotonic() < over + 6.0
    assert all(isinstance(call.error, PoolRejected | PoolTimeout | None) for call in calls)
    assert all(call.waited < 0.5 + MARGIN for call in calls)
    served, refused = sum(c.served for c in calls), sum(isinstance(c.error, PoolRejected) for c in calls)
    late = len(calls) - served - refused
    assert served > 0
    assert refused > late, (served, refused, late)


def test_after_an_outage_of_the_port_it_is_back_soon_and_has_not_stormed(
    opened: Callable[..., Watched], proxy: Proxy
) -> None:
    """Behaviour 45, with the default sizing."""
    pool = opened(max_size=8)
    crowd = pool.crowd(10, asleep(0.02), 0.4)
    crowd.served_after(0.0)
    proxy.refuse()
    proxy.reset()
    failed = eventually(lambda: pool.stats().create_failures and monotonic(), "a failed create")
    sleep(3.0)
    mended = monotonic()
    proxy.accept()
    back = crowd.served_after(mended)
    crowd.go_home()
    assert back.ended - mended < MARGIN
    during = [start for start in pool.starts if failed <= start < mended]
    assert 1 <= busiest_second(during) <= 4, during
    assert pool.begin(asleep(0.0), 10.0).result(HANG).served


def busiest_second(moments: list[float]) -> int:
    """Give the most moments in any one second."""
    return max((sum(first <= moment < first + 1.0 for moment in moments) for first in moments), default=0)
