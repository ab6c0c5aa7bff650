"""The table of moves, and the diagram that is drawn from it."""

from __future__ import annotations

from respool._engine import TABLE, Phase

from .diagram import PAGE, between_marks, block


def test_the_diagram_in_the_docs_is_the_one_drawn_from_the_table() -> None:
    assert block() == between_marks(PAGE.read_text())


def test_from_every_phase_a_slot_can_come_to_its_end() -> None:
    ending = {Phase.GONE}
    while more := {phase for (phase, _), after in TABLE.items() if after in ending} - ending:
        ending |= more
    assert set(Phase) == ending


def test_every_phase_can_be_reached() -> None:
    reached = {Phase.CREATING}
    while more := {after for (phase, _), after in TABLE.items() if phase in reached} - reached:
        reached |= more
    assert set(Phase) == reached
