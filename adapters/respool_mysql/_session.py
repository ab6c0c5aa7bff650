"""What a session was when it was new, and what it takes to make it so again; the same for both drivers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from respool import ResourceSpoiled

from ._faults import UnsupportedServer
from ._private import VOLATILE, half_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._wire import Wire

__all__ = [
    "INIT_CONNECT",
    "MAX_UNREAD",
    "Home",
    "Record",
    "check_step",
    "check_version",
    "close_wire",
    "home_query",
    "record_of",
    "text_of",
    "unread",
]

MAX_UNREAD = 10_000
"""Rows of an unread result that are read to save a connection: a few milliseconds, less than a new login."""

_SETTINGS = (
    "character_set_client",
    "character_set_results",
    "collation_connection",
    "autocommit",
    "sql_mode",
    "wait_timeout",  # with CLIENT.INTERACTIVE the login takes the server's interactive_timeout for it
)

INIT_CONNECT = """
    SELECT IF(@@init_connect = '' OR EXISTS (
        SELECT * FROM information_schema.user_privileges
        WHERE privilege_type IN ('SUPER', 'CONNECTION ADMIN', 'CONNECTION_ADMIN')
        AND REPLACE(grantee, '\'\'', '') = CURRENT_USER()
    ), NULL, @@init_connect)
"""
"""Asks for what the server itself ran at the login, which is nothing for those who may look after it."""


@attrs.frozen
class Home:
    """What the server keeps through COM_RESET_CONNECTION, or sets to its own default: as it was at first."""

    database: str | None
    role: str | None
    settings: tuple[Any, ...]

    @classmethod
    def of(cls, row: tuple[Any, ...]) -> Home:
        """Read the answer to `home_query`."""
        values = [text_of(value) for value in row]
        return cls(values[0], values[1], tuple(values[2:]))

    def from_here(self, now: Home) -> Iterator[str]:
        """Give the statements that lead from ``now`` back home; none on most servers after a reset.

        Raises:
            ResourceSpoiled: A database was chosen where there was none: no statement leaves it.
        """
        if now.database != self.database:
            if self.database is None:
                raise ResourceSpoiled("a database was selected where there was none, which nothing undoes")
            yield f"USE {_name(self.database)}"
        if now.role != self.role:
            yield f"SET ROLE {self.role or 'NONE'}"
        changed = [
            f"{name} = {_literal(value)}"
            for name, value, current in zip(_SETTINGS, self.settings, now.settings, strict=True)
            if value != current
        ]
        if changed:
            yield f"SET {', '.join(changed)}"


@attrs.define(eq=False)
class Record:
    """What the adapter knows about one connection."""

    wire: Wire
    home: Home | None = None
    init_connect: str | None = None
    autocommit: bool = False
    """What the session began with, after `configure`."""
    attributes: dict[str, Any] = attrs.field(factory=dict, repr=False)  # the password is among them
    _count: int = 0

    def must_home(self) -> Home:
        """Give `home`, which every connection of the level "session" has."""
        if self.home is None:
            raise AssertionError("a connection whose session is reset was looked at when it was made")
        return self.home

    def remember(self, connection: Any) -> None:
        """Take the connection's Python-side attributes as they are now."""
        now = vars(connection)
        self.attributes = {name: _copied(value) for name, value in now.items() if name not in VOLATILE}
        self._count = len(now)

    def differs(self, connection: Any) -> bool:
        """Tell whether an attribute was set, changed, added or deleted since `remember`."""
        now = vars(connection)
        return len(now) != self._count or not self.attributes.items() <= now.items()

    def restore(self, connection: Any) -> None:
        """Put the Python-side attributes back; mutable ones as fresh copies."""
        now = vars(connection)
        for name in now.keys() - VOLATILE - self.attributes.keys():
            del now[name]
        now.update({name: _copied(value) for name, value in self.attributes.items()})


def record_of(connection: Any) -> Record:
    """Give what the adapter knows about a connection it made."""
    record: Record = connection.record
    return record


def close_wire(connection: Any) -> None:
    """Shut the socket and give our descriptor of it back; may be repeated."""
    record: Record | None = connection.record
    if record is not None:
        record.wire.cut()
        record.wire.close()


def check_step(connection: Any) -> None:
    """Refuse a connection on which the rest of an answer would be taken for the next one.

    Raises:
        ResourceSpoiled: An answer was not read to its end.
    """
    if half_read(connection):
        raise ResourceSpoiled("the answer to a command was left half read")


def unread() -> ResourceSpoiled:
    """Build the error for a result too long to be read to its end."""
    return ResourceSpoiled(f"more than {MAX_UNREAD} rows of an unbuffered result were left unread")


def home_query(server_version: str) -> str:
    """Give the one query that reads everything in `Home`, for this server."""
    role = "CURRENT_ROLE()" if _has_roles(server_version) else "NULL"
    if not _is_mariadb(server_version):
        # MySQL answers with a list that SET ROLE takes as it is, or NONE; MariaDB with a bare name or NULL.
        return f"SELECT DATABASE(), {role}, {', '.join('@@' + name for name in _SETTINGS)}"
    quoted = f"CONCAT('`', REPLACE({role}, '`', '``'), '`')"
    return f"SELECT DATABASE(), {quoted}, {', '.join('@@' + name for name in _SETTINGS)}"


def check_version(server_version: str) -> None:
    """Refuse a server that has no COM_RESET_CONNECTION.

    Raises:
        UnsupportedServer: Names the version, the oldest that will do, and the level that does work.
    """
    oldest = (10, 2, 4) if _is_mariadb(server_version) else (5, 7, 3)
    if _numbers(server_version) < oldest:
        raise UnsupportedServer(
            f"hygiene='session' needs MySQL 5.7.3 or MariaDB 10.2.4, for COM_RESET_CONNECTION, "
            f"and the server is {server_version}; use hygiene='transaction'"
        )


def _is_mariadb(server_version: str) -> bool:
    return "mariadb" in server_version.lower()


def _has_roles(server_version: str) -> bool:
    return _numbers(server_version) >= ((10, 0, 5) if _is_mariadb(server_version) else (8, 0, 0))


def _numbers(server_version: str) -> tuple[int, ...]:
    # MariaDB up to 10 says "5.5.5-10.6.12-MariaDB" to clients that know MySQL's replication handshake.
    plain = server_version.removeprefix("5.5.5-") if _is_mariadb(server_version) else server_version
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", plain)
    return tuple(int(number or 0) for number in found.groups()) if found else (0,)


def text_of(value: Any) -> Any:
    """Undo ``use_unicode=False``, which gives bytes."""
    return value.decode() if isinstance(value, bytes) else value


def _copied(value: Any) -> Any:
    return dict(value) if type(value) is dict else value


def _name(identifier: str) -> str:
    return "`" + identifier.replace("`", "``") + "`"


def _literal(value: Any) -> str:
    """Quote what the server itself reported: numbers, names of character sets, words of the SQL mode."""
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else f"'{value}'"
