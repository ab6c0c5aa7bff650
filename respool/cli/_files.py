"""Files that a command writes at its end, refused at its start where they could not be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["NewFile"]


class NewFile(click.Path):
    """A file to write, in a folder that exists; with one of the suffixes, if there are any."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self._suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a path, look at its folder and its suffix, and try whether it can be made."""
        path = super().convert(value, param, ctx)
        assert isinstance(path, Path), "it was told to make one"
        if not path.absolute().parent.is_dir():
            self.fail(f"there is no folder {str(path.absolute().parent)!r}", param, ctx)
        if self._suffixes and path.suffix.lower() not in self._suffixes:
            self.fail(f"{str(path)!r} must end in {' or '.join(self._suffixes)}", param, ctx)
        try:
            _try(path)
        except OSError as exc:
            self.fail(f"{str(path)!r} cannot be written: {exc.strerror}", param, ctx)
        return path


def _try(path: Path) -> None:
    """Make the file and take it away: a folder may be closed, a name too long, a disk read-only."""
    if not path.exists():  # click has looked at one that does
        real = path.resolve()  # of a link that points to nothing yet, what it points to
        real.open("ab").close()
        real.unlink()
