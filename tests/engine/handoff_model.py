"""A model of the hand-off between releasers and waiters, small enough to be searched exhaustively.

What is modelled: each operation on the idle deque is one critical section of that deque; everything else that
is shared is written under the mutex, except that two looks are taken without it: at the count of waiters and
at the nudge in flight. Such a look may be stale. It gives any value that was ever written and that the
thread has not been told is outdated; what a thread knows travels with the locks (the mutex, the deque's own,
the lock on which a waiter sleeps) and with nothing else. So nothing here leans on the GIL.

What is not modelled: the keeper, whose sweep is a net under all this, and time. Whether the last hand-over
was recent is open at every look: both answers are followed.

A state is stuck when somebody sleeps and nobody is left who could wake him. Slots are alike, so idle is a
number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs

NOBODY = -1
Views = tuple[int, int]
"""The oldest version of the count, and of the nudge, that may still be read."""
WAITING, NUDGE = 0, 1


@attrs.frozen(kw_only=True)
class Rules:
    """The protocol, and ways to get it wrong."""

    strict: bool = False
    look_before_push: bool = False
    without_recheck: bool = False
    without_rematch: bool = False
    """Whoever ends the nudge in flight does not look through idle afterwards."""
    trusts_any_nudge: bool = False
    """A waiter who is served some other way keeps the nudge to himself."""


@attrs.define(eq=False, slots=True)
class Thread:
    """One caller: where he is, and his waiter."""

    at: str = "begin"
    cycles: int = 1
    may_leave: bool = False
    knows: Views = (0, 0)
    queued: bool = False
    overtakes: bool = False
    granted: bool = False
    nudged: bool = False
    signal: Views | None = None
    """What the one who woke him knew; None: nobody did."""

    def key(self) -> tuple[object, ...]:
        """Everything, to tell states apart."""
        return (
            self.at,
            self.cycles,
            self.knows,
            self.queued,
            self.overtakes,
            self.granted,
            self.nudged,
            self.signal,
        )

    def copy(self) -> Thread:
        """Make one to go on with."""
        return Thread(
            self.at,
            self.cycles,
            self.may_leave,
            self.knows,
            self.queued,
            self.overtakes,
            self.granted,
            self.nudged,
            self.signal,
        )


def _later(one: Views, other: Views) -> Views:
    return (max(one[0], other[0]), max(one[1], other[1]))


class Model:
    """One state of the pool and its threads; a step makes others from it."""

    __slots__ = ("deque_knows", "history", "idle", "line", "mutex", "mutex_knows", "rules", "threads")

    def __init__(self, rules: Rules, threads: list[Thread], idle: int) -> None:
        self.rules = rules
        self.threads = threads
        self.idle = idle
        self.line: tuple[int, ...] = ()
        self.history: list[tuple[int, ...]] = [(0,), (NOBODY,)]
        """Every version of the count and of the nudge that somebody may still read; the last is the truth."""
        self.mutex = NOBODY
        self.mutex_knows = self.deque_knows = (0, 0)

    def copy(self) -> Model:
        """Make one to go on with."""
        other = Model.__new__(Model)
        other.rules, other.idle, other.line, other.mutex = self.rules, self.idle, self.line, self.mutex
        other.threads = [thread.copy() for thread in self.threads]
        other.history = list(self.history)
        other.mutex_knows, other.deque_knows = self.mutex_knows, self.deque_knows
        return other

    def key(self) -> tuple[object, ...]:
        """Forget the versions that nobody can read any more, and tell the state from all others."""
        views = [thread.knows for thread in self.threads if thread.at != "done"] or [self.newest()]
        base = (min(view[0] for view in views), min(view[1] for view in views))
        if base != (0, 0):
            self._forget(base)
        threads = tuple(thread.key() for thread in self.threads)
        return (
            self.idle,
            self.line,
            tuple(self.history),
            self.mutex,
            self.mutex_knows,
            self.deque_knows,
            threads,
        )

    def _forget(self, base: Views) -> None:
        def less(view: Views) -> Views:
            return (max(view[0] - base[0], 0), max(view[1] - base[1], 0))

        self.history = [versions[base[n] :] for n, versions in enumerate(self.history)]
        self.mutex_knows, self.deque_knows = less(self.mutex_knows), less(self.deque_knows)
        for thread in self.threads:
            thread.knows = less(thread.knows)
            if thread.signal is not None:
                thread.signal = less(thread.signal)

    # ---- memory

    def newest(self) -> Views:
        """Give the versions that are the truth."""
        return (len(self.history[0]) - 1, len(self.history[1]) - 1)

    def truth(self, what: int) -> int:
        """Read under the mutex."""
        return self.history[what][-1]

    def write(self, me: Thread, what: int, value: int) -> None:
        """Write under the mutex."""
        self.history[what] = (*self.history[what], value)
        newest = self.newest()
        me.knows = (newest[0], me.knows[1]) if what == WAITING else (me.knows[0], newest[1])

    def versions(self, me: Thread, what: int) -> range:
        """Everything that a look without the mutex may see."""
        return range(me.knows[what], len(self.history[what]))

    def saw(self, me: Thread, what: int, version: int) -> int:
        """Having seen a version, nobody sees an older one."""
        me.knows = (version, me.knows[1]) if what == WAITING else (me.knows[0], version)
        return self.history[what][version]

    def lock(self, tid: int) -> None:
        """Take the mutex, and learn what its last owner knew."""
        self.mutex = tid
        self.threads[tid].knows = _later(self.threads[tid].knows, self.mutex_knows)

    def unlock(self, tid: int, then: str) -> None:
        """Pass on what this thread knows."""
        self.mutex = NOBODY
        self.mutex_knows = _later(self.mutex_knows, self.threads[tid].knows)
        self.threads[tid].at = then

    def touch_deque(self, me: Thread) -> None:
        """One critical section of the idle deque: what was known before is known to the next."""
        me.knows = self.deque_knows = _later(me.knows, self.deque_knows)

    def pop(self, me: Thread) -> bool:
        """Take a slot out of idle, if there is one."""
        self.touch_deque(me)
        if not self.idle:
            return False
        self.idle -= 1
        return True

    # ---- what the engine does under the mutex

    def leave(self, me: Thread, tid: int) -> None:
        """Take a waiter out of the line."""
        self.threads[tid].queued = False
        self.line = tuple(other for other in self.line if other != tid)
        self.write(me, WAITING, len(self.line))
        if self.truth(NUDGE) == tid and not self.rules.trusts_any_nudge:
            self.write(me, NUDGE, NOBODY)

    def grant(self, me: Thread, tid: int) -> None:
        """Give a waiter the slot that this thread holds."""
        self.threads[tid].granted = True
        self.leave(me, tid)
        self.wake(me, tid)

    def wake(self, me: Thread, tid: int) -> None:
        """Release the lock on which a waiter sleeps."""
        waiter = self.threads[tid]
        waiter.signal = _later(waiter.signal or (0, 0), me.knows)

    def nudge(self, me: Thread) -> None:
        """Wake the oldest to come and get what is idle; one such wake-up in flight."""
        if self.truth(NUDGE) == NOBODY:
            self.write(me, NUDGE, self.line[0])
            self.threads[self.line[0]].nudged = True
            self.wake(me, self.line[0])


Step = Callable[[Model, int], Iterator[Model]]
STEPS: dict[str, Step] = {}
"""What a thread does next, by where it is; gives every state that may follow."""


def step(name: str) -> Callable[[Step], Step]:
    """Enter a step under its name."""

    def enter(function: Step) -> Step:
        STEPS[name] = function
        return function

    return enter


def _go(model: Model, tid: int, then: str) -> Iterator[Model]:
    model.threads[tid].at = then
    yield model


@step("begin")
def _begin(model: Model, tid: int) -> Iterator[Model]:
    """`Lane.take`: in strict order nobody is overtaken, as far as one can see."""
    if not model.rules.strict:
        yield from _go(model.copy(), tid, "take")
        return
    for version in model.versions(model.threads[tid], WAITING):
        after = model.copy()
        waiting = after.saw(after.threads[tid], WAITING, version)
        yield from _go(after, tid, "ask" if waiting else "take")


@step("take")
def _take(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    yield from _go(after, tid, "hold" if after.pop(after.threads[tid]) else "ask")


@step("ask")
def _ask(model: Model, tid: int) -> Iterator[Model]:
    """`Engine.ask`, up to the first look through idle."""
    if model.mutex != NOBODY:
        return
    after = model.copy()
    after.lock(tid)
    me = after.threads[tid]
    me.overtakes = after.rules.strict and bool(after.line)
    if not me.overtakes and after.pop(me):
        after.unlock(tid, "hold")
    else:
        me.at = "join"
    yield after


@step("join")
def _join(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    me.queued, me.granted, me.nudged, me.signal = True, False, False, None
    after.line = (*after.line, tid)
    after.write(me, WAITING, len(after.line))
    if me.overtakes or after.rules.without_recheck:
        after.unlock(tid, "sleep")
    else:
        me.at = "recheck"
    yield after


@step("recheck")
def _recheck(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    if after.pop(me):
        after.grant(me, tid)
    after.unlock(tid, "sleep")
    yield after


@step("sleep")
def _sleep(model: Model, tid: int) -> Iterator[Model]:
    me = model.threads[tid]
    if me.granted:
        # Not asleep yet, or awake again: he sees his answer, and not that he was nudged before.
        yield from _go(model.copy(), tid, "hold")
    if me.signal is not None:
        after = model.copy()
        awake = after.threads[tid]
        awake.knows, awake.signal = _later(awake.knows, me.signal), None
        yield from _go(after, tid, "retry" if awake.nudged else "hold" if awake.granted else "sleep")


@step("retry")
def _retry(model: Model, tid: int) -> Iterator[Model]:
    """`Engine.retry`: the nudge is over, then he looks."""
    if model.mutex != NOBODY:
        return
    after = model.copy()
    after.lock(tid)
    me = after.threads[tid]
    if after.truth(NUDGE) == tid:
        after.write(me, NUDGE, NOBODY)
    me.nudged = False
    yield from _go(after, tid, "look")


@step("look")
def _look(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    if me.queued and after.pop(me):
        after.grant(me, tid)
    me.at = "rematch"
    yield after


@step("rematch")
def _rematch(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    if after.line and after.idle and not after.rules.without_rematch:
        yield from _go(after, tid, "match")
    else:
        after.unlock(tid, _goes_on(after.threads[tid]))
        yield after


def _goes_on(me: Thread) -> str:
    """Where a thread goes after a match: it waits, holds, or has nothing more to do."""
    if me.granted:
        return "hold"
    return "sleep" if me.queued else "next"


@step("hold")
def _hold(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    me.granted = me.queued = me.nudged = False
    me.signal = None
    yield from _go(after, tid, "peek" if after.rules.look_before_push else "push")


@step("push")
def _push(model: Model, tid: int) -> Iterator[Model]:
    """`Lane.give`: first the slot goes to idle ..."""
    after = model.copy()
    after.touch_deque(after.threads[tid])
    after.idle += 1
    yield from _go(after, tid, "next" if after.rules.look_before_push else "peek")


@step("peek")
def _peek(model: Model, tid: int) -> Iterator[Model]:
    """... then the releaser looks whether somebody waits."""
    swapped = model.rules.look_before_push
    for version in model.versions(model.threads[tid], WAITING):
        after = model.copy()
        waiting = after.saw(after.threads[tid], WAITING, version)
        yield from _go(
            after,
            tid,
            ("push and match" if waiting else "push") if swapped else "owes" if waiting else "next",
        )


@step("push and match")
def _push_and_match(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    after.touch_deque(after.threads[tid])
    after.idle += 1
    yield from _go(after, tid, "owes")


@step("owes")
def _owes(model: Model, tid: int) -> Iterator[Model]:
    """`Engine.owes_match`: with a nudge in flight and a recent hand-over, the rest is the nudged one's."""
    for version in model.versions(model.threads[tid], NUDGE):
        after = model.copy()
        if after.saw(after.threads[tid], NUDGE, version) != NOBODY:
            yield from _go(after.copy(), tid, "next")
        yield from _go(after, tid, "lock and match")


