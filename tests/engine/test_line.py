"""The line of waiters: who stands in it, until when, and what leaving it costs."""

from __future__ import annotations

import pytest

from respool._engine import Waiter
from respool._engine._waiters import WaitLine

from .world import World

FEW = 16
"""Below so many, those who have left are not worth a compaction."""


def line_of(count: int, timeout: float | None = 30.0) -> tuple[WaitLine, list[Waiter]]:
    """Put so many in a line, one each millisecond."""
    line, waiters = WaitLine(), [Waiter(nth / 1000, timeout) for nth in range(count)]
    for waiter in waiters:
        line.join(waiter)
    return line, waiters


def kept(line: WaitLine) -> tuple[int, int]:
    """Say how many are remembered, in line and by deadline, who left or not."""
    return len(line._line), len(line._dues)


@pytest.mark.parametrize("count", [FEW + 1, 2000])
@pytest.mark.parametrize("newest_first", [True, False])
def test_those_who_have_left_are_never_the_larger_half(newest_first: bool, count: int) -> None:
    """Behaviours 23, 26."""
    line, waiters = line_of(count)
    while waiters:
        line.leave(waiters.pop() if newest_first else waiters.pop(len(waiters) // 2))
        assert line.count == len(waiters)
        assert all(many <= max(FEW, 2 * line.count) for many in kept(line))


def test_leaving_costs_the_same_in_a_line_of_any_length() -> None:
    """Behaviours 23, 26: the line is put together anew a few times, not each time somebody leaves."""
    line, waiters = line_of(5000)
    anew = 0
    parts: tuple[object, object] = (line._line, line._dues)
    while waiters:
        line.leave(waiters.pop())
        now: tuple[object, object] = (line._line, line._dues)
        anew += sum(one is not other for one, other in zip(parts, now, strict=True))
        parts = now
    assert anew <= 2 * 10  # each time the half is gone: 5000, 2500, ... 16


def test_a_short_line_is_left_as_it_is() -> None:
    line, waiters = line_of(FEW)
    parts = line._line, line._dues
    while waiters:
        line.leave(waiters.pop())
    assert parts[0] is line._line
    assert parts[1] is line._dues


def test_who_leaves_twice_is_counted_once() -> None:
    """Behaviour 26."""
    line, (first, second) = line_of(2)
    line.leave(first)
    line.leave(first)
    assert 1 == line.count
    assert second is line.first()


def test_a_line_drawn_up_again_has_everybody_in_it_with_his_deadline() -> None:
    """Behaviour 27."""
    line, waiters = line_of(5, 1.0)
    forever = Waiter(0.0, None)
    line.join(forever)
    waiters[0].queued = False  # torn while he left
    line.count = 40
    line.recount()
    assert 5 == line.count
    assert [*waiters[1:], forever] == list(line)
    assert waiters[1].deadline == line.next_due()
    late = Waiter(0.0, 1.0015)
    line.join(late)
    assert [waiters[1], late] == list(_leaving(line, 1.0016))
    assert 4 == line.count


def _leaving(line: WaitLine, now: float) -> list[Waiter]:
    """Let everybody leave whose time is up."""
    gone = []
    for waiter in line.overdue(now):
        line.leave(waiter)
        gone.append(waiter)
    return gone


def test_nobody_is_told_to_come_before_there_is_something() -> None:
    world = World(max_size=1)
    waiter = world.ask(7.0)
    assert not waiter.nudged
    assert 7.0 == waiter.timeout
    assert world.now + 7.0 == waiter.deadline
