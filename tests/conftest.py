"""What every test shares: the servers."""

from __future__ import annotations

pytest_plugins = ["tests.servers.fixtures"]
