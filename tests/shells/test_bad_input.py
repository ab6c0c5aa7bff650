"""What cannot be right is refused where it is given: both pools say the same, and nothing is left behind."""

from __future__ import annotations

import functools
import re
import threading
from enum import IntEnum
from typing import Any

import pytest

from respool import Elastic, Fixed
from tests.shells.rig import Rig


class Unshown:
    """Raises wherever a message would like to show it or to compare it."""

    def __repr__(self) -> str:
        raise RuntimeError("a repr that fails")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("a comparison that fails")

    __hash__ = None  # type: ignore[assignment]  # what cannot be compared cannot be hashed


class Order(str):
    """Is a str, though not exactly."""


class Policy:
    """A sizing policy with a target of one's own."""

    def __init__(self, target: Any) -> None:
        self.target = target


async def later(_: object) -> int:
    """Be awaited."""
    return 1


def two(first: object, second: object) -> int:
    """Take too much."""
    return 1


def none() -> int:
    """Take too little."""
    return 1


def _refusal(rig: Rig, error: type[Exception], **options: Any) -> str:
    threads = threading.active_count()
    with pytest.raises(error) as caught:
        rig.pool(**options)
    assert threads == threading.active_count()
    return str(caught.value)


@pytest.mark.parametrize("listener", [two, none, functools.partial(two, 1, 2)])
def test_a_listener_that_takes_other_arguments_is_refused_when_the_pool_is_made(
    rig: Rig, listener: Any
) -> None:
    """It would never hear an event, and only a log record would say so."""
    for given in (listener, [print, listener]):
        assert "a listener is called with one event: " in _refusal(rig, TypeError, on_event=given)


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (later, "whose target is a coroutine function"),
        (two, "takes other arguments"),
        (none, "takes other arguments"),
    ],
)
def test_a_policy_that_could_never_be_asked_is_refused_when_the_pool_is_made(
    rig: Rig, target: Any, why: str
) -> None:
    """Its failures would only be logged, and the target would stay 0."""
    said = _refusal(rig, TypeError, sizing=Policy(target))
    assert why in said
    assert "have a method target(signals)" in said


@pytest.mark.parametrize(
    "option", ["name", "min_size", "timeout", "order", "admission", "sizing", "on_event"]
)
def test_a_value_that_cannot_be_shown_is_refused_by_its_type(rig: Rig, option: str) -> None:
    assert "Unshown" in _refusal(rig, TypeError, **{option: Unshown()})


def test_a_count_of_thousands_of_digits_is_refused_by_name(rig: Rig) -> None:
    """Python itself refuses to write it out."""
    assert "min_size is <int>, it must be at most max_size" in _refusal(rig, ValueError, min_size=10**5000)


def test_a_url_in_the_wrong_place_shows_no_password(rig: Rig) -> None:
    said = _refusal(rig, TypeError, timeout="postgresql://app:hunter2@db/orders")
    assert "timeout is 'postgresql://app:***@db/orders', it must be a number of seconds" == said


@pytest.mark.parametrize("option", ["size", "target_wait", "create_price"])
def test_a_policy_refuses_a_wrong_value_as_an_option_does(option: str) -> None:
    policy = Fixed if option == "size" else Elastic
    with pytest.raises(TypeError, match=rf"{option} is 'redis://:\*\*\*@db', it must be an? "):
        policy(**{option: "redis://:hunter2@db"})
    with pytest.raises(TypeError, match=f"{option} is <Unshown>, it must be an? "):
        policy(**{option: Unshown()})
    with pytest.raises(ValueError, match=f"{option} is -1, it must be "):
        policy(**{option: -1})
    with pytest.raises(ValueError, match=f"{option} is <int>, it must be "):
        policy(**{option: -(10**5000)})


def test_a_str_of_a_subclass_is_a_str(rig: Rig) -> None:
    pool = rig.pool(order=Order("fifo"))
    with pool.leased() as resource:
        assert 1 == resource.number
    assert "order is 'filo', it must be one of" in _refusal(rig, ValueError, order=Order("filo"))


@pytest.mark.parametrize("work", [None, "select 1", 5], ids=repr)
def test_work_that_cannot_be_called_is_refused_before_a_resource_is_leased(rig: Rig, work: Any) -> None:
    pool = rig.pool()
    with pytest.raises(TypeError, match=f"work is {work!r}, it must be callable with one resource"):
        rig.wait(lambda: pool.raw.run(work))
    assert (0, 0) == (pool.stats().created, pool.stats().acquired)


@pytest.mark.parametrize("path", [1, True, b"a.trace", None, IntEnum("Number", "IN OUT").OUT], ids=repr)
def test_a_recording_goes_into_no_descriptor_that_happens_to_have_the_number(
    rig: Rig, path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be written to, overwriting what is there, and closed at the end."""
    monkeypatch.setattr("builtins.open", None)
    with pytest.raises(TypeError, match=f"path is {re.escape(repr(path))}, it must be a str or a path"):
        rig.pool().raw.record(path)


def test_a_recordings_size_is_an_int_and_its_path_can_be_a_files(rig: Rig) -> None:
    record = rig.pool().raw.record
    for size in (None, True, 2048.0, "2048"):
        with pytest.raises(TypeError, match=f"max_bytes is {size!r}, it must be an int"):
            record("pool.trace", max_bytes=size)
    with pytest.raises(ValueError, match="max_bytes is 1023, it must be at least 1024"):
        record("pool.trace", max_bytes=1023)
    with pytest.raises(ValueError, match=r"path is .*, it must have no zero"):
        record("pool\0.trace")
