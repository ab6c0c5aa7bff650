"""The ledger of a scripted adapter: every call in order, and every breach of the adapter contract."""

from __future__ import annotations

import threading
from collections import Counter, deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Call", "Ledger", "Resource"]

Outcome = Literal["running", "ok", "error"]


@attrs.define(eq=False)
class Resource:
    """What a scripted adapter makes: a number and whatever its users leave behind.

    Attributes:
        number: Counts from 1, in the order of successful creates.
        leftovers: A user's state; ``reset`` empties it, ``is_dirty`` tells whether there is any.
        broken: Set it to make ``validate`` and ``probe`` say False.
    """

    number: int
    leftovers: list[object] = attrs.field(factory=list)
    broken: bool = False


@attrs.define(eq=False)
class Call:
    """One adapter call.

    Attributes:
        number: Counts from 1 over all methods, in the order in which the calls began.
        nth: Counts from 1 over the calls of this method.
        resource: The resource's number; None for ``create`` (until it succeeds) and ``classify``.
        thread: ``threading.get_ident()`` of the caller.
        ended: The order number of its end, on the same count as ``number``; None while it runs.
    """

    number: int
    method: str
    nth: int
    resource: int | None
    thread: int
    outcome: Outcome = "running"
    error: BaseException | None = None
    ended: int | None = None
    aborted: bool = False
    _open_gate: Callable[[], None] | None = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class _Entry:
    """What the ledger knows of one resource."""

    resource: Resource
    busy: Call | None = None
    holders: int = 0
    ended: bool = False


