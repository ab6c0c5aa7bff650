"""The backend object: what a URL opens, the default work, the limits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from respool import Backend
from respool_sqlite import AsyncSqliteAdapter, SqliteAdapter, backend
from tests.adapters.sqlite.hand import Hand, ask

CONNECTS = [{}, {"isolation_level": None}, {"isolation_level": "IMMEDIATE"}]


def _need(part: Callable[..., Any] | None) -> Callable[..., Any]:
    assert part is not None
    return part


def test_the_makers_give_both_adapters_for_a_url(path: Path) -> None:
    assert isinstance(backend, Backend)
    assert isinstance(_need(backend.adapter)(f"sqlite:///{path}", hygiene="transaction"), SqliteAdapter)
    assert isinstance(_need(backend.async_adapter)(f"sqlite:///{path}", hygiene="none"), AsyncSqliteAdapter)


@pytest.mark.parametrize("make", [backend.adapter, backend.async_adapter])
def test_a_maker_refuses_what_it_cannot_read(make: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="SQLite URL"):
        make("sqlite://user:secret@host/app.db")
    with pytest.raises(TypeError):
        make("sqlite://", no_such_option=1)


@pytest.mark.parametrize("connect", CONNECTS)
@pytest.mark.parametrize("database", ["file", ":memory:"])
def test_the_default_work_reads_writes_and_commits(
    connect: dict[str, Any], database: str, path: Path, hand_of: Callable[..., Hand]
) -> None:
    hand = hand_of(path if database == "file" else database, connect=connect)
    conn, other = hand.lease(), hand.lease()
    for _ in range(2):
        _need(backend.prepare)(conn)
    for _ in range(5):
        _need(backend.work)(conn)
    assert not hand.adapter.is_dirty(conn)
    assert (64, 5) == (
        ask(other, "select count(*) from respool_load"),
        ask(other, "select sum(hits) from respool_load"),
    )


def test_the_limits_tell_version_and_journal(path: Path, hand_of: Callable[..., Hand]) -> None:
    limits = _need(backend.limits)(hand_of(path).lease())
    assert "SQLite" == limits.product
    assert limits.max_connections is None
    assert any("wal" in note for note in limits.notes)
    slow = _need(backend.limits)(hand_of(path.with_name("b.db"), wal=False, connect={"timeout": 0.0}).lease())
    assert any("a writer makes readers wait" in note for note in slow.notes)
    assert any("no busy timeout" in note for note in slow.notes)


def test_the_asynchronous_half_does_the_same(path: Path) -> None:
    async def test() -> None:
        adapter = _need(backend.async_adapter)(str(path))
        conn = await adapter.create()
        await _need(backend.async_prepare)(conn)
        await _need(backend.async_prepare)(conn)
        await _need(backend.async_work)(conn)
        assert not adapter.is_dirty(conn)
        assert [(1,)] == list(await conn.execute_fetchall("select sum(hits) from respool_load"))
        assert "SQLite" == (await _need(backend.async_limits)(conn)).product
        await adapter.destroy(conn)

    asyncio.run(test())
