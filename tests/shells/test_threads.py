"""What is special to threads: keeper and workers, fork, the interpreter's end, a pool that is dropped."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

import respool._thread_waiters
import respool._workers
from respool import Lease, Pool, PoolClosed, PoolMisuse, PoolTimeout, make_pool
from respool._engine import COUNTS
from respool._engine._waiters import Waiter, WaitLine
from respool._thread_waiters import AGAIN
from respool._workers import OwnThread, Workers
from respool.testing import ScriptedAdapter, never
from tests.shells.rig import eventually


def threads_of(pool: str) -> list[str]:
    """List the pool's threads."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(f"respool-{pool}")]


def run_python(code: str, *, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a program of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


in_order = pytest.mark.skipif(
    not COUNTS, reason="here a lease has a finalizer, which may run before its owner's"
)


def in_child(act: Callable[[], object]) -> str:
    """Run something in a forked child, and give what it says."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside other threads
        pid = os.fork()
    if pid == 0:
        try:
            said = str(act())
        except BaseException as exc:
            said = f"{type(exc).__name__}: {exc}"
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as pipe:
        return pipe.read()


def test_at_rest_there_is_one_keeper_and_no_worker() -> None:
    pool = Pool(ScriptedAdapter(), name="rest", max_size=2)
    pool.acquire().release()
    assert eventually(lambda: threads_of("rest") == ["respool-rest-keeper"], "workers that go home")
    assert pool.close()
    assert threads_of("rest") == []


def test_after_close_no_thread_and_no_descriptor_is_left() -> None:
    """Behaviour 116."""
    descriptors = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        with Pool(ScriptedAdapter(), name="gone", max_size=3, min_size=2) as pool:
            pool.wait_ready()
            pool.acquire().release()
    assert threads_of("gone") == []
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_an_idle_pool_takes_no_measurable_cpu() -> None:
    """Behaviour 44: once everything idle is parked, the keeper sleeps until the next age is reached."""
    pool = Pool(ScriptedAdapter(), max_size=3, min_size=3)
    pool.wait_ready()
    time.sleep(1.2)
    before = time.process_time()
    time.sleep(1.0)
    assert time.process_time() - before < 0.05
    pool.close()


def test_a_dropped_pool_cleans_up() -> None:
    """Behaviour 116."""
    adapter = ScriptedAdapter()
    pool = Pool(adapter, name="dropped", max_size=2)
    pool.acquire().release()
    del pool
    gc.collect()
    eventually(lambda: adapter.open == 0, "the destroy")
    eventually(lambda: not threads_of("dropped"), "the end of the threads")


def test_a_lease_outlives_its_dropped_pool() -> None:
    adapter = ScriptedAdapter()
    lease = Pool(adapter, max_size=2).acquire()
    gc.collect()
    time.sleep(0.1)
    assert adapter.open == 1
    assert lease.resource.number == 1
    lease.release()
    eventually(lambda: adapter.open == 0, "the destroy after the release")


def test_the_end_of_the_interpreter_is_neither_held_up_nor_noisy() -> None:
    """Behaviour 117: leases held, creates that hang, workers at work."""
    began = monotonic()
    done = run_python(
        """
        import threading
        from respool import Pool
        from respool.testing import ScriptedAdapter, never, slow
        pool = Pool(ScriptedAdapter(create=[None, never()]), max_size=2)
        lease = pool.acquire()
        threading.Thread(target=lambda: pool.acquire(timeout=60), daemon=True).start()
        other = Pool(ScriptedAdapter(reset=lambda call: slow(30)), max_size=1)
        other.acquire().release()
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert monotonic() - began < 30


def test_a_forked_child_starts_with_an_empty_pool_and_leaves_the_parents_alone() -> None:
    adapter = ScriptedAdapter()
    pool = Pool(adapter, max_size=2)
    lease = pool.acquire()
    idle = pool.acquire()
    idle.release()

    def child() -> str:
        assert pool.stats().size == 0
        with pool.acquire() as resource:
            return f"made {resource.number}, destroyed {adapter.destroyed}"

    assert in_child(child) == "made 3, destroyed 0"
    lease.release()
    with pool.acquire() as resource:
        assert resource.number in (1, 2)
    pool.close()


def test_a_forked_child_keeps_to_what_the_parent_told_the_pool() -> None:
    """Behaviours 119, 125."""
    pool = Pool(ScriptedAdapter(), max_size=10)
    pool.resize(min_size=1, max_size=2)
    pool.pause()

    def child() -> object:
        stats = pool.stats()
        with pytest.raises(PoolTimeout, match="paused"):
            pool.acquire(timeout=0.05)
        pool.resume()
        pool.acquire(timeout=20).release()
        return stats.min_size, stats.max_size, stats.size

    assert "(1, 2, 0)" == in_child(child)
    pool.resume()
    pool.acquire().release()
    pool.close()


def test_in_a_forked_child_nothing_is_older_than_a_refresh_by_the_parent() -> None:
    """Behaviour 124: what the child makes is new."""
    pool = Pool(ScriptedAdapter(), max_size=1)
    pool.acquire().release()
    refresh = pool.refresh()

    def child() -> bool:
        pool.acquire(timeout=20).release()
        return refresh.wait(0)

    assert "True" == in_child(child)
    assert pool.close()


def test_in_a_forked_child_an_inherited_lease_is_refused_and_its_release_does_nothing() -> None:
    pool = Pool(ScriptedAdapter(), max_size=2)
    lease = pool.acquire()

    def use() -> object:
        return lease.resource

    def leave() -> str:
        lease.release()
        lease.discard()
        lease.__exit__(None, None, None)
        return f"left, {pool.stats().size}"

    assert "PoolMisuse" in in_child(use)
    assert "inherited through fork" in in_child(use)
    assert in_child(leave) == "left, 0"
    lease.release()
    pool.close()


def test_a_fork_while_the_mutex_is_held_does_not_hang_the_child() -> None:
    pool = make_pool(object, max_size=4)  # which has no lock of its own that another thread may hold
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            pool.acquire().discard()

    threads = [threading.Thread(target=hammer) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            assert in_child(lambda: pool.acquire(timeout=20).resource is not None) == "True"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    pool.close()


def test_a_nested_acquire_that_times_out_is_told_so() -> None:
    pool = Pool(ScriptedAdapter(), max_size=1, leak_after=100.0)
    with pool.acquire(), pytest.raises(PoolTimeout, match="nested acquire"):
        pool.acquire(timeout=0.05)
    pool.close()


def test_who_has_the_id_of_a_thread_that_ended_is_not_told_of_its_lease() -> None:
    """A lease may be handed from thread to thread, and the first may be gone."""
    held: list[tuple[Lease[object], int]] = []
    refusals: list[PoolTimeout] = []

    def take() -> None:
        held.append((pool.acquire(), threading.get_ident()))

    def ask() -> None:
        if threading.get_ident() == held[0][1]:
            with pytest.raises(PoolTimeout) as told:
                pool.acquire(timeout=0)
            refusals.append(told.value)

    with make_pool(object, max_size=1, leak_after=100.0) as pool:
        for act in (take, *[ask] * 20):
            thread = threading.Thread(target=act)
            thread.start()
            thread.join()
        if not refusals:
            pytest.skip("no id was used again")
        assert not [each for each in refusals if "nested acquire" in str(each)]
        held[0][0].release()


def test_a_waiting_main_thread_can_be_interrupted() -> None:
    """Behaviours 32 and 33."""
    done = run_python(
        """
        import os, signal, threading
        from respool import Pool
        from respool.testing import ScriptedAdapter
        pool = Pool(ScriptedAdapter(), max_size=1)
        lease = pool.acquire()
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            pool.acquire(timeout=60)
        except KeyboardInterrupt:
            print("interrupted", pool.stats().waiting, pool.stats().in_use)
        lease.release()
        with pool.acquire(timeout=5):
            print("served", pool.close(0.1) is False)
        """
    )
    assert done.stdout.split("\n")[:2] == ["interrupted 0 1", "served True"]
    assert done.returncode == 0


def test_the_create_of_a_main_thread_that_is_interrupted_goes_on_and_stocks_the_pool() -> None:
    """Behaviour 29."""
    done = run_python(
        """
        import os, signal, threading, time
        from respool import Pool
        from respool.testing import ScriptedAdapter, never
        adapter = ScriptedAdapter(create=[never()])
        pool = Pool(adapter, max_size=1)

        def interrupt():
            adapter.wait_for_call("create", timeout=30)
            time.sleep(0.2)  # until it sleeps, too
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        try:
            pool.acquire(timeout=60)
        except KeyboardInterrupt:
            print("interrupted", pool.stats().waiting, pool.stats().creating)
        adapter.release_blocked()
        with pool.acquire(timeout=60) as resource:
            print("served", resource.number, adapter.count("create"))
        pool.close()
        """
    )
    assert ["interrupted 0 1", "served 1 1"] == done.stdout.splitlines()


def release_and_say(lease: Lease[object], gate: threading.Barrier, said: list[str]) -> None:
    """Release a lease together with another thread, and note how it went."""
    gate.wait()
    try:
        lease.release()
        said.append("released")
    except PoolMisuse:
        said.append("misuse")


def test_an_interrupted_wait_for_the_pool_itself_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    adapter = ScriptedAdapter(create=[None, never()])
    with Pool(adapter, max_size=2) as pool:
        lease = pool.acquire()
        pool.resize(min_size=2)
        handle = pool.refresh()
        with monkeypatch.context() as patch:
            patch.setattr(respool._thread_waiters, "nap", interrupted)
            for wait in (pool.wait_ready, handle.wait):
                with pytest.raises(KeyboardInterrupt):
                    wait(5.0)
        assert {} == pool._core.engine.latches.lines
        lease.release()
        adapter.release_all()


def test_two_threads_that_release_one_lease_get_one_release_and_one_misuse() -> None:
    """Behaviours 95 and 103."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Pool(ScriptedAdapter(reset_is_local=True), max_size=1) as pool:
            for _ in range(300):
                outcomes: list[str] = []
                race = (pool.acquire(), threading.Barrier(2), outcomes)
                threads = [threading.Thread(target=release_and_say, args=race) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                assert ["misuse", "released"] == sorted(outcomes)
            assert pool.stats().idle == 1
    finally:
        sys.setswitchinterval(switch)


def test_a_call_past_its_timeout_is_aborted_where_the_adapter_can() -> None:
    """Behaviours 84, 106: and destroyed once it has returned."""
    adapter = ScriptedAdapter(abilities=["abort"], validate=[never()])
    with Pool(adapter, max_size=1, check_after=0, validate_timeout=0.2) as pool:
        pool.acquire().release()
        eventually(lambda: pool.stats().idle == 1)
        with pool.acquire(timeout=10) as resource:
            assert resource.number == 2
        eventually(lambda: adapter.destroyed == 1, "the destroy after the abort")
        assert pool.stats().stuck == 0
        assert adapter.count("abort") == 1
    adapter.check()


def test_a_pool_can_be_closed_while_its_keeper_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behaviours 111, 116."""
    start, starts = OwnThread.start, threading.Event()

    def start_slowly(thread: OwnThread) -> None:
        if thread.name.endswith("-keeper"):
            starts.set()
            time.sleep(0.2)
        start(thread)

    monkeypatch.setattr(OwnThread, "start", start_slowly)
    pool = Pool(ScriptedAdapter(), name="starts", max_size=0)

    def wait() -> None:
        with pytest.raises(PoolClosed):
            pool.acquire()

    user = threading.Thread(target=wait)
    user.start()
    assert starts.wait(20)
    assert pool.close()
    user.join()
    assert [] == threads_of("starts")


class LastOneTaken(list[object]):
    """A list of which another thread takes the last one as soon as it was seen."""

    def __bool__(self) -> bool:
        return True


def test_who_finds_nothing_left_to_abort_goes_on() -> None:
    """Behaviour 84: the keeper and a caller may both have seen the last one."""
    pool = Pool(ScriptedAdapter(), max_size=1)
    pool._core._aborts = LastOneTaken()  # type: ignore[assignment]
    with pool.acquire() as resource:
        assert 1 == resource.number
    assert pool.close()


def test_who_sees_early_that_he_need_wait_no_longer_leaves_the_event_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behaviour 111: he looks now and then by himself, and the destroy that he waits for ends just then."""
    leave = WaitLine.leave

    def leave_slowly(line: WaitLine, waiter: Waiter) -> None:
        leave(line, waiter)
        time.sleep(2 * AGAIN)

    pool = Pool(ScriptedAdapter(), max_size=1)
    monkeypatch.setattr(WaitLine, "leave", leave_slowly)
    lost: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lost.append)
    pool.acquire().release()
    assert pool.close()
    assert [] == lost


@in_order
def test_while_the_interpreter_ends_a_lease_ends_without_a_thread_and_nobody_waits() -> None:
    """Behaviour 117: generators and finalizers end their leases when all other threads have been stopped."""
    done = run_python(
        """
        import time
        import respool._workers
        from respool import PoolTimeout, make_pool

        respool._workers.LINGER = 0.05
        pool = make_pool(dict, reset=dict.clear, max_size=4)

        class Owner:
            def __init__(self):
                self.leases = [pool.acquire(), pool.acquire()]

            def __del__(self, say=print):
                self.leases.pop().discard()
                self.leases.pop().release()
                try:
                    pool.run(str), pool.acquire(), pool.acquire(), pool.acquire()
                except PoolTimeout as refusal:
                    say("refused", " at once " in str(refusal))
                say("closed", pool.refresh().wait(), pool.close())

        def rows():
            with pool.acquire():
                yield 1
                yield 2

        owner, half_read = Owner(), rows()
        next(half_read)
        while pool._core._makers._threads:
            time.sleep(0.01)
        """
    )
    assert 0 == done.returncode
    # The last word is whether everything is destroyed: the collector may end the generator's lease first.
    refused, closed = done.stdout.splitlines()
    assert "refused True" == refused
    assert closed in ("closed False False", "closed False True")


@in_order
def test_while_the_interpreter_ends_nobody_waits_for_a_thread_that_was_stopped_in_the_middle() -> None:
    """Behaviour 117."""
    done = run_python(
        """
        import threading
        from respool import make_pool

        pool = make_pool(dict, reset=dict.clear, max_size=2)
        taken = threading.Event()
        elsewhere = {}  # what the thread refers to is never collected
        exec("def stay(mutex, say, wait):\\n with mutex: say(), wait()", elsewhere)

        class Owner:
            lease = pool.acquire()

            def __del__(self, say=print):
                self.lease.discard()
                say("discarded")

        owner = Owner()
        threading.Thread(
            target=elsewhere["stay"], args=(pool._core.mutex, taken.set, threading.Event().wait), daemon=True
        ).start()
        taken.wait()
        """
    )
    assert (0, "discarded\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Give what says whether a pool may start threads."""
    start = OwnThread.start
    allowed = [True]

    def start_if_allowed(self: OwnThread) -> None:
        if not allowed[0]:
            raise RuntimeError("can't start new thread")
        start(self)

    def allow(now: bool) -> None:
        allowed[0] = now

    monkeypatch.setattr(respool._workers, "LINGER", 0.01)
    monkeypatch.setattr(OwnThread, "start", start_if_allowed)
    yield allow
    allow(True)


def test_a_worker_that_is_busy_when_all_are_sent_home_goes_when_it_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Behaviour 116. The call for it may be taken by a worker that was started to take it."""
    monkeypatch.setattr(respool._workers, "LINGER", 60.0)
    done = threading.Event()
    workers: Workers[Callable[[], object]] = Workers("crew", 4, lambda job: False)
    for job in (done.wait, threading.Event().set):
        workers.submit(lambda job: job(), job)
        workers.staff()
    eventually(lambda: (2, 1) == (len(workers._threads), len(workers._doing)))
    workers.dismiss()
    eventually(lambda: len(workers._threads) == 1)
    done.set()
    assert workers.join(20)


def test_workers_wait_for_each_other_and_neither_for_themselves_nor_for_one_that_never_began() -> None:
    """A listener may close its pool on a worker's thread, and an interrupt keep one from starting."""
    joined: list[bool] = []
    workers: Workers[None] = Workers("crew", 2, lambda job: False)
    workers._threads.add(OwnThread(lambda: None, "never began"))
    workers.submit(lambda job: joined.append(workers.join(20)), None)
    workers.staff()
    assert [True] == eventually(lambda: joined)
    workers.dismiss()
    assert workers.join(20)


def test_who_does_a_job_himself_is_told_whether_there_was_one() -> None:
    done: list[int] = []
    workers: Workers[int] = Workers("crew", 2, lambda job: False)
    workers.submit(done.append, 1)
    assert (True, False) == (workers.do_here(), workers.do_here())
    assert [1] == done


def test_who_waits_sees_himself_whether_there_are_threads_again(no_threads: Callable[[bool], None]) -> None:
    no_threads(False)
    with Pool(ScriptedAdapter(), max_size=1) as pool:
        threading.Timer(0.3, no_threads, [True]).start()
        pool.acquire(timeout=20).release()
        no_threads(False)
        eventually(lambda: not pool._core._makers._threads)
        pool.acquire().discard()
        threading.Timer(0.3, no_threads, [True]).start()
        pool.acquire(timeout=20).release()


def test_where_no_thread_is_to_be_had_who_closes_destroys(no_threads: Callable[[bool], None]) -> None:
    where: list[str] = []
    pool = make_pool(object, max_size=4, destroy=lambda thing: where.append(threading.current_thread().name))
    held = [pool.acquire() for _ in range(3)]
    held.pop().release()
    eventually(lambda: not pool._core._makers._threads)
    no_threads(False)
    threading.Timer(0.1, held.pop().release).start()
    threading.Timer(0.2, held.pop().discard).start()
    assert pool.close(20)
    assert ["MainThread"] * 3 == where


def test_an_interrupt_in_a_destroy_reaches_who_closes(no_threads: Callable[[bool], None]) -> None:
    def interrupted(thing: object) -> None:
        raise KeyboardInterrupt

    pool = make_pool(object, max_size=1, destroy=interrupted)
    pool.acquire().release()
    eventually(lambda: not pool._core._makers._threads)
    no_threads(False)
    with pytest.raises(KeyboardInterrupt):
        pool.close()
    assert 0 == pool.stats().size
    assert pool.close()


def test_at_exit_a_pool_can_be_closed() -> None:
    """Behaviour 117: from Python 3.12 on no thread can be started then."""
    done = run_python(
        """
        import atexit, time
        import respool._workers
        from respool import make_pool
        respool._workers.LINGER = 0.01
        pool = make_pool(dict, destroy=lambda thing: print("destroyed"), reset=dict.clear)
        atexit.register(lambda: print("closed", pool.close(20)))
        pool.acquire().release()
        while pool._core._makers._threads:
            time.sleep(0.01)
        """
    )
    assert (0, "destroyed\nclosed True\n", "") == (done.returncode, done.stdout, done.stderr)


def test_at_exit_a_resource_can_be_leased() -> None:
    """Behaviour 117: who flushes something then finds what is idle unchecked, or nothing idle."""
    done = run_python(
        """
        import atexit, time
        import respool._workers
        from respool import make_pool
        respool._workers.LINGER = 0.01
        def flush():
            with pool.acquire() as one, pool.acquire() as other:
                print(one["number"], other["number"])
            print("closed", pool.close(20))
        atexit.register(flush)
        numbers = iter(range(1, 9))
        check = lambda thing: print("validated", thing["number"]) is None
        pool = make_pool(lambda: {"number": next(numbers)}, validate=check, check_after=0, timeout=20)
        pool.acquire().release()
        while pool._core._makers._threads:
            time.sleep(0.01)
        """
    )
    assert (0, "validated 1\n1 2\nclosed True\n", "") == (done.returncode, done.stdout, done.stderr)


def test_who_waits_does_the_work_himself_only_where_there_will_never_be_a_thread(
    monkeypatch: pytest.MonkeyPatch, no_threads: Callable[[bool], None]
) -> None:
    """Behaviour 9: a call that hangs in his hands would keep him past his timeout."""
    where: list[str] = []
    no_threads(False)
    pool = make_pool(lambda: where.append(threading.current_thread().name) or object(), max_size=1)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.3)
    assert [] == where

    def refuse(self: OwnThread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(OwnThread, "start", refuse)
    with pool.acquire(timeout=20):
        assert ["MainThread"] == where
    pool.close()
