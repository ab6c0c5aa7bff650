"""`respool new`: write a small package for a new adapter, from the files in ``template/``."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

from .._registry import SHIPPED, entry_points_by_scheme

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

__all__ = ["Names", "command", "write"]

RULE = "a lower-case letter, then letters, digits and single hyphens, at most 30 in all"


def _scheme(_: object, field: attrs.Attribute[str], value: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", value) or len(value) > 30:
        near = re.sub(r"[^a-z0-9]+", "-", value.lower()).strip("-0123456789")[:30]
        hint = f"; perhaps {near!r}?" if near and near != value else ""
        raise ValueError(f"NAME is {value!r}, it must be {RULE}{hint}")


NEXT = """
Next:
  cd {folder}
  python3 -m venv .venv && .venv/bin/pip install -e '.[test]'
  .venv/bin/pytest && .venv/bin/mypy

README.md says which files to make your own."""


@attrs.frozen
class Names:
    """One name in the four forms that a package needs."""

    scheme: str = attrs.field(validator=_scheme)
    """As in a URL and in the distribution's name: ``my-queue``."""

    @property
    def word(self) -> str:
        """As in code: ``my_queue``."""
        return self.scheme.replace("-", "_")

    @property
    def module(self) -> str:
        """The package to import: ``respool_my_queue``."""
        return f"respool_{self.word}"

    @property
    def type(self) -> str:
        """As in the name of a class: ``MyQueue``."""
        return "".join(part.capitalize() for part in self.scheme.split("-"))

    def put_into(self, text: str) -> str:
        """Replace the template's widget by this name."""
        for form in ("respool-widget", '"widget"', "widget://"):
            text = text.replace(form, form.replace("widget", self.scheme))
        return text.replace("widget", self.word).replace("Widget", self.type)


@click.command("new")
@click.argument("name")
@click.option("--async", "asynchronous", is_flag=True, help="For asyncio instead of threads.")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="The folder in which to make the package's own.  [default: here]",
)
def command(name: str, asynchronous: bool, into: Path) -> None:
    """Write a small package for a new adapter, which installs, type-checks and passes its tests as it is.

    NAME becomes the URL's scheme: `respool new mongo` writes the folder respool-mongo for mongo://... URLs.
    """
    try:
        names = Names(name.removeprefix("respool-"))
        refuse_taken(names.scheme)
        folder = write(names, into, asynchronous=asynchronous)
    except (ValueError, OSError) as exc:
        raise click.ClickException(str(exc)) from exc
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(path.relative_to(into))
    click.echo(NEXT.format(folder=shlex.quote(str(folder))))


def refuse_taken(scheme: str) -> None:
    """Refuse a scheme that an adapter has: two packages that claim one are both refused by `open_pool`.

    Raises:
        ValueError: Names who has it.
    """
    own = Names(scheme).module
    owners = {point.value.partition(":")[0] for point in entry_points_by_scheme().get(scheme, [])} - {own}
    if scheme in SHIPPED:
        owners = {SHIPPED[scheme][0]}
    if owners:
        raise ValueError(f"the URL scheme {scheme!r} belongs to {', '.join(sorted(owners))}")


def write(names: Names, into: Path, *, asynchronous: bool) -> Path:
    """Write the package's folder and give it.

    Raises:
        FileExistsError: There is such a folder already; nothing is changed.
    """
    folder = into / f"respool-{names.scheme}"
    if folder.exists():
        raise FileExistsError(f"{folder} exists already: move it away, or choose another name or --into")
    contents = _template("respool-widget")
    if asynchronous:
        contents |= _template("respool-widget-async")
    for path, text in contents.items():
        file = folder / names.put_into(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(names.put_into(text), encoding="utf-8")
    return folder


def _template(name: str) -> dict[str, str]:
    """Read one of the templates: its texts by their paths."""
    return dict(_texts(files("respool.cli") / "template" / name, ""))


def _texts(folder: Traversable, at: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _texts(entry, f"{at}{entry.name}/")
        else:
            yield f"{at}{entry.name}", entry.read_text(encoding="utf-8")
