"""The soak's long outages and storms meet the same servers, shells and pools as `tests/faults`."""

from __future__ import annotations

from tests.faults.conftest import both, ground, lasting, open_pool, proxies, server, shells

__all__ = ["both", "ground", "lasting", "open_pool", "proxies", "server", "shells"]
