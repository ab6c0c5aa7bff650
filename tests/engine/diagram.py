"""Draws the slot's states from the engine's table: run it after a change of the table.

``python -m tests.engine.diagram`` writes the diagram into the page that explains the engine.
"""

from __future__ import annotations

from pathlib import Path

from respool._engine import TABLE, Phase

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "engine.md"
BEGIN, END = "<!-- states: begin -->\n", "<!-- states: end -->"


def diagram() -> str:
    """Give the state diagram, as Mermaid text."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.CREATING.value}"]
    lines += [f"    {phase.value} --> {after.value}: {event}" for (phase, event), after in TABLE.items()]
    lines.append(f"    {Phase.GONE.value} --> [*]")
    return "\n".join(lines)


def block() -> str:
    """Give what stands between the marks."""
    return f"{BEGIN}\n```text\n{diagram()}\n```\n\n{END}"


def between_marks(page: str) -> str:
    """Cut it out of a page."""
    return page[page.index(BEGIN) : page.index(END) + len(END)]


def main() -> None:
    """Bring the page up to date."""
    page = PAGE.read_text()
    PAGE.write_text(page.replace(between_marks(page), block()))


if __name__ == "__main__":
    main()
