"""Record a real pool, read it back, replay it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import tempfile
import threading
import warnings
from pathlib import Path
from statistics import fmean
from time import sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respool import (
    Acquired,
    AsyncPool,
    PoolClosed,
    PoolEvent,
    PoolTimeout,
    Recording,
    Released,
    make_async_pool,
    make_pool,
)
from respool._traces import MAGIC, Kind, pack
from respool.simulation import SimulatedBackend, TraceError, Workload, read_recording, simulate
from respool.testing import AsyncScriptedAdapter
from tests.shells.rig import eventually

WHOLE = (
    MAGIC
    + b'{"pool": "busy", "timeout": 30.0}\n'
    + pack(Kind.CREATED, 0, 50_000)
    + b"".join(pack(Kind.LEASE, 1000 * n, n, 70 * n) for n in range(40))
    + pack(Kind.TIMEOUT, 5, 30_000_000)
    + pack(Kind.OPEN, 0, 10, 1_000_000)
    + pack(Kind.END, 0, 0)
)


def recorded(path: Path, leases: int = 50) -> Path:
    """Record a pool of threads that lease and release."""
    pool = make_pool(object, name="busy", max_size=3)
    with pool.record(path) as recording:
        for _ in range(leases):
            with pool.acquire():
                pass
    assert leases == recording.leases
    pool.close()
    return path


def test_every_lease_is_on_record(tmp_path: Path) -> None:
    recording = read_recording(recorded(tmp_path / "trace"))
    assert "busy" == recording.name
    assert 50 == len(recording.calls)
    assert 1 <= len(recording.creates)
    assert recording.complete
    assert not recording.full
    ascending = [call.at for call in recording.calls]
    assert sorted(ascending) == ascending
    assert all(call.held is not None and call.held >= 0 for call in recording.calls)


def test_what_a_worker_has_still_to_tell_is_on_record(tmp_path: Path) -> None:
    def dawdle(event: PoolEvent) -> None:
        sleep(0.01)

    with make_pool(object, on_event=dawdle) as pool:
        with pool.record(tmp_path / "trace") as recording:
            for _ in range(10):
                with pool.acquire():
                    pass
        assert 10 == recording.leases


def test_a_pool_may_have_a_long_name(tmp_path: Path) -> None:
    name = "pool of " + "many words " * 1000
    with make_pool(object, name=name) as pool, pool.record(tmp_path / "trace"), pool.acquire():
        pass
    assert name == read_recording(tmp_path / "trace").name


def test_a_lease_takes_a_few_bytes(tmp_path: Path) -> None:
    path = recorded(tmp_path / "trace", leases=1000)
    assert path.stat().st_size < 12 * 1000


def test_a_timeout_is_on_record_and_its_caller_replayed(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=1)
    with pool.record(tmp_path / "trace"), pool.acquire(), pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.01)
    pool.close()
    recording = read_recording(tmp_path / "trace")
    assert 1 == recording.timeouts
    assert 2 == len(recording.trace().at)


def test_a_lease_in_progress_at_the_end_is_written_as_such(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=1)
    recording = pool.record(tmp_path / "trace")
    with pool.acquire():
        recording.stop()
    pool.close()
    assert 1 == len(read_recording(tmp_path / "trace").calls)


def test_a_lease_older_than_the_recording_is_left_out(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=2)
    with pool.acquire() as _:
        recording = pool.record(tmp_path / "trace")
    recording.stop()
    recording.stop()
    pool.close()
    assert 0 == len(read_recording(tmp_path / "trace").calls)


def test_after_the_recording_leases_pass_by_the_fast_lane_again(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=2)
    with pool.record(tmp_path / "trace"), pool.acquire():
        assert pool._core.lane.take() is None
    with pool.acquire():
        pass
    lease = pool._core.lane.take()
    assert lease is not None
    lease.release()
    pool.close()


def test_a_recording_ends_by_itself_when_its_space_is_used_up(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=2)
    with pool.record(tmp_path / "trace", max_bytes=2000) as recording:
        for _ in range(1000):
            with pool.acquire():
                pass
        assert recording.full
    pool.close()
    assert (tmp_path / "trace").stat().st_size < 2100
    assert read_recording(tmp_path / "trace").full


def test_after_a_recording_that_ended_by_itself_leases_pass_by_the_fast_lane_again(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=2)
    recording = pool.record(tmp_path / "trace", max_bytes=1024)
    while not recording.full:
        with pool.acquire():
            pass
    with pool.acquire():
        pass
    lease = pool._core.lane.take()
    assert lease is not None
    lease.release()
    assert [] == pool._core.recordings
    recording.stop()
    pool.close()


def test_after_a_recording_that_ended_by_itself_tasks_pass_by_the_fast_lane_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncPool(AsyncScriptedAdapter(), max_size=2) as pool:
            recording = pool.record(tmp_path / "trace", max_bytes=1024)
            while not recording.full:
                async with pool.acquire():
                    pass
            async with pool.acquire():
                pass
            assert not pool._core.engine.exact
            assert [] == pool._core.recordings

    asyncio.run(main())
    assert read_recording(tmp_path / "trace").full


def test_threads_lose_nothing(tmp_path: Path) -> None:
    pool = make_pool(object, max_size=2)

    def work() -> None:
        for _ in range(100):
            with pool.acquire():
                pass

    with pool.record(tmp_path / "trace"):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    pool.close()
    assert 400 == len(read_recording(tmp_path / "trace").calls)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.parametrize("leases", [5, 9000])
def test_a_forked_child_leaves_the_parents_recording_alone(tmp_path: Path, leases: int) -> None:
    """Whether it stops it or just ends; some of it is in the file by then, or nothing."""
    pool = make_pool(object, name="busy", max_size=1)
    recording = pool.record(tmp_path / "trace")
    for stops in (True, False):
        for _ in range(leases):
            pool.acquire().release()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside other threads
            pid = os.fork()
        if pid == 0:
            try:
                pool.acquire(timeout=20).release()
                recording._file.flush() if not stops else recording.stop()
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
    recording.stop()
    pool.close()
    assert 2 * leases == len(read_recording(tmp_path / "trace").calls)


@pytest.mark.timeout(20)
def test_a_signal_handler_may_stop_a_recording_in_the_middle_of_which_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = Recording(tmp_path / "trace", 1 << 20, {"pool": "struck", "timeout": None})
    hear = Recording._hear

    def struck(self: Recording, event: PoolEvent) -> None:
        signal.raise_signal(signal.SIGUSR1)
        hear(self, event)

    monkeypatch.setattr(Recording, "_hear", struck)
    before = signal.signal(signal.SIGUSR1, lambda *_: recording.stop())
    try:
        recording(Acquired(pool="struck", at=1.0, number=1, waited=0.0))
    finally:
        signal.signal(signal.SIGUSR1, before)
    read = read_recording(tmp_path / "trace")
    assert read.complete
    assert 1 == len(read.calls), "what it was in the middle of is written"


def test_an_async_pool_records_as_well(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncPool(AsyncScriptedAdapter(), name="async") as pool:
            with pool.record(tmp_path / "trace"):
                for _ in range(20):
                    async with pool.acquire():
                        pass

    asyncio.run(main())
    assert 20 == len(read_recording(tmp_path / "trace").calls)


def is_open(path: Path) -> bool:
    """Look among this process's own descriptors."""
    links = (Path("/proc/self/fd", number) for number in os.listdir("/proc/self/fd"))
    return str(path.resolve()) in {os.readlink(link) for link in links if link.is_symlink()}


