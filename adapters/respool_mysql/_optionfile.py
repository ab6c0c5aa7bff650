"""The file of options, such as ``~/.my.cnf``: read at each create and in both colours as PyMySQL reads it.

What the URL and ``connect=`` say wins over it. aiomysql by itself has the file win, keeps the quotes round
its values, and goes on in clear text where the file asks for TLS. Both drivers pass over a file that is not
there, or lacks the group, and log in somewhere else, as somebody else.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pymysql.optionfile import Parser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FILE", "read_options"]

FILE = ("read_default_file", "read_default_group")
"""One of the two is enough."""

_NAMES = {
    "user": "user",
    "password": "password",
    "host": "host",
    "database": "database",
    "unix_socket": "socket",
    "port": "port",
    "bind_address": "bind-address",
    "charset": "default-character-set",
}
_TLS = ("ca", "capath", "cert", "key", "password", "cipher")
_USUAL = "/etc/my.cnf"


def read_options(arguments: dict[str, Any], allowed: frozenset[str]) -> dict[str, Any]:
    """Put in the place of a file's name what it says; its TLS options join those of ``ssl={...}``.

    Args:
        arguments: Connect arguments by PyMySQL's names.
        allowed: Those that the driver can take.

    Raises:
        configparser.Error: The file is none of options.
        ValueError: It cannot be read, lacks the group that was asked for, or its port is no number.
    """
    file, group = (arguments.pop(name, None) for name in FILE)
    if not (file or group):
        return arguments
    say = _reader(file, group)
    for name, option in _NAMES.items():
        if name in allowed and not arguments.get(name) and (said := say(option)):
            arguments[name] = int(said) if name == "port" else said
    beside = arguments.get("ssl") or {}
    if isinstance(beside, Mapping) and not arguments.get("ssl_disabled"):
        said_of_tls = {name: say(f"ssl-{name}") for name in _TLS if not beside.get(name)}
        arguments["ssl"] = {**beside, **{name: said for name, said in said_of_tls.items() if said}}
    return arguments


def _reader(file: str | None, group: str | None) -> Callable[[str], str | None]:
    parser = Parser()
    path = os.path.expanduser(file or _USUAL)
    try:
        with open(path) as lines:
            parser.read_file(lines, path)
    except OSError as reason:
        if file:
            why = reason.strerror or reason
            raise ValueError(f"read_default_file is {file!r}, which cannot be read: {why}") from reason
    if group and not parser.has_section(group):
        raise ValueError(f"read_default_group is {group!r}, a group that {path!r} does not have")

    def say(option: str) -> str | None:
        try:
            said: str = parser.get(group or "client", option)
        except (configparser.Error, TypeError):
            return None  # it is not there, or has no value
        return said

    return say
