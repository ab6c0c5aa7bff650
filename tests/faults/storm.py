"""A random fault every second, on callers of both shells, for as long as one likes; also for the soak."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any

from tests.faults.grounds import Ground
from tests.faults.rig import HANG, FaultPool
from tests.servers import Proxy, Server

Fault = Callable[[], Callable[[], object]]
"""Does harm, and gives what undoes it."""

PACE = 1.0
"""One fault in so many seconds."""


class Weather:
    """The faults that can strike one server and the proxies before it, drawn by a seed."""

    def __init__(self, ground: Ground, server: Server, proxies: list[Proxy], seed: int) -> None:
        self._ground, self._server, self._proxies = ground, server, proxies
        self._random = random.Random(seed)
        self.faults: dict[str, Fault] = {
            "frozen": self._frozen,
            "killed": self._killed,
            "restarted": self._restarted,
            "sessions killed": self._sessions_killed,
            "one session killed": self._one_session_killed,
            "hang": self._hang,
            "new logins hang": self._hang_new,
            "forgotten by a firewall": self._forgotten,
            "reset": self._reset,
            "refused": self._refused,
            "slow": self._slow,
        }
        self.struck: list[str] = []

    def blow(self, until: float) -> None:
        """Strike once in `PACE` seconds, each time with another fault, and leave everything well."""
        while monotonic() < until:
            name = self._random.choice([each for each in self.faults if each not in self.struck[-3:]])
            self.struck.append(name)
            began = monotonic()
            mend = self.faults[name]()
            sleep(self._random.uniform(0.1, 0.6) * PACE)
            mend()
            sleep(max(0.0, began + PACE - monotonic()))

    def _frozen(self) -> Callable[[], object]:
        self._server.freeze()
        return self._server.thaw

    def _killed(self) -> Callable[[], object]:
        self._server.kill()
        return self._server.start

    def _restarted(self) -> Callable[[], object]:
        self._server.restart()
        return list

    def _sessions_killed(self) -> Callable[[], object]:
        self._ground.end_sessions(self._server)
        return list

    def _one_session_killed(self) -> Callable[[], object]:
        for session in self._ground.sessions(self._server)[:1]:
            self._ground.end_session(self._server, session)
        return list

    def _hang(self) -> Callable[[], object]:
        self._each(Proxy.hang)
        return lambda: self._each(Proxy.resume)

    def _hang_new(self) -> Callable[[], object]:
        self._each(Proxy.hang_new)
        return lambda: self._each(Proxy.resume)

    def _forgotten(self) -> Callable[[], object]:
        self._each(Proxy.drop_open)
        return lambda: self._each(Proxy.reset)  # who waits in a lease would wait for ever

    def _reset(self) -> Callable[[], object]:
        self._each(Proxy.reset)
        return list

    def _refused(self) -> Callable[[], object]:
        self._each(Proxy.refuse)
        self._each(Proxy.reset)
        return lambda: self._each(Proxy.accept)

    def _slow(self) -> Callable[[], object]:
        self._each(lambda proxy: proxy.delay(connect=0.3, chunk=0.02))
        return lambda: self._each(lambda proxy: proxy.delay())

    def _each(self, do: Callable[[Proxy], Any]) -> None:
        for proxy in self._proxies:
            do(proxy)


def ride_out(pools: list[FaultPool], weather: Weather, seconds: float, callers: int = 16) -> None:
    """Keep callers busy on every pool through the storm, then see that all of them are served again."""
    with ExitStack() as stack:
        crowds = [stack.enter_context(pool.callers(callers, timeout=2.0)) for pool in pools]
        weather.blow(monotonic() + seconds)
        calm = monotonic()
        for crowd in crowds:
            crowd.served_after(calm, 2 * callers, within=HANG)
    for pool in pools:
        pool.judge_errors()
        stats = pool.quiet()
        served = sum(call.granted is not None for call in pool.calls)
        assert stats.acquired >= served
        assert stats.in_use == 0
