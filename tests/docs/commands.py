"""The pages' view of the command line, from click's own description of it."""

from __future__ import annotations

import inspect

import click

from respool.cli._main import COMMANDS, cli
from respool.cli._pool_options import TYPES

__all__ = ["write", "write_flags"]

POOL = {*TYPES, "hygiene"}
PLAIN = {"integer range": "integer", "float range": "number", "float": "number", "path": "file"}
"""What people call click's types."""


def write() -> str:
    """Write a section per command."""
    context = click.Context(cli, info_name="respool")
    return "\n\n".join(_section(name, context) for name in sorted(COMMANDS))


def _section(name: str, context: click.Context) -> str:
    command = cli.get_command(context, name)
    assert command is not None
    usage = command.get_usage(click.Context(command, parent=context, info_name=name))
    parts = [f"## respool {name}", f"```text\n{usage.removeprefix('Usage: ')}\n```", _help(command)]
    own = [o for o in command.params if isinstance(o, click.Option) and o.name not in POOL]
    if own:
        parts.append("\n".join(["| option | value | default | what |", "|---|---|---|---|", *map(_row, own)]))
    taken = {param.name for param in command.params} & POOL
    if "max_size" in taken:
        missing = [f"`--{name}`" for name in sorted(POOL - taken)]
        but = f", but for {', '.join(missing[:-1])} and {missing[-1]}" if missing else ""
        parts.append(f"It takes [the options of a pool](#the-options-of-a-pool) as well{but}.")
    return "\n\n".join(parts)


def _help(command: click.Command) -> str:
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    return "\n\n".join(" ".join(block.split()) for block in text.split("\n\n"))


def _row(option: click.Option) -> str:
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    default = ""
    if isinstance(option.show_default, str):
        default = _cell(option.show_default)
    elif not option.is_flag and isinstance(option.default, int | float | str):
        default = f"`{option.default}`"
    return f"| {flags} | {_value(option)} | {default} | {_cell(option.help or '')} |"


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    kind = option.type
    if isinstance(kind, click.Choice):
        return _cell(", ".join(f"`{choice}`" for choice in kind.choices))
    return _cell(PLAIN.get(kind.name, kind.name))


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def write_flags() -> str:
    """Write a row per option of a pool: its flag, and what it takes."""
    command = cli.get_command(click.Context(cli), "load")
    assert command is not None
    rows = ["| flag | value |", "|---|---|"]
    rows += [
        f"| `{option.opts[0]}` | {_value(option)} |"
        for option in command.params
        if isinstance(option, click.Option) and option.name in POOL
    ]
    intro = "What each means, and its default, is on [the page of the options](options.md)."
    return "\n".join([intro, "", *rows])
