"""``python -m tests.elastic``: the laws on the hold-out workloads and in trouble, beside models of the peers.

Set RESPOOL_TEST_TRACE to a CSV file with TIMESTAMP and GeneratedTokens for the real trace.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.elastic.picture import draw
from tests.elastic.table import markdown, row
from tests.elastic.troubles import troubles
from tests.elastic.workloads import HOLD_OUT, TRAINING


def main() -> None:
    """Run, print the table, and where asked write it and the picture."""
    arguments = argparse.ArgumentParser(prog="python -m tests.elastic", description=__doc__)
    arguments.add_argument("--training", action="store_true", help="the set that constants are tuned on")
    arguments.add_argument("--no-tuned", action="store_true", help="leave out the peers tuned in hindsight")
    arguments.add_argument("--only", help="one workload")
    arguments.add_argument("--write", type=Path, help="folder for the two tables and elasticity.svg")
    given = arguments.parse_args()
    cases = [case for case in (TRAINING if given.training else HOLD_OUT) if given.only in (None, case.name)]
    rows = [row(case, tuned=not given.no_tuned, tell=progress) for case in cases]
    text = markdown(rows)
    print(text)
    in_trouble = "" if given.only else troubles(progress)
    print(in_trouble)
    if given.write:
        given.write.mkdir(parents=True, exist_ok=True)
        (given.write / "elasticity-table.txt").write_text(text)
        (given.write / "elasticity-troubles.txt").write_text(in_trouble)
        draw(rows, given.write / "elasticity.svg")


def progress(name: str) -> None:
    """Say what is being run."""
    print(f"... {name}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