class Ledger:
    """Thread-safe record of one adapter's calls; notes breaches instead of raising them at the caller.

    A breach found on a pool's own thread would be swallowed there, as any error of ``destroy`` is; so it
    is kept in ``violations`` for the test to look at.
    """

    def __init__(self, log_limit: int | None = None) -> None:
        self.violations: list[str] = []
        self.created = 0
        self.destroyed = 0
        self._changed = threading.Condition(threading.RLock())
        self._order = 0
        self._log: deque[Call] = deque(maxlen=log_limit)
        self._begun: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._running: dict[int, Call] = {}
        self._entries: dict[int, _Entry] = {}
        self._watchers: list[Callable[[], None]] = []
        self._released = False

    # -- calls ------------------------------------------------------------------------------------------

    def begin(self, method: str, resource: Resource | None = None) -> Call:
        """Enter the start of a call."""
        with self._changed:
            self._begun[method] += 1
            number = getattr(resource, "number", None)
            call = Call(self._tick(), method, self._begun[method], number, threading.get_ident())
            self._log.append(call)
            self._running[call.number] = call
            if resource is not None:
                self._occupy(call, resource)
            self._tell()
            return call

    def end(self, call: Call, error: BaseException | None = None) -> None:
        """Enter the end of a call."""
        with self._changed:
            call.ended = self._tick()
            call.outcome, call.error = ("ok", None) if error is None else ("error", error)
            call._open_gate = None
            del self._running[call.number]
            self._ended[call.method] += 1
            self._vacate(call)
            self._tell()

    def enroll(self, call: Call) -> Resource:
        """Enter a new resource, made by this call."""
        with self._changed:
            self.created += 1
            made = Resource(self.created)
            call.resource = made.number
            self._entries[made.number] = _Entry(made)
            return made

    def _tick(self) -> int:
        self._order += 1
        return self._order

    def _occupy(self, call: Call, resource: Resource) -> None:
        entry = self._entries.get(resource.number) if type(resource) is Resource else None
        if entry is None or entry.resource is not resource:
            self._breach(f"{call.method} was called with {resource!r}, which this adapter did not make")
            return
        if call.method == "abort":
            return  # the one method that may run beside another
        self._judge(call, entry)
        entry.busy = call
        entry.ended = entry.ended or call.method == "destroy"

    def _judge(self, call: Call, entry: _Entry) -> None:
        about = f"{call.method} was called on resource {entry.resource.number}"
        if entry.ended:
            self._breach(f"{about} after its destroy")
        if entry.busy is not None:
            self._breach(f"{about} while {entry.busy.method} was running on it")
        if entry.holders:
            self._breach(f"{about} while a holder had it")

    def _vacate(self, call: Call) -> None:
        entry = self._entries.get(call.resource or 0)
        if entry is None or entry.busy is not call:
            return
        entry.busy = None
        if call.method == "destroy":
            self.destroyed += 1

    def _breach(self, what: str) -> None:
        self.violations.append(what)

    # -- holders ----------------------------------------------------------------------------------------

    @contextmanager
    def holding(self, resource: Resource) -> Iterator[Resource]:
        """Note that somebody holds the resource: no call may run on it, nobody else may hold it."""
        entry = self._entries[resource.number]
        with self._changed:
            self._judge_holder(entry)
            entry.holders += 1
        try:
            yield resource
        finally:
            with self._changed:
                entry.holders -= 1

    def _judge_holder(self, entry: _Entry) -> None:
        about = f"resource {entry.resource.number} was handed out"
        if entry.ended:
            self._breach(f"{about} after its destroy")
        if entry.busy is not None:
            self._breach(f"{about} while {entry.busy.method} was running on it")
        if entry.holders:
            self._breach(f"{about} to two holders")

    # -- gates: where slow and hung calls wait -----------------------------------------------------------

    def set_gate(self, call: Call, open_gate: Callable[[], None]) -> None:
        """Say how to wake a waiting call; opened at once where abort or release came first."""
        with self._changed:
            call._open_gate = open_gate
            if call.aborted or self._released:
                open_gate()

    def abort(self, resource: Resource) -> None:
        """End the call that waits on this resource, if any."""
        with self._changed:
            entry = self._entries.get(resource.number)
            if entry is not None and entry.busy is not None:
                entry.busy.aborted = True
                self._open(entry.busy)

    def release(self, *, for_good: bool) -> None:
        """End every call that waits, and with ``for_good`` every later one."""
        with self._changed:
            self._released = self._released or for_good
            for call in self._running.values():
                self._open(call)

    def _open(self, call: Call) -> None:
        if call._open_gate is not None:
            call._open_gate()

    # -- looking ----------------------------------------------------------------------------------------

    def calls(self, method: str | None = None) -> list[Call]:
        """Give the calls so far, in the order in which they began."""
        with self._changed:
            return [call for call in self._log if method in (None, call.method)]

    def count(self, method: str, *, ended: bool = False) -> int:
        """Count the calls of a method that began, or that ended."""
        with self._changed:
            return (self._ended if ended else self._begun)[method]

    def open_resources(self) -> list[Resource]:
        """Give the resources whose destroy has not ended."""
        with self._changed:
            return [
                entry.resource
                for entry in self._entries.values()
                if not entry.ended or (entry.busy is not None and entry.busy.method == "destroy")
            ]

    def wait_for(self, method: str, n: int, timeout: float, *, ended: bool) -> None:
        """Block until the nth call of a method began, or ended.

        Raises:
            AssertionError: When that has not come after ``timeout`` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.count(method, ended=ended) >= n, timeout):
                raise AssertionError(self.missing(method, n, timeout, ended=ended))

    def missing(self, method: str, n: int, timeout: float, *, ended: bool) -> str:
        """Word what ``wait_for`` found lacking."""
        seen = self.count(method, ended=ended)
        happened = "ended" if ended else "began"
        return f"{seen} of {n} calls of {method} {happened} within {timeout} s; the log: {self.calls()}"

    @contextmanager
    def watching(self, watcher: Callable[[], None]) -> Iterator[None]:
        """Have a function called, under the lock, at every change."""
        with self._changed:
            self._watchers.append(watcher)
        try:
            yield
        finally:
            with self._changed:
                self._watchers.remove(watcher)

    def _tell(self) -> None:
        self._changed.notify_all()
        for watcher in self._watchers:
            watcher()

    def check(self) -> None:
        """Raise AssertionError if the contract was ever broken."""
        with self._changed:
            assert not self.violations, "the adapter contract was broken: " + "; ".join(self.violations)
