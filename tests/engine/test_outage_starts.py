"""How gently a backend is knocked at that has just gone."""

from __future__ import annotations

from respool._adapter import Fault
from respool._engine import Create, Destroy

from .world import World


def test_creations_ordered_before_an_outage_that_have_not_begun_wait_for_their_turn() -> None:
    """Behaviours 43, 44: at most four in any second, though eight were on order."""
    world = World(max_size=10, check_after=100).filled(8)
    for lease in [world.acquire() for _ in range(8)]:
        world.do(world.engine.discard, world.end(lease))  # type: ignore[arg-type]
    world.run(Destroy)
    for _ in range(10):
        world.ask(None)
    assert 8 == sum(isinstance(command, Create) for command in world.commands)
    starts: list[float] = []
    while world.now < 5.0:
        for create in [command for command in world.commands if isinstance(command, Create)]:
            if world.begin(create):
                starts.append(world.now)
                world.fail(create, Fault.BACKEND_DOWN)
        world.advance(0.01)
    assert all(later - first >= 1.0 for first, later in zip(starts, starts[4:], strict=False))
