"""Describe exceptions without their secrets, for messages, events and logs of our own."""

from __future__ import annotations

import re

__all__ = ["describe", "scrub"]

_RULES = (
    # Up to the last @: a password that nobody encoded may hold anything but a space.
    (re.compile(r"(://[^\s:/@]*):\S*@"), r"\1:***@"),
    (re.compile(r"([^\s:/@'\"]+):(?!//)\S*@"), r"\1:***@"),
    (
        re.compile(
            r"""(?ix) \b ([\w-]*(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|credentials?|auth))
                (["']?\s*[=:]\s*) ("[^"]*" | '[^']*' | [^\s,;)&]+)"""
        ),
        r"\1\2***",
    ),
)
_LONGEST = 300


def scrub(text: str) -> str:
    """Blank what looks like a password, a token or the credentials of a URL."""
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def describe(exc: BaseException) -> str:
    """Give an exception's type and first line, scrubbed and of bounded length."""
    try:
        text = str(exc).strip()
    except Exception:
        text = ""
    first = scrub(text.splitlines()[0]) if text else ""
    if len(first) > _LONGEST:
        first = first[:_LONGEST] + "..."
    return f"{type(exc).__name__}: {first}" if first else type(exc).__name__
