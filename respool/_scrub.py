"""Describe exceptions without their secrets, for messages, events and logs of our own."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["describe", "quoted", "scrub"]

# No name is looked for together with what may stand before it: that tries every letter of a long text against
# all that follow, and an error that quotes a megabyte of data would hold the interpreter for hours. A quote
# that nothing closes was cut off, by a driver or here.
_QUOTED = r"""(?: "(?:[^"\\] | \\. | "")*(?:"|\Z) | '(?:[^'\\] | \\. | '')*(?:'|\Z) )"""
_PASSWORD = r"(?:passw(?:or)?d|passphrase|pwd)"
_NAME = rf"""(?:
    {_PASSWORD}
    | secret|token|credentials?|auth(?:orization)?|(?:api|access|secret|private|account)[_-]?key
    | (?<![^\W_])pass
)"""


def _without_password(found: re.Match[str]) -> str:
    return _user().sub(_without_rest, found[0], count=1)


def _without_rest(found: re.Match[str]) -> str:
    return f"{found[1]}***@"


def _without_value(found: re.Match[str]) -> str:
    return f"{found[1]}***"


@cache
def _user() -> re.Pattern[str]:
    return re.compile(r"((?:://[^\s:/@]*:|(?<![^\s:/@'\"])[^\s:/@'\"]+:(?!//)))\S*@")


# Compiled when a text is first shown: that takes a millisecond, which `import respool` would pay for. What
# replaces a match is a function: a template would have `re` import something, and while the interpreter ends
# nothing can be imported.
@cache
def _rules() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]:
    return (
        # Up to the last @ of a word: a password that nobody encoded may hold anything but a space.
        (re.compile(r"(?<!\S)\S*@"), _without_password),
        (
            re.compile(
                rf"""(?ix) ({_NAME} ["']?\s*[=:]\s*)
                    ({_QUOTED} | (?:(?:bearer|basic|digest|negotiate)\s+)? [^\s,;)&]+)"""
            ),
            _without_value,
        ),
        # Without a sign in between only what is quoted: "password is wrong" shall stay readable.
        (re.compile(rf"(?ix) ({_NAME} \s+ (?:is|was) \s+) {_QUOTED}"), _without_value),
        (
            re.compile(
                rf"(?ix) ((?:{_PASSWORD} | \b identified\s+(?:with\s+\S+\s+)?(?:by|as)) \s+) {_QUOTED}"
            ),
            _without_value,
        ),
    )


_LONGEST = 300
_MOST = 1 << 14
"""How many letters of a text are looked through, of which far fewer are shown: no secret is that long."""


def scrub(text: str) -> str:
    """Blank what looks like a password, a token or the credentials of a URL."""
    for pattern, replacement in _rules():
        text = pattern.sub(replacement, text)
    return text


def quoted(value: object) -> str:
    """Show a value that is refused: scrubbed, for it may be a URL in the wrong place, and of bounded length.

    Its ``repr`` may raise, as that of an int with thousands of digits does: then its type must do.
    """
    try:
        text = scrub(repr(value)[:_MOST])
    except Exception:
        return f"<{type(value).__name__}>"
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def describe(exc: BaseException) -> str:
    """Give an exception's type and first line, scrubbed and of bounded length."""
    try:
        text = str(exc)[:_MOST].strip()
    except Exception:
        text = ""
    first = scrub(text.splitlines()[0]) if text else ""
    if len(first) > _LONGEST:
        first = first[:_LONGEST] + "..."
    return f"{type(exc).__name__}: {first}" if first else type(exc).__name__
