"""The commands and the backends of strangers, which may bring less than ours: one colour, no work."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from respool import Backend, open_pool
from tests.cli.hand import respool

MODULE = """
from respool import Adapter, AsyncAdapter, Backend

class Thing:
    pass

class Things(Adapter):
    def create(self):
        return Thing()

class AsyncThings(AsyncAdapter):
    async def create(self):
        return Thing()

class Unsound(Adapter):
    def create(self):
        return Thing()
    def validate(self, resource, /):
        return False

class AsyncUnsound(AsyncAdapter):
    async def create(self):
        return Thing()
    async def validate(self, resource, /):
        return False

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")

class Told(Exception):
    pass

def blocking_work(thing):
    assert isinstance(thing, Thing)

def blocking_adapter(url, **options):
    return Things()

def asyncio_adapter(url, **options):
    return AsyncThings()

def unsound_adapter(url, **options):
    return Unsound()

def asyncio_unsound_adapter(url, **options):
    return AsyncUnsound()

async def asyncio_work(thing):
    assert isinstance(thing, Thing)

def mute_work(thing):
    raise Mute

def telling_work(thing):
    raise Told("cannot reach thing://me:hunter2@host\\nfrom here")

backend = Backend(name="Thing", PARTS)
"""

Install = Callable[[str], None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package for ``thing://`` where the import system finds it, as an installer would."""

    def install(parts: str) -> None:
        name = f"things_{abs(hash(parts))}"  # what was imported once stays so
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(f"[respool.adapters]\nthing = {name}:backend\n")
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (tmp_path / f"{name}.py").write_text(MODULE.replace("PARTS", parts))
        monkeypatch.syspath_prepend(str(tmp_path))

    return install


LOAD = ("load", "thing://me:hunter2@host", "--duration", "0.3", "--workers", "2", "--hold", "0.001")
BOTH = "adapter=blocking_adapter, async_adapter=asyncio_adapter"
COLOURS = pytest.mark.parametrize("colour", [(), ("--asyncio",)])


@COLOURS
def test_blocking_work_is_the_load_of_an_adapter_that_is_only_blocking(
    installed: Install, colour: tuple[str, ...]
) -> None:
    installed("adapter=blocking_adapter, work=blocking_work, prepare=blocking_work, clear=blocking_work")
    done = respool(*LOAD, *colour)
    assert 0 == done.exit_code, done.output
    assert "no errors" in done.output


def test_an_adapter_for_asyncio_alone_is_put_under_load_there(installed: Install) -> None:
    installed("async_adapter=asyncio_adapter, async_work=asyncio_work")
    assert 0 == respool(*LOAD, "--asyncio").exit_code
    refused = respool(*LOAD)
    assert 1 == refused.exit_code
    assert "Error: the Thing adapter is for asyncio only: give --asyncio\n" == refused.output
    with pytest.raises(TypeError, match="the Thing adapter is for asyncio only, use open_async_pool"):
        open_pool("thing://x")


@pytest.mark.parametrize(
    ("parts", "colour", "said"),
    [
        ("adapter=blocking_adapter", (), "no work that"),
        ("adapter=blocking_adapter", ("--asyncio",), "no work that"),
        (BOTH, (), "no work that"),
        (BOTH, ("--asyncio",), "no work for asyncio that"),
        (f"{BOTH}, work=blocking_work", ("--asyncio",), "no work for asyncio that"),
    ],
)
def test_a_backend_without_work_for_its_resources_is_refused_a_load(
    installed: Install, parts: str, colour: tuple[str, ...], said: str
) -> None:
    """Blocking work on a resource for asyncio may well do nothing, and be counted as done."""
    installed(parts)
    done = respool(*LOAD, *colour)
    assert 1 == done.exit_code
    assert f"Error: the Thing backend brings {said} could be its load\n" == done.output


@COLOURS
def test_an_error_of_the_work_is_shown_by_its_first_line_and_without_secrets(
    installed: Install, colour: tuple[str, ...]
) -> None:
    installed("adapter=blocking_adapter, work=telling_work")
    done = respool(*LOAD, *colour)
    assert 1 == done.exit_code
    assert "x Told, such as: cannot reach thing://me:***@host\n" in done.output
    assert "hunter2" not in done.output


@COLOURS
def test_an_error_without_a_text_ends_no_worker_of_a_load(
    installed: Install, colour: tuple[str, ...]
) -> None:
    installed("adapter=blocking_adapter, work=mute_work")
    done = respool(*LOAD, *colour)
    assert "x Mute, such as: Mute\n" in done.output
    assert not re.search(r"\b2 x Mute", done.output), "one for each worker"
    assert done.output.endswith("Error: no lease succeeded\n")


@pytest.mark.parametrize(
    ("parts", "colour", "said"),
    [
        ("async_adapter=asyncio_adapter", (), "the Thing adapter is for asyncio only: give --asyncio"),
        ("adapter=blocking_adapter", ("--asyncio",), "the Thing backend has no asyncio adapter"),
        ("adapter=unsound_adapter", (), "validate of a fresh resource is False"),
        ("async_adapter=asyncio_unsound_adapter", ("--asyncio",), "validate of a fresh resource is False"),
        (
            "adapter=blocking_adapter, limits=telling_work",
            (),
            "reading its limits failed: Told: cannot reach",
        ),
    ],
)
def test_the_doctor_says_what_a_strangers_backend_lacks(
    installed: Install, parts: str, colour: tuple[str, ...], said: str
) -> None:
    installed(parts)
    done = respool("doctor", "thing://me:hunter2@host", *colour)
    assert 1 == done.exit_code
    assert said in done.output
    assert "hunter2" not in done.output


def test_a_backend_without_any_adapter_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="the Thing backend has no adapter, give adapter, async_adapter or"):
        Backend(name="Thing", work=print)
