"""Ports for servers that must be able to close and come back on the same number."""

from __future__ import annotations

import random
import socket

# Below the kernel's ephemeral range (32768 and up): a client that dials a closed ephemeral port on loopback
# can be given that very port as its own: it connects to itself, and the real server cannot bind.
_FIRST, _LAST = 15_000, 32_000


def free_port() -> int:
    """Pick a port of 127.0.0.1 that nothing uses and that no outgoing connection will be given."""
    for _ in range(200):
        port = random.SystemRandom().randint(_FIRST, _LAST)
        if _is_free(port):
            return port
    raise OSError(f"no free port between {_FIRST} and {_LAST}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