def test_a_recording_ends_with_its_pool(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    with make_pool(object) as pool:
        pool.record(path)
        with pool.acquire():
            pass
        assert is_open(path)
    assert not is_open(path)
    assert read_recording(path).complete
    assert 1 == len(read_recording(path).calls)


def test_a_recording_ends_with_its_async_pool(tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncPool(AsyncScriptedAdapter()) as pool:
            pool.record(tmp_path / "trace")
            async with pool.acquire():
                pass
        unused = AsyncPool(AsyncScriptedAdapter())
        unused.record(tmp_path / "unused")
        await unused.close()

    asyncio.run(main())
    for name, calls in (("trace", 1), ("unused", 0)):
        assert not is_open(tmp_path / name)
        assert calls == len(read_recording(tmp_path / name).calls)


def test_a_close_that_does_not_wait_for_a_holder_ends_the_recording_with_his_lease(tmp_path: Path) -> None:
    pool = make_pool(object)
    pool.record(tmp_path / "trace")
    with pool.acquire():
        assert not pool.close(timeout=0)
        assert not is_open(tmp_path / "trace")
        assert 1 == len(read_recording(tmp_path / "trace").calls)
    assert pool.close()


def test_the_recording_of_a_pool_that_is_dropped_ends_too(tmp_path: Path) -> None:
    pool = make_pool(object)
    pool.record(tmp_path / "trace")
    with pool.acquire():
        pass
    del pool
    gc.collect()
    eventually(lambda: not is_open(tmp_path / "trace"))
    assert read_recording(tmp_path / "trace").complete


def test_a_close_tells_of_a_recording_that_cannot_be_written_and_succeeds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(object, name="main")
    recording = pool.record(tmp_path / "trace")

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recording, "_flush", full)
    assert pool.close()
    assert not is_open(tmp_path / "trace")
    assert "pool 'main': the rest of a recording was not written" in caplog.messages


def test_a_closed_pool_is_not_recorded(tmp_path: Path) -> None:
    pool = make_pool(object, name="main")
    pool.close()
    (tmp_path / "trace").write_text("of another one")
    with pytest.raises(PoolClosed, match="pool 'main' is closed"):
        pool.record(tmp_path / "trace")
    assert "of another one" == (tmp_path / "trace").read_text()


def test_a_pool_that_closes_while_its_recording_begins_is_not_recorded(tmp_path: Path) -> None:
    pool = make_pool(object, name="main")

    class Slow:
        """A path that is asked twice: what it is, and where the file is to be."""

        asked = 0

        def __fspath__(self) -> str:
            self.asked += 1
            if self.asked == 2:
                pool.close()
            return str(tmp_path / "trace")

    with pytest.raises(PoolClosed, match="pool 'main' is closed"):
        pool.record(Slow())
    assert not is_open(tmp_path / "trace")
    assert () == read_recording(tmp_path / "trace").calls


def test_failed_creates_are_on_record_and_those_who_waited_for_them(tmp_path: Path) -> None:
    def fail() -> object:
        raise OSError("refused")

    with make_pool(fail) as pool, pool.record(tmp_path / "trace"):
        with pytest.raises(PoolTimeout):
            pool.acquire(timeout=0.2)
        failures = pool.stats().create_failures
    read = read_recording(tmp_path / "trace")
    assert 1 <= failures <= read.create_failures
    assert () == read.creates
    assert [None] == [call.held for call in read.calls]


def test_a_file_that_takes_nothing_is_refused_and_closed() -> None:
    with make_pool(object) as pool:
        with pytest.raises(OSError, match="No space left"):
            pool.record("/dev/full")
        assert not is_open(Path("/dev/full"))


def test_what_a_killed_process_has_recorded_can_be_read_but_for_the_last_second(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "trace", 1 << 20, {"pool": "main", "timeout": 30.0})
    assert () == read_recording(tmp_path / "trace", partial=True).calls
    for moment in range(50):
        at = 100.0 + moment / 10
        recording(Acquired(pool="main", at=at, number=1, waited=0.0))
        recording(Released(pool="main", at=at + 0.05, number=1, held=0.05))
    assert 40 <= len(read_recording(tmp_path / "trace", partial=True).calls) < 50
    recording.stop()


def test_a_replay_serves_the_recorded_callers_under_other_settings(tmp_path: Path) -> None:
    recording = read_recording(recorded(tmp_path / "trace"))
    result = simulate(recording.workload(), backend=recording.backend(), max_size=1)
    assert 50 == result.served
    faster = simulate(recording.workload(faster=2.0), backend=recording.backend(), max_size=3)
    assert 50 == faster.served


def test_a_replay_under_the_same_options_waits_as_the_pool_did(tmp_path: Path) -> None:
    rng = random.Random(1)

    async def hold(pool: AsyncPool[object], seconds: float) -> None:
        async with pool.acquire():
            await asyncio.sleep(seconds)

    async def make() -> object:
        await asyncio.sleep(0.05)
        return object()

    async def main() -> None:
        async with make_async_pool(make, max_size=3) as pool, asyncio.TaskGroup() as callers:
            with pool.record(tmp_path / "trace"):
                held = [callers.create_task(hold(pool, rng.expovariate(50)))]
                for _ in range(200):
                    await asyncio.sleep(rng.expovariate(100))
                    held.append(callers.create_task(hold(pool, rng.expovariate(50))))
                await asyncio.wait(held)

    asyncio.run(main())
    recording = read_recording(tmp_path / "trace")
    replayed = simulate(recording.workload(), backend=recording.backend(), max_size=3, fairness="strict")
    waits = [call.waited for call in recording.calls]
    assert replayed.mean_wait == pytest.approx(fmean(waits), rel=0.3)
    assert replayed.waited == pytest.approx(fmean(wait > 1e-4 for wait in waits), abs=0.1)


def test_a_trace_that_was_cut_off_says_so_and_can_be_read_in_part(tmp_path: Path) -> None:
    path = recorded(tmp_path / "trace")
    data = path.read_bytes()
    for cut in range(len(data) - 1, len(data) - 40, -1):
        path.write_bytes(data[:cut])
        with pytest.raises(TraceError, match="cut off after"):
            read_recording(path)
        assert 40 <= len(read_recording(path, partial=True).calls) <= 50


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 something else", "no trace of respool"),
        (MAGIC + b"{not json\n", "header"),
        (MAGIC + b"[]\n", "header"),
        (MAGIC + b'{"pool": "x"}\n' + b"\xfe", "damaged at byte"),
        (MAGIC + b'{"pool": "x"}\n' + pack(Kind.END, 0, 0) + b"more", "4 bytes follow"),
        (MAGIC + b'{"pool": "x"}\n' + bytes([Kind.LEASE]) + b"\xff" * 400, "damaged at byte 30"),
        (MAGIC + b'{"pool": "x"}\n' + pack(Kind.CREATED, 0, 1 << 63), "damaged at byte 30"),
        (MAGIC + b'{"pool": "x", "timeout": -1}\n', "timeout"),
        (MAGIC + b'{"pool": "x", "timeout": NaN}\n', "timeout"),
        (MAGIC + b'{"pool": "x", "timeout": "soon"}\n', "timeout"),
        (MAGIC + b'{"pool": "x", "timeout": 1' + b"0" * 400 + b"}\n", "timeout"),
        (MAGIC + b"[" * 4000 + b"\n", "header"),
    ],
)
def test_an_unreadable_trace_says_what_is_wrong(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "trace"
    path.write_bytes(data)
    with pytest.raises(TraceError, match=words):
        read_recording(path)


DAMAGE = st.tuples(
    st.integers(0, 400),
    st.integers(0, 20),
    st.sampled_from([b"", b"\x80", b"\xff", b"\xff" * 200]) | st.binary(),
)


@settings(max_examples=300, deadline=None)
@given(damages=st.lists(DAMAGE, min_size=1, max_size=3), partial=st.booleans())
def test_a_damaged_trace_is_read_or_refused_as_one(
    damages: list[tuple[int, int, bytes]], partial: bool
) -> None:
    data = WHOLE
    for at, cut, put in damages:
        data = data[:at] + put + data[at + cut :]
    with tempfile.NamedTemporaryFile() as file, contextlib.suppress(TraceError):
        Path(file.name).write_bytes(data)
        recording = read_recording(file.name, partial=partial)
        assert isinstance(recording.backend(), SimulatedBackend)
        assert isinstance(recording.workload(), Workload)


def test_a_recording_without_a_lease_cannot_be_replayed(tmp_path: Path) -> None:
    recording = read_recording(recorded(tmp_path / "trace", leases=0))
    with pytest.raises(TraceError, match="no lease"):
        recording.trace()


@pytest.mark.parametrize("most", [0, -1, 100])
def test_an_absurd_bound_is_refused(tmp_path: Path, most: int) -> None:
    pool = make_pool(object)
    with pytest.raises(ValueError, match="max_bytes"):
        pool.record(tmp_path / "trace", most)
    pool.close()


def test_a_path_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    pool = make_pool(object)
    with pytest.raises(OSError, match="missing"):
        pool.record(tmp_path / "missing" / "trace")
    pool.close()
