"""The numbers that commands take are finite: a load of ``nan`` seconds would never end."""

from __future__ import annotations

import click
import pytest

from respool.cli._main import COMMANDS, cli
from tests.cli.hand import respool

CONTEXT = click.Context(cli)
WORDS = ("seconds", "float")


def options_of_numbers() -> list[tuple[str, str]]:
    """List every option of every command that reads a number which need not be whole."""
    return [
        (name, option.opts[0])
        for name in sorted(COMMANDS)
        for option in getattr(cli.get_command(CONTEXT, name), "params", [])
        if isinstance(option, click.Option) and option.type.name.split()[0].split("|")[0] in WORDS
    ]


def test_there_are_such_options_in_every_command_that_has_numbers() -> None:
    assert {"advise", "doctor", "load", "simulate"} == {name for name, _ in options_of_numbers()}
    assert {("load", "--duration"), ("load", "--timeout")} <= set(options_of_numbers())


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_no_option_takes_a_number_that_is_not_finite(value: str) -> None:
    for name, option in options_of_numbers():
        done = respool(name, option, value)
        assert 2 == done.exit_code, (name, option, done.output)
        assert f"Invalid value for '{option}'" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--targets", "0.01,nan"), "'0.01,nan' must be finite numbers with commas between them"),
        (("--targets", "inf"), "'inf' must be finite numbers"),
        (("--targets", "0.01,0"), "'0.01,0' must be finite numbers above 0"),
        (("--sizes", "1.5"), "'1.5' must be whole numbers with commas between them"),
        (("--sizes", "1,0"), "'1,0' must be whole numbers above 0"),
        (("--require", "p99_wait<=1e999"), "'1e999' is no finite number"),
        (("--max-waiting", "2.5"), "'2.5' must be an integer or 'none'"),
    ],
)
def test_lists_and_requirements_take_numbers_of_their_kind_only(args: tuple[str, ...], said: str) -> None:
    done = respool("simulate", "--rate", "10", *args)
    assert 2 == done.exit_code
    assert said in " ".join(done.output.split())
