"""The trace format: what a recorded pool's life looks like on disk.

A trace is the line ``MAGIC``, one line of JSON about the pool, and then records. A record is one byte for its
kind and unsigned varints (LEB128: seven bits a byte, the low ones first); times are whole microseconds. The
first number of every record is the time since the record before it. A lease is written once, when it ends,
and takes some eight bytes; its arrival is its end less what it held and waited.
"""

from __future__ import annotations

import enum

__all__ = ["MAGIC", "MICROSECONDS", "Kind", "pack"]

MAGIC = b"respool trace 1\n"
MICROSECONDS = 1_000_000


class Kind(enum.IntEnum):
    """The kinds of records, and the numbers they carry after the time that has passed."""

    LEASE = 1
    """Ended now: waited, held."""
    OPEN = 2
    """Not ended when the recording ended: waited, held so far."""
    TIMEOUT = 3
    """Nobody served: waited."""
    REFUSED = 4
    """Rejected, cancelled, or failed by the backend: waited."""
    CREATED = 5
    """A create succeeded: took."""
    CREATE_FAILED = 6
    """It failed: took."""
    DESTROYED = 7
    """Nothing more."""
    END = 8
    """The recording was ended, not cut off: 1 if its space was used up, else 0."""


NUMBERS = {
    Kind.LEASE: 2,
    Kind.OPEN: 2,
    Kind.TIMEOUT: 1,
    Kind.REFUSED: 1,
    Kind.CREATED: 1,
    Kind.CREATE_FAILED: 1,
    Kind.DESTROYED: 0,
    Kind.END: 1,
}
"""How many numbers follow the time."""


def pack(kind: Kind, *numbers: int) -> bytes:
    """Write one record."""
    out = bytearray((kind,))
    for number in numbers:
        while number > 0x7F:
            out.append(number & 0x7F | 0x80)
            number >>= 7
        out.append(number)
    return bytes(out)
