"""Growth on demand: for whom something is created, and when the policy is not even asked."""

from __future__ import annotations

from respool._engine import Create, OnDemand, View

from .world import World


class Counting(OnDemand):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def wants(self, view: View, room: int) -> int:
        """Count, then want as ever."""
        self.asked += 1
        return super().wants(view, room)


def test_a_policy_is_not_asked_for_each_who_waits_where_all_there_may_be_are_out() -> None:
    sizer = Counting()
    world = World(sizer=sizer, max_size=1, check_after=100).filled(1)
    _held = world.acquire()
    asked = sizer.asked
    for _ in range(10):
        world.ask()
    assert asked == sizer.asked


def test_nothing_is_created_for_who_gave_up_when_it_could_have_been() -> None:
    """Behaviour 57: his time and the pause after a failure ended in the same moment."""
    world = World(max_size=1)
    waiter = world.ask(1.0)
    world.fail(world.begin_all(Create)[0])
    world.clock.advance(2.0)
    world.do(world.engine.tick)
    assert waiter.refusal is not None
    assert [] == world.commands
