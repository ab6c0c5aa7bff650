"""Real private servers for the tests: started, frozen, killed and ended by the suite itself."""

from __future__ import annotations

from ._memcached import MemcachedServer
from ._mysql import MysqlServer
from ._pgbouncer import PgbouncerServer
from ._ports import free_port
from ._postgres import PostgresServer
from ._processes import family
from ._redis import RedisServer
from ._room import Endpoint, ServerRoom
from ._server import Server, ServerMissing
from .proxy import Proxy

__all__ = [
    "Endpoint",
    "MemcachedServer",
    "MysqlServer",
    "PgbouncerServer",
    "PostgresServer",
    "Proxy",
    "RedisServer",
    "Server",
    "ServerMissing",
    "ServerRoom",
    "family",
    "free_port",
]
