"""The `respool` command; needs the extra ``cli`` (click, rich, matplotlib)."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; without the extra say what to install."""
    try:
        from ._main import cli
    except ModuleNotFoundError as exc:
        if exc.name not in ("click", "rich"):
            raise
        sys.exit(f"the respool command needs {exc.name}: pip install 'respool[cli]'")
    cli(prog_name="respool")
