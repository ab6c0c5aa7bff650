"""A pool, by the helper and by its URL."""

from __future__ import annotations

import asyncio

import pytest
from standin import Server

from respool import open_async_pool
from respool_widget import async_widget_pool


def test_the_helper_and_the_url_open_a_pool(server: Server) -> None:
    async def ping(url: str) -> None:
        for pool in (async_widget_pool(url, max_size=2), open_async_pool(url, max_size=2)):
            async with pool, pool.acquire(timeout=5) as client:
                assert await client.ask("PING") == "PONG"

    asyncio.run(ping(f"widget://127.0.0.1:{server.port}"))


@pytest.mark.parametrize(
    "url", ["http://localhost", "widget://", "widget://me:pass/word@host", "widget://[::1"]
)
def test_another_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="widget://host") as refused:
        async_widget_pool(url)
    assert refused.value.__context__ is None, "it quotes the URL, and so perhaps a password"
