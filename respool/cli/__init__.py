"""The `respool` command; needs the extra ``cli`` (click, rich, matplotlib)."""

from __future__ import annotations

import errno
import io
import os
import sys

__all__ = ["main"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What a write to a file says when there is no room."""


def main() -> None:
    """Run the command line; without the extra say what to install."""
    try:
        from ._main import cli
    except ModuleNotFoundError as exc:
        if exc.name not in ("click", "rich"):
            raise
        sys.exit(f"the respool command needs {exc.name}: pip install 'respool[cli]'")
    _spare_what_cannot_be_written()
    try:
        cli(prog_name="respool")  # which sees to a broken pipe itself
    except OSError as exc:
        if exc.errno not in _FULL:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the rest fails at the end again
        sys.exit(f"cannot write: {exc.strerror}")


def _spare_what_cannot_be_written() -> None:
    """Have the output show "?" for a bar that its encoding, a code page or ASCII, does not have."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="replace")
