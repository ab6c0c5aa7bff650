"""The file of options, such as ``~/.my.cnf``: read at each create and in both colours as PyMySQL reads it.

What the URL and ``connect=`` say wins over it. aiomysql by itself has the file win, keeps the quotes round
its values, and goes on in clear text where the file asks for TLS.
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
        configparser.Error: The file cannot be read.
        ValueError: Its port is no number.
    """
    file, group = (arguments.pop(name, None) for name in FILE)
    if not (file or group):
        return arguments
    say = _reader(os.path.expanduser(file or _USUAL), group or "client")
    for name, option in _NAMES.items():
        if name in allowed and not arguments.get(name) and (said := say(option)):
            arguments[name] = int(said) if name == "port" else said
    beside = arguments.get("ssl") or {}
    if isinstance(beside, Mapping) and not arguments.get("ssl_disabled"):
        said_of_tls = {name: say(f"ssl-{name}") for name in _TLS if not beside.get(name)}
        arguments["ssl"] = {**beside, **{name: said for name, said in said_of_tls.items() if said}}
    return arguments


def _reader(file: str, group: str) -> Callable[[str], str | None]:
    parser = Parser()
    parser.read(file)

    def say(option: str) -> str | None:
        try:
            said: str = parser.get(group, option)
        except (configparser.Error, TypeError):
            return None  # it is not there, or has no value
        return said

    return say
