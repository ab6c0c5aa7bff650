"""Running a test body so that nothing an adapter does can hang the test run."""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from concurrent.futures import Future, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs

from ._findings import fail

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

__all__ = ["Caller", "Watch", "run_watched"]

Job = tuple["Future[Any]", "Callable[..., Any]", tuple[Any, ...]]


class Caller:
    """A thread that makes calls one after another; left behind when one of them hangs."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="respool-kit", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a call made; its result or error comes in the future."""
        future: Future[Any] = Future()
        self._jobs.put((future, work, args))
        return future

    def stop(self) -> None:
        """Let the thread end once its calls have ended, and give it a moment to do so."""
        self._jobs.put(None)
        self._thread.join(0.2)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, work, args = job
            future.set_running_or_notify_cancel()  # from here on nobody takes the call back
            try:
                result = work(*args)
            except BaseException as exc:
                future.set_exception(exc)
            else:
                future.set_result(result)


@attrs.frozen
class _Guarded:
    deadline: float
    problem: str
    mend: str


class Watch:
    """What is being called now and until when; read by the thread that waits for the test's end."""

    def __init__(self) -> None:
        self._guarded: dict[int, _Guarded] = {}
        self._tickets = itertools.count()

    @contextmanager
    def over(self, seconds: float, problem: str, mend: str) -> Iterator[None]:
        """Watch over what runs meanwhile: past its time the test fails, though its thread be blocked."""
        ticket = next(self._tickets)
        self._guarded[ticket] = _Guarded(time.monotonic() + seconds, problem, mend)
        try:
            yield
        finally:
            del self._guarded[ticket]

    def overdue(self) -> _Guarded | None:
        """Give the call that is past its time, if any."""
        now = time.monotonic()
        return next((call for call in list(self._guarded.values()) if call.deadline < now), None)


def run_watched(body: Callable[[], Coroutine[Any, Any, None]], watch: Watch) -> None:
    """Run a test body on a loop of its own, in a thread of its own, and give it up when it is blocked."""
    ended: Future[None] = Future()
    thread = threading.Thread(target=_run, args=(body, ended), name="respool-kit-loop", daemon=True)
    thread.start()
    while not wait([ended], timeout=0.1).done:
        late = watch.overdue()
        if late is not None:
            fail(late.problem, late.mend)
    thread.join(2)  # the loop's own closing; it may wait for a call that was given up
    ended.result()


def _run(body: Callable[[], Coroutine[Any, Any, None]], ended: Future[None]) -> None:
    with asyncio.Runner() as runner:
        try:
            runner.run(body())
        except BaseException as exc:
            ended.set_exception(exc)
        else:
            ended.set_result(None)
