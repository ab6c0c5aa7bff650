"""Models of other pools' sizing, in the simulator's world: what each does when somebody must wait, and when
nobody does.

Each model follows its original's source; the two Python ones are checked against the real libraries in
``test_peers.py``. What a model leaves out (resets, checks, lifetimes) plays no part in the runs.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from respool.simulation._world import NEVER, Caller, World

__all__ = ["MODELS", "Go", "Hikari", "Peer", "Psycopg", "SQLAlchemy"]


class Conn:
    """One open resource of a model."""

    __slots__ = ("born", "started", "used")

    def __init__(self, started: float, now: float) -> None:
        self.started, self.born, self.used = started, now, now


class Peer:
    """What all models share: idle and waiting lines, creates, deadlines, the bill."""

    lifo = False

    def __init__(self, world: World, least: int, most: int, idle_for: float) -> None:
        self.world = world
        self.least, self.most, self.idle_for = least, most, idle_for
        self.idle: deque[Conn] = deque()
        self.line: deque[Caller] = deque()
        self._waiting: set[Caller] = set()
        """Those in the line that were neither served nor refused."""
        self.total = 0
        """Open and being opened."""
        self.flying = 0
        self._open: dict[int, Conn] = {}
        self._starts: dict[int, float] = {}
        self._number = 0
        self.begin()

    # ---- to be overridden

    def begin(self) -> None:
        """Open what the pool opens without demand."""

    def missed(self, caller: Caller) -> None:
        """Nothing is idle: wait, or create."""
        raise AssertionError("a model says what it does")

    def arrived(self, conn: Conn | None, asker: Any) -> None:
        """A create has ended; None when it failed."""
        raise AssertionError("a model says what it does")

    def returned(self, conn: Conn) -> None:
        """A connection came back and nobody waits."""
        self.idle.append(conn)

    def died(self) -> None:
        """A connection was lost to the backend."""

    # ---- the world's side

    def ask(self, caller: Caller) -> None:
        """Serve from idle, or miss."""
        if self.idle:
            self.serve(caller, self.idle.pop() if self.lifo else self.idle.popleft())
        else:
            self.missed(caller)

    def end(self, caller: Caller) -> None:
        """Take a connection back: to the first in line, or to idle."""
        conn, caller.lease = caller.lease, None
        conn.used = self.world.now
        if caller.broken:
            self.close(conn)
            self.died()
        else:
            self.give(conn)

    def due(self) -> float:
        """Need no tick: everything is scheduled."""
        return NEVER

    def tick(self) -> None:
        """Do nothing."""

    def state(self) -> tuple[int, int, int]:
        """Give size, waiters, and no target."""
        return self.total, len(self.line), 0

    def finish(self) -> None:
        """Charge for what is open or opening."""
        for conn in self._open.values():
            self.world.tally.ended(conn.started, self.world.now)
        for start in self._starts.values():
            self.world.tally.ended(start, self.world.now)

    # ---- tools

    def serve(self, caller: Caller, conn: Conn) -> None:
        """Let a lease begin."""
        caller.lease = conn
        self._waiting.discard(caller)
        self.world.served(caller)

    def give(self, conn: Conn) -> None:
        """Hand a free connection on."""
        caller = self.next_in_line()
        if caller is not None:
            self.serve(caller, conn)
        else:
            self.returned(conn)

    def next_in_line(self) -> Caller | None:
        """Take the first who still waits."""
        while self.line:
            caller = self.line.popleft()
            if caller in self._waiting:
                return caller
        return None

    @property
    def waiting(self) -> int:
        """How many still wait."""
        return len(self._waiting)

    def wait(self, caller: Caller) -> None:
        """Stand in line until the deadline."""
        self.line.append(caller)
        self._waiting.add(caller)
        if self.world.timeout is not None:
            self.world.schedule(caller.asked + self.world.timeout, self._expire, caller)

    def _expire(self, caller: Caller) -> None:
        if caller in self._waiting:
            self._waiting.remove(caller)
            self.world.refused(caller, "timeout")

    def create(self, asker: Any = None) -> None:
        """Begin a create; ``total`` counts it from now."""
        world = self.world
        self.total += 1
        self.flying += 1
        world.tally.create_started(world.now, self.total)
        self._number += 1
        self._starts[self._number] = world.now
        connect = world.backend.connect(world.now, self.total - 1, world.rng)
        world.schedule(world.now + connect.seconds, self._landed, (self._number, asker, connect.ok))

    def _landed(self, what: tuple[int, Any, bool]) -> None:
        number, asker, ok = what
        start = self._starts.pop(number)
        self.flying -= 1
        if ok:
            conn = Conn(start, self.world.now)
            self._open[id(conn)] = conn
            self.arrived(conn, asker)
            return
        self.total -= 1
        self.world.tally.create_failures += 1
        self.world.tally.ended(start, self.world.now)
        self.arrived(None, asker)

    def close(self, conn: Conn) -> None:
        """End a connection."""
        del self._open[id(conn)]
        self.total -= 1
        self.world.tally.ended(conn.started, self.world.now)


class Psycopg(Peer):
    """psycopg_pool 3.3: grows one connection at a time while somebody waits; every ``max_idle`` (600 s) it
    closes one connection, if at least one was idle all that time; first in, first out. What fails is tried
    again after 1 s, 2 s, 4 s and so on, 300 s in all.
    """

    PAUSE = 1.0

    def begin(self) -> None:
        self.growing = False
        self.unused = 0
        for _ in range(self.least):
            self.create()
        self.world.schedule(self.world.now + self.idle_for, self._shrink)

    def ask(self, caller: Caller) -> None:
        super().ask(caller)
        self.unused = min(self.unused, len(self.idle))

    def missed(self, caller: Caller) -> None:
        self.wait(caller)
        if self.total < self.most and not self.growing:
            self.growing = True
            self.create((True, self.PAUSE))

    def arrived(self, conn: Conn | None, asker: Any) -> None:
        grows, pause = asker or (False, self.PAUSE)
        if conn is None:
            self.total += 1
            self.world.schedule(self.world.now + pause, self._again, (grows, 2 * pause))
            return
        self.give(conn)
        if grows:
            self.growing = self.total < self.least or (self.total < self.most and self.waiting > 0)
            if self.growing:
                self.create((True, self.PAUSE))

    def _again(self, asker: tuple[bool, float]) -> None:
        self.total -= 1
        self.create(asker)

    def died(self) -> None:
        self.create()

    def _shrink(self, _: Any) -> None:
        unused, self.unused = self.unused, len(self.idle)
        if self.total > self.least and unused > 0 and self.idle:
            self.close(self.idle.popleft())
            self.unused -= 1
        self.world.schedule(self.world.now + self.idle_for, self._shrink)


class Hikari(Peer):
    """HikariCP 5: one creator at work while somebody waits or fewer than ``minimumIdle`` are idle; what fails
    is tried again after 10 ms, 20 ms and so on up to 5 s; a housekeeper, every 30 s, closes what was idle for
    ``idleTimeout`` (600 s) and fills up.
    """

    lifo = True
    HOUSEKEEPING = 30.0
    PAUSE, LONGEST_PAUSE = 0.01, 5.0

    def begin(self) -> None:
        self.creating = False
        self.pause = self.PAUSE
        self._continue()
        self.world.schedule(self.world.now + self.HOUSEKEEPING, self._keep_house)

    def missed(self, caller: Caller) -> None:
        self.wait(caller)
        self._continue()

    def _continue(self) -> None:
        wanted = self.waiting > 0 or len(self.idle) < self.least
        if not self.creating and self.total < self.most and wanted:
            self.creating = True
            self.create()

    def arrived(self, conn: Conn | None, asker: Any) -> None:
        if conn is None:
            self.world.schedule(self.world.now + self.pause, self._retry)
            self.pause = min(self.LONGEST_PAUSE, 2 * self.pause)
            return
        self.pause = self.PAUSE
        self.creating = False
        self.give(conn)
        self._continue()

    def _retry(self, _: Any) -> None:
        self.creating = False
        self._continue()

    def _keep_house(self, _: Any) -> None:
        now = self.world.now
        for conn in sorted(self.idle, key=lambda conn: conn.used):
            if len(self.idle) > self.least and now - conn.used > self.idle_for:
                self.idle.remove(conn)
                self.close(conn)
        self._continue()
        self.world.schedule(now + self.HOUSEKEEPING, self._keep_house)


class Inline(Peer):
    """Callers open for themselves while there is room, and wait for nobody else's."""

    def missed(self, caller: Caller) -> None:
        if self.total < self.most:
            self.create(caller)
        else:
            self.wait(caller)

    def arrived(self, conn: Conn | None, asker: Any) -> None:
        if conn is None:
            self.world.refused(asker, "backend")
        else:
            self.serve(asker, conn)

    def returned(self, conn: Conn) -> None:
        if len(self.idle) < self.least:
            self.idle.append(conn)
        else:
            self.close(conn)


class SQLAlchemy(Inline):
    """QueuePool: up to ``pool_size`` are kept, up to ``max_overflow`` more are opened and closed again."""


class Go(Inline):
    """database/sql: up to ``MaxIdleConns`` are kept, up to ``MaxOpenConns`` opened; last in, first out."""

    lifo = True


MODELS: dict[str, tuple[type[Peer], int, int, float]] = {
    "psycopg_pool": (Psycopg, 4, 20, 600.0),
    "HikariCP": (Hikari, 4, 20, 600.0),
    "SQLAlchemy": (SQLAlchemy, 5, 20, 0.0),
    "Go": (Go, 4, 20, 0.0),
}
"""The peers as the table shows them: model, kept at least, at most, idle time."""