@step("lock and match")
def _lock_and_match(model: Model, tid: int) -> Iterator[Model]:
    if model.mutex != NOBODY:
        return
    after = model.copy()
    after.lock(tid)
    yield from _go(after, tid, "match")


@step("match")
def _match(model: Model, tid: int) -> Iterator[Model]:
    """`Engine.match`, with and without a recent hand-over."""
    if not model.line:
        after = model.copy()
        after.unlock(tid, _goes_on(after.threads[tid]))
        yield after
        return
    if not model.rules.strict:
        after = model.copy()
        after.nudge(after.threads[tid])
        after.unlock(tid, _goes_on(after.threads[tid]))
        yield after
    yield from _go(model.copy(), tid, "hand over")


@step("hand over")
def _hand_over(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    if not after.pop(me):
        after.unlock(tid, _goes_on(me))
    else:
        after.grant(me, after.line[0])
        me.at = "hand over" if after.rules.strict and after.line else "remind"
    yield after


@step("remind")
def _remind(model: Model, tid: int) -> Iterator[Model]:
    """Something came to idle meanwhile, and somebody still waits."""
    after = model.copy()
    if after.line and after.idle:
        after.nudge(after.threads[tid])
    after.unlock(tid, _goes_on(after.threads[tid]))
    yield after


@step("cancel")
def _cancel(model: Model, tid: int) -> Iterator[Model]:
    """`Engine.cancel`: what was granted goes to the next one."""
    if model.mutex != NOBODY:
        return
    after = model.copy()
    after.lock(tid)
    me = after.threads[tid]
    granted, me.granted, me.nudged, me.cycles = me.granted, False, False, 1
    if me.queued:
        after.leave(me, tid)
    yield from _go(after, tid, "offer" if granted else "rematch")


@step("make")
def _make(model: Model, tid: int) -> Iterator[Model]:
    """A worker brings a new slot: `Engine.created`."""
    if model.mutex != NOBODY:
        return
    after = model.copy()
    after.lock(tid)
    yield from _go(after, tid, "offer")


@step("offer")
def _offer(model: Model, tid: int) -> Iterator[Model]:
    """`Handoff.offer`: to the oldest waiter, else to idle."""
    after = model.copy()
    me = after.threads[tid]
    if after.line:
        after.grant(me, after.line[0])
        yield from _go(after, tid, "rematch")
        return
    after.touch_deque(me)
    after.idle += 1
    after.unlock(tid, "next")
    yield after


@step("next")
def _next(model: Model, tid: int) -> Iterator[Model]:
    after = model.copy()
    me = after.threads[tid]
    me.cycles -= 1
    me.overtakes = False
    yield from _go(after, tid, "begin" if me.cycles else "done")


def explore(rules: Rules, threads: list[Thread], idle: int) -> tuple[int, Model | None]:
    """Search every interleaving and every stale look; give how many states there are, and a stuck one."""
    makers = sum(thread.at == "make" for thread in threads)
    first = Model(rules, threads, idle)
    seen = {first.key()}
    todo = [first]
    while todo:
        model = todo.pop()
        moves = [
            after
            for tid, me in enumerate(model.threads)
            if me.at != "done"
            for after in STEPS[me.at](model, tid)
        ]
        if not moves:
            if any(me.at != "done" for me in model.threads) or model.idle != idle + makers:
                return len(seen), model
            continue
        for tid, me in enumerate(model.threads):
            # Somebody who may leave may as well stay: leaving gets nobody else out of trouble.
            if me.may_leave and me.at == "sleep":
                moves += _go(model.copy(), tid, "cancel")
        for after in moves:
            key = after.key()
            if key not in seen:
                seen.add(key)
                todo.append(after)
    return len(seen), None
