"""The two Python models against the real libraries: the same callers, fake connections, real sleeps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pytest

from respool.simulation import Constant, Outage, Result, SimulatedBackend, Trace, Workload
from tests.elastic.peers import Peer, Psycopg, SQLAlchemy
from tests.elastic.runs import run_peer
from tests.elastic.workloads import Case

CONNECT = 0.2
HOLD = 0.7
BURSTS = [0.0] * 12 + [2.5] * 8
"""Two bursts; between them whatever the pool does with surplus is done."""


class Counted:
    """What a fake connection counts: creates, and the most that were open or opening at once."""

    lock: ClassVar[threading.Lock] = threading.Lock()
    created = now = peak = 0

    def __init__(self) -> None:
        with Counted.lock:
            Counted.created += 1
            Counted.now += 1
            Counted.peak = max(Counted.peak, Counted.now)
        time.sleep(CONNECT)

    @classmethod
    def reset(cls) -> None:
        cls.created = cls.now = cls.peak = 0

    @staticmethod
    def gone() -> None:
        with Counted.lock:
            Counted.now -= 1


def burst(lease: Callable[[], AbstractContextManager[Any]]) -> None:
    """Let the callers come, hold and go."""

    def call(at: float) -> None:
        time.sleep(max(0.0, start + at - time.monotonic()))
        with lease():
            time.sleep(HOLD)

    start = time.monotonic()
    threads = [threading.Thread(target=call, args=(at,)) for at in BURSTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def modelled(model: type[Peer], least: int, most: int) -> Result:
    """Run the model on the same callers."""
    workload = Workload(arrivals=Trace(BURSTS, [HOLD] * len(BURSTS)), duration=10, name="bursts")
    case = Case(workload, SimulatedBackend(create=Constant(CONNECT)))
    return run_peer(case, 1, model, least, most, 600.0)


def agree(result: Result) -> None:
    """See that model and library agree, but for one create that the scheduler may shift."""
    assert abs(Counted.created - result.creates) <= 1
    assert abs(Counted.peak - result.peak_size) <= 1


def test_the_model_of_sqlalchemy_creates_as_many_as_sqlalchemy() -> None:
    pool_module = pytest.importorskip("sqlalchemy.pool")
    Counted.reset()

    class Connection(Counted):
        def rollback(self) -> None:
            """Nothing to roll back."""

        def close(self) -> None:
            Counted.gone()

    pool = pool_module.QueuePool(Connection, pool_size=5, max_overflow=15)

    @contextmanager
    def lease() -> Any:
        connection = pool.connect()
        try:
            yield connection
        finally:
            connection.close()

    burst(lease)
    agree(modelled(SQLAlchemy, 5, 20))


def test_the_model_of_psycopg_pool_creates_as_many_as_psycopg_pool() -> None:
    psycopg_pool = pytest.importorskip("psycopg_pool")
    Counted.reset()

    class Status:
        transaction_status = 0

    class Connection(Counted):
        pgconn = Status()
        _pool: Any = None

        @classmethod
        def connect(cls, conninfo: str, **_: Any) -> Connection:
            return cls()

        def close(self) -> None:
            Counted.gone()

        def commit(self) -> None:
            """Nothing to commit."""

        def __enter__(self) -> Connection:
            return self

        def __exit__(self, *_: object) -> None:
            """Nothing to end."""

    pool = psycopg_pool.ConnectionPool(
        connection_class=Connection, min_size=4, max_size=20, open=False, num_workers=3
    )
    pool.open(wait=True)
    burst(pool.connection)
    pool.close()
    agree(modelled(Psycopg, 4, 20))


def test_the_model_of_psycopg_pool_comes_back_from_an_outage_when_psycopg_pool_does() -> None:
    """Of an outage of 2.2 s the third try sees the end: 0.1, 1.1 and 3.1 s after the outage began, or so."""
    psycopg_pool = pytest.importorskip("psycopg_pool")
    began = time.monotonic() + 0.3

    class Status:
        transaction_status = 0

    class Connection:
        _pool: Any = None

        def __init__(self) -> None:
            self.pgconn = Status()

        @classmethod
        def connect(cls, conninfo: str, **_: Any) -> Connection:
            if began < time.monotonic() < began + 2.2:
                raise OSError("gone")
            return cls()

        def close(self) -> None:
            self.pgconn.transaction_status = 4  # unknown: the connection is broken

    pool = psycopg_pool.ConnectionPool(connection_class=Connection, min_size=1, max_size=1, open=False)
    pool.open(wait=True)
    time.sleep(max(0.0, began + 0.1 - time.monotonic()))
    broken = pool.getconn()
    broken.close()
    pool.putconn(broken)
    pool.getconn(timeout=10.0)
    came_back = time.monotonic() - began
    pool.close()

    workload = Workload(
        arrivals=Trace([1.0, 10.1, 10.2], [0.0, 0.0, 0.0]), duration=20, timeout=10.0, name="outage"
    )
    case = Case(workload, SimulatedBackend(create=Constant(0.0), outages=(Outage(10.0, 12.2),)))
    model = run_peer(case, 1, Psycopg, 1, 1, 600.0)
    assert came_back == pytest.approx(model.granted[-1] - 10.0, rel=0.25)
