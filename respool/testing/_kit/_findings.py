"""How the kit says what is wrong and how to mend it."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import NoReturn

import pytest

__all__ = ["MEND", "RETURN_IT", "Mended", "fail", "judge_answer", "require", "shown"]

Mended = str

MEND: dict[str, Mended] = {
    "create": "connect with a timeout of the driver's own that is no longer than create_timeout, "
    "for the handshake too",
    "validate": "give the driver a read timeout that is no longer than validate_timeout",
    "reset": "give the driver a read timeout that is no longer than reset_timeout, or refuse by raising",
    "destroy": "close the resource without waiting for the other side's answer",
    "probe": "look at local state only: poll the socket with a timeout of 0, never read from it",
    "glance": "give a callable that looks at local state only, such as the poll of a select.poll()",
    "is_dirty": "look at local state only, without any I/O",
    "abort": "shut the socket down and return; wait for nothing",
    "classify": "look at the exception's type and code only",
}
"""What to do about a call that does not return, by method."""

RETURN_IT: Mended = "return the resource that was made, or raise"


def fail(problem: str, mend: Mended) -> NoReturn:
    """Fail the test with what is wrong and what to do about it."""
    raise pytest.fail.Exception(f"{problem}\n  to mend it: {mend}", pytrace=False) from None


def require(fact: object, problem: str, mend: Mended) -> None:
    """Fail unless the fact holds."""
    if not fact:
        fail(problem, mend)


def judge_answer(door: str, answer: object) -> None:
    """Fail where a back door that tells something does not: a forgotten ``return`` gives None."""
    if door == "count_open" and not isinstance(answer, int):
        fail(f"count_open() gave {answer!r}, it must be an int", "mend the back door: return the count")
    if door == "is_clean" and answer is None:
        fail("is_clean() gave None, it must be True or False", "mend the back door: return the answer")


def shown(exc: BaseException) -> str:
    """Give an exception in one line, with the place in the author's code that it came from."""
    line = traceback.format_exception_only(exc)[-1].strip()
    frames = traceback.extract_tb(exc.__traceback__)
    here = str(Path(__file__).parent)
    theirs = [frame for frame in frames if not frame.filename.startswith(here)]
    return f"{line} ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else line
