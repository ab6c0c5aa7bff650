"""The one door to redis-py: imports it, or says what to install."""

from __future__ import annotations

OLDEST = (5, 0)
"""The oldest redis-py that the tests run on."""

HINT = "pip install 'respool[redis]'"

try:
    import redis
except ImportError as exc:
    raise ImportError(f"respool_redis needs redis-py, which is not installed: {HINT}") from exc


def _release() -> tuple[int, int]:
    major, minor = redis.__version__.split(".")[:2]
    return int(major), int(minor)


if _release() < OLDEST:
    raise ImportError(f"respool_redis needs redis-py 5.0 or newer, found {redis.__version__}: {HINT}")
