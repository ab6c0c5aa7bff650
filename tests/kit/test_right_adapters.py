"""The right adapters of the reference server pass the whole kit, and nothing is skipped."""

from __future__ import annotations

from tests.kit.echo_kits import AsyncEchoKit, EchoKit, server

__all__ = ["server"]


class TestEcho(EchoKit):
    """The blocking reference."""


class TestAsyncEcho(AsyncEchoKit):
    """The asynchronous reference."""
