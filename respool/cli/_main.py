"""The command group; each command has a module of its own, imported when it is called."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import Any

import click

__all__ = ["cli"]

COMMANDS = {
    "adapters": ("._adapters", "List the installed adapters and what the others need."),
    "advise": ("._advise", "Recommend settings for a workload, with the reasons."),
    "doctor": ("._doctor", "Check a server's limits against a pool's options."),
    "load": ("._load", "Put a pool under load and watch it."),
    "new": ("._new", "Write a small package for a new adapter."),
    "simulate": ("._simulate", "Run a workload through the engine in virtual time."),
}


class _Lazy(click.Group):
    """Imports a command's module when it is called: `load` needs no matplotlib, `--help` needs no driver."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: Any = import_module(COMMANDS[cmd_name][0], __package__).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(metadata.version("respool"), prog_name="respool")
def cli() -> None:
    """Pools anything that is expensive to make and worth using again."""
